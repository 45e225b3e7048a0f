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
