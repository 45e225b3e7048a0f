//! Texts as the tools write them, and what they mean.

use antiphon::types::syntax::{Limits, read};

use super::{block, meaning};

/// Two roles in every way to write them.
const HELLO: &str = "A = B!hello(int) . end\nB = A?hello(int) . end\n";

#[test]
fn the_text_of_kmc_is_read() {
    // Unnamed automata, comments behind lines, payloads in angles.
    let text = "
        -- the client
        .outputs  -- <-- number 0
        .state graph
        q0 1 ! req q1
        q1 1 ! data<int> q2
        q2 1 ? ko q0
        q2 1 ? ok q3
        .marking q0 -- <-- initial state
        .end

        .outputs
        .state graph
        q0 0 ? req q1
        q1 0 ? data<int> q2
        q2 0 ! ko q0
        q2 0 ! ok q3
        .marking q0
        .end";
    assert_eq!(
        meaning(text),
        "M0 = rec X . M1!req . M1!data(int) . M1?{ ko . X, ok . end }\n\
         M1 = rec X . M0?req . M0?data(int) . M0!{ ko . X, ok . end }\n"
    );
}

#[test]
fn the_text_of_chorgram_is_read() {
    // Named automata, states that are numbers or products of others, roles that do nothing.
    let text = "

.outputs C
.state graph
q0____ 1 ! helo qe1*qe2____
qe1*qe2____ 1 ? 	bye 2
.marking q0____
.end



.outputs S
.state graph
0 0 ? helo 3
3 0 ! bye 4
.marking 0
.end

.outputs Idle
.state graph
.marking q0____
.end
";
    assert_eq!(
        meaning(text),
        "C    = S!helo . S?bye . end\nS    = C?helo . C!bye . end\nIdle = end\n"
    );
}

#[test]
fn lines_are_read_however_they_are_spaced() {
    let lines = [
        "0 1 ! hello(int) 1",
        "0 1 !hello(int) 1",
        "0 1! hello(int) 1",
        "0 1!hello ( int )   1",
        "\t0\t1\t!\thello(int)\t1\t-- a comment",
        "0 B ! hello<int> 1",
        "0 B ! hello< int > 1\r",
        "# a comment\n0 1 ! hello(int) 1\n\n",
    ];
    for line in lines {
        let a = block("A", line, "0");
        let b = block("B", "0 0 ? hello(int) 1", "{ 0 }");
        assert_eq!(meaning(&(a + &b)), HELLO, "{line:?}");
    }
    let shouted =
        "\u{feff}.OUTPUTS A\r\n.STATE  GRAPH\r\n0 1 ! hello(int) 1\r\n.Marking 0\r\n.End\r\n";
    let text =
        shouted.trim_start_matches('\u{feff}').to_string() + &block("B", "q A?hello(int) p", "q");
    assert_eq!(meaning(&text), HELLO);
}

#[test]
fn automata_without_a_name_of_their_own_are_called_by_their_number() {
    let named = |names: [&str; 3]| {
        let lines = ["0 1 ! a 1", "0 0 ? a 1\n1 2 ! b 2", "0 1 ? b 1"];
        let blocks = names.iter().zip(lines).map(|(name, lines)| block(name, lines, "0"));
        meaning(&blocks.collect::<String>())
    };
    let shown = |a: &str, b: &str, c: &str| {
        let width = [a, b, c].iter().map(|name| name.len()).max().unwrap();
        format!(
            "{a:width$} = {b}!a . end\n{b:width$} = {a}?a . {c}!b . end\n{c:width$} = {b}?b . end\n"
        )
    };
    assert_eq!(named(["", "", ""]), shown("M0", "M1", "M2"));
    assert_eq!(named(["A", "", "C"]), shown("A", "M1", "C"));
    // The second of two that are called alike, and one that would take a given name.
    assert_eq!(named(["A", "A", "C"]), shown("A", "M1", "C"));
    assert_eq!(named(["M1", "", "C"]), shown("M1", "M1_", "C"));
}

