//! Sets of local types that nearly fit: projections of random global types, some with one change.

use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::reference::{Branch, Type};
use crate::strategies::{self, Size};

/// A protocol that a failing test prints as it is written.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Protocol);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\n{}", self.0.locals())
    }
}

/// Systems of a few roles: any local types, projections, and projections with changes.
pub(crate) fn system() -> impl Strategy<Value = Shown> {
    let any = strategies::locals(Size::TINY).prop_map(protocol);
    prop_oneof![
        1 => any,
        2 => projected(0),
        3 => projected(1),
        1 => projected(3),
        2 => undirected(),
    ]
    .prop_map(Shown)
}

fn protocol(locals: LocalTypes) -> Protocol {
    Protocol::unchecked(Name::new("P").unwrap(), locals).unwrap()
}

/// Projections with so many changes.
fn projected(changes: usize) -> impl Strategy<Value = Protocol> {
    let size = Size { nodes: 14, depth: 5, width: 2, roles: 3, labels: 3, args: 0 };
    let change = (any::<usize>(), any::<usize>(), 0..5usize);
    (strategies::global(size), vec(change, changes)).prop_filter_map(
        "the projections do not exist",
        |(global, changes)| {
            let locals = project_all(&global).ok()?;
            let mut types: Vec<(Name, Type)> = locals
                .roles()
                .iter()
                .map(|(name, local)| (name.clone(), Type::of(local)))
                .collect();
            for (role, place, how) in changes {
                let role = role % types.len();
                let count = actions(&types[role].1);
                if count > 0 {
                    change_at(&mut types[role].1, &mut (place % count), how);
                }
            }
            let built: Option<Vec<(Name, LocalType)>> =
                types.into_iter().map(|(name, local)| Some((name, build(&local)?))).collect();
            Some(protocol(LocalTypes::new(built?).ok()?.0))
        },
    )
}

/// What a role does that sends to anybody and hears everybody.
#[derive(Debug, Clone)]
enum Plan {
    End,
    Again,
    /// To whom, what, and then.
    Send(Vec<(usize, usize, Plan)>),
    /// What follows each message, round and round.
    Hear(Vec<Plan>),
}

/// Roles that choose to whom they speak and take whatever they are told: nothing is unexpected.
fn undirected() -> impl Strategy<Value = Protocol> {
    let leaf = prop_oneof![1 => Just(Plan::End), 3 => Just(Plan::Again)];
    let plan =
        leaf.prop_recursive(3, 5, 3, |inner| {
            let branch = (0..2usize, 0..2usize, inner.clone());
            prop_oneof![
                vec(branch, 1..=3).prop_map(Plan::Send),
                vec(inner, 1..=3).prop_map(Plan::Hear),
            ]
        });
    vec(plan, 3).prop_map(|plans| {
        let roles = plans.iter().enumerate().map(|(own, plan)| {
            let body = planned(plan, own);
            let local = match body {
                Type::Choice(..) => Type::Rec("X".into(), Box::new(body)),
                _ => Type::End,
            };
            (strategies::role(own), build(&local).expect("a plan becomes a type"))
        });
        protocol(LocalTypes::new(roles).unwrap().0)
    })
}

fn planned(plan: &Plan, own: usize) -> Type {
    let peer = |peer: usize| strategies::role((own + 1 + peer) % 3).to_string();
    let branch = |to: usize, label: usize, next: Type| Branch {
        peer: peer(to),
        label: format!("l{label}"),
        sort: Payload::new([]).sort().clone(),
        next,
    };
    match plan {
        Plan::End => Type::End,
        Plan::Again => Type::Var("X".into()),
        Plan::Send(list) => {
            let mut known = std::collections::BTreeSet::new();
            let distinct = list.iter().filter(|(to, label, _)| known.insert((*to, *label)));
            let branches =
                distinct.map(|(to, label, next)| branch(*to, *label, planned(next, own)));
            Type::Choice(Direction::Send, branches.collect())
        }
        Plan::Hear(next) => {
            let all = (0..4).map(|n| branch(n % 2, n / 2, planned(&next[n % next.len()], own)));
            Type::Choice(Direction::Receive, all.collect())
        }
    }
}

fn actions(local: &Type) -> usize {
    match local {
        Type::End | Type::Var(_) => 0,
        Type::Rec(_, body) => actions(body),
        Type::Choice(_, branches) => {
            1 + branches.iter().map(|branch| actions(&branch.next)).sum::<usize>()
        }
    }
}

/// Changes the choice behind `place` others.
fn change_at(local: &mut Type, place: &mut usize, how: usize) {
    match local {
        Type::End | Type::Var(_) => {}
        Type::Rec(_, body) => change_at(body, place, how),
        Type::Choice(..) if *place == 0 => {
            *place = usize::MAX;
            *local = changed(local, how);
        }
        Type::Choice(_, branches) => {
            *place -= 1;
            for branch in branches {
                if *place != usize::MAX {
                    change_at(&mut branch.next, place, how);
                }
            }
        }
    }
}

fn changed(local: &Type, how: usize) -> Type {
    let Type::Choice(direction, branches) = local.clone() else { unreachable!("a choice") };
    match (how, branches.as_slice()) {
        // Two actions change places.
        (0 | 1, [Branch { next: Type::Choice(other, next), .. }]) if next.len() == 1 => {
            let first = Branch { next: next[0].next.clone(), ..branches[0].clone() };
            let second = Type::Choice(direction, vec![first]);
            Type::Choice(*other, vec![Branch { next: second, ..next[0].clone() }])
        }
        // A branch goes.
        (2, [first, _, ..]) => Type::Choice(direction, vec![first.clone()]),
        // A message is called otherwise.
        (3, _) => {
            let mut branches = branches;
            branches[0].label = "l0".into();
            Type::Choice(direction, branches)
        }
        // An action is left out.
        (_, [first, ..]) => first.next.clone(),
        (_, []) => local.clone(),
    }
}

fn build(local: &Type) -> Option<LocalType> {
    let mut draft = Draft::default();
    let root = add(local, &mut draft);
    LocalType::from_draft(&draft, root).ok()
}

fn add(local: &Type, draft: &mut Draft<Direction>) -> DraftId {
    let name = |text: &str| Name::new(text).unwrap();
    match local {
        Type::End => draft.end(Span::NONE),
        Type::Var(var) => draft.var(name(var), Span::NONE),
        Type::Rec(var, body) => {
            let body = add(body, draft);
            draft.rec(name(var), body, Span::NONE)
        }
        Type::Choice(direction, branches) => {
            let branches = branches.iter().map(|branch| DraftBranch {
                peer: name(&branch.peer),
                label: name(&branch.label),
                payload: Payload::new([]),
                next: add(&branch.next, draft),
                span: Span::NONE,
            });
            let branches = branches.collect();
            draft.choice(*direction, branches, Span::NONE)
        }
    }
}
