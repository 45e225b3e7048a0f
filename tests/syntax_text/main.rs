//! Texts in the notation of local types and in Scribble: what they mean, and what is said of those
//! that mean nothing.

mod corpus;
mod limits;
mod local;
mod local_protocols;
mod modules;
mod scribble;
mod soup;
mod wrong;

use antiphon::types::syntax::{Declared, Each, Limits, read};
use antiphon::types::{Diagnostics, GlobalType, LocalType, Node, NodeId};

/// A global type on one line: `A -> B:l(S) . …`, choices in braces.
fn shown(global: &GlobalType, at: NodeId) -> String {
    let tree = global.tree();
    match tree.node(at) {
        Node::End => "end".to_string(),
        Node::Rec(name, body) => format!("rec {name} . {}", shown(global, *body)),
        Node::Var(binder) => match tree.node(*binder) {
            Node::Rec(name, _) => name.to_string(),
            other => panic!("a variable of {other:?}"),
        },
        Node::Choice(sender, range) => {
            let branches = tree.branches_of(range).iter().map(|branch| {
                let next = shown(global, branch.next);
                format!("{}:{}{} . {next}", branch.peer, branch.label, branch.payload)
            });
            match &branches.collect::<Vec<_>>()[..] {
                [only] => format!("{sender} -> {only}"),
                several => format!("{sender} -> {{ {} }}", several.join(", ")),
            }
        }
    }
}

/// The protocols that are declared: a line for each global one, a line a role for each local one.
fn all_shown(declared: &Declared) -> String {
    let each = declared.each().into_iter().map(|each| match each {
        Each::Global(global) => shown(global, NodeId::ROOT),
        Each::Local(name, locals) => {
            let name = name.map(|name| format!("{name}: ")).unwrap_or_default();
            format!("{name}{}", locals.to_string().trim_end().replace('\n', " | "))
        }
    });
    each.collect::<Vec<_>>().join("\n")
}

/// What a text means, or the codes of what is wrong with it.
fn meaning(text: &str) -> String {
    match read(text, &Limits::default()) {
        Ok((Declared::Local(locals), _)) => locals.to_string(),
        Ok((declared, _)) => all_shown(&declared),
        Err(found) => codes(&found),
    }
}

fn codes(found: &Diagnostics) -> String {
    found.list().iter().map(|d| d.code.as_str()).collect::<Vec<_>>().join(" ")
}

fn local(text: &str) -> String {
    match text.parse::<LocalType>() {
        Ok(local) => {
            let printed = local.to_string();
            assert_eq!(printed.parse::<LocalType>().as_ref(), Ok(&local), "{printed}");
            printed
        }
        Err(found) => codes(&found),
    }
}

/// The statements in a protocol of `A`, `B` and `C`, with one that they may call.
fn body(statements: &str) -> String {
    meaning(&format!(
        "global protocol Main(role A, role B, role C) {{ {statements} }}
         aux global protocol Talk(role X, role Y) {{ hello from X to Y; }}
         aux global protocol Chat(role X, role Y) {{
             choice at X {{ more from X to Y; do Chat(X, Y); }} or {{ stop from X to Y; }}
         }}"
    ))
}

fn check(table: &[(&str, &str)], read: impl Fn(&str) -> String) {
    for (text, expected) in table {
        assert_eq!(read(text), *expected, "{text}");
    }
}