#[test]
fn every_form_of_a_message_is_read() {
    let forms = [
        ("l", "l"),
        ("l()", "l"),
        ("l(unit)", "l"),
        ("l<>", "l"),
        ("l<int>", "l(int)"),
        ("l<int, bool>", "l(int, bool)"),
        ("l(a: int, [string]?)", "l(a: int, [string]?)"),
        ("l({ x: int, y: Money })", "l({x: int, y: Money})"),
        ("l(chan(C!x(int) . end))", "l(chan(C!x(int) . end))"),
        ("end(int)", "end(int)"),
        ("d0", "d0"),
    ];
    for (written, meant) in forms {
        let expected = format!("A = B!{meant} . end\nB = A?{meant} . end\n");
        let a = block("A", &format!("q0 1 ! {written} q1"), "q0");
        let b = block("B", &format!("q0 0 ? {written} q1"), "q0");
        assert_eq!(meaning(&(a + &b)), expected, "{written}");
        let dot = format!(
            "digraph A {{ 0 -> 1 [label=\"B!{written}\"]; }} digraph B {{ 0 -> 1 [label=\"A?{written}\"]; }}"
        );
        assert_eq!(meaning(&dot), expected, "{written}");
    }
}

#[test]
fn the_digraphs_of_nuscr_are_read() {
    let text = "digraph A {\n  0;\n  1;\n  \n  \n  0 -> 1 [label=\"B!hello(int)\", ];\n  \n  }\n
                digraph B {\n  0;\n  1;\n  \n  0 -> 1 [label=\"A?hello(int)\", ];\n  }";
    assert_eq!(meaning(text), HELLO);
    // They are all called `G`, unless they are labelled.
    let text = "digraph G { label=A; 0 -> 1 [label=\"B!hello(int)\"]; }
                digraph G { graph [label=\"B\"]; 0 -> 1 [label=\"A?hello(int)\"]; }";
    assert_eq!(meaning(text), HELLO);
}

#[test]
fn the_graphs_of_scribble_are_read() {
    let graph = |role: &str, action: &str| {
        format!(
            "digraph {role} {{\ncompound = true;\n\"7\" [ label=\"7: \" ];\n\
             \"7\" -> \"9\" [ label=\"{action}\" ];\n\"9\" [ label=\"9: \" ];\n}}\n"
        )
    };
    assert_eq!(meaning(&(graph("A", "B!hello(int)") + &graph("B", "A?hello(int)"))), HELLO);
}

#[test]
fn the_clusters_of_kmc_and_chorgram_are_read() {
    let kmc = "digraph CFSMs { 
        subgraph cluster_0 {\nlabel = \"0\";
        q0b [label= \"q0b\" ];\nq0a [label= \"q0a\" shape = \"box\"];
        q0a -> q0b [label= \"01!hello\"];\n}
        subgraph cluster_1 {\nlabel = \"1\";
        q1b [label= \"q1b\" ];\nq1a [label= \"q1a\" shape = \"box\"];
        q1a -> q1b [label= \"01?hello\"];\n}\n}";
    assert_eq!(meaning(kmc), "M0 = M1!hello . end\nM1 = M0?hello . end\n");
    let chorgram = "digraph CFSMs {\n graph [color=white ratio=compress margin=0];
        subgraph cluster_A{\n   label = A;
            q0A\t[style=filled, color=red]\n\tq0A\t[label = \"q0\"];\n\tq1A\t[label = \"q1\"];
            q0A -> q1A\t[label = \"A B!hello(int)\"];
        }
        subgraph cluster_B{\n   label = B;
            q0B\t[style=filled]\n q0B -> q1B\t[label = \"A B?hello(int)\"];
        }}";
    assert_eq!(meaning(chorgram), HELLO);
}

#[test]
fn every_form_of_an_action_is_read() {
    let send = [
        "B!hello(int)",
        "AB!hello(int)",
        "A B ! hello(int)",
        "A,B!hello(int)",
        " B ! hello (int) ",
    ];
    let receive =
        ["A?hello(int)", "AB?hello(int)", "A B ? hello(int)", "A,B?hello(int)", "A?hello<int>"];
    let both =
        ["A->B:hello(int)", "A -> B : hello(int)", "A→B:hello(int)", "A\\n->\\lB: hello(int)"];
    let (sends, receives) = (send.iter().chain(&both), receive.iter().chain(&both));
    for (send, receive) in sends.zip(receives) {
        let text = format!(
            "digraph A {{ 0 -> 1 [label=\"{send}\"]; }} digraph B {{ 0 -> 1 [label=\"{receive}\"]; }}"
        );
        assert_eq!(meaning(&text), HELLO, "{text}");
    }
    // An optional payload has no part in it.
    let text = "digraph A { 0 -> 1 [label=\"A->B:l(int?)\"]; } digraph B { 0 -> 1 [label=\"A->B:l(int?)\"]; }";
    assert_eq!(meaning(text), "A = B!l(int?) . end\nB = A?l(int?) . end\n");
}

#[test]
fn the_initial_state_is_found() {
    let bodies = [
        // Mentioned first.
        "0 -> 1 [label=\"B!hello(int)\"];",
        "0; 1; 0 -> 1 [label=\"B!hello(int)\"];",
        // An edge without a label.
        "1; 0 -> 1 [label=\"B!hello(int)\"]; s [shape=point]; s -> 0;",
        "1; s -> 0 [label=\"\"]; 0 -> 1 [label=\"B!hello(int)\"];",
        "s [initial=true]; 1 [shape=box]; s -> 0; 0 -> 1 [label=\"B!hello(int)\"];",
        // Marked.
        "1; 0 -> 1 [label=\"B!hello(int)\"]; 0 [shape=circle, initial=true];",
        "1 [shape=box]; 0 [initial=true]; 0 -> 1 [label=\"B!hello(int)\"];",
        // The only box.
        "1; 0 -> 1 [label=\"B!hello(int)\"]; 0 [shape=box];",
        "0 [shape=box]; 1 [shape=box]; 0 -> 1 [label=\"B!hello(int)\"];",
    ];
    for body in bodies {
        let text =
            format!("digraph A {{ {body} }} digraph B {{ 0 -> 1 [label=\"A?hello(int)\"]; }}");
        assert_eq!(meaning(&text), HELLO, "{body}");
    }
}

#[test]
fn all_of_dot_that_has_no_part_in_automata_is_passed_over() {
    let text = "
        # a line of a preprocessor
        // a comment
        /* another
           one */
        strict DiGraph \"A\" {
            rankdir = LR; size = \"8,5\"
            node [shape = circle, style=filled]; edge [color=\"#ff0000\"]; graph [fontsize=-1.5];
            legend = <an <b>HTML</b> label>;
            subgraph inner { { a; } }
            subgraph { rank = same; b }
            a:n -> b:port:se [color=red; label=\"B!hel\" + \"lo(int)\", weight=.5][style=dotted]
        }
        digraph B { é -> ü [label=\"A?hello(int)\"] }";
    assert_eq!(meaning(text), HELLO);
    // A chain is two edges of one label, a later label counts, and a quote may be escaped.
    let text = "digraph A { \"a\\\"b\" -> c -> \"a\\\"b\" [label=x, label=\"B!l\"] }
                digraph B { 0 -> 0 [label=\"A?l\"] }";
    assert_eq!(meaning(text), "A = rec X . B!l . B!l . X\nB = rec X . A?l . X\n");
}

#[test]
fn the_notation_is_found_out_by_how_a_text_begins() {
    let fsm = block("A", "", "0") + &block("B", "", "0");
    let dot = "digraph A { 0 } digraph B { 0 }";
    for before in ["", "\n\n", "-- a comment\n", "#!ABNF\n", "  \t"] {
        assert_eq!(meaning(&format!("{before}{fsm}")), "A = end\nB = end\n", "{before:?}");
    }
    for before in ["", "\n\n", "// x\n/* y */\n", "# 1 \"x\"\n", "strict\n", "/**/ STRICT /* z */ "]
    {
        assert_eq!(meaning(&format!("{before}{dot}")), "A = end\nB = end\n", "{before:?}");
    }
    // Roles may be called like the words of other notations.
    for role in ["digraph", "strict", "DIGRAPH"] {
        let text = format!("{role} = B!l . end\nB = {role}?l . end\n");
        let (declared, _) = read(&text, &Limits::default()).unwrap();
        assert!(antiphon::types::syntax::json::write(&declared).contains(role));
    }
}

#[test]
fn json_is_read() {
    let text = r#"{"antiphon": "automata", "version": 1, "automata": [
        {"role": "A", "initial": 1, "states": 3, "sorts": [{"kind": "int"}], "transitions": [
            {"from": 1, "to": 0, "direction": "send", "peer": "B", "label": "hello", "payload": [{"sort": 0}]},
            {"from": 0, "to": 2, "direction": "receive", "peer": "B", "label": "ok"}]},
        {"role": "B", "initial": 0, "states": 3, "sorts": [{"kind": "int"}], "transitions": [
            {"from": 2, "to": 1, "direction": "send", "peer": "A", "label": "ok", "payload": []},
            {"from": 0, "to": 2, "direction": "receive", "peer": "A", "label": "hello", "payload": [{"sort": 0}]}]}]}"#;
    assert_eq!(meaning(text), "A = B!hello(int) . B?ok . end\nB = A?hello(int) . A!ok . end\n");
}
