//! What a readiness witness says of its session: a predicate that the machine evaluates itself.
//!
//! A predicate is a flat list of terms in preorder, so that nothing recurses over what comes from
//! outside: it is evaluated from its end to its beginning.
//!
//! Clauses: WITN-1, WITN-2.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::authority::Scope;
use super::explain::{unknown_edge, unknown_role};
use super::id::Position;
use super::refuse::{Refusal, edge_name, listed};
use super::session::Session;
use crate::types::{Edge, Name, Protocol, RoleIx, StateIx};

/// The most terms of a predicate.
pub const PREDICATE_TERMS_MAX: usize = 64;

/// The deepest that terms of a predicate stand inside each other.
pub const PREDICATE_DEPTH_MAX: usize = 16;

/// A term of a predicate; those that have parts stand in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The role is in this state of its automaton: see
    /// [`Protocol::state_of`](crate::types::Protocol::state_of).
    AtState(RoleIx, StateIx),
    /// No message is on the edge.
    EdgeEmpty(Edge),
    /// The role has performed at least so many actions.
    Position(RoleIx, Position),
    /// Somebody is attached to the role.
    Attached(RoleIx),
    /// The host says so: the machine cannot know, and the audit tells.
    External(Name),
    /// All of so many parts.
    All(u8),
    /// One at least of so many parts.
    Any(u8),
    /// Not the part behind it.
    Not,
}

impl Term {
    /// How many parts it has.
    #[must_use]
    pub fn parts(&self) -> usize {
        match self {
            Self::AtState(..) | Self::EdgeEmpty(_) | Self::Position(..) => 0,
            Self::Attached(_) | Self::External(_) => 0,
            Self::All(parts) | Self::Any(parts) => usize::from(*parts),
            Self::Not => 1,
        }
    }
}

/// Something that is true of a session, or not: from 1 to [`PREDICATE_TERMS_MAX`] terms. Cheap to
/// clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate(Terms);

/// Most predicates are a single term, which takes no memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Terms {
    One(Term),
    Many(Arc<[Term]>),
}

/// Terms that are no predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PredicateError {
    /// More than [`PREDICATE_TERMS_MAX`].
    #[error("a predicate has at most {PREDICATE_TERMS_MAX} terms")]
    TooLarge,
    /// Deeper than [`PREDICATE_DEPTH_MAX`].
    #[error("the terms of a predicate stand at most {PREDICATE_DEPTH_MAX} deep inside each other")]
    TooDeep,
    /// A part is missing, or one is left over.
    #[error("a term of the predicate has more or fewer parts than it says")]
    Parts,
}

impl Predicate {
    /// The predicate of these terms, in preorder.
    ///
    /// # Errors
    /// A [`PredicateError`].
    pub fn new(terms: Vec<Term>) -> Result<Self, PredicateError> {
        if terms.len() > PREDICATE_TERMS_MAX {
            return Err(PredicateError::TooLarge);
        }
        let mut missing = 1;
        for term in &terms {
            if missing == 0 {
                return Err(PredicateError::Parts);
            }
            missing += term.parts();
            missing -= 1;
        }
        if missing > 0 {
            return Err(PredicateError::Parts);
        }
        let predicate = match <[Term; 1]>::try_from(terms) {
            Ok([term]) => Self::leaf(term),
            Err(terms) => Self(Terms::Many(terms.into())),
        };
        let depth = predicate.fold(|_, parts| 1 + parts.into_iter().max().unwrap_or(0));
        if depth > PREDICATE_DEPTH_MAX { Err(PredicateError::TooDeep) } else { Ok(predicate) }
    }

    /// The role is in this state.
    #[must_use]
    pub fn at_state(role: RoleIx, state: StateIx) -> Self {
        Self::leaf(Term::AtState(role, state))
    }

    /// No message is on the edge.
    #[must_use]
    pub fn edge_empty(from: RoleIx, to: RoleIx) -> Self {
        Self::leaf(Term::EdgeEmpty(Edge { from, to }))
    }

    /// The role has performed at least so many actions.
    #[must_use]
    pub fn position(role: RoleIx, least: Position) -> Self {
        Self::leaf(Term::Position(role, least))
    }

    /// Somebody is attached to the role.
    #[must_use]
    pub fn attached(role: RoleIx) -> Self {
        Self::leaf(Term::Attached(role))
    }

    /// What the host asserts under this name.
    #[must_use]
    pub fn external(name: Name) -> Self {
        Self::leaf(Term::External(name))
    }

