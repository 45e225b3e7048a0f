//! Who may act on a session in this process: what moves authority, for the session's own and for
//! what others hold.
//!
//! Clauses: HOLD-3, AUTH-9.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::endpoint::{By, Endpoint};
use super::error::Error;
use super::holding::{Acting, Holding};
use super::host::Host;
use super::session::Session;
use crate::machine::{
    Accepted, Act, Authority, Capability, Commit, Input, Owner, Presented, Receipt, Recipient,
    Refusal, RequestId, Scope, SessionView, Tick,
};
use crate::types::RoleIx;

/// How fragments are to move: whom to, how long the receipt is good, and whether they act
/// meanwhile.
#[derive(Debug, Clone)]
pub struct Transfer {
    to: Option<String>,
    within: Option<Duration>,
    freeze: bool,
}

impl Transfer {
    /// To this owner.
    #[must_use]
    pub fn to(owner: &str) -> Self {
        Self { to: Some(owner.to_owned()), within: None, freeze: false }
    }

    /// To whoever brings the receipt.
    #[must_use]
    pub fn to_bearer() -> Self {
        Self { to: None, within: None, freeze: false }
    }

    /// It is taken back if it was not committed in this time, counted in milliseconds.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self { within: Some(time), ..self }
    }

    /// The fragments perform no action as long as it is in flight.
    #[must_use]
    pub fn frozen(self) -> Self {
        Self { freeze: true, ..self }
    }
}

impl Session {
    pub(super) fn own(&self) -> Hand<'_> {
        Hand { host: &self.host, by: self.host.capability.present() }
    }

    /// These roles as a scope. With what governs the session:
    /// `scope.union(Scope::LIFECYCLE)`.
    ///
    /// # Errors
    /// `unknown_role`.
    pub fn scope<const N: usize>(&self, roles: [&str; N]) -> Result<Scope, Error> {
        roles.into_iter().try_fold(Scope::from_bits(0), |scope, role| {
            Ok(scope.union(Scope::role(self.host.role(role)?)))
        })
    }

    /// Hands over to an owner what is the session's own: staged and committed in one. An endpoint
    /// that was taken before is refused from here on.
    ///
    /// # Errors
    /// As [`Holding::stage`].
    pub fn hand_over(&self, owner: &str, scope: Scope) -> Result<Holding, Error> {
        let receipt = self.stage_with(&Transfer::to(owner), scope)?;
        self.commit(owner, receipt)
    }

    /// As [`Holding::stage_with`], for what is the session's own.
    ///
    /// # Errors
    /// As [`Holding::stage`].
    pub fn stage_with(&self, transfer: &Transfer, scope: Scope) -> Result<Receipt, Error> {
        self.own().stage(transfer, scope)
    }

    /// As [`Holding::rollback`], for what is the session's own.
    ///
    /// # Errors
    /// As [`Holding::rollback`].
    pub fn rollback(&self, receipt: Receipt) -> Result<(), Error> {
        self.own().rollback(receipt)
    }

    /// Completes a transfer. The receipt is all the authority that this needs.
    ///
    /// # Errors
    /// `receipt_spent`, `receipt_mismatch`, `transfer_not_pending`, `unknown_session`, `terminal`,
    /// [`Error::BadOwner`].
    pub fn commit(&self, owner: &str, receipt: Receipt) -> Result<Holding, Error> {
        let (host, owner) = (Arc::clone(&self.host), named(owner)?);
        let capability = commit(&host, owner, receipt)?;
        Ok(Holding { host, capability })
    }

    /// Gives released fragments to an owner, under the session's lifecycle.
    ///
    /// # Errors
    /// As [`Holding::claim`].
    pub fn claim(&self, owner: &str, scope: Scope) -> Result<Holding, Error> {
        self.own().claim(owner, scope)
    }

    /// Plays a role under a holding; what it does is refused as soon as the holding has lost it.
    pub fn act<'a>(&self, holding: &'a Holding, role: &str) -> Acting<'a> {
        let host = Arc::clone(&self.host);
        let role = host.protocol.role(role).unwrap_or(RoleIx::UNKNOWN);
        let by = By::Lent(Box::new(holding.capability.present().clone()));
        Acting { endpoint: Endpoint::under(host, role, by), _holding: PhantomData }
    }
}

