//! Witnesses: what a machine has found to be so, once, for one holder. A readiness witness says
//! that a predicate was true; a timeout witness, that a timer ran out.
//!
//! Only what is outstanding is remembered: the journal says what became of the rest.
//!
//! Clauses: WITN-3, WITN-4, WITN-7.

use alloc::vec::Vec;

use super::authority::{Owner, Scope};
use super::id::{Generation, RequestId, SessionId, Tick, TimerId, WitnessId};
use super::predicate::Predicate;
use super::site::{Armed, Site};
use super::timer::Timer;

/// The proof that a predicate was true when it was issued: plain data, compared field by field with
/// what is outstanding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The session.
    pub session: SessionId,
    /// Its number among the witnesses of the session.
    pub id: WitnessId,
    /// Whom it was issued to.
    pub owner: Owner,
    /// Under which generation.
    pub generation: Generation,
    /// Which fragments it speaks of.
    pub scope: Scope,
    /// What was true.
    pub predicate: Predicate,
}

/// The proof that a timer ran out: plain data, compared field by field with what is outstanding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeoutWitness {
    /// The session.
    pub session: SessionId,
    /// Its number among the witnesses of the session.
    pub id: WitnessId,
    /// What the timer was for.
    pub site: Site,
    /// Who had armed it.
    pub owner: Owner,
    /// Under which generation.
    pub generation: Generation,
    /// Under the authority over which fragments.
    pub scope: Scope,
    /// When it ran out.
    pub issued_at: Tick,
    /// From when on the witness is good no more.
    pub until: Option<Tick>,
}

/// What is outstanding in one session beside its transfers.
#[derive(Debug, Clone, Default)]
pub(super) struct Outstanding {
    // INVARIANT(witness_single_use): each list in the order of its ids, all below the counters; no
    // id is in two of them, and who it was issued to still has its fragments.
    pub(super) readiness: Vec<Ready>,
    pub(super) timeouts: Vec<TimeoutWitness>,
    // INVARIANT(witness_single_use): the timers of `timeouts`, in the same order.
    pub(super) ran_out: Vec<TimerId>,
    pub(super) armed: Vec<Watch>,
    /// The id of the next witness.
    pub(super) witnesses: WitnessId,
    /// The id of the next timer.
    pub(super) timers: TimerId,
}

/// A readiness witness, and what it came from, so that a repeat is known.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) witness: Readiness,
    pub(super) request: RequestId,
    /// What was presented by who asked for it.
    pub(super) presented: Scope,
}

/// A timer, and what it came from, so that a repeat is known.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) timer: Armed,
    pub(super) request: RequestId,
    /// What was presented by who armed it.
    pub(super) presented: Scope,
    pub(super) after: u64,
}

impl TimeoutWitness {
    fn timer(&self) -> Option<(Tick, Timer)> {
        Some((self.until?, Timer::Witness(self.id)))
    }
}

impl Armed {
    fn timer(&self) -> (Tick, Timer) {
        (self.due, Timer::Site(self.id))
    }
}

impl Outstanding {
    /// The bytes that it takes.
    pub(super) fn heap(&self) -> usize {
        size_of::<Self>()
            + self.readiness.capacity() * size_of::<Ready>()
            + self.timeouts.capacity() * size_of::<TimeoutWitness>()
            + self.ran_out.capacity() * size_of::<TimerId>()
            + self.armed.capacity() * size_of::<Watch>()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.readiness.len() + self.timeouts.len() + self.armed.len()
    }

    /// Everything of it that runs out by itself.
    pub(super) fn timers(&self) -> impl Iterator<Item = (Tick, Timer)> {
        let armed = self.armed.iter().map(|watch| watch.timer.timer());
        armed.chain(self.timeouts.iter().filter_map(TimeoutWitness::timer))
    }

    pub(super) fn is_outstanding(&self, witness: WitnessId) -> bool {
        self.readiness.iter().any(|ready| ready.witness.id == witness)
            || self.timeouts.iter().any(|timeout| timeout.id == witness)
    }

    /// Whether the fragments of everything in it are `live`, and its ids are in order.
    pub(super) fn is_sound(&self, live: impl Fn(&Owner, Generation, Scope) -> bool) -> bool {
        let ready = self.readiness.iter().map(|ready| &ready.witness);
        let mut ids: Vec<_> = ready.clone().map(|witness| witness.id).collect();
        let late = self.timeouts.iter().map(|timeout| timeout.id);
        let ordered = ids.is_sorted() && late.clone().is_sorted();
        ids.extend(late);
        ids.sort_unstable();
        let once = ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|id| *id < self.witnesses);
        let timers = self.armed.iter().map(|watch| watch.timer.id);
        let armed =
            timers.clone().is_sorted_by(|a, b| a < b) && timers.clone().all(|id| id < self.timers);
        let of = |owner, generation, scope| live(owner, generation, scope);
        let mut timeouts = self.timeouts.iter();
        let mut watches = self.armed.iter().map(|watch| &watch.timer);
        ordered
            && once
            && self.ran_out.len() == self.timeouts.len()
            && self.ran_out.iter().all(|id| *id < self.timers)
            && armed
            && ready.clone().all(|one| of(&one.owner, one.generation, one.scope))
            && timeouts.all(|one| of(&one.owner, one.generation, one.scope))
            && watches.all(|one| of(&one.owner, one.generation, one.scope))
    }

    /// WITN-3: takes a witness out; the timer that goes with it.
    pub(super) fn spend(&mut self, witness: WitnessId) -> Option<(Tick, Timer)> {
        self.readiness.retain(|ready| ready.witness.id != witness);
        let at = self.timeouts.iter().position(|timeout| timeout.id == witness)?;
        self.ran_out.remove(at);
        self.timeouts.remove(at).timer()
    }

    /// Takes a timer out.
    pub(super) fn disarm(&mut self, timer: TimerId) -> Option<Armed> {
        let at = self.armed.iter().position(|watch| watch.timer.id == timer)?;
        Some(self.armed.remove(at).timer)
    }

    /// TIMER-2: the timer has run out at `now`; the witness of that.
    pub(super) fn time_out(
        &mut self,
        session: SessionId,
        timer: TimerId,
        now: Tick,
    ) -> TimeoutWitness {
        let Armed { site, owner, generation, scope, valid, .. } =
            self.disarm(timer).expect("a timer that runs out is armed");
        let until = valid.map(|valid| Tick(now.0.saturating_add(valid)));
        let (id, issued_at) = (self.witnesses, now);
        self.witnesses.0 += 1;
        let witness =
            TimeoutWitness { session, id, site, owner, generation, scope, issued_at, until };
        self.timeouts.push(witness.clone());
        self.ran_out.push(timer);
        witness
    }

    /// WITN-7: takes out everything that is bound to one of the fragments; the timers of that.
    pub(super) fn take(&mut self, moved: Scope) -> Vec<(Tick, Timer)> {
        let touches = |scope: Scope| !scope.intersection(moved).is_empty();
        let armed = self.armed.iter().map(|watch| &watch.timer).filter(|one| touches(one.scope));
        let late = self.timeouts.iter().filter(|one| touches(one.scope));
        let gone = armed.map(Armed::timer).chain(late.filter_map(TimeoutWitness::timer)).collect();
        self.armed.retain(|one| !touches(one.timer.scope));
        let mut late = self.timeouts.iter();
        self.ran_out.retain(|_| late.next().is_none_or(|one| !touches(one.scope)));
        self.timeouts.retain(|one| !touches(one.scope));
        self.readiness.retain(|one| !touches(one.witness.scope));
        gone
    }
}
