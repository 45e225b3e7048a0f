//! A session is a fold over its journal: replay it, at the end and at every moment before.
//!
//! `cargo run --example replay`

use antiphon::machine::Machine;
use antiphon::wire::journal::Journal;
use antiphon::{Protocol, Session};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counter: Protocol = "
      Client  = rec More . Counter!{ add(int) . More, get . Counter?sum(int) . end }
      Counter = rec More . Client?{ add(int) . More, get . Client!sum(int) . end }
    "
    .parse()?;
    let session = Session::open(&counter)?;
    let [client, server] = session.endpoints(["Client", "Counter"])?;
    let (mut client, mut server) = (client.into_blocking(), server.into_blocking());

    let mut sum = 0;
    for number in [3, 4, 5] {
        client.send("Counter", "add", number)?;
        sum += server.receive_from("Client")?.1.as_int()?;
    }
    client.send("Counter", "get", ())?;
    server.receive_from("Client")?;
    server.send("Client", "sum", sum)?;
    println!("the sum is {}", client.receive_from("Counter")?.1);

    let journal = Journal::read(&session.journal()?.expect("kept in memory by default"))?;
    let replayed = Machine::replay(&journal.protocol, journal.session, &journal.records)?;
    assert_eq!(replayed.digest(), session.digest());
    println!("{} records replay to the same state", journal.records.len());

    let early = Machine::replay(&journal.protocol, journal.session, &journal.records[..3])?;
    let view = early.session(journal.session).expect("it was open by then");
    for endpoint in view.endpoints() {
        println!("after 3 records {} is at position {}", endpoint.name(), endpoint.position());
    }
    Ok(())
}
