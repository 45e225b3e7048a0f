//! Who owns what in one session: the map from fragments to owners and generations.
//!
//! One owner holds every fragment of a session until some are handed over: then the rest of what
//! it holds stays where it was, and each change writes the next generation to the fragments that
//! it moves. A generation so names one *holding*; what moves on is taken out of it.
//!
//! Clauses: AUTH-1, AUTH-2, AUTH-4, AUTH-7, AUTH-8.

use alloc::vec::Vec;

use super::authority::{Owner, Presented, Scope};
use super::id::{Generation, ReceiptId, RequestId, Tick};
use super::receipt::Receipt;
use super::request::Origin;
use super::token::Serials;
use crate::types::{Protocol, RoleIx};

/// What the opener has and nobody else has had: everything, in a plain session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Ownership {
    pub(super) owner: Owner,
    pub(super) generation: Generation,
    pub(super) scope: Scope,
}

/// What was handed over, and what is about to be.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    // INVARIANT(generation_monotone): the last generation that was written; grows with every
    // change, and no holding has a later one.
    pub(super) last: Generation,
    // INVARIANT(one_owner_a_fragment): every fragment is in one of these, or still the opener's.
    pub(super) holdings: Vec<Holding>,
    // INVARIANT(receipt_commits_once): in the order of their ids, all below `receipts`; no fragment
    // is in two of them, and each still belongs to who staged it.
    pub(super) staged: Vec<Staged>,
    /// The id of the next receipt.
    pub(super) receipts: ReceiptId,
    // INVARIANT(serial_of_the_living): each of a generation that still has a live fragment.
    pub(super) serials: Vec<Serials>,
}

/// Fragments that one change moved.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    pub(super) owner: Owner,
    pub(super) generation: Generation,
    /// What is left of it.
    pub(super) scope: Scope,
    /// What the capability for it was issued for.
    pub(super) issued: Scope,
    /// Nobody's any more; the owner is the last one.
    pub(super) released: bool,
    pub(super) origin: Origin,
}

/// A transfer in flight: with what it came from, so that a repeat is known.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    pub(super) receipt: Receipt,
    pub(super) expires: Option<Tick>,
    pub(super) freeze: bool,
    pub(super) request: RequestId,
    /// What was presented by who staged it.
    pub(super) presented: Scope,
}

/// A holding, wherever it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) owner: &'a Owner,
    pub(super) generation: Generation,
    pub(super) scope: Scope,
    pub(super) released: bool,
}

/// Why a presented capability does not cover an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uncovered {
    Unclaimed,
    Stale { live: Generation },
    Scope,
}

impl Ownership {
    pub(super) fn of_opener(owner: Owner, protocol: &Protocol) -> Self {
        Self { owner, generation: Generation(1), scope: Scope::session(protocol) }
    }

    /// AUTH-1, AUTH-2: whether every fragment that the operation needs carries the presented owner
    /// and generation, and was presented.
    pub(super) fn covers(
        &self,
        spread: Option<&Spread>,
        presented: &Presented,
        needs: Scope,
    ) -> Result<(), Uncovered> {
        let plain = presented.generation == self.generation
            && presented.owner == self.owner
            && self.scope.covers(presented.scope)
            && presented.scope.covers(needs);
        if plain || spread.is_some_and(|spread| spread.covers_plainly(presented, needs)) {
            return Ok(());
        }
        self.covers_among(spread, presented, needs)
    }

    /// As [`covers`](Self::covers), holding by holding.
    fn covers_among(
        &self,
        spread: Option<&Spread>,
        presented: &Presented,
        needs: Scope,
    ) -> Result<(), Uncovered> {
        let nothing = Scope::from_bits(0);
        let (mut all, mut carried, mut released) = (nothing, nothing, nothing);
        for held in self.holdings(spread) {
            all = all.union(held.scope);
            if held.released {
                released = released.union(held.scope);
            } else if held.is_of(presented) {
                carried = carried.union(held.scope);
            }
        }
        if !released.intersection(needs).is_empty() {
            return Err(Uncovered::Unclaimed);
        }
        let live = |fragment: Scope| Uncovered::Stale {
            live: self.generation_of(spread, fragment).unwrap_or(self.generation),
        };
        let lost = needs.intersection(presented.scope).intersection(all).without(carried);
        if !lost.is_empty() {
            return Err(live(lost.first()));
        }
        let within = all.covers(presented.scope) && presented.scope.covers(needs);
        match () {
            () if within => Ok(()),
            () if carried.is_empty() => Err(live(needs.first())),
            () => Err(Uncovered::Scope),
        }
    }

    /// Whether every fragment of the scope carries, or was released with, the presented owner and
    /// generation.
    pub(super) fn was_last(
        &self,
        spread: Option<&Spread>,
        presented: &Presented,
        scope: Scope,
    ) -> bool {
        let own = self.holdings(spread).filter(|held| held.is_of(presented));
        let last = own.fold(Scope::from_bits(0), |last, held| last.union(held.scope));
        last.intersection(presented.scope).covers(scope)
    }

