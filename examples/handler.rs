//! A shop that answers by a handler bound to an edge, and a buyer that is code of its own.
//!
//! `cargo run --example handler`

use antiphon::driver::{Action, Message};
use antiphon::{Protocol, Session};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shop: Protocol = "
      Buyer  = rec More . Seller!{ ask(string) . Seller?price(nat) . More, done . end }
      Seller = rec More . Buyer?{ ask(string) . Buyer!price(nat) . More, done . end }
    "
    .parse()?;
    let session = Session::open(&shop)?;

    // Called once a message; the message is consumed when it returns, then its answer is sent.
    session.bind_fn("Buyer", "Seller", |message: Message| async move {
        let Ok(title) = message.value.as_str() else { return Ok(vec![]) };
        let price = 5 + title.len() as u64;
        Ok(vec![Action::send("Buyer", "price", price)])
    })?;

    let mut buyer = session.endpoint("Buyer")?;
    for title in ["Ulysses", "Dubliners"] {
        buyer.send("Seller", "ask", title).await?;
        let (_, price) = buyer.receive_from("Seller").await?;
        println!("{title} costs {price}");
    }
    buyer.send("Seller", "done", ()).await?;
    println!("the session is {}", session.ended().await);
    Ok(())
}
