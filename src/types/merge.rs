//! Full merge of local types under projection, on shared terms.
//!
//! Terms are hash-consed: equal terms have one id, so that "alike" is a comparison of numbers and a
//! pair of terms is merged once. Variables are the binders of the global type.
//!
//! Clauses: PROJ-2, PROJ-5.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::local::Direction;
use super::name::Name;
use super::sort::Payload;
use super::tree::NodeId;

/// The most pairs of terms that one merge looks at.
const MERGE_STEPS_MAX: usize = 4_000_000;

/// A term by its place in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TermId(u32);

/// A branch of a term.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Arm {
    pub(super) peer: Name,
    pub(super) label: Name,
    pub(super) payload: Payload,
    pub(super) next: TermId,
}

/// A local type whose parts are shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Term {
    End,
    Var(NodeId),
    Rec(NodeId, TermId),
    Choice(Direction, Box<[Arm]>),
}

/// Why two terms have no merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// These parts of them differ.
    Terms(TermId, TermId),
    /// The work passed its limit.
    Limit,
}

/// All terms of one projection.
pub(super) struct Pool {
    terms: Vec<Term>,
    /// The free variables of each term, sorted.
    free: Vec<Box<[NodeId]>>,
    known: HashMap<Term, TermId>,
    merged: HashMap<(TermId, TermId), TermId>,
    steps: usize,
}

impl Default for Pool {
    fn default() -> Self {
        let mut pool = Self {
            terms: Vec::new(),
            free: Vec::new(),
            known: HashMap::new(),
            merged: HashMap::new(),
            steps: 0,
        };
        pool.intern(Term::End);
        pool
    }
}

enum Step {
    Merge(TermId, TermId),
    Rec(NodeId, (TermId, TermId)),
    Choice(Direction, Vec<(Arm, bool)>, (TermId, TermId)),
}

impl Pool {
    /// `end`.
    pub(super) const END: TermId = TermId(0);

    pub(super) fn len(&self) -> usize {
        self.terms.len()
    }

    pub(super) fn term(&self, id: TermId) -> &Term {
        &self.terms[id.0 as usize]
    }

    pub(super) fn var(&mut self, binder: NodeId) -> TermId {
        self.intern(Term::Var(binder))
    }

    pub(super) fn choice(&mut self, direction: Direction, arms: Vec<Arm>) -> TermId {
        self.intern(Term::Choice(direction, arms.into()))
    }

    /// `rec binder . body`; a body that does not come back needs no binder, and one that only comes
    /// back does nothing.
    pub(super) fn rec(&mut self, binder: NodeId, body: TermId) -> TermId {
        if *self.term(body) == Term::Var(binder) {
            Self::END
        } else if self.free[body.0 as usize].binary_search(&binder).is_ok() {
            self.intern(Term::Rec(binder, body))
        } else {
            body
        }
    }

    fn intern(&mut self, term: Term) -> TermId {
        if let Some(id) = self.known.get(&term) {
            return *id;
        }
        let free: Box<[NodeId]> = match &term {
            Term::End => Box::default(),
            Term::Var(binder) => Box::from([*binder]),
            Term::Rec(binder, body) => {
                let body = &self.free[body.0 as usize];
                body.iter().copied().filter(|free| free != binder).collect()
            }
            Term::Choice(_, arms) => {
                let nexts = arms.iter().flat_map(|arm| &self.free[arm.next.0 as usize]);
                let mut free: Vec<NodeId> = nexts.copied().collect();
                free.sort_unstable();
                free.dedup();
                free.into()
            }
        };
        let id = TermId(u32::try_from(self.terms.len()).expect("NODES_MAX fits"));
        self.terms.push(term.clone());
        self.free.push(free);
        self.known.insert(term, id);
        id
    }

    /// The merge of the terms of all branches of a choice; an error names the first branch that
    /// does not fit. Receives from one sender, which most of them are, are joined in one go: branch
    /// by branch each step would copy all arms so far.
    pub(super) fn merge_all(&mut self, terms: &[TermId]) -> Result<TermId, (usize, Conflict)> {
        if let Some(done) = self.join_receives(terms) {
            return done;
        }
        let mut merged = terms[0];
        for (index, term) in terms.iter().enumerate().skip(1) {
            merged = self.merge(merged, *term).map_err(|conflict| (index, conflict))?;
        }
        Ok(merged)
    }

    /// `None` if not all terms are receives from one sender.
    fn join_receives(&mut self, terms: &[TermId]) -> Option<Result<TermId, (usize, Conflict)>> {
        let Term::Choice(Direction::Receive, first) = self.term(terms[0]) else { return None };
        let sender = first[0].peer.clone();
        let of_sender = |term: &TermId| match self.term(*term) {
            Term::Choice(Direction::Receive, arms) => arms.iter().all(|arm| arm.peer == sender),
            _ => false,
        };
        if !terms.iter().all(of_sender) {
            return None;
        }
        let mut arms: Vec<Arm> = Vec::new();
        let mut places: HashMap<Name, usize> = HashMap::new();
        let mut seen: HashSet<TermId> = HashSet::new();
        for (index, term) in terms.iter().enumerate() {
            let Term::Choice(_, more) = self.term(*term).clone() else { return None };
            if !seen.insert(*term) {
                continue;
            }
            for arm in more {
                let Some(place) = places.get(&arm.label).copied() else {
                    places.insert(arm.label.clone(), arms.len());
                    arms.push(arm);
                    continue;
                };
                if arms[place].payload.sort() != arm.payload.sort() {
                    return Some(Err((index, Conflict::Terms(terms[0], *term))));
                }
                match self.merge(arms[place].next, arm.next) {
                    Ok(next) => arms[place].next = next,
                    Err(conflict) => return Some(Err((index, conflict))),
                }
            }
        }
        Some(Ok(self.choice(Direction::Receive, arms)))
    }

