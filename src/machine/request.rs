//! What a repeat of a request is known by, field by field. What the result says already is not
//! kept twice: a transfer, a witness or a timer keeps the rest beside it, and a holding its
//! [`Origin`]. The request is put together from both where it must be shown.
//!
//! Clauses: AUTH-9.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::authority::{Owner, Presented, Scope};
use super::id::{Generation, ReceiptId, RequestId, SessionId, TimerId, WitnessId};
use super::input::{Act, Input};
use super::ownership::{Holding, Staged};
use super::receipt::{Authority, Commit, Receipt, Recipient, Reclaim};
use super::record::Recorded;
use super::view::SessionView;
use super::witness::{Ready, Watch};

/// A request about authority, as it is made.
#[derive(Debug, Clone, Copy)]
pub(super) enum Made<'a> {
    Act { by: &'a Presented, authority: &'a Authority },
    Commit(&'a Commit),
    Reclaim(&'a Reclaim),
}

/// What a holding came from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A commit, by far the most of them. Its receipt was for the owner of the holding, if it was
    /// not a bearer's, and for the scope that was issued.
    Commit {
        request: RequestId,
        receipt: ReceiptId,
        from: Owner,
        generation: Generation,
        is_bearer: bool,
    },
    Other(Box<Input>),
}

/// What the live authority of a session came from, in the order of what came of it: as a repeat of
/// one of these requests is known, it is answered as the first time.
#[derive(Debug, Clone, PartialEq)]
pub struct Requests {
    /// The last generation that was written and the id of the next receipt; `None` as long as
    /// nothing was handed over.
    pub spread: Option<(Generation, ReceiptId)>,
    /// The ids of the next witness and timer; `None` as long as there never was one.
    pub outstanding: Option<(WitnessId, TimerId)>,
    /// Of each holding but the opener's: its generation, what it was issued for, and the request.
    pub holdings: Vec<(Generation, Scope, Input)>,
    /// Of each transfer in flight.
    pub staged: Vec<Input>,
    /// Of each readiness witness that is outstanding.
    pub readiness: Vec<Input>,
    /// Of each timer that is armed.
    pub timers: Vec<Input>,
}

impl<'a> Made<'a> {
    /// What a record holds, if it is about authority.
    pub(super) fn of(event: &'a Recorded) -> Option<Self> {
        match event {
            Recorded::Input(Input::Act { by, act: Act::Authority(authority) }) => {
                Some(Self::Act { by, authority })
            }
            Recorded::Input(Input::Commit(commit)) => Some(Self::Commit(commit)),
            Recorded::Input(Input::Reclaim(reclaim)) => Some(Self::Reclaim(reclaim)),
            _ => None,
        }
    }

    /// Whether it is the same one. Where the session is kept, and what it came over, is no part of
    /// what is asked.
    fn is(self, kept: &Input) -> bool {
        match (self, kept) {
            (
                Self::Act { by, authority },
                Input::Act { by: kept, act: Act::Authority(kept_authority) },
            ) => {
                (by.session, by.generation, by.scope) == (kept.session, kept.generation, kept.scope)
                    && by.owner == kept.owner
                    && *authority == **kept_authority
            }
            (Self::Commit(commit), Input::Commit(kept)) => *commit == **kept,
            (Self::Reclaim(reclaim), Input::Reclaim(kept)) => *reclaim == **kept,
            _ => false,
        }
    }

    fn input(self) -> Input {
        match self {
            Self::Act { by, authority } => {
                let by = Presented { hint: 0, over: None, ..by.clone() };
                Input::Act { by, act: Act::Authority(Box::new(authority.clone())) }
            }
            Self::Commit(commit) => Input::Commit(Box::new(commit.clone())),
            Self::Reclaim(reclaim) => Input::Reclaim(Box::new(reclaim.clone())),
        }
    }
}

impl Origin {
    pub(super) fn of(made: Made<'_>) -> Self {
        match made {
            Made::Commit(Commit { request, receipt, .. }) => Self::Commit {
                request: *request,
                receipt: receipt.id,
                from: receipt.from.clone(),
                generation: receipt.generation,
                is_bearer: receipt.to == Recipient::Bearer,
            },
            others => Self::Other(Box::new(others.input())),
        }
    }

    /// The bytes that it takes elsewhere.
    pub(super) fn heap(&self) -> usize {
        let Self::Other(input) = self else { return 0 };
        let inner = match &**input {
            Input::Act { act: Act::Authority(_), .. } => size_of::<Authority>(),
            Input::Reclaim(_) => size_of::<Reclaim>(),
            _ => 0,
        };
        size_of::<Input>() + inner
    }
}

impl Holding {
    /// Whether it came from this request.
    pub(super) fn is_made_by(&self, made: Made<'_>) -> bool {
        match (&self.origin, made) {
            (
                Origin::Commit { request, receipt: id, from, generation, is_bearer },
                Made::Commit(commit),
            ) => {
                let receipt = &commit.receipt;
                let to = match &receipt.to {
                    Recipient::Owner(to) => !is_bearer && *to == self.owner,
                    Recipient::Bearer => *is_bearer,
                };
                (commit.request, receipt.id, receipt.generation) == (*request, *id, *generation)
                    && receipt.scope == self.issued
                    && to
                    && receipt.from == *from
                    && commit.owner == self.owner
            }
            (Origin::Commit { .. }, _) => false,
            (Origin::Other(kept), made) => made.is(kept),
        }
    }

