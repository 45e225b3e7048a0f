//! Texts at, beyond and far beyond the limits, on threads with small stacks.
use std::fmt::Write;
use std::time::{Duration, Instant};

use antiphon::types::syntax::{Declared, Limits, decode, read, read_local_type};
use antiphon::types::{Code, Diagnostics, LocalType, Severity};

/// Reads on a thread with a stack of 256 KiB; anything that grows with the text overflows it.
fn on_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(work);
    let result = thread.expect("a thread starts").join().expect("no panic, no overflow");
    // Generous: what this guards against takes minutes.
    assert!(start.elapsed() < Duration::from_secs(40), "took {:?}", start.elapsed());
    result
}

/// So many that what takes time in its square is found out.
const MANY: usize = 30_000;

fn codes_of(found: &Diagnostics) -> Vec<&'static str> {
    let errors = found.list().iter().filter(|d| d.code.severity() == Severity::Error);
    errors.map(|d| d.code.as_str()).collect()
}

/// The codes of a text's errors, `ok` if there is none.
fn codes(text: String) -> Vec<&'static str> {
    on_small_stack(move || match read(&text, &Limits::default()) {
        Ok(_) => vec!["ok"],
        Err(found) => codes_of(&found),
    })
}

fn local(text: String) -> Result<String, Vec<&'static str>> {
    on_small_stack(move || match read_local_type(&text, &Limits::default()) {
        Ok(local) => Ok(local.to_string()),
        Err(found) => Err(codes_of(&found)),
    })
}

fn nested(depth: usize, open: &str, middle: &str, close: &str) -> String {
    [&open.repeat(depth), middle, &close.repeat(depth)].concat()
}

fn scribble(body: &str) -> String {
    format!("global protocol P(role A, role B) {{ {body} }}")
}

#[test]
fn a_chain_as_long_as_a_type_may_be_is_read_and_printed() {
    let text = "P!l . ".repeat(999_999) + "end";
    assert_eq!(local(text.clone()), Ok(text));
    assert_eq!(local("P!l . ".repeat(1_000_000) + "end"), Err(vec!["too_large"]));
}

#[test]
fn braces_of_local_types_nest_to_the_limit() {
    let text = |depth| nested(depth, "P!{ l . ", "end", " }");
    assert!(local(text(10_000)).is_ok());
    for depth in [10_001, 1_000_000] {
        assert_eq!(local(text(depth)), Err(vec!["too_deep"]));
    }
    let branches = |depth| nested(depth, "&{ P?l . ", "end", ", Q?m . end, }");
    assert!(local(branches(10_000)).is_ok());
}

#[test]
fn sorts_nest_to_the_limit() {
    for (open, close) in [("[", "]"), ("{ f: ", " }")] {
        let text = |depth| format!("P!l({}) . end", nested(depth, open, "int", close));
        assert!(local(text(9_999)).is_ok());
        for depth in [10_000, 1_000_000] {
            assert_eq!(local(text(depth)), Err(vec!["too_deep"]));
        }
    }
    assert!(local(format!("P!l(int{}) . end", "?".repeat(1_000_000))).is_ok());
}

#[test]
fn endpoints_in_endpoints_nest_sixteen_deep() {
    let text = |depth| nested(depth, "P!l(chan(", "end", ")) . end");
    assert!(local(text(16)).is_ok());
    assert_eq!(local(text(17)), Err(vec!["too_deep"]));
    let found = local(text(4_000)).unwrap_err();
    assert!(found.iter().all(|code| *code == "too_deep"));
    assert_eq!(local(text(1_000_000)), Err(vec!["too_deep"]));
}

#[test]
fn blocks_of_scribble_nest_to_the_limit() {
    let rec = |depth| scribble(&nested(depth, "rec X { ", "a from A to B;", " }"));
    let choice = |depth| {
        let close = " } or { b from A to B; }";
        scribble(&nested(depth, "choice at A { a from A to B; ", "", close))
    };
    for text in [&rec as &dyn Fn(usize) -> String, &choice] {
        assert_eq!(codes(text(9_999)), ["ok"]);
        for depth in [10_000, 1_000_000] {
            assert_eq!(codes(text(depth)), ["too_deep"]);
        }
    }
    let par = |depth| scribble(&nested(depth, "par { ", "", " }"));
    assert!(codes(par(9_999)).iter().all(|code| *code == "unsupported"));
}

#[test]
fn nested_comments_do_not_count_as_depth() {
    assert_eq!(local(nested(1_000_000, "(*", "", "*)") + "end"), Ok("end".to_string()));
    assert_eq!(local("(*".repeat(1_000_000)), Err(vec!["unterminated_comment"]));
}