    /// All of these; of none, it is true.
    ///
    /// # Errors
    /// A [`PredicateError`] if it gets too large or too deep.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Result<Self, PredicateError> {
        Self::joined(Term::All, parts)
    }

    /// One at least of these; of none, it is false.
    ///
    /// # Errors
    /// A [`PredicateError`] if it gets too large or too deep.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Result<Self, PredicateError> {
        Self::joined(Term::Any, parts)
    }

    /// The opposite.
    ///
    /// # Errors
    /// A [`PredicateError`] if it gets too large or too deep.
    pub fn not(part: &Self) -> Result<Self, PredicateError> {
        let mut terms = vec![Term::Not];
        terms.extend_from_slice(part.terms());
        Self::new(terms)
    }

    fn leaf(term: Term) -> Self {
        Self(Terms::One(term))
    }

    fn joined(
        term: impl FnOnce(u8) -> Term,
        parts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, PredicateError> {
        let (mut terms, mut count) = (Vec::new(), 0_usize);
        for part in parts {
            count += 1;
            terms.extend_from_slice(part.terms());
            if terms.len() >= PREDICATE_TERMS_MAX {
                return Err(PredicateError::TooLarge);
            }
        }
        terms.insert(0, term(u8::try_from(count).expect("PREDICATE_TERMS_MAX fits")));
        Self::new(terms)
    }

    /// Its terms, in preorder.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        match &self.0 {
            Terms::One(term) => core::slice::from_ref(term),
            Terms::Many(terms) => terms,
        }
    }

    /// Makes one thing of it: of each term and what its parts came to, in their order.
    pub fn fold<T>(&self, mut of: impl FnMut(&Term, Vec<T>) -> T) -> T {
        let mut done: Vec<T> = Vec::new();
        for term in self.terms().iter().rev() {
            let mut parts = done.split_off(done.len() - term.parts());
            parts.reverse();
            done.push(of(term, parts));
        }
        done.pop().expect("a predicate is one term with its parts")
    }

    /// The fragments that it speaks of; none where the host alone asserts it. An edge is of both
    /// its ends.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let of = |term: &Term| match term {
            Term::AtState(role, _) | Term::Position(role, _) | Term::Attached(role) => {
                Scope::role(*role)
            }
            Term::EdgeEmpty(edge) => Scope::role(edge.from).union(Scope::role(edge.to)),
            Term::External(_) | Term::All(_) | Term::Any(_) | Term::Not => Scope::from_bits(0),
        };
        self.terms().iter().map(of).fold(Scope::from_bits(0), Scope::union)
    }

    /// Which fragments its witness speaks of, for who presents these.
    pub(super) fn spoken_of(&self, presented: Scope) -> Scope {
        let scope = self.scope();
        if scope.is_empty() { presented } else { scope }
    }

    /// Whether it rests on something that the host asserts.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.terms().iter().any(|term| matches!(term, Term::External(_)))
    }

    /// Whether the protocol has every role and edge that it names.
    pub(super) fn known(&self, protocol: &Protocol) -> Result<(), Refusal> {
        let roles = protocol.roles().len();
        self.terms().iter().try_for_each(|term| match term {
            Term::AtState(role, _) | Term::Position(role, _) | Term::Attached(role)
                if role.index() >= roles =>
            {
                Err(unknown_role(protocol))
            }
            Term::EdgeEmpty(edge) if protocol.edge(edge.from, edge.to).is_none() => {
                Err(unknown_edge(protocol))
            }
            _ => Ok(()),
        })
    }

    /// WITN-2: whether it is true of a session now; what it names is [`known`](Self::known).
    pub(super) fn holds(&self, session: &Session, protocol: &Protocol) -> bool {
        // What the terms so far came to, the last one in the lowest bit: as many as there may be.
        let mut done = 0_u64;
        for term in self.terms().iter().rev() {
            let parts = term.parts();
            let all = (1 << parts) - 1;
            let holds = match term {
                Term::AtState(role, state) => session.endpoints[role.index()].state() == *state,
                Term::Position(role, least) => session.endpoints[role.index()].position() >= *least,
                Term::EdgeEmpty(edge) => {
                    let edge = protocol.edge(edge.from, edge.to).expect("its edges are known");
                    session.edges[edge.index()].len() == 0
                }
                Term::Attached(role) => session.attached(*role).is_some(),
                Term::External(_) => true,
                Term::All(_) => done & all == all,
                Term::Any(_) => done & all != 0,
                Term::Not => done & 1 == 0,
            };
            done = done >> parts << 1 | u64::from(holds);
        }
        done & 1 == 1
    }

    /// With names.
    #[must_use]
    pub fn shown(&self, protocol: &Protocol) -> String {
        let name = |role: RoleIx| protocol.role_name(role);
        self.fold(|term, parts: Vec<String>| match term {
            Term::AtState(role, state) => format!("`{}` is in state {}", name(*role), state.0),
            Term::Position(role, least) => {
                format!("`{}` is at position {least} or behind", name(*role))
            }
            Term::Attached(role) => format!("`{}` is attached", name(*role)),
            Term::EdgeEmpty(edge) => {
                format!("the edge {} is empty", edge_name(protocol, edge.from, edge.to))
            }
            Term::External(said) => format!("the host asserts `{said}`"),
            Term::All(_) => format!("all of ({})", listed(parts)),
            Term::Any(_) => format!("any of ({})", listed(parts)),
            Term::Not => format!("not ({})", parts[0]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_a_predicate_if_every_part_is_there() {
        let leaf = || Term::Position(RoleIx(0), Position(1));
        let good =
            [vec![leaf()], vec![Term::All(0)], vec![Term::Any(2), leaf(), Term::Not, leaf()]];
        for terms in good {
            assert_eq!(Predicate::new(terms.clone()).unwrap().terms(), terms);
        }
        let bad = [vec![], vec![Term::Not], vec![leaf(), leaf()], vec![Term::All(2), leaf()]];
        for terms in bad {
            assert_eq!(Predicate::new(terms), Err(PredicateError::Parts));
        }
    }

    #[test]
    fn predicates_have_limits() {
        let leaf = || Predicate::position(RoleIx(0), Position(1));
        let many = |count| Predicate::all((0..count).map(|_| leaf()));
        assert_eq!(many(PREDICATE_TERMS_MAX - 1).unwrap().terms().len(), PREDICATE_TERMS_MAX);
        assert_eq!(many(PREDICATE_TERMS_MAX), Err(PredicateError::TooLarge));
        let mut deep = leaf();
        for _ in 1..PREDICATE_DEPTH_MAX {
            deep = Predicate::not(&deep).unwrap();
        }
        assert_eq!(Predicate::not(&deep), Err(PredicateError::TooDeep));
    }
}
