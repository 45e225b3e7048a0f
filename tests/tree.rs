//! Checked trees from builders.
use antiphon::types::*;

#[test]
fn a_name_shadowed_by_an_inner_binder_belongs_to_the_inner_one() {
    let mut b = LocalBuilder::default();
    let x = b.var("X").unwrap();
    let send = b.send("Q", "b", Payload::none(), x).unwrap();
    let inner = b.rec("X", send).unwrap();
    let outer = b.send("Q", "a", Payload::none(), inner).unwrap();
    let root = b.rec("X", outer).unwrap();
    assert_eq!(b.finish(root).unwrap().to_string(), "rec X . Q!a . rec X1 . Q!b . X1");
}

#[test]
fn an_unguarded_variable_in_a_sibling_is_found() {
    let mut b = LocalBuilder::default();
    let x = b.var("X").unwrap();
    let root = b.rec("X", x).unwrap();
    let error = b.finish(root).unwrap_err();
    assert_eq!(error.list()[0].code, Code::UnguardedRecursion);
}

#[test]
fn warnings_beyond_the_limit_refuse_nothing_and_hide_no_error() {
    let mut all = Diagnostics::default();
    let warning = || Diagnostic::new(Code::RoleNeverActs, Span::NONE, "role `A` never acts");
    (0..101).for_each(|_| all.push(warning()));
    assert!(!all.has_errors());
    all.push(Diagnostic::new(Code::UnknownRole, Span::NONE, "role `B` is not declared"));
    assert!(all.has_errors());
    assert_eq!((all.list().len(), all.suppressed()), (100, 2));
}

#[test]
fn a_shadowed_name_gets_a_number_that_no_binder_around_it_has() {
    let mut b = LocalBuilder::default();
    let mut next = b.end();
    for name in ["X", "X2", "X", "X1", "X"] {
        next = b.send("Q", "a", Payload::none(), next).unwrap();
        next = b.rec(name, next).unwrap();
    }
    let shown = b.finish(next).unwrap().to_string();
    let names: Vec<&str> =
        shown.split("rec ").skip(1).map(|s| s.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["X", "X1", "X2", "X21", "X3"]);
}
