//! What a role has done, as far back as a repeat may come: to tell the same action again from a
//! different one at the same position.
//!
//! Clauses: POS-1, POS-3, POS-4.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::id::Position;
use super::refuse::Refusal;
use crate::types::canonical;
use crate::types::{EdgeIx, LabelIx, MessageIx, Protocol, RoleIx, Value};

/// How many sends of a role are remembered.
pub const REMEMBERED_MAX: usize = 64;

/// A send that was performed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// The position it was performed at.
    pub at: Position,
    /// Whom it went to.
    pub edge: EdgeIx,
    /// Its label and sort.
    pub message: MessageIx,
    /// SHA-256 of the value's canonical bytes.
    pub digest: [u8; 32],
}

/// A send that says it was performed.
pub(super) struct Claim {
    pub(super) edge: Option<EdgeIx>,
    pub(super) label: LabelIx,
    pub(super) value: Value,
}

impl Performed {
    pub(super) fn new(at: Position, edge: EdgeIx, message: MessageIx, value: &Value) -> Self {
        Self { at, edge, message, digest: digest(value) }
    }

    /// Whether the claim is of this very send: same receiver, label and value.
    fn is(&self, protocol: &Protocol, claim: Claim) -> Result<(), Box<str>> {
        let message = protocol.message(self.message);
        let to = protocol.edges()[self.edge.index()].to;
        let (label, to) = (protocol.label_name(message.label), protocol.role_name(to));
        if claim.edge != Some(self.edge) || claim.label != message.label {
            return Err(format!("the send of `{label}` to `{to}`").into());
        }
        match message.payload.sort().conform(claim.value) {
            Ok(value) if digest(&value) == self.digest => Ok(()),
            _ => Err(format!("the send of `{label}` to `{to}` with another value").into()),
        }
    }
}

fn digest(value: &Value) -> [u8; 32] {
    let mut bytes = Vec::new();
    canonical::encode(value, &mut bytes);
    Sha256::digest(&bytes).into()
}

#[derive(Debug, Clone, Default)]
pub(super) struct Ring {
    /// Actions before this position are not remembered; `None`: nothing is.
    pub(super) from: Option<Position>,
    pub(super) sends: VecDeque<Performed>,
}

/// The last sends of each role that numbers its actions.
#[derive(Debug, Clone)]
pub(super) struct Remembered(pub(super) Box<[Ring]>);

impl Remembered {
    pub(super) fn new(roles: usize) -> Self {
        Self((0..roles).map(|_| Ring::default()).collect())
    }

    pub(super) fn start(&mut self, role: RoleIx, position: Position) {
        self.0[role.index()].from.get_or_insert(position);
    }

    /// Whether the sends of `role` are remembered.
    pub(super) fn keeps(&self, role: RoleIx) -> bool {
        self.0[role.index()].from.is_some()
    }

    pub(super) fn push(&mut self, role: RoleIx, performed: Performed) {
        let ring = &mut self.0[role.index()];
        if ring.sends.len() == REMEMBERED_MAX
            && let Some(oldest) = ring.sends.pop_front()
        {
            ring.from = Some(Position(oldest.at.0 + 1));
        }
        ring.sends.push_back(performed);
    }

    /// The bytes that it takes elsewhere.
    pub(super) fn heap(&self) -> usize {
        let sends = self.0.iter().map(|ring| ring.sends.capacity() * size_of::<Performed>());
        size_of_val(&*self.0) + sends.sum::<usize>()
    }

    /// What is remembered of one role, and from which position.
    pub(super) fn of(
        &self,
        role: RoleIx,
    ) -> Option<(Position, impl ExactSizeIterator<Item = &Performed>)> {
        let ring = &self.0[role.index()];
        Some((ring.from?, ring.sends.iter()))
    }

    /// What is remembered of each role: from which position, and its sends. For the digest.
    pub(super) fn rings(
        &self,
    ) -> impl Iterator<Item = (Option<Position>, impl ExactSizeIterator<Item = &Performed>)> {
        self.0.iter().map(|ring| (ring.from, ring.sends.iter()))
    }

    /// `Ok` if what `role` did at `at`, before `now`, is the claimed send, or a receive where
    /// nothing is claimed.
    pub(super) fn check(
        &self,
        protocol: &Protocol,
        role: RoleIx,
        at: Position,
        now: Position,
        claim: Option<Claim>,
    ) -> Result<(), Refusal> {
        let ring = &self.0[role.index()];
        match ring.from {
            Some(oldest) if at >= oldest => {}
            oldest => return Err(Refusal::TooOld { at, oldest: oldest.unwrap_or(now) }),
        }
        let index = ring.sends.binary_search_by_key(&at, |performed| performed.at).ok();
        let conflict = |performed| Refusal::PositionConflict { at, performed };
        match (index.map(|index| &ring.sends[index]), claim) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(conflict("a receive".into())),
            (Some(performed), Some(claim)) => performed.is(protocol, claim).map_err(conflict),
            (Some(_), None) => Err(conflict("a send".into())),
        }
    }
}