    /// The request that it came from.
    pub(super) fn request(&self, session: SessionId) -> Input {
        match &self.origin {
            Origin::Commit { request, receipt, from, generation, is_bearer } => {
                let owner = self.owner.clone();
                let to = match is_bearer {
                    true => Recipient::Bearer,
                    false => Recipient::Owner(owner.clone()),
                };
                let (id, from, scope) = (*receipt, from.clone(), self.issued);
                let receipt = Receipt { session, id, from, generation: *generation, to, scope };
                Input::Commit(Box::new(Commit { request: *request, receipt, owner }))
            }
            Origin::Other(input) => (**input).clone(),
        }
    }
}

impl Staged {
    /// Whether it came from this request.
    pub(super) fn is_made_by(&self, made: Made<'_>) -> bool {
        let Made::Act { by, authority } = made else { return false };
        let Authority::Stage { request, scope, to, expires, freeze } = authority else {
            return false;
        };
        let receipt = &self.receipt;
        (*request, *scope, *expires, *freeze)
            == (self.request, receipt.scope, self.expires, self.freeze)
            && (by.generation, by.scope) == (receipt.generation, self.presented)
            && *to == receipt.to
            && by.owner == receipt.from
    }

    /// The request that it came from.
    pub(super) fn request(&self) -> Input {
        let Receipt { session, from, generation, to, scope, .. } = &self.receipt;
        let (request, scope, to) = (self.request, *scope, to.clone());
        let (expires, freeze) = (self.expires, self.freeze);
        let authority = Authority::Stage { request, scope, to, expires, freeze };
        asked(*session, from, *generation, self.presented, authority)
    }
}

impl Ready {
    /// Whether it came from this request.
    pub(super) fn is_made_by(&self, made: Made<'_>) -> bool {
        let Made::Act { by, authority: Authority::IssueReadiness { request, predicate } } = made
        else {
            return false;
        };
        *request == self.request
            && (by.generation, by.scope) == (self.witness.generation, self.presented)
            && by.owner == self.witness.owner
            && *predicate == self.witness.predicate
    }

    /// The request that it came from.
    pub(super) fn request(&self) -> Input {
        let (request, predicate) = (self.request, self.witness.predicate.clone());
        let authority = Authority::IssueReadiness { request, predicate };
        let witness = &self.witness;
        asked(witness.session, &witness.owner, witness.generation, self.presented, authority)
    }
}

impl Watch {
    /// Whether it came from this request.
    pub(super) fn is_made_by(&self, made: Made<'_>) -> bool {
        let Made::Act { by, authority } = made else { return false };
        let Authority::ArmTimer { request, site, after, valid } = authority else { return false };
        (*request, *after, *valid) == (self.request, self.after, self.timer.valid)
            && (by.generation, by.scope) == (self.timer.generation, self.presented)
            && by.owner == self.timer.owner
            && *site == self.timer.site
    }

    /// The request that it came from.
    pub(super) fn request(&self, session: SessionId) -> Input {
        let timer = &self.timer;
        let (request, site) = (self.request, timer.site.clone());
        let (after, valid) = (self.after, timer.valid);
        let authority = Authority::ArmTimer { request, site, after, valid };
        asked(session, &timer.owner, timer.generation, self.presented, authority)
    }
}

impl SessionView<'_> {
    /// What its live authority came from; `None` where there never was anything but the opener's.
    #[must_use]
    pub fn requests(self) -> Option<Requests> {
        let (spread, outstanding) = (self.session().spread(), self.session().outstanding());
        if spread.is_none() && outstanding.is_none() {
            return None;
        }
        let holding = |held: &Holding| (held.generation, held.issued, held.request(self.id()));
        let holdings = spread.into_iter().flat_map(|spread| &spread.holdings).map(holding);
        let staged = spread.into_iter().flat_map(|spread| &spread.staged).map(Staged::request);
        let readiness = outstanding.into_iter().flat_map(|all| &all.readiness).map(Ready::request);
        let timers = outstanding.into_iter().flat_map(|all| &all.armed);
        Some(Requests {
            spread: spread.map(|spread| (spread.last, spread.receipts)),
            outstanding: outstanding.map(|all| (all.witnesses, all.timers)),
            holdings: holdings.collect(),
            staged: staged.collect(),
            readiness: readiness.collect(),
            timers: timers.map(|watch| watch.request(self.id())).collect(),
        })
    }
}

fn asked(
    session: SessionId,
    owner: &Owner,
    generation: Generation,
    scope: Scope,
    authority: Authority,
) -> Input {
    let by = Presented { session, owner: owner.clone(), generation, scope, hint: 0, over: None };
    Input::Act { by, act: Act::Authority(Box::new(authority)) }
}
