//! The classic projection: what a global type is for one role, by induction on the type, with full
//! merge (Scalas & Yoshida, "Less is more: multiparty session types revisited", POPL 2019).
//!
//! A role that does not take part in a choice must be able to tell the branches apart, or do the
//! same in all of them: the projections of the branches are *merged*. Merging joins receives from
//! one sender label by label; everything else must be alike.
//!
//! Clauses: PROJ-1 to PROJ-5.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::draft::{Draft, DraftBranch, DraftId};
use super::global::GlobalType;
use super::local::{Direction, LocalType, LocalTypes};
use super::merge::{Arm, Conflict, Pool, Term, TermId};
use super::name::Name;
use super::tree::{NODES_MAX, Node, NodeId};

/// The local type of `role` in `global`.
///
/// # Errors
/// `unmergeable`, with the choice and the two continuations that the role cannot tell apart;
/// `too_large` when the merge or its result passes the limits.
pub fn project(global: &GlobalType, role: &Name) -> Result<LocalType, Diagnostic> {
    let tree = global.tree();
    let mut pool = Pool::default();
    let mut of_node: Vec<TermId> = vec![Pool::END; tree.nodes().len()];
    let passed_over = loops_without(global, role);
    for (index, node) in tree.nodes().iter().enumerate().rev() {
        if passed_over[index] {
            continue;
        }
        of_node[index] = match node {
            Node::End => Pool::END,
            Node::Var(binder) => pool.var(*binder),
            Node::Rec(_, body) => pool.rec(NodeId::of(index), of_node[body.index()]),
            Node::Choice(sender, range) => {
                let branches = tree.branches_of(range);
                if sender == role {
                    let arm = |branch: &super::tree::Branch| Arm {
                        peer: branch.peer.clone(),
                        label: branch.label.clone(),
                        payload: branch.payload.clone(),
                        next: of_node[branch.next.index()],
                    };
                    pool.choice(Direction::Send, branches.iter().map(arm).collect())
                } else {
                    let project = |pool: &mut Pool, branch: &super::tree::Branch| {
                        let next = of_node[branch.next.index()];
                        if branch.peer != *role {
                            return next;
                        }
                        let (label, payload) = (branch.label.clone(), branch.payload.clone());
                        let arm = Arm { peer: sender.clone(), label, payload, next };
                        pool.choice(Direction::Receive, vec![arm])
                    };
                    let terms: Vec<TermId> =
                        branches.iter().map(|branch| project(&mut pool, branch)).collect();
                    pool.merge_all(&terms).map_err(|(offset, conflict)| {
                        let first = range.start as usize;
                        let choice = tree.branch_span(first).join(tree.branch_span(first + offset));
                        refused(global, role, branches, choice, &pool, &conflict)
                    })?
                }
            }
        };
        if pool.len() > NODES_MAX {
            return Err(too_large(role));
        }
    }
    written_out(global, role, &pool, of_node[0])
}

/// The local types of all roles of `global`.
///
/// # Errors
/// What [`project`] finds, for every role that has no projection.
pub fn project_all(global: &GlobalType) -> Result<LocalTypes, Diagnostics> {
    let mut found = Diagnostics::default();
    let mut locals = Vec::with_capacity(global.roles().len());
    for role in global.roles() {
        match project(global, role) {
            Ok(local) => locals.push((role.clone(), local)),
            Err(error) => found.push(error),
        }
    }
    if found.has_errors() {
        return Err(found);
    }
    Ok(LocalTypes::new(locals)?.0)
}

/// PROJ-4: the nodes of loops that the role has no part in and that lead to nothing outside: for
/// the role they are `end`, however they branch.
fn loops_without(global: &GlobalType, role: &Name) -> Vec<bool> {
    let tree = global.tree();
    let nodes = tree.nodes();
    let mut acts = vec![false; nodes.len()];
    // The outermost binder that a variable of the subtree goes back to; parents come before
    // children, so a subtree is closed if that is not before its root.
    let mut reaches = vec![usize::MAX; nodes.len()];
    for (index, node) in nodes.iter().enumerate().rev() {
        match node {
            Node::End => {}
            Node::Var(binder) => reaches[index] = binder.index(),
            Node::Rec(_, body) => {
                (acts[index], reaches[index]) = (acts[body.index()], reaches[body.index()]);
            }
            Node::Choice(sender, range) => {
                acts[index] = sender == role;
                for branch in tree.branches_of(range) {
                    let next = branch.next.index();
                    acts[index] |= branch.peer == *role || acts[next];
                    reaches[index] = reaches[index].min(reaches[next]);
                }
            }
        }
    }
    let mut passed_over = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        match node {
            Node::End | Node::Var(_) => {}
            Node::Rec(_, body) => {
                passed_over[index] |= !acts[index] && reaches[index] >= index;
                passed_over[body.index()] = passed_over[index];
            }
            Node::Choice(_, range) => {
                for branch in tree.branches_of(range) {
                    passed_over[branch.next.index()] = passed_over[index];
                }
            }
        }
    }
    passed_over
}

