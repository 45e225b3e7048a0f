//! What nobody writes by accident: the reader of JSON stays within its limits.
#![cfg(feature = "syntax")]

use std::fmt::Write as _;

use crate::strategies;
use crate::strategies::Size;
use antiphon::types::syntax::{Declared, Limits, Report, json};
use antiphon::types::*;
use proptest::prelude::*;

/// Small enough that a recursion over a type would not survive it.
const STACK_BYTES: usize = 256 << 10;

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(test).unwrap().join().unwrap();
}

fn codes(text: &str) -> Vec<Code> {
    let found = json::read(text, &Limits::default()).expect_err("it is refused");
    found.list().iter().map(|diagnostic| diagnostic.code).collect()
}

/// A document with role `A` of these nodes and sorts, and a role `B` that does nothing.
fn local_with(nodes: &str, sorts: &str) -> String {
    format!(
        r#"{{"antiphon":"local","version":1,"roles":[{{"name":"A","nodes":[{nodes}],"sorts":[{sorts}],"root":0}},{{"name":"B","nodes":[{{"kind":"end"}}],"root":0}}]}}"#
    )
}

/// `B!l(args)`, then the end.
fn sending(args: &str) -> String {
    format!(
        r#"{{"kind":"send","branches":[{{"peer":"B","label":"l","payload":[{args}],"next":1}}]}},{{"kind":"end"}}"#
    )
}

proptest! {
    #![proptest_config(strategies::cases(512))]

    #[test]
    fn no_text_panics(text in r#"[\[\]{}":,0-9a-z \\u\n-]{0,80}"#, bytes in any::<Vec<u8>>()) {
        let limits = Limits::default();
        let _ = json::read(&text, &limits);
        let _ = json::read_local(&text, &limits);
        let _ = json::read_sort(&text, &limits);
        let _ = json::read(&String::from_utf8_lossy(&bytes), &limits);
    }

    /// Cut off or with one byte changed: an answer, whose places lie inside the text and can be
    /// drawn.
    #[test]
    fn no_damage_panics(
        locals in strategies::locals(Size::SMALL),
        at in any::<prop::sample::Index>(),
        with in proptest::option::of(prop::sample::select(b"\"[]{},:09a-\\ ".to_vec())),
    ) {
        let mut bytes = json::write_locals(&locals).into_bytes();
        let at = at.index(bytes.len());
        match with {
            Some(byte) => bytes[at] = byte,
            None => bytes.truncate(at),
        }
        let text = String::from_utf8(bytes).unwrap();
        if let Err(diagnostics) = json::read(&text, &Limits::default()) {
            for diagnostic in diagnostics.list() {
                prop_assert!(diagnostic.span.end as usize <= text.len());
            }
            let _ = Report::new("x", text, diagnostics).render(true);
        }
    }
}

#[test]
fn a_type_of_many_messages_is_written_read_and_printed_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut b = GlobalBuilder::default();
        let mut next = b.end();
        for _ in 0..150_000 {
            next = b.message("A", "B", "l", Payload::none(), next).unwrap();
        }
        let declared = Declared::Global(vec![b.finish("P", ["A", "B"], next).unwrap()]);
        let text = json::write(&declared);
        let (again, _) = json::read(&text, &Limits::default()).unwrap();
        assert!(again == declared);
        assert!(json::write(&again) == text);
        let Declared::Global(globals) = again else { unreachable!() };
        assert_eq!(globals[0].to_string().lines().count(), 150_002);
    });
}

#[test]
fn a_million_brackets_are_refused_on_a_small_stack() {
    on_a_small_stack(|| {
        let deep = 1_000_000;
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nest = open.repeat(deep) + "0" + &close.repeat(deep);
            assert_eq!(codes(&nest), [Code::JsonShape]);
            assert_eq!(codes(&open.repeat(deep)), [Code::JsonShape]);
            assert_eq!(codes(&local_with(&nest, "")), [Code::JsonShape]);
            assert_eq!(codes(&local_with(&sending(&nest), "")), [Code::JsonShape]);
            let text = format!(r#"{{"antiphon":"local","version":1,"roles":[],"more":{nest}}}"#);
            assert_eq!(codes(&text), [Code::JsonShape]);
        }
    });
}

