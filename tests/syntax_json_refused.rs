//! What the reader of JSON refuses, with which words, and at which place.
#![cfg(feature = "syntax")]

use antiphon::types::syntax::{Limits, json};
use antiphon::types::*;

/// A line for each case, and below it what is found: cause, remedy, and the words it stands at.
fn table(cases: impl IntoIterator<Item = (String, String)>) -> String {
    let case = |(shown, text): (String, String)| format!("{shown}\n{}\n", found(&text));
    cases.into_iter().map(case).collect()
}

fn found(text: &str) -> String {
    let diagnostics = json::read(text, &Limits::default()).expect_err("it is wrong");
    let line = |d: &Diagnostic| {
        let at = &text[d.span.start as usize..d.span.end as usize];
        format!("    {d}\n      at `{}`", at.chars().take(60).collect::<String>())
    };
    diagnostics.list().iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A document with one role `A` of these nodes and sorts, and a role `B` that does nothing.
fn local_with(nodes: &str, sorts: &str, root: &str) -> String {
    format!(
        r#"{{"antiphon":"local","version":1,"roles":[
  {{"name":"A","nodes":[{nodes}],"sorts":[{sorts}],"root":{root}}},
  {{"name":"B","nodes":[{{"kind":"end"}}],"root":0}}]}}"#
    )
}

const END: &str = r#"{"kind":"end"}"#;