#[test]
fn sequential_choices_that_double_stop_early() {
    let choice = "choice at A { a() from A to B; } or { b() from A to B; } ";
    assert_eq!(codes(scribble(&choice.repeat(10))), ["ok"]);
    assert_eq!(codes(scribble(&choice.repeat(40))), ["too_large"]);
    assert_eq!(codes(scribble(&choice.repeat(MANY))), ["too_large"]);
}

#[test]
fn calls_that_double_stop_early() {
    for call in
        ["do Q{}(A, B); do Q{}(A, B);", "choice at A { do Q{}(A, B); } or { do Q{}(A, B); }"]
    {
        let mut text = scribble("do Q0(A, B);");
        for k in 0..60 {
            let call = call.replace("{}(", &format!("{}(", k + 1));
            write!(text, "aux global protocol Q{k}(role A, role B) {{ {call} }}").unwrap();
        }
        text += "aux global protocol Q60(role A, role B) { a() from A to B; }";
        assert_eq!(codes(text), ["too_large"]);
    }
}

#[test]
fn calls_with_ever_larger_types_stop_early() {
    let grows = |argument: &str| {
        format!(
            "global protocol P<type T>(role A, role B) {{ a(T) from A to B; do P<{argument}>(A, B); }}"
        )
    };
    for argument in ["[T]", "{ a: T, b: T }"] {
        assert_eq!(codes(grows(argument)), ["too_large"]);
    }
    let silent = "global protocol P<type T>(role A, role B) { do P<[T]>(A, B); }";
    assert_eq!(codes(silent.to_string()), ["too_large"]);
}

#[test]
fn permutations_of_roles_without_a_message_stop_early() {
    // Cycles of length 2, 3, 5, … : the roles are the first ones again after their product.
    let (mut roles, mut turned, mut first) = (Vec::new(), Vec::new(), 0);
    for prime in [2, 3, 5, 7, 11, 13, 17, 19, 23] {
        roles.extend((first..first + prime).map(|k| format!("role R{k}")));
        turned.extend((0..prime).map(|k| format!("R{}", first + (k + 1) % prime)));
        first += prime;
    }
    let (roles, turned) = (roles.join(", "), turned.join(", "));
    let text = format!("global protocol P({roles}) {{ do P({turned}); }}");
    assert_eq!(codes(text), ["too_large"]);
}

#[test]
fn long_chains_of_calls_are_read() {
    let mut text = String::new();
    for k in 0..500 {
        let next = (k + 1) % 500;
        writeln!(
            text,
            "global protocol P{k}(role A, role B) {{ a() from A to B; do P{next}(A, B); }}"
        )
        .unwrap();
    }
    assert_eq!(codes(text), ["ok"]);
    let mut text = String::from("global protocol P0(role A, role B) { do P1(A, B); }");
    for k in 1..MANY {
        writeln!(text, "aux global protocol P{k}(role A, role B) {{ do P{}(A, B); }}", k + 1)
            .unwrap();
    }
    write!(text, "aux global protocol P{MANY}(role A, role B) {{ a() from A to B; }}").unwrap();
    assert_eq!(codes(text), ["ok"]);
}

#[test]
fn many_lines_are_read() {
    let lines = |line: &str| line.repeat(MANY);
    assert_eq!(codes(scribble(&lines("hello(x: int, [string]) from A to B;\n"))), ["ok"]);
    let text = lines("B!hello(x: int, [string]) .\r\n");
    assert_eq!(codes(format!("A = {text} end B = {} end", text.replace("B!", "A?"))), ["ok"]);
    let protocols: String = (0..MANY)
        .map(|k| format!("global protocol P{k}(role A, role B) {{ a() from A to B; }}\n"))
        .collect();
    assert_eq!(codes(protocols), ["ok"]);
}

#[test]
fn many_errors_are_counted_and_cut() {
    for line in ["oops oops;\n", "a() from A to C;\n", "choice { }\n", "$\n", "}\n", "{\n"] {
        let found = codes(scribble(&line.repeat(MANY)));
        assert!(found.len() <= 100, "{line}: {}", found.len());
        assert_ne!(found, ["ok"]);
    }
    for line in ["A = B!x\n", "A = + . .\n", "= = =\n", "A = B!{ , , }\n", "A = X\n"] {
        assert_ne!(codes(line.repeat(MANY)), ["ok"]);
    }
}

