//! An agency hands its end of a conversation to a supplier; the customer does not notice.
//!
//! `cargo run --example delegation`

use antiphon::driver::Error;
use antiphon::files::Folder;
use antiphon::machine::Machine;
use antiphon::types::syntax::{Limits, Source};
use antiphon::wire::journal::Journal;
use antiphon::{Endpoint, Protocol, Session};

/// Both protocols: what carries the endpoint, and whose endpoint it is.
fn protocols() -> Result<[Protocol; 2], Box<dyn std::error::Error>> {
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/specs/protocols/global/delegated_purchase.scr");
    let text = std::fs::read(file)?;
    let mut beside = Folder::of(file.as_ref());
    let source =
        Source::read_with("delegated_purchase.scr", &text, &Limits::default(), &mut beside)?;
    Ok(source.protocols()?.try_into().expect("the file has two protocols"))
}

async fn customer(mut agency: Endpoint) -> Result<(), Error> {
    agency.send("Agency", "ask", "a week in Oslo").await?;
    let (_, price) = agency.receive_from("Agency").await?;
    println!("customer: {price} is fine");
    agency.send("Agency", "accept", ()).await?;
    agency.send("Agency", "address", "Storgata 1").await?;
    let (_, date) = agency.receive_from("Agency").await?;
    println!("customer: it comes on {date}");
    Ok(())
}

async fn agency(mut customer: Endpoint, mut supplier: Endpoint) -> Result<(), Error> {
    let (_, item) = customer.receive_from("Customer").await?;
    customer.send("Customer", "price", 480_u64).await?;
    customer.receive_from("Customer").await?;
    supplier.send("Supplier", "job", item).await?;
    // Moved: the agency has no part in the rest.
    supplier.send_endpoint("Supplier", "handover", customer).await?;
    println!("agency: handed over");
    Ok(())
}

async fn supplier(mut agency: Endpoint) -> Result<(), Error> {
    let (_, item) = agency.receive_from("Agency").await?;
    let (_, mut customer) = agency.receive_endpoint_from("Agency").await?;
    let (_, address) = customer.receive_from("Customer").await?;
    println!("supplier: {item} to {address}");
    customer.send("Customer", "date", "21 June").await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [handover, purchase] = protocols()?;
    let (handover, purchase) = (Session::open(&handover)?, Session::open(&purchase)?);
    let [c, a] = purchase.endpoints(["Customer", "Agency"])?;
    let [to_supplier, s] = handover.endpoints(["Agency", "Supplier"])?;
    tokio::try_join!(customer(c), agency(a, to_supplier), supplier(s))?;
    for session in [&handover, &purchase] {
        let journal = Journal::read(&session.journal()?.expect("kept in memory by default"))?;
        let again = Machine::replay(&journal.protocol, journal.session, &journal.records)?;
        assert_eq!(again.digest(), session.digest());
        println!("{}: {}, replayed", session.protocol().name(), session.status());
    }
    Ok(())
}
