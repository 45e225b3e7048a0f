//! Modules that import others: what their names mean, and what is said of those that are wrong.
use antiphon::types::syntax::{Limits, Loaded, ModulePath, Report, Source, Unloaded};

use super::{all_shown, codes};

/// Reads the first text with the others as its modules, each under the name before it.
fn read(main: &str, others: &[(&str, &str)], limits: &Limits) -> Result<Source, Report> {
    let mut load = |path: &ModulePath| {
        let name = path.to_string();
        let found = others.iter().find(|(known, _)| *known == name);
        let (_, text) = found.ok_or_else(|| Unloaded::Missing(name.clone()))?;
        Ok(Loaded { name, bytes: text.as_bytes().to_vec() })
    };
    Source::read_with("main", main.as_bytes(), limits, &mut load)
}

fn meaning(main: &str, others: &[(&str, &str)]) -> String {
    match read(main, others, &Limits::default()) {
        Ok(source) => all_shown(&source.declared),
        Err(report) => codes(&report.diagnostics),
    }
}

/// A protocol of `A` and `B` behind some declarations.
fn with(declarations: &str, statements: &str) -> String {
    format!("{declarations} global protocol P(role A, role B) {{ {statements} }}")
}

const TALK: (&str, &str) = (
    "a.Talk",
    "module a.Talk; type <t> \"x\" from \"y\" as Text; sig <t> \"s\" from \"y\" as Bye;
     aux global protocol Hello<type T>(role X, role Y) { hello(T) from X to Y; }
     global protocol Chat(role X, role Y) { text(Text) from X to Y; do Hello<Text>(Y, X); Bye from X to Y; }",
);

#[test]
fn members_are_named_by_the_module_its_alias_or_their_own() {
    let said = "A -> B:text(Text) . B -> A:hello(Text) . A -> B:Bye(Bye) . end";
    for (import, call) in [
        ("import a.Talk;", "do a.Talk.Chat(A, B);"),
        ("import a.Talk;", "do Talk.Chat(A, B);"),
        ("import a.Talk as T;", "do T.Chat(A, B);"),
        ("import a.Talk as T;", "do a.Talk.Chat(A, B);"),
        ("from a.Talk import Chat;", "do Chat(A, B);"),
        ("from a.Talk import Chat as Say;", "do Say(A, B);"),
        ("module m; import a.Talk; import a.Talk;", "do m.Q(A, B);"),
    ] {
        let main =
            with(import, call) + "aux global protocol Q(role X, role Y) { do a.Talk.Chat(X, Y); }";
        let main = if call.contains("m.Q") { main } else { with(import, call) };
        assert_eq!(meaning(&main, &[TALK]), said, "{main}");
    }
}

#[test]
fn types_and_messages_are_imported_too() {
    let table = [
        ("import a.Talk;", "m(a.Talk.Text, [Talk.Text]) from A to B;", "m(Text, [Text])"),
        (
            "from a.Talk import Text as Line;",
            "m(Line, {l: Line?}) from A to B;",
            "m(Text, {l: Text?})",
        ),
        ("from a.Talk import Text as Line;", "do Q<Line>(A, B);", "hello(Text)"),
        ("from a.Talk import Bye;", "Bye from A to B;", "Bye(Bye)"),
        ("from a.Talk import Bye as End;", "End from A to B;", "Bye(Bye)"),
        ("from a.Talk import Bye as End;", "do R<End>(A, B);", "Bye(Bye)"),
    ];
    for (import, statement, message) in table {
        let main = with(import, statement)
            + "aux global protocol Q<type U>(role X, role Y) { do a.Talk.Hello<U>(X, Y); }
               aux global protocol R<sig M>(role X, role Y) { M from X to Y; }";
        let main = format!("import a.Talk; {main}");
        assert_eq!(meaning(&main, &[TALK]), format!("A -> B:{message} . end"), "{import}");
    }
}

/// A message that is given to another module means what it meant where it was given.
#[test]
fn arguments_keep_their_meaning_in_another_module() {
    let relay = (
        "r",
        "aux global protocol Relay<sig M, type T>(role X, role Y) { M from X to Y; m(T) from Y to X; }",
    );
    let main = with(
        "import r; import a.Talk; from a.Talk import Bye as End; from a.Talk import Text as L;",
        "do r.Relay<End, L>(A, B);",
    );
    assert_eq!(meaning(&main, &[relay, TALK]), "A -> B:Bye(Bye) . B -> A:m(Text) . end");
}

