//! Diagnostics as people see them.
#![cfg(feature = "syntax")]

use antiphon::types::syntax::Report;
use antiphon::types::*;

fn report(text: &str, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Report {
    let mut all = Diagnostics::default();
    diagnostics.into_iter().for_each(|diagnostic| all.push(diagnostic));
    Report::new("p.scr", text, all)
}

/// The diagnostic about the first occurrence of `part`.
fn at(text: &str, part: &str, message: &str) -> Diagnostic {
    Diagnostic::new(Code::UnknownRole, place(text, part), message)
}

fn place(text: &str, part: &str) -> Span {
    let start = text.find(part).unwrap();
    Span::new(start, start + part.len())
}

#[test]
fn a_place_is_underlined_with_its_notes_and_its_remedy() {
    let text = "global protocol P(role A, role B) {\n  hi() from A to B;\n  hi() from A to C;\n}\n";
    let diagnostic = at(text, "C", "role `C` is not declared")
        .note(place(text, "role A, role B"), "these are declared")
        .remedy("add it to the roles of the protocol, or correct the name");
    insta::assert_snapshot!(report(text, [diagnostic]), @r#"
    error[unknown_role]: role `C` is not declared
     --> p.scr:3:18
      |
    1 | global protocol P(role A, role B) {
      |                   -------------- these are declared
    2 |   hi() from A to B;
    3 |   hi() from A to C;
      |                  ^
      |
      = help: add it to the roles of the protocol, or correct the name
    "#);
}

#[test]
fn what_has_no_place_is_drawn_without_the_text() {
    let diagnostic = Diagnostic::new(Code::NoProtocol, Span::NONE, "no role is declared")
        .note(Span::NONE, "the file is empty")
        .remedy("declare one");
    insta::assert_snapshot!(report("", [diagnostic]), @r#"
    error[no_protocol]: no role is declared
    --> p.scr
     = note: the file is empty
     = help: declare one
    "#);
}

#[test]
fn tabs_carriage_returns_and_wide_characters_keep_the_underline_in_place() {
    let text = "\tA\t-> 日本 X\r\n\u{1b}[31m Y\r\n";
    let diagnostics = [at(text, "X", "tab"), at(text, "日本", "wide"), at(text, "Y", "escape")];
    insta::assert_snapshot!(report(text, diagnostics), @r#"
    error[unknown_role]: tab
     --> p.scr:1:10
      |
    1 |     A    -> 日本 X
      |                  ^

    error[unknown_role]: wide
     --> p.scr:1:7
      |
    1 |     A    -> 日本 X
      |             ^^^^

    error[unknown_role]: escape
     --> p.scr:2:7
      |
    2 | ␛[31m Y
      |       ^
    "#);
}

#[test]
fn a_note_far_away_gets_a_window_of_its_own() {
    let text = format!("first\n{}second\n", "x\n".repeat(5000));
    let diagnostic = at(&text, "second", "twice").note(place(&text, "first"), "the first one");
    insta::assert_snapshot!(report(&text, [diagnostic]), @r#"
    error[unknown_role]: twice
        --> p.scr:5002:1
         |
    5002 | second
         | ^^^^^^
         |
        ::: p.scr:1:1
         |
       1 | first
         | ----- the first one
    "#);
}

#[test]
fn a_line_of_a_megabyte_is_cut_around_the_place() {
    let text = format!("{}HERE{}", "ab ".repeat(170_000), " cd".repeat(170_000));
    let drawn = report(&text, [at(&text, "HERE", "in the middle")]).to_string();
    insta::assert_snapshot!(drawn, @r#"
    error[unknown_role]: in the middle
     --> p.scr:1:510001
      |
     ::: 
    1 | ...ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab HERE cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd cd...
      |                                                                   ^^^^
    "#);
    let all = Diagnostic::new(Code::JsonShape, Span::new(0, text.len()), "all of it");
    assert!(report(&text, [all]).to_string().len() < 20_000);
}

#[test]
fn a_place_of_many_lines_is_drawn_by_its_ends() {
    let text = "a {\n".to_owned() + &"  b\n".repeat(10) + "}\n";
    let all = Diagnostic::new(Code::JsonShape, Span::new(0, text.len()), "all of it");
    insta::assert_snapshot!(report(&text, [all]), @r#"
    error[json_shape]: all of it
      --> p.scr:1:1
       |
     1 | / a {
     2 | |   b
     3 | |   b
     4 | |   b
    ...  |
    11 | |   b
    12 | | }
       | |__^
    "#);
}

#[test]
fn the_end_of_the_text_is_a_place() {
    let text = "P = A!x .\n";
    let end = Span::new(text.len(), text.len());
    let diagnostic = Diagnostic::new(Code::UnexpectedToken, end, "the text ends here");
    insta::assert_snapshot!(report(text, [diagnostic]), @r#"
    error[unexpected_token]: the text ends here
     --> p.scr:2:1
      |
    2 |
      | ^
    "#);
}

#[test]
fn twenty_are_drawn_and_the_rest_is_counted() {
    let one = || Diagnostic::new(Code::NoProtocol, Span::NONE, "no role is declared");
    let drawn = report("", (0..103).map(|_| one())).to_string();
    assert_eq!(drawn.matches("error[no_protocol]").count(), 20);
    assert!(drawn.ends_with("\n\nand 83 more"));
}

#[test]
fn colours_are_only_there_when_they_are_asked_for() {
    let report = report("x", [at("x", "x", "wrong")]);
    assert!(!report.render(false).contains('\u{1b}'));
    assert!(report.render(true).contains('\u{1b}'));
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::strategies::cases(512))]

        /// Spans that come from somewhere else, or are turned round, are drawn somewhere.
        #[test]
        fn no_span_panics_in_any_text(
            text in "[a\t\n\r é日\u{1b}\u{202e}🦀]{0,40}",
            spans in proptest::collection::vec((0..200u32, prop_oneof![0..200u32, Just(u32::MAX)]), 1..5),
            color: bool,
        ) {
            let mut spans = spans.into_iter().map(|(start, end)| Span { start, end });
            let first = Diagnostic::new(Code::JsonShape, spans.next().unwrap(), "wrong");
            let diagnostic = spans.fold(first, |d, span| d.note(span, "see\u{1b} here"));
            let drawn = report(&text, [diagnostic.remedy("do\u{1b}that")]).render(color);
            let escape = '\u{1b}';
            prop_assert!(color || !drawn.contains(escape));
            prop_assert!(drawn.len() < 60_000);
        }
    }
}
