//! Texts that nobody wrote: whatever they are, readers give an answer.
use antiphon::types::syntax::{Limits, decode, read};
use antiphon::types::{Code, GlobalType, LocalType, LocalTypes};
use proptest::prelude::*;

#[test]
fn bytes_that_are_no_text_are_refused() {
    let limits = Limits::default();
    assert_eq!(decode(b"A = \xff", &limits).unwrap_err().list()[0].code, Code::InvalidUtf8);
    assert_eq!(decode(b"\xef\xbb\xbfend", &limits), Ok("end"));
    let binary: String = (0..4_000_u32).filter_map(|k| char::from_u32(k * 37 % 0xd000)).collect();
    assert!(read(&binary, &limits).is_err());
}

const PIECES: &[&str] = &[
    "A",
    "B",
    "X",
    "P",
    "A = ",
    "B = ",
    "rec X .",
    "μX.",
    "end",
    ".",
    "!",
    "?",
    "!l . end",
    "?m",
    "+{",
    "&{",
    "⊕",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ",",
    ";",
    ":",
    "int",
    "chan(",
    "a: nat",
    "global",
    "protocol",
    "global protocol P(role A, role B) {",
    "aux",
    "role A",
    "choice at A {",
    "} or {",
    "rec X {",
    "continue X;",
    "do P(A, B);",
    "do P<",
    "m from A to B;",
    "m(int) from A to B, C;",
    "from",
    "to",
    "@",
    "\"x\"",
    "\"",
    "//",
    "\n",
    "/*",
    "*/",
    "(*",
    "*)",
    "par {",
    "} and {",
    "type T",
    "sig",
    "module x;",
    "type <a> \"b\" from \"c\" as T;",
    "import",
    "§",
    "0",
    "=",
    "|",
    "nested",
    "connect",
    "interruptible",
];

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>()) {
        let _ = read(&text, &Limits::default());
        let _ = text.parse::<LocalType>();
        let _ = text.parse::<GlobalType>();
    }

    #[test]
    fn no_soup_of_tokens_makes_a_reader_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60),
    ) {
        let text = pieces.join(" ");
        let _ = read(&text, &Limits::default());
        let _ = text.parse::<GlobalType>();
        if let Ok(local) = text.parse::<LocalType>() {
            prop_assert_eq!(local.to_string().parse::<LocalType>(), Ok(local));
        }
        if let Ok(locals) = text.parse::<LocalTypes>() {
            prop_assert_eq!(locals.to_string().parse::<LocalTypes>(), Ok(locals));
        }
    }

    /// One change to a correct text: whatever is said of it, it is said inside the text.
    #[test]
    fn diagnostics_stay_inside_the_text(at in 0..200_usize, piece in proptest::sample::select(PIECES)) {
        let mut text = "global protocol P(role A, role B) { rec X { choice at A { m(a: [int]) from A to B; \
            continue X; } or { do Q<int>(A, B); } } } aux global protocol Q<type T>(role X, role Y) { \
            m(T) from X to Y; }".to_string();
        text.insert_str(at.min(text.len()), piece);
        if let Err(found) = read(&text, &Limits::default()) {
            prop_assert!(!found.is_empty());
            for diagnostic in found.list() {
                let span = diagnostic.span.start as usize..diagnostic.span.end as usize;
                prop_assert!(text.get(span).is_some());
            }
        }
    }
}