#[test]
fn calls_go_on_through_several_modules() {
    let ping = (
        "ping",
        "import pong; aux global protocol Ping(role X, role Y) { ping() from X to Y; do pong.Pong(X, Y); }",
    );
    let pong = (
        "pong",
        "aux global protocol Pong(role X, role Y) { pong() from Y to X; do Again(Y, X); }
        aux global protocol Again(role X, role Y) { pong() from Y to X; do Pong(X, Y); }",
    );
    let main = with("import ping;", "do ping.Ping(B, A);");
    let said =
        "B -> A:ping . rec Pong . A -> B:pong . B -> A:pong . B -> A:pong . A -> B:pong . Pong";
    let found = meaning(&main, &[ping, pong]);
    // The roles are turned on the way: the loop closes when they are the first ones again.
    assert!(found.starts_with("B -> A:ping . rec Pong . A -> B:pong"), "{found}\n{said}");
    assert!(found.ends_with(" . Pong"), "{found}");
    // A module that two others import is read once, and is one module.
    let twice = with("import ping; import pong;", "do ping.Ping(A, B);");
    assert_eq!(read(&twice, &[ping, pong], &Limits::default()).unwrap().texts.imported().len(), 2);
}

#[test]
fn only_the_protocols_of_the_main_text_are_declared() {
    let main = with("import a.Talk;", "m from A to B;");
    let source = read(&main, &[TALK], &Limits::default()).unwrap();
    assert_eq!(source.names(), ["P"]);
    let text = with("import a.Talk;", "m from A to B;")
        .replace("global protocol P", "aux global protocol P");
    assert_eq!(meaning(&text, &[TALK]), "no_protocol");
}

#[test]
fn wrong_imports_are_named() {
    let talk = &[TALK][..];
    let table: [(&str, &str, &str); 15] = [
        ("import b;", "m from A to B;", "unknown_module"),
        ("import b;", "do b.Q(A, B);", "unknown_module"),
        ("from b import Q;", "do Q(A, B);", "unknown_module"),
        ("", "do a.Talk.Chat(A, B);", "unknown_module"),
        ("import a.Talk;", "do Talks.Chat(A, B);", "unknown_module"),
        ("import a.Talk;", "m(Talks.Text) from A to B;", "unknown_module"),
        ("import a.Talk;", "do a.Talk.Chatter(A, B);", "unknown_protocol"),
        ("import a.Talk;", "do Chat(A, B);", "unknown_protocol"),
        ("import a.Talk;", "m(a.Talk.Texts) from A to B;", "unknown_member"),
        ("from a.Talk import Nothing;", "m from A to B;", "unknown_member"),
        ("from a.Talk import Chat as P;", "m from A to B;", "duplicate_import"),
        (
            "from a.Talk import Chat as X; from a.Talk import Hello as X;",
            "m from A to B;",
            "duplicate_import",
        ),
        ("import a.Talk;", "do a.Talk.Chat(A);", "role_arity"),
        ("import a.Talk;", "do a.Talk.Hello(A, B);", "argument_arity"),
        (
            "import a.Talk; type <t> \"other\" from \"y\" as Text;",
            "m from A to B;",
            "duplicate_type",
        ),
    ];
    for (declarations, statement, expected) in table {
        assert_eq!(
            meaning(&with(declarations, statement), talk),
            expected,
            "{declarations} {statement}"
        );
    }
    let others = &[
        ("a.Talk", ""),
        ("b.Talk", "module b.Talk;"),
        ("c", "module d;"),
        ("u", "global protocol Q(role A) {"),
    ];
    let table = [
        ("import a.Talk; import b.Talk;", "m(Talk.T) from A to B;", "unknown_module"),
        ("import a.Talk as T; import b.Talk as T;", "m from A to B;", "duplicate_import"),
        ("import c;", "m from A to B;", "module_mismatch"),
        ("import u;", "m from A to B;", "unexpected_token"),
    ];
    for (declarations, statement, expected) in table {
        assert_eq!(meaning(&with(declarations, statement), others), expected, "{declarations}");
    }
}