#[test]
fn nonsense_behind_deep_brackets_does_not_take_time_in_its_square() {
    let opens = ["choice at A { a() from A to B; ", "rec X { ", "a([", "par { "];
    let junks = [". ", "; ", "or ", "word ", ") ", "global ", "from from ", "choice ", "]"];
    for (at, open) in opens.into_iter().enumerate() {
        // Each of them behind some, and some behind each.
        for junk in junks.into_iter().skip(at % 3).step_by(3) {
            let text = scribble(&(open.repeat(9_000) + &junk.repeat(MANY)));
            assert_ne!(codes(text), ["ok"], "{open} {junk}");
        }
    }
    let junks = [". ", ", ", "} ", "word ", "! ", "[ ] ", "A = "];
    for (at, open) in ["P!{ l . ", "+{ P!l(", "P!l([", "P!l(chan("].into_iter().enumerate() {
        for junk in junks.into_iter().skip(at % 2).step_by(2) {
            let text = String::from("A = ") + &open.repeat(4_000) + &junk.repeat(MANY);
            assert_ne!(codes(text), ["ok"], "{open} {junk}");
        }
    }
}

#[test]
fn deep_binders_are_read() {
    let same = "rec X . ".repeat(MANY) + "P!l . X";
    assert!(local(same).is_ok());
    // All the names that an inner `X` could be given are taken.
    let taken: String = (1..MANY).map(|k| format!("rec X{k} . ")).collect();
    assert!(local(taken.clone() + &"rec X . ".repeat(MANY) + "P!l . X").is_ok());
    let branches: Vec<String> = (0..MANY).map(|k| format!("l{k} . rec X . P!l . X1")).collect();
    let text = format!("rec X . {taken} P!{{ {} }}", branches.join(", "));
    assert!(local(text).is_ok());
}

/// What modules and local protocols add to a reading takes no time in the square of the text.
#[test]
fn many_imports_and_local_protocols_are_read() {
    let lines = |line: fn(usize) -> String| (0..MANY / 2).map(line).collect::<String>();
    let one = |name: &str| format!("global protocol {name}(role A, role B) {{ a() from A to B; }}");
    for text in [
        one("P") + &lines(|k| format!("local protocol P{k} at A(role A) {{ l to B; }}")),
        one("P") + &lines(|k| format!("local protocol Q at R{k}(role A) {{ do Q(A, R{k}); }}")),
        lines(|k| format!("from a import P{k};"))
            + &lines(|k| format!("global protocol P{k}(role A) {{ }}")),
        lines(|k| format!("import a.b{k} as x;")) + &one("P"),
        "module m;".to_string() + &lines(|_| "import m;".to_string()) + &one("P"),
    ] {
        let found = codes(text);
        assert!(found.len() <= 100 && found != ["ok"], "{}", found.len());
    }
}

#[test]
fn texts_are_no_longer_than_the_limit() {
    let limits = Limits { bytes_max: 10, ..Limits::default() };
    let found = read("A = B!l . end", &limits).unwrap_err();
    assert_eq!(found.list()[0].code, Code::TooLarge);
    assert_eq!(decode(&[b' '; 11], &limits).unwrap_err().list()[0].code, Code::TooLarge);
}

#[test]
fn the_limit_on_depth_is_settable() {
    let limits = Limits { depth_max: 1, ..Limits::default() };
    assert!(read_local_type("P!{ l . end }", &limits).is_ok());
    let found = read_local_type("P!{ l([int]) . end }", &limits).unwrap_err();
    assert_eq!(codes_of(&found), ["too_deep"]);
    assert!(found.list()[0].message.contains('1'), "{found}");
}

#[test]
fn fields_and_roles_are_limited() {
    let fields: Vec<String> = (0..1_001).map(|k| format!("f{k}: int")).collect();
    let fields = fields.join(", ");
    assert_eq!(local(format!("P!l({fields}) . end")), Err(vec!["too_large"]));
    assert_eq!(local(format!("P!l({{{fields}}}) . end")), Err(vec!["too_large"]));
    let roles: String = (0..100_000).map(|k| format!("R{k} = end\n")).collect();
    assert_eq!(codes(roles), ["too_large"]);
    let roles: Vec<String> = (0..10_000).map(|k| format!("role R{k}")).collect();
    let text = format!("global protocol P({}) {{ a() from R0 to R1; }}", roles.join(", "));
    assert_eq!(codes(text), ["too_large"]);
}

#[test]
fn what_was_read_in_full_is_given_back() {
    let text = "A = B!l . end B = A?l . end";
    let Ok((Declared::Local(locals), _)) = read(text, &Limits::default()) else { panic!("{text}") };
    let types: Vec<&LocalType> = locals.roles().iter().map(|(_, local)| local).collect();
    assert_eq!(types.len(), 2);
}