    /// The merge of two terms.
    fn merge(&mut self, one: TermId, two: TermId) -> Result<TermId, Conflict> {
        let mut stack = vec![Step::Merge(one, two)];
        let mut done: Vec<TermId> = Vec::new();
        while let Some(step) = stack.pop() {
            self.steps += 1;
            if self.steps > MERGE_STEPS_MAX {
                return Err(Conflict::Limit);
            }
            match step {
                Step::Merge(one, two) => self.open(one, two, &mut stack, &mut done)?,
                Step::Rec(binder, pair) => {
                    let body = done.pop().expect("the body was merged");
                    let id = self.rec(binder, body);
                    self.merged.insert(pair, id);
                    done.push(id);
                }
                Step::Choice(direction, mut arms, pair) => {
                    for (arm, joint) in arms.iter_mut().rev() {
                        if *joint {
                            arm.next = done.pop().expect("the continuation was merged");
                        }
                    }
                    let arms = arms.into_iter().map(|(arm, _)| arm).collect();
                    let id = self.choice(direction, arms);
                    self.merged.insert(pair, id);
                    done.push(id);
                }
            }
        }
        Ok(done.pop().expect("the pair was merged"))
    }

    fn open(
        &mut self,
        one: TermId,
        two: TermId,
        stack: &mut Vec<Step>,
        done: &mut Vec<TermId>,
    ) -> Result<(), Conflict> {
        if one == two {
            done.push(one);
            return Ok(());
        }
        if let Some(id) = self.merged.get(&(one, two)) {
            done.push(*id);
            return Ok(());
        }
        match (self.term(one).clone(), self.term(two).clone()) {
            (Term::Rec(a, body_a), Term::Rec(b, body_b)) => {
                let body_b = if a == b { body_b } else { self.rename(body_b, b, a)? };
                stack.extend([Step::Rec(a, (one, two)), Step::Merge(body_a, body_b)]);
                Ok(())
            }
            (Term::Choice(a, arms_a), Term::Choice(b, arms_b)) if a == b => {
                let (arms, pairs) = join(a, &arms_a, &arms_b).ok_or(Conflict::Terms(one, two))?;
                stack.push(Step::Choice(a, arms, (one, two)));
                stack.extend(pairs.into_iter().rev().map(|(x, y)| Step::Merge(x, y)));
                Ok(())
            }
            _ => Err(Conflict::Terms(one, two)),
        }
    }

    /// `term` with the free variable `from` called `to`.
    fn rename(&mut self, term: TermId, from: NodeId, to: NodeId) -> Result<TermId, Conflict> {
        let mut renamed: HashMap<TermId, TermId> = HashMap::new();
        let mut stack = vec![(term, false)];
        while let Some((id, ready)) = stack.pop() {
            self.steps += 1;
            if self.steps > MERGE_STEPS_MAX {
                return Err(Conflict::Limit);
            }
            if renamed.contains_key(&id) {
                continue;
            }
            if self.free[id.0 as usize].binary_search(&from).is_err() {
                renamed.insert(id, id);
                continue;
            }
            match (self.term(id).clone(), ready) {
                (Term::End, _) => {}
                (Term::Var(_), _) => {
                    let new = self.var(to);
                    renamed.insert(id, new);
                }
                (Term::Rec(_, body), false) => stack.extend([(id, true), (body, false)]),
                (Term::Rec(binder, body), true) => {
                    let new = self.rec(binder, renamed[&body]);
                    renamed.insert(id, new);
                }
                (Term::Choice(_, arms), false) => {
                    stack.push((id, true));
                    stack.extend(arms.iter().map(|arm| (arm.next, false)));
                }
                (Term::Choice(direction, arms), true) => {
                    let arm = |arm: &Arm| Arm { next: renamed[&arm.next], ..arm.clone() };
                    let arms = arms.iter().map(arm).collect();
                    let new = self.choice(direction, arms);
                    renamed.insert(id, new);
                }
            }
        }
        Ok(renamed[&term])
    }
}

/// The arms of a merge, with a mark at those whose continuations are merged, and the pairs of
/// continuations in the order of the marks. Receives from one sender are joined; sends must have
/// the same labels. `None` if the two cannot be one choice.
#[allow(clippy::type_complexity)]
fn join(
    direction: Direction,
    one: &[Arm],
    two: &[Arm],
) -> Option<(Vec<(Arm, bool)>, Vec<(TermId, TermId)>)> {
    let key = |arm: &Arm| (arm.peer.clone(), arm.label.clone());
    let mut others: HashMap<(Name, Name), &Arm> = two.iter().map(|arm| (key(arm), arm)).collect();
    let (mut arms, mut pairs) = (Vec::new(), Vec::new());
    for arm in one {
        let other = others.remove(&key(arm));
        if let Some(other) = other {
            if other.payload.sort() != arm.payload.sort() {
                return None;
            }
            pairs.push((arm.next, other.next));
        } else if direction == Direction::Send {
            return None;
        }
        arms.push((arm.clone(), other.is_some()));
    }
    let extra = two.iter().filter(|arm| others.contains_key(&key(arm)));
    arms.extend(extra.map(|arm| (arm.clone(), false)));
    let one_sender = arms.iter().all(|(arm, _)| arm.peer == arms[0].0.peer);
    let accepted = match direction {
        Direction::Send => others.is_empty(),
        Direction::Receive => one_sender,
    };
    accepted.then_some((arms, pairs))
}
