//! Texts that nobody wrote: whatever they are, readers give an answer.
use antiphon::types::syntax::{Limits, Loaded, ModulePath, Source, Unloaded, decode, read};
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
    "import a;",
    "from a import P as Q;",
    "do a.P(A, B);",
    "a.T",
    "local protocol P at A(role A, role B) {",
    "local protocol P(role A, self B) {",
    "m to B;",
    "m from A;",
    "(*# RefinementTypes #*)",
    "by",
    "catches",
    "with {",
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

    /// The same with a module beside it: everything is said inside the text that it is about.
    #[test]
    fn no_soup_of_modules_makes_a_reader_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
        module in proptest::collection::vec(proptest::sample::select(PIECES), 0..20),
    ) {
        let main = format!("import a; {}", pieces.join(" "));
        let mut load = |path: &ModulePath| match path.last().as_str() {
            "a" => Ok(Loaded { name: "a".into(), bytes: module.join(" ").into_bytes() }),
            other => Err(Unloaded::Missing(other.into())),
        };
        let read = Source::read_with("main", main.as_bytes(), &Limits::default(), &mut load);
        if let Err(report) = read {
            for diagnostic in report.diagnostics.list() {
                let (text, span) = report.texts.find(diagnostic.span);
                prop_assert!(text.text.get(span.start as usize..span.end as usize).is_some());
            }
            prop_assert!(!report.render(false).is_empty());
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