#[test]
fn modules_that_import_each_other_are_told() {
    let one = &[("m", "import m;")][..];
    assert_eq!(meaning(&with("import m;", "m from A to B;"), one), "import_cycle");
    let main = with("module m; import m;", "m from A to B;");
    assert_eq!(meaning(&main, &[]), "import_cycle");
    let ring: Vec<(String, String)> = (0..50)
        .map(|k| (format!("m{k}"), format!("module m{k}; import m{};", (k + 1) % 50)))
        .collect();
    let ring: Vec<(&str, &str)> = ring.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let report =
        read(&with("import m0;", "m from A to B;"), &ring, &Limits::default()).unwrap_err();
    assert_eq!(codes(&report.diagnostics), "import_cycle");
    let said = &report.diagnostics.list()[0].message;
    assert!(said.contains("`m0`, `m1`") && said.len() < 200, "{said}");
    assert_eq!(report.places()[0].unwrap().name, "m49");
}

/// What is wrong in a module is shown there, also where a note stands in another text.
#[test]
fn what_is_wrong_in_a_module_is_shown_in_its_text() {
    let main = with("import far;", "do far.Q(A, B, A);");
    let far = "// far\naux global protocol Q(role X, role Y) {\n  m from X to Z;\n}\n";
    let report = read(&main, &[("far", far)], &Limits::default()).unwrap_err();
    let places: Vec<_> = report.places().into_iter().map(Option::unwrap).collect();
    assert_eq!(codes(&report.diagnostics), "role_arity duplicate_argument unknown_role");
    assert_eq!((places[0].name, places[0].line), ("main", 1));
    assert_eq!((places[2].name, places[2].line, places[2].column), ("far", 3, 15));
    let drawn = report.to_string();
    assert!(drawn.contains("--> far:3:15") && drawn.contains("::: far:2:21"), "{drawn}");
    for found in report.diagnostics.list() {
        let (text, span) = report.texts.find(found.span);
        assert!(text.text.get(span.start as usize..span.end as usize).is_some());
    }
}

#[test]
fn bytes_of_a_module_that_are_no_text_are_shown() {
    let mut load = |_: &ModulePath| {
        Ok(Loaded { name: "m.scr".into(), bytes: b"\xEF\xBB\xBF// \xff".to_vec() })
    };
    let main = with("import m;", "m from A to B;");
    let limits = Limits::default();
    let report = Source::read_with("main", main.as_bytes(), &limits, &mut load).unwrap_err();
    assert_eq!(codes(&report.diagnostics), "invalid_utf8");
    let place = report.places()[0].unwrap();
    assert_eq!((place.name, place.line, place.column), ("m.scr", 1, 4));
}

#[test]
fn a_text_by_itself_imports_nothing() {
    let text = with("import m;", "m from A to B;");
    let report = Source::read("main", text.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(codes(&report.diagnostics), "unknown_module");
    assert!(report.to_string().contains("stands in no folder"), "{report}");
    assert!(text.parse::<antiphon::Protocol>().is_err());
}

#[test]
fn modules_have_limits() {
    // Each imports the next one, without end.
    let mut asked = 0;
    let mut endless = |path: &ModulePath| {
        asked += 1;
        let number: usize = path.to_string()[1..].parse().unwrap();
        let text = format!("import m{};", number + 1);
        Ok(Loaded { name: path.to_string(), bytes: text.into_bytes() })
    };
    let main = with("import m0;", "m from A to B;");
    let limits = Limits { modules_max: 20, ..Limits::default() };
    let report = Source::read_with("main", main.as_bytes(), &limits, &mut endless).unwrap_err();
    assert_eq!(codes(&report.diagnostics), "too_large");
    assert!(report.diagnostics.list()[0].message.contains("20 modules"));
    assert_eq!(asked, 20);

    let long = " ".repeat(1_000);
    let others = &[("m0", "import m1;"), ("m1", long.as_str())];
    let limits = Limits { modules_bytes_max: 500, ..Limits::default() };
    let report = read(&main, others, &limits).unwrap_err();
    assert_eq!(codes(&report.diagnostics), "too_large");
    assert_eq!(report.places()[0].unwrap().name, "m0");
    let limits = Limits { bytes_max: 500, ..Limits::default() };
    assert_eq!(codes(&read(&main, others, &limits).unwrap_err().diagnostics), "too_large");
    assert!(read(&main, others, &Limits::default()).is_ok());
}