#[test]
fn what_is_not_a_document_is_refused() {
    let documents = [
        "",
        "[]",
        "{}",
        "{\"antiphon\":\"global\",\n\"version\":1,\n\"protocols\":[",
        r#"{"antiphon":"locale","version":1}"#,
        r#"{"antiphon":"local","version":2,"more":0}"#,
        r#"{"antiphon":"local","version":1,"roles":[],"more":0}"#,
        r#"{"antiphon":"local","version":1,"roles":{}}"#,
        r#"{"antiphon":"local","version":1,"roles":[]}"#,
        r#"{"antiphon":"global","version":1,"protocols":[]}"#,
        r#"{"antiphon":"global","version":1,"protocols":[["P",["A"],[],[],0]]}"#,
        r#"{"antiphon":"local","version":1,"roles":[]} {}"#,
    ];
    let cases = documents.map(|text| (format!("`{text}`"), text.to_owned()));
    insta::assert_snapshot!(table(cases), @r#"
    ``
        error[json_shape]: EOF while parsing a value
          at ``
    `[]`
        error[json_shape]: this has to be an object (help: write `{ … }`)
          at `[]`
    `{}`
        error[json_shape]: missing field `antiphon`
          at `}`
    `{"antiphon":"global",
    "version":1,
    "protocols":[`
        error[json_shape]: EOF while parsing a list
          at `[`
    `{"antiphon":"locale","version":1}`
        error[json_shape]: unknown variant `locale`, expected one of `global`, `local`, `automata`
          at `"locale"`
    `{"antiphon":"local","version":2,"more":0}`
        error[json_shape]: version 2 is not known (help: write version 1, or read it with a newer antiphon)
          at `2`
    `{"antiphon":"local","version":1,"roles":[],"more":0}`
        error[json_shape]: unknown field `more`, expected one of `antiphon`, `version`, `roles`
          at `"more"`
    `{"antiphon":"local","version":1,"roles":{}}`
        error[json_shape]: invalid type: map, expected an array
          at `:`
    `{"antiphon":"local","version":1,"roles":[]}`
        error[no_protocol]: no role is declared
          at ``
    `{"antiphon":"global","version":1,"protocols":[]}`
        error[no_protocol]: no protocol is declared
          at `{"antiphon":"global","version":1,"protocols":[]}`
    `{"antiphon":"global","version":1,"protocols":[["P",["A"],[],[],0]]}`
        error[json_shape]: this has to be an object (help: write `{ … }`)
          at `["P",["A"],[],[],0]`
    `{"antiphon":"local","version":1,"roles":[]} {}`
        error[json_shape]: trailing characters
          at `{`
    "#);
}

#[test]
fn a_node_that_is_wrong_is_refused_with_its_place() {
    let nodes = [
        r#"{}"#,
        r#"["end"]"#,
        r#"{"kind":"choice","from":"A","branches":[]}"#,
        r#"{"kind":"loop"}"#,
        r#"{"kind":"end","next":0}"#,
        r#"{"kind":"end","kind":"end"}"#,
        r#"{"kind":"rec","name":"X"}"#,
        r#"{"kind":"rec","name":"1x","body":0}"#,
        r#"{"kind":"rec","name":"X","body":"0"}"#,
        r#"{"kind":"rec","name":"X","body":-1}"#,
        r#"{"kind":"rec","name":"X","body":0.0}"#,
        r#"{"kind":"rec","name":"X","body":99999999999}"#,
        r#"{"kind":"rec","name":"X","body":1e999}"#,
        r#"{"kind":"send","branches":[]}"#,
        r#"{"kind":"send","branches":[7, {"to":"B"}]}"#,
    ];
    let cases = nodes.map(|node| (node.to_owned(), local_with(node, "", "0")));
    insta::assert_snapshot!(table(cases), @r#"
    {}
        error[json_shape]: missing field `kind`
          at `}`
    ["end"]
        error[json_shape]: this has to be an object (help: write `{ … }`)
          at `["end"]`
    {"kind":"choice","from":"A","branches":[]}
        error[json_shape]: a local type has no node of this kind (help: write `send` or `receive`)
          at `{"kind":"choice","from":"A","branches":[]}`
    {"kind":"loop"}
        error[json_shape]: unknown variant `loop`, expected one of `end`, `var`, `rec`, `choice`, `send`, `receive`
          at `"loop"`
    {"kind":"end","next":0}
        error[json_shape]: unknown field `next`, expected `kind`
          at `"next"`
    {"kind":"end","kind":"end"}
        error[json_shape]: duplicate field `kind`
          at `"kind"`
    {"kind":"rec","name":"X"}
        error[json_shape]: missing field `body`
          at `}`
    {"kind":"rec","name":"1x","body":0}
        error[json_shape]: `1x` is not a name: a letter or `_`, then letters, digits or `_`, at most 255 bytes
          at `"1x"`
    {"kind":"rec","name":"X","body":"0"}
        error[json_shape]: invalid type: string "0", expected the place of an entry in its array, counted from 0
          at `"0"`
    {"kind":"rec","name":"X","body":-1}
        error[json_shape]: invalid type: integer `-1`, expected the place of an entry in its array, counted from 0
          at `-1`
    {"kind":"rec","name":"X","body":0.0}
        error[json_shape]: invalid type: floating point `0.0`, expected the place of an entry in its array, counted from 0
          at `0.0`
    {"kind":"rec","name":"X","body":99999999999}
        error[json_shape]: invalid value: integer `99999999999`, expected the place of an entry in its array, counted from 0
          at `99999999999`
    {"kind":"rec","name":"X","body":1e999}
        error[json_shape]: number out of range
          at `9`
    {"kind":"send","branches":[]}
        error[empty_choice]: a choice needs at least one branch (help: write `end` where nothing more happens)
          at `{"kind":"send","branches":[]}`
    {"kind":"send","branches":[7, {"to":"B"}]}
        error[json_shape]: this has to be an object (help: write `{ … }`)
          at `7`
        error[json_shape]: unknown field `to`, expected one of `peer`, `label`, `payload`, `next`
          at `"to"`
    "#);
}

#[test]
fn nodes_are_used_once_and_all_of_them() {
    let send = |nexts: &[u32]| {
        let branch = |next| format!(r#"{{"peer":"B","label":"l{next}","next":{next}}}"#);
        let branches: Vec<String> = nexts.iter().map(branch).collect();
        format!(r#"{{"kind":"send","branches":[{}]}}"#, branches.join(","))
    };
    let two = r#"{"kind":"send","branches":[{"peer":"B","label":"a","next":1},{"peer":"B","label":"b","next":1}]}"#;
    let cases = [
        ("a cycle through `body`", r#"{"kind":"rec","name":"X","body":0}"#.to_owned(), "0"),
        ("a cycle through `next`", [send(&[1]), send(&[0])].join(","), "0"),
        ("a cycle beside the type", [END, &send(&[2]), &send(&[1])].join(","), "0"),
        ("two branches go on with the same node", [two, END].join(","), "0"),
        ("a node is missing", [send(&[5, 1]), END.to_owned()].join(","), "0"),
        ("far away", send(&[u32::MAX]), "0"),
        ("all nodes are missing", String::new(), "0"),
        ("the root is missing", END.to_owned(), "1"),
        ("to itself", [&send(&[1]), r#"{"kind":"var","binder":1}"#].join(","), "0"),
        ("back to a choice", [&send(&[1]), r#"{"kind":"var","binder":0}"#].join(","), "0"),
        (
            "back without an action",
            r#"{"kind":"rec","name":"X","body":1},{"kind":"var","binder":0}"#.to_owned(),
            "0",
        ),
    ];
    let cases = cases.map(|(what, nodes, root)| (what.to_owned(), local_with(&nodes, "", root)));
    insta::assert_snapshot!(table(cases), @r#"
    a cycle through `body`
        error[json_shape]: node 0 is referred to twice
          at `{"kind":"rec","name":"X","body":0}`
    a cycle through `next`
        error[json_shape]: node 0 is referred to twice
          at `{"kind":"send","branches":[{"peer":"B","label":"l1","next":1`
    a cycle beside the type
        error[json_shape]: node 1 is not reached from the root (help: remove it, or let another node refer to it)
          at `{"kind":"send","branches":[{"peer":"B","label":"l2","next":2`
        error[json_shape]: node 2 is not reached from the root (help: remove it, or let another node refer to it)
          at `{"kind":"send","branches":[{"peer":"B","label":"l1","next":1`
    two branches go on with the same node
        error[json_shape]: node 1 is referred to twice
          at `{"kind":"end"}`
    a node is missing
        error[json_shape]: there is no node 5 (help: the nodes here are 0 to 1)
          at `5`
    far away
        error[json_shape]: there is no node 4294967295 (help: the only node here is 0)
          at `4294967295`
    all nodes are missing
        error[json_shape]: there is no node 0 (help: add it: there are no nodes here)
          at `0`
    the root is missing
        error[json_shape]: there is no node 1 (help: the only node here is 0)
          at `1`
    to itself
        error[unbound_variable]: nothing around here binds node 1 (help: bind it with `rec` around this place)
          at `{"kind":"var","binder":1}`
    back to a choice
        error[unbound_variable]: nothing around here binds node 0 (help: bind it with `rec` around this place)
          at `{"kind":"var","binder":0}`
    back without an action
        error[unguarded_recursion]: `X` comes back to itself without an action (help: put a message between the binder and the variable)
          at `{"kind":"var","binder":0}`
    "#);
}

#[test]
fn a_sort_that_is_wrong_is_refused_with_its_place() {
    let sorts = [
        r#"{"kind":"integer"}"#,
        r#"{"kind":"nat","item":0}"#,
        r#"{"kind":"list","item":0}"#,
        r#"{"kind":"list"},"nat""#,
        r#"{"kind":"nat"},{"kind":"record","fields":[{"name":"x","sort":0},{"name":"x","sort":0}]}"#,
        r#"{"kind":"chan","type":{"nodes":[],"root":0}}"#,
    ];
    let cases = sorts.map(|sorts| (sorts.to_owned(), local_with(END, sorts, "0")));
    insta::assert_snapshot!(table(cases), @r#"
    {"kind":"integer"}
        error[json_shape]: unknown variant `integer`, expected one of `unit`, `bool`, `int`, `nat`, `float`, `string`, `bytes`, `list`, `record`, `optional`, `named`, `chan`
          at `"integer"`
    {"kind":"nat","item":0}
        error[json_shape]: unknown field `item`, expected `kind`
          at `"item"`
    {"kind":"list","item":0}
        error[json_shape]: sort 0 refers to sort 0, which does not stand before it (help: put the parts of a sort before it)
          at `0`
    {"kind":"list"},"nat"
        error[json_shape]: missing field `item`
          at `}`
        error[json_shape]: this has to be an object (help: write `{ … }`)
          at `"nat"`
    {"kind":"nat"},{"kind":"record","fields":[{"name":"x","sort":0},{"name":"x","sort":0}]}
        error[duplicate_field]: two fields are called `x` (help: give each its own name)
          at `{"name":"x","sort":0}`
    {"kind":"chan","type":{"nodes":[],"root":0}}
        error[json_shape]: there is no node 0 (help: add it: there are no nodes here)
          at `0`
    "#);
}

#[test]
fn an_argument_that_is_wrong_is_refused_with_its_place() {
    let payloads = [
        r#"{"sort":1}"#,
        r#"{"name":null,"sort":0}"#,
        r#"{"name":"a"}"#,
        r#"{"name":"a","sort":0},{"name":"a","sort":0}"#,
        // The second argument, without a name, is called `_2`.
        r#"{"name":"_2","sort":0},{"sort":0}"#,
    ];
    let cases = payloads.map(|payload| {
        let branch = format!(r#"{{"peer":"B","label":"l","payload":[{payload}],"next":1}}"#);
        let send = format!(r#"{{"kind":"send","branches":[{branch}]}},{END}"#);
        (payload.to_owned(), local_with(&send, r#"{"kind":"nat"}"#, "0"))
    });
    insta::assert_snapshot!(table(cases), @r#"
    {"sort":1}
        error[json_shape]: there is no sort 1 (help: the only sort here is 0)
          at `1`
    {"name":null,"sort":0}
        error[json_shape]: invalid type: null, expected a name
          at `null`
    {"name":"a"}
        error[json_shape]: missing field `sort`
          at `}`
    {"name":"a","sort":0},{"name":"a","sort":0}
        error[duplicate_field]: two arguments are called `a` (help: give each its own name)
          at `{"name":"a","sort":0}`
    {"name":"_2","sort":0},{"sort":0}
        error[duplicate_field]: two arguments are called `_2` (help: give each its own name)
          at `{"sort":0}`
    "#);
}

#[test]
fn what_the_checks_of_types_find_has_its_place() {
    let cases = [
        (r#""A","B""#, r#"{"to":"B","label":"l","next":1},{"to":"B","label":"l","next":2}"#),
        (r#""A","B""#, r#"{"to":"A","label":"l","next":1},{"to":"C","label":"l","next":2}"#),
        (r#""A","B""#, r#"{"to":"B","label":"l","next":1},{"to":"C","label":"l","next":2}"#),
        (r#""A","B","A""#, r#"{"to":"B","label":"l","next":1},{"to":"rec","label":"l","next":2}"#),
    ];
    let cases = cases.map(|(roles, branches)| {
        let nodes =
            format!(r#"{{"kind":"choice","from":"A","branches":[{branches}]}},{END},{END}"#);
        let protocol = format!(r#"{{"name":"P","roles":[{roles}],"nodes":[{nodes}],"root":0}}"#);
        let text = format!(r#"{{"antiphon":"global","version":1,"protocols":[{protocol}]}}"#);
        (format!("{roles}: {branches}"), text)
    });
    insta::assert_snapshot!(table(cases), @r#"
    "A","B": {"to":"B","label":"l","next":1},{"to":"B","label":"l","next":2}
        error[duplicate_branch]: two branches have the label `l` and the partner `B` (help: give each branch a label of its own, or begin them as one branch and decide later)
          at `{"to":"B","label":"l","next":2}`
    "A","B": {"to":"A","label":"l","next":1},{"to":"C","label":"l","next":2}
        error[self_message]: `A` sends `l` to itself (help: name another role: a message goes from one role to another)
          at `{"to":"A","label":"l","next":1}`
    "A","B": {"to":"B","label":"l","next":1},{"to":"C","label":"l","next":2}
        error[unknown_role]: role `C` is not declared (help: add it to the roles of the protocol, or correct the name)
          at `{"to":"C","label":"l","next":2}`
    "A","B","A": {"to":"B","label":"l","next":1},{"to":"rec","label":"l","next":2}
        error[duplicate_role]: role `A` is declared twice (help: give each role a name of its own)
          at `"A"`
        error[reserved_name]: `rec` is a keyword of local types and cannot name a role (help: choose another name)
          at `{"to":"rec","label":"l","next":2}`
    "#);
}

#[test]
fn protocols_have_names_of_their_own() {
    let protocol = r#"{"name":"P","roles":["A"],"nodes":[{"kind":"end"}],"root":0}"#;
    let text =
        format!(r#"{{"antiphon":"global","version":1,"protocols":[{protocol},{protocol}]}}"#);
    insta::assert_snapshot!(found(&text), @r#"
    warning[role_never_acts]: role `A` never acts (help: remove it, or give it a message to send or to receive)
      at `"A"`
    error[duplicate_protocol]: protocol `P` is declared twice (help: give each protocol a name of its own)
      at `"P"`
    warning[role_never_acts]: role `A` never acts (help: remove it, or give it a message to send or to receive)
      at `"A"`
    "#);
}
