//! What becomes of a role whose connection is lost, and of its session when nobody comes back.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Place, Server};
use crate::machine::{
    Act, Authority, Death, Epoch, Input, Machine, Presented, Refusal, RequestId, Scope, SessionId,
    SessionView, Site, Tick, TimeoutWitness, TimerId,
};
use crate::resume::lifetime::Lifetime;
use crate::types::RoleIx;

/// By this a host knows the timers of its links again, also after a restart: their witnesses are
/// good for ever, said as a number.
const OF_A_LINK: Option<u64> = Some(u64::MAX);

/// What watches over the whole life of a session.
const WHOLE: &str = "whole_lifetime";

/// Why a session is cancelled whose lifetime is over.
const OVER: &str = "its lifetime is over";

fn is_whole(site: &Site) -> bool {
    matches!(site, Site::Name(name) if **name == *WHOLE)
}

/// Who has the lifecycle of a session: in its name the host does what was agreed when it was
/// opened.
pub(super) fn host_of(view: SessionView<'_>) -> Option<Presented> {
    let mut holdings = view.holdings();
    let held = holdings.find(|held| !held.released && held.scope.covers(Scope::LIFECYCLE))?;
    Some(Presented {
        session: view.id(),
        owner: held.owner.clone(),
        generation: held.generation,
        scope: Scope::LIFECYCLE,
        hint: u32::MAX,
        over: None,
    })
}

impl Server {
    /// An endpoint is attached no more.
    pub(super) fn detach(&mut self, machine: &mut Machine, now: Tick, place: Place) {
        let Some(link) = self.remove(place) else { return };
        let (session, role, epoch) = (link.session, link.role, link.epoch);
        let by = Presented { over: None, ..link.by };
        // Where it was taken over, or the session has ended, there is nothing to say.
        if machine.act(now, &by, Act::Detach { role, epoch }).is_ok() {
            self.away(machine, now, session, role, epoch);
        }
        self.touched.insert(session);
    }

    /// SRV-12: the session waits for the role from now on, and not for ever.
    fn away(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        session: SessionId,
        role: RoleIx,
        epoch: Epoch,
    ) {
        let Some(lifetime) = self.options.lifetime else { return };
        let Some(host) = machine.session(session).and_then(host_of) else { return };
        let after = u64::try_from(lifetime.detached().as_millis()).unwrap_or(u64::MAX);
        let site = Site::Endpoint(role);
        let request = RequestId(1 << 63 | epoch.bits());
        let arm = Authority::ArmTimer { request, site, after, valid: OF_A_LINK };
        // A session with too many things outstanding waits for ever.
        let _ = machine.act(now, &host, Act::Authority(Box::new(arm)));
    }

    /// The role is attached again: nobody waits for it.
    pub(super) fn back(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        session: SessionId,
        role: RoleIx,
    ) {
        let Some(view) = machine.session(session) else { return };
        let Some(host) = host_of(view) else { return };
        let own = view.timers().filter(|timer| timer.valid == OF_A_LINK);
        let own = own.filter(|timer| timer.site == Site::Endpoint(role));
        let timers: Vec<TimerId> = own.map(|timer| timer.id).collect();
        for timer in timers {
            let disarm = Authority::DisarmTimer { timer };
            let _ = machine.act(now, &host, Act::Authority(Box::new(disarm)));
        }
    }

    /// SRV-12: of the sessions that were touched: those that have waited long enough for a role
    /// lose its owner. To be asked after time has passed, before sealing.
    pub fn decide(&mut self, machine: &mut Machine, now: Tick) {
        let touched: Vec<SessionId> = self.touched.iter().copied().collect();
        for session in touched {
            self.left(machine, now, session);
            self.lives(machine, now, session);
            let Some(view) = machine.session(session) else { continue };
            // Whoever owns a role may have armed such a timer too; what it says is not the host's.
            let waited = view.timeouts().filter(|timeout| {
                timeout.scope.covers(Scope::LIFECYCLE) && timeout.until.is_some_and(is_for_ever)
            });
            let waited: Vec<TimeoutWitness> = waited.cloned().collect();
            for witness in waited {
                self.give_up(machine, now, session, witness);
            }
        }
    }