/// PROJ-3: who cannot know what.
fn refused(
    global: &GlobalType,
    role: &Name,
    branches: &[super::tree::Branch],
    choice: Span,
    pool: &Pool,
    conflict: &Conflict,
) -> Diagnostic {
    let (one, two) = match conflict {
        Conflict::Limit => return too_large(role),
        Conflict::Terms(one, two) => {
            (first_move(global, pool, *one), first_move(global, pool, *two))
        }
    };
    let labels: Vec<&str> = branches.iter().map(|branch| branch.label.as_str()).collect();
    let text = format!(
        "`{role}` cannot know which of `{}` was chosen: in one case it would {one}, in another {two}",
        labels.join("`, `")
    );
    let remedy = format!(
        "let `{role}` receive a different label from the same sender in each branch, before it does anything else"
    );
    Diagnostic::new(Code::Unmergeable, choice, text).remedy(remedy)
}

/// What a term does first, in words.
fn first_move(global: &GlobalType, pool: &Pool, mut term: TermId) -> String {
    loop {
        match pool.term(term) {
            Term::End => return String::from("do nothing more"),
            Term::Rec(_, body) => term = *body,
            Term::Var(binder) => {
                return match global.tree().node(*binder) {
                    Node::Rec(name, _) => format!("go back to `{name}`"),
                    _ => String::from("go back"),
                };
            }
            Term::Choice(direction, arms) => {
                let labels: Vec<&str> = arms.iter().map(|arm| arm.label.as_str()).collect();
                let labels = labels.join("` or `");
                let peer = &arms[0].peer;
                return match direction {
                    Direction::Send => format!("send `{labels}` to `{peer}`"),
                    Direction::Receive => format!("receive `{labels}` from `{peer}`"),
                };
            }
        }
    }
}

fn too_large(role: &Name) -> Diagnostic {
    let text = format!("the projection onto `{role}` has more than {NODES_MAX} nodes");
    Diagnostic::new(Code::TooLarge, Span::NONE, text)
}

/// The shared terms as a tree, with the binders named as the global type names them.
fn written_out(
    global: &GlobalType,
    role: &Name,
    pool: &Pool,
    root: TermId,
) -> Result<LocalType, Diagnostic> {
    let mut draft: Draft<Direction> = Draft::default();
    let top = draft.reserve(Span::NONE);
    let mut binders: Vec<(NodeId, DraftId)> = Vec::new();
    enum Step {
        Enter(TermId, DraftId),
        Leave,
    }
    let mut stack = vec![Step::Enter(root, top)];
    while let Some(step) = stack.pop() {
        let Step::Enter(term, place) = step else {
            binders.pop();
            continue;
        };
        if draft.size() > NODES_MAX {
            return Err(too_large(role));
        }
        match pool.term(term) {
            Term::End => {}
            Term::Var(binder) => {
                let found = binders.iter().rfind(|(global, _)| global == binder);
                draft.set_back(place, found.expect("a projection is closed").1);
            }
            Term::Rec(binder, body) => {
                let Node::Rec(name, _) = global.tree().node(*binder) else {
                    unreachable!("a variable goes back to a binder");
                };
                let inner = draft.reserve(Span::NONE);
                draft.set_rec(place, name.clone(), inner);
                binders.push((*binder, place));
                stack.extend([Step::Leave, Step::Enter(*body, inner)]);
            }
            Term::Choice(direction, arms) => {
                let branches: Vec<DraftBranch> = arms
                    .iter()
                    .map(|arm| DraftBranch {
                        peer: arm.peer.clone(),
                        label: arm.label.clone(),
                        payload: arm.payload.clone(),
                        next: draft.reserve(Span::NONE),
                        span: Span::NONE,
                    })
                    .collect();
                let entries = arms.iter().zip(&branches).rev();
                stack.extend(entries.map(|(arm, branch)| Step::Enter(arm.next, branch.next)));
                draft.set_choice(place, *direction, branches);
            }
        }
    }
    LocalType::from_draft(&draft, top)
        .map_err(|found| found.list().first().cloned().unwrap_or_else(|| too_large(role)))
}