    /// All holdings; together they are every fragment.
    pub(super) fn holdings<'a>(
        &'a self,
        spread: Option<&'a Spread>,
    ) -> impl Iterator<Item = Held<'a>> {
        let Self { owner, generation, scope } = self;
        let own = Held { owner, generation: *generation, scope: *scope, released: false };
        let spread = spread.into_iter().flat_map(|spread| &spread.holdings);
        let moved = spread.map(|holding| {
            let Holding { owner, generation, scope, released, .. } = holding;
            Held { owner, generation: *generation, scope: *scope, released: *released }
        });
        core::iter::once(own).chain(moved)
    }

    fn generation_of(&self, spread: Option<&Spread>, fragment: Scope) -> Option<Generation> {
        let mut holdings = self.holdings(spread);
        holdings.find(|held| held.scope.covers(fragment)).map(|held| held.generation)
    }

    /// [`covers`](Self::covers) for a role, where everything that is left of the opener's is
    /// presented: told without going through the fragments. `false` means that they must be gone
    /// through.
    #[inline(always)]
    pub(super) fn covers_plainly(&self, presented: &Presented, role: RoleIx) -> bool {
        presented.generation == self.generation
            && presented.scope == self.scope
            && self.scope.covers_first(role)
            && presented.owner.is_plainly(&self.owner)
    }
}

impl Held<'_> {
    pub(super) fn is_of(self, presented: &Presented) -> bool {
        self.generation == presented.generation && *self.owner == presented.owner
    }
}

impl Spread {
    /// Nothing was handed over yet.
    pub(super) fn new(ownership: &Ownership) -> Self {
        Self {
            last: ownership.generation,
            holdings: Vec::new(),
            staged: Vec::new(),
            receipts: ReceiptId(0),
            serials: Vec::new(),
        }
    }

    /// AUTH-8: the fragments get a new owner under the next generation.
    pub(super) fn issue(
        &mut self,
        ownership: &mut Ownership,
        owner: Owner,
        scope: Scope,
        origin: Origin,
    ) -> Generation {
        self.take(ownership, scope);
        self.last.0 += 1;
        let generation = self.last;
        let issued = scope;
        self.holdings.push(Holding { owner, generation, scope, issued, released: false, origin });
        generation
    }

    /// The fragments become nobody's; who had them is kept.
    pub(super) fn release(
        &mut self,
        ownership: &mut Ownership,
        (owner, generation): (Owner, Generation),
        scope: Scope,
        origin: Origin,
    ) {
        self.take(ownership, scope);
        let issued = scope;
        self.holdings.push(Holding { owner, generation, scope, issued, released: true, origin });
    }

    fn take(&mut self, ownership: &mut Ownership, scope: Scope) {
        ownership.scope = ownership.scope.without(scope);
        self.holdings.retain_mut(|held| {
            held.scope = held.scope.without(scope);
            !held.scope.is_empty()
        });
        self.forget_serials(ownership);
    }

    /// AUTH-24: everything that the owner has becomes nobody's. What it staged stays staged.
    pub(super) fn lose(&mut self, ownership: &mut Ownership, owner: &Owner, origin: &Origin) {
        let live = |held: &Held<'_>| !held.released && !held.scope.is_empty();
        let own = ownership.holdings(Some(self)).filter(|held| live(held) && held.owner == owner);
        let own: Vec<_> = own.map(|held| (held.generation, held.scope)).collect();
        for (generation, scope) in own {
            self.release(ownership, (owner.clone(), generation), scope, origin.clone());
        }
    }

    /// Whether what was presented is all of one holding, or a part of it: then nobody else has
    /// anything of it.
    fn covers_plainly(&self, presented: &Presented, needs: Scope) -> bool {
        let mut holdings = self.holdings.iter().rev();
        holdings.find(|held| held.generation == presented.generation).is_some_and(|held| {
            !held.released
                && held.scope.covers(presented.scope)
                && presented.scope.covers(needs)
                && held.owner == presented.owner
        })
    }

    /// The bytes that it takes, with its own place.
    pub(super) fn heap(&self) -> usize {
        let origins = self.holdings.iter().map(|holding| holding.origin.heap());
        size_of::<Self>()
            + self.holdings.capacity() * size_of::<Holding>()
            + self.staged.capacity() * size_of::<Staged>()
            + origins.sum::<usize>()
    }

    /// Takes a transfer out of what is outstanding.
    pub(super) fn settle(&mut self, receipt: ReceiptId) -> Option<Staged> {
        let at = self.staged.iter().position(|staged| staged.receipt.id == receipt)?;
        Some(self.staged.remove(at))
    }
}