    /// Roles that were handed over while they were attached: whoever has them now is waited for.
    fn left(&mut self, machine: &mut Machine, now: Tick, session: SessionId) {
        let roles = (session, RoleIx(0))..=(session, RoleIx(u16::MAX));
        let links = self.places.range(roles).filter_map(|(_, place)| self.links.get(place));
        let links: Vec<(RoleIx, Epoch)> = links.map(|link| (link.role, link.epoch)).collect();
        for (role, epoch) in links {
            let endpoint = machine.session(session).and_then(|view| view.endpoint(role));
            if endpoint.is_some_and(|endpoint| endpoint.attached().is_none()) {
                self.away(machine, now, session, role, epoch);
            }
        }
    }

    /// SRV-14: the session has an end that somebody watches for, where the lifetime says so: from
    /// its opening on, or from when its lifecycle has changed hands, which ends who watched before.
    fn lives(&mut self, machine: &mut Machine, now: Tick, session: SessionId) {
        let Some(total) = self.options.lifetime.and_then(Lifetime::total) else { return };
        let Some(view) = machine.session(session) else { return };
        let timers = view.timers().map(|timer| (&timer.site, timer.scope));
        let waited = view.timeouts().map(|timeout| (&timeout.site, timeout.scope));
        let is_one =
            |(site, scope): (&Site, Scope)| is_whole(site) && scope.covers(Scope::LIFECYCLE);
        if timers.chain(waited).any(is_one) {
            return;
        }
        let Some(host) = host_of(view) else { return };
        let arm = Authority::ArmTimer {
            request: RequestId((1 << 62) + 1 + host.generation.0),
            site: Site::Name(WHOLE.parse().expect("it is a name")),
            after: u64::try_from(total.as_millis()).unwrap_or(u64::MAX),
            valid: OF_A_LINK,
        };
        let _ = machine.act(now, &host, Act::Authority(Box::new(arm)));
    }

    fn give_up(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        session: SessionId,
        witness: TimeoutWitness,
    ) {
        let Some(view) = machine.session(session) else { return };
        let Some(host) = host_of(view) else { return };
        if is_whole(&witness.site) {
            let _ = machine.act(now, &host, Act::Cancel { reason: OVER.into() });
            return;
        }
        let owner = match witness.site {
            Site::Endpoint(role) => {
                let mut holdings = view.holdings();
                let held = holdings.find(|held| held.scope.covers(Scope::role(role)));
                held.filter(|held| !held.released).map(|held| held.owner.clone())
            }
            _ => None,
        };
        let authority = match owner {
            Some(owner) => Authority::OwnerDied { owner, evidence: Death::from(witness) },
            // Nobody has the role any more.
            None => Authority::ConsumeTimeout { witness },
        };
        let _ = machine.act(now, &host, Act::Authority(Box::new(authority)));
    }

    /// After a restart, before anything else is done to a session: nobody is attached any more, and
    /// it waits for those who were.
    ///
    /// # Errors
    /// `stale_fencing`, `unknown_session`; `terminal` of a session that has ended, which waits for
    /// nobody.
    pub fn recovered(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        session: SessionId,
        fencing: u32,
    ) -> Result<(), Refusal> {
        let view = machine.session(session).ok_or(Refusal::UnknownSession(session))?;
        let attached: Vec<(RoleIx, Epoch)> =
            view.attachments().map(|attachment| (attachment.role, attachment.epoch)).collect();
        machine.handle(now, Input::Recovered { session, fencing })?;
        for (role, epoch) in attached {
            self.away(machine, now, session, role, epoch);
        }
        self.touched.insert(session);
        Ok(())
    }
}

/// Whether a witness is one of a link: it ends where ticks do.
fn is_for_ever(until: Tick) -> bool {
    until == Tick(u64::MAX)
}
