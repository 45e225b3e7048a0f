//! Global types as Scribble.
#![cfg(feature = "syntax")]

use antiphon::types::*;

fn named(name: &str, sort: SortNode) -> (Option<Name>, Sort) {
    (Some(Name::new(name).unwrap()), Sort::leaf(sort))
}

#[test]
fn a_protocol_is_printed_on_lines_that_are_set_in() {
    let mut b = GlobalBuilder::default();
    let end = b.end();
    let again = b.var("Haggle").unwrap();
    let date = Payload::one(Sort::leaf(SortNode::Named(Name::new("Date").unwrap())));
    let date = b.message("Seller", "Buyer", "date", date, end).unwrap();
    let price = Payload::new([named("price", SortNode::Nat), named("note", SortNode::String)]);
    let offer = b.message("Seller", "Buyer", "offer", price, again).unwrap();
    let quit = b.end();
    let choice = b
        .choice(
            "Buyer",
            [
                ("Seller", "accept", Payload::none(), date),
                ("Seller", "haggle", Payload::one(Sort::leaf(SortNode::Nat)), offer),
                ("Bank", "quit", Payload::none(), quit),
            ],
        )
        .unwrap();
    let rec = b.rec("Haggle", choice).unwrap();
    let ask = b.message("Buyer", "Seller", "ask", Payload::none(), rec).unwrap();
    let global = b.finish("Market", ["Buyer", "Seller", "Bank"], ask).unwrap();
    insta::assert_snapshot!(global, @r#"
    global protocol Market(role Buyer, role Seller, role Bank) {
      ask() from Buyer to Seller;
      rec Haggle {
        choice at Buyer {
          accept() from Buyer to Seller;
          date(Date) from Seller to Buyer;
        } or {
          haggle(nat) from Buyer to Seller;
          offer(price: nat, note: string) from Seller to Buyer;
          continue Haggle;
        } or {
          quit() from Buyer to Bank;
        }
      }
    }
    "#);
}

#[test]
fn a_protocol_that_does_nothing_is_printed_empty() {
    let mut b = GlobalBuilder::default();
    let end = b.end();
    let global = b.finish("Nothing", ["A"], end).unwrap();
    assert_eq!(global.to_string(), "global protocol Nothing(role A) {\n}\n");
}

#[test]
fn the_text_of_nested_choices_grows_with_their_number() {
    let size = |depth: usize| {
        let mut b = GlobalBuilder::default();
        let mut next = b.end();
        for _ in 0..depth {
            let end = b.end();
            let branches = [("B", "go", Payload::none(), next), ("B", "no", Payload::none(), end)];
            next = b.choice("A", branches).unwrap();
            next = b.rec("X", next).unwrap();
        }
        b.finish("P", ["A", "B"], next).unwrap().to_string().len()
    };
    assert!(size(20_000) < 21 * size(1_000));
}