/// `chan` of a type that sends a `chan` of a type that …
fn chans(depth: usize) -> String {
    let mut sort = r#"{"kind":"nat"}"#.to_owned();
    for _ in 0..depth {
        let nodes = sending(r#"{"sort":0}"#);
        sort =
            format!(r#"{{"kind":"chan","type":{{"nodes":[{nodes}],"sorts":[{sort}],"root":0}}}}"#);
    }
    local_with(&sending(r#"{"sort":0}"#), &sort)
}

#[test]
fn chan_stands_inside_chan_up_to_its_limit_on_a_small_stack() {
    on_a_small_stack(|| {
        let text = chans(16);
        let (declared, _) = json::read(&text, &Limits::default()).unwrap();
        let again = json::read(&json::write(&declared), &Limits::default()).unwrap().0;
        assert!(again == declared);
        assert_eq!(codes(&chans(17)), [Code::TooDeep]);
        assert_eq!(codes(&chans(1000)), [Code::TooDeep]);
    });
}

#[test]
fn shared_sorts_are_refused_before_they_are_written_out() {
    let mut sorts = r#"{"kind":"nat"}"#.to_owned();
    for index in 0..100 {
        let pair = format!(r#"{{"name":"x","sort":{index}}},{{"name":"y","sort":{index}}}"#);
        write!(sorts, r#",{{"kind":"record","fields":[{pair}]}}"#).unwrap();
    }
    assert_eq!(codes(&local_with(&sending(r#"{"sort":100}"#), &sorts)), [Code::TooLarge]);
    // Twenty levels are two million constructors: still accepted once, not twice.
    assert!(
        json::read(&local_with(&sending(r#"{"sort":20}"#), &sorts), &Limits::default()).is_ok()
    );
    let twice = local_with(&sending(r#"{"sort":20},{"sort":20}"#), &sorts);
    assert_eq!(codes(&twice), [Code::TooLarge]);
}

#[test]
fn a_sort_of_many_wrappings_is_read_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut sorts = r#"{"kind":"nat"}"#.to_owned();
        for index in 0..199_999 {
            write!(sorts, r#",{{"kind":"list","item":{index}}}"#).unwrap();
        }
        let text = format!(r#"{{"sorts":[{sorts}],"root":199999}}"#);
        let sort = json::read_sort(&text, &Limits::default()).unwrap();
        assert_eq!(sort.nodes().len(), 200_000);
        assert!(json::read_sort(&json::write_sort(&sort), &Limits::default()).unwrap() == sort);
    });
}

#[test]
fn limits_on_bytes_nodes_sorts_branches_and_roles_are_kept() {
    let limits = Limits { bytes_max: 10, ..Limits::default() };
    let found = json::read("0123456789a", &limits).unwrap_err();
    assert_eq!(found.list()[0].code, Code::TooLarge);

    let ends = vec![r#"{"kind":"end"}"#; 1_000_001].join(",");
    assert_eq!(codes(&local_with(&ends, "")), [Code::TooLarge]);

    let sorts = vec![r#"{"kind":"nat"}"#; 1_000_001].join(",");
    assert_eq!(codes(&local_with(r#"{"kind":"end"}"#, &sorts)), [Code::TooLarge]);

    let branch = r#"{"peer":"B","label":"l","next":1}"#;
    let branches = vec![branch; 1_000_001].join(",");
    let send = format!(r#"{{"kind":"send","branches":[{branches}]}},{{"kind":"end"}}"#);
    assert_eq!(codes(&local_with(&send, "")), [Code::TooLarge]);

    let role = |index| format!(r#"{{"name":"R{index}","nodes":[{{"kind":"end"}}],"root":0}}"#);
    let roles: Vec<String> = (0..128).map(role).collect();
    let text = |count: usize| {
        let roles = roles[..count].join(",");
        format!(r#"{{"antiphon":"local","version":1,"roles":[{roles}]}}"#)
    };
    assert!(json::read(&text(127), &Limits::default()).is_ok());
    assert_eq!(codes(&text(128)), [Code::TooLarge]);
}

#[test]
fn many_arguments_and_many_fields_take_linear_time() {
    let args: Vec<String> =
        (0..200_000).map(|index| format!(r#"{{"name":"a{index}","sort":0}}"#)).collect();
    let args = args.join(",");
    let record = format!(r#"{{"kind":"nat"}},{{"kind":"record","fields":[{args}]}}"#);
    for (args, sorts) in [(args.as_str(), r#"{"kind":"nat"}"#), (r#"{"sort":1}"#, &record)] {
        assert!(json::read(&local_with(&sending(args), sorts), &Limits::default()).is_ok());
    }
}

#[test]
fn many_nested_binders_take_linear_time() {
    let deep = 30_000;
    let mut nodes = String::new();
    for index in 0..deep {
        write!(nodes, r#"{{"kind":"rec","name":"X","body":{}}},"#, index + 1).unwrap();
    }
    let branch = |index: usize| {
        let next = deep + 1 + index;
        format!(r#"{{"peer":"B","label":"l{index}","next":{next}}}"#)
    };
    let branches: Vec<String> = (0..deep).map(branch).collect();
    write!(nodes, r#"{{"kind":"send","branches":[{}]}}"#, branches.join(",")).unwrap();
    for index in 0..deep {
        write!(nodes, r#",{{"kind":"var","binder":{index}}}"#).unwrap();
    }
    let (declared, _) = json::read(&local_with(&nodes, ""), &Limits::default()).unwrap();
    let again = json::read(&json::write(&declared), &Limits::default()).unwrap().0;
    assert!(again == declared);
}