/// Completes a transfer of this session.
pub(super) fn commit(
    host: &Arc<Host>,
    owner: Owner,
    receipt: Receipt,
) -> Result<Box<Capability>, Error> {
    host.change(|state, now| {
        let commit = Box::new(Commit { request: state.request(), receipt, owner });
        match state.machine.handle(now, Input::Commit(commit))? {
            Accepted::Issued(capability) => Ok(Box::new(capability)),
            other => unreachable!("an accepted `Commit` is answered by `Issued`: {other:?}"),
        }
    })
}

pub(super) fn named(owner: &str) -> Result<Owner, Error> {
    Owner::new(owner).map_err(Error::BadOwner)
}

/// What is left of what was issued.
pub(super) fn left_of(session: SessionView<'_>, by: &Presented) -> Scope {
    let own = session.holdings().filter(|held| {
        !held.released && held.generation == by.generation && *held.owner == by.owner
    });
    own.fold(Scope::from_bits(0), |left, held| left.union(held.scope)).intersection(by.scope)
}

/// HOLD-3: whether a role would be refused to who presents this, and why.
pub(super) fn holds(session: SessionView<'_>, by: &Presented, role: RoleIx) -> Result<(), Refusal> {
    let mut holdings = session.holdings();
    let held = holdings.find(|held| held.scope.covers(Scope::role(role)));
    let held = held.expect("each role is in one");
    match (held.released, left_of(session, by).covers(Scope::role(role))) {
        (_, true) => Ok(()),
        (true, _) => {
            let required = Scope::role(role).shown(session.protocol()).into();
            Err(Refusal::Unclaimed { required })
        }
        _ => Err(Refusal::StaleCapability { presented: by.generation, live: held.generation }),
    }
}

/// A presented capability, to do something with.
#[derive(Clone, Copy)]
pub(super) struct Hand<'a> {
    pub(super) host: &'a Arc<Host>,
    pub(super) by: &'a Presented,
}

impl Hand<'_> {
    /// AUTH-9: each request has a number of its own, so that none is taken for a repeat.
    pub(super) fn ask(
        self,
        make: impl FnOnce(RequestId, Tick) -> Authority,
    ) -> Result<Accepted, Error> {
        self.host.change(|state, now| {
            let authority = Box::new(make(state.request(), now));
            Ok(state.machine.act(now, self.by, Act::Authority(authority))?)
        })
    }

    pub(super) fn stage(self, transfer: &Transfer, scope: Scope) -> Result<Receipt, Error> {
        self.staged(transfer, scope).map(|(receipt, _)| receipt)
    }

    /// As [`stage`](Self::stage), with when it is taken back.
    pub(super) fn staged(
        self,
        transfer: &Transfer,
        scope: Scope,
    ) -> Result<(Receipt, Option<Tick>), Error> {
        let to = match &transfer.to {
            Some(owner) => Recipient::Owner(named(owner)?),
            None => Recipient::Bearer,
        };
        let Transfer { within, freeze, .. } = *transfer;
        let mut until = None;
        let accepted = self.ask(|request, now| {
            let expires = within.map(|time| now.after(time));
            until = expires;
            Authority::Stage { request, scope, to, expires, freeze }
        })?;
        match accepted {
            Accepted::Staged(receipt) => Ok((*receipt, until)),
            other => unreachable!("an accepted `Stage` is answered by `Staged`: {other:?}"),
        }
    }

    pub(super) fn rollback(self, receipt: Receipt) -> Result<(), Error> {
        self.ask(|_, _| Authority::Rollback { receipt }).map(drop)
    }

    pub(super) fn release(self, scope: Scope) -> Result<(), Error> {
        self.ask(|request, _| Authority::Release { request, scope }).map(drop)
    }

    pub(super) fn claim(self, owner: &str, scope: Scope) -> Result<Holding, Error> {
        let owner = named(owner)?;
        self.issued(|request| Authority::Claim { request, owner, scope })
    }

    pub(super) fn issued(
        self,
        make: impl FnOnce(RequestId) -> Authority,
    ) -> Result<Holding, Error> {
        match self.ask(|request, _| make(request))? {
            Accepted::Issued(capability) => {
                let (host, capability) = (Arc::clone(self.host), Box::new(capability));
                Ok(Holding { host, capability })
            }
            other => unreachable!("what is issued is answered by `Issued`: {other:?}"),
        }
    }
}
