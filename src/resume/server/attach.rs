//! How a client comes: with an invitation, a handoff token, or a resume token.
//!
//! To a stranger every token that is not good gets one answer (TOKEN-23, TOKEN-32).

use alloc::boxed::Box;
use alloc::vec::Vec;

use smol_str::{SmolStr, ToSmolStr};

use super::link::Link;
use super::lost::host_of;
use super::{Place, Server, state};
use crate::machine::{
    Accepted, Act, Authority, Commit, EndpointView, Input, Machine, Owner, Presented, Receipt,
    Refusal, RequestId, Scope, Serial, SessionId, Tick,
};
use crate::types::{EdgeIx, RoleIx};
use crate::wire::frame::{Frame, Notice};
use crate::wire::seal::Resume;

/// Why a session is faulted whose journal came from an older copy.
const REGRESSED: &str = "regressed: restored from an older copy";

/// Why a client is not attached.
enum Rejected {
    /// The one answer to every token that is not good.
    BadToken,
    /// The session has ended; in it the client acts under this.
    Ended(Presented),
    /// The session knows less than it has acknowledged.
    Regressed(SessionId),
    /// The role was attached too often; it may be after so many milliseconds.
    TooOften(u64),
    /// Something that the bearer of a good token may know.
    Because(&'static str, SmolStr),
}

/// Requests of the host over links have numbers that follow from what they are about, so that the
/// machine knows a repeat; those in this process count from 1.
fn request_of(receipt: &Receipt) -> RequestId {
    RequestId(u64::MAX - receipt.id.0)
}

impl Server {
    /// SRV-1: somebody brings an invitation or a handoff token.
    pub(super) fn handle_attach(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        place: Place,
        (token, owner): (&str, &str),
        role: Option<&str>,
    ) {
        let done = self.commit(machine, now, token, owner).and_then(|by| {
            self.is_not_too_often(machine, now, &by, role)?;
            let issue = Authority::IssueToken { request: RequestId(1 << 62) };
            let serial = serial(machine, now, &by, issue)?;
            self.attach(machine, now, place, by, serial, role)
        });
        done.unwrap_or_else(|rejected| self.rejected(machine, now, place, role, &rejected));
    }

    /// SRV-2: somebody brings a resume token.
    pub(super) fn handle_resume(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        place: Place,
        token: &str,
        role: Option<&str>,
        kept: Option<u64>,
    ) {
        let done = self.keys.open_resume(token, now.max(machine.now()));
        let done = done.map_err(|_| Rejected::BadToken).and_then(|resume| {
            let by = resume.presented();
            self.is_not_behind(machine, &resume, &by, role, kept)?;
            self.is_not_too_often(machine, now, &by, role)?;
            let renew = Authority::Renew { serial: Serial(resume.serial) };
            let next = serial(machine, now, &by, renew)?;
            self.attach(machine, now, place, by, next, role)
        });
        done.unwrap_or_else(|rejected| self.rejected(machine, now, place, role, &rejected));
    }

    /// SRV-10: what the client was told before is more than there is: the session was restored from
    /// an older copy. The token is genuine, so nobody but this host has said so.
    fn is_not_behind(
        &self,
        machine: &Machine,
        resume: &Resume,
        by: &Presented,
        role: Option<&str>,
        kept: Option<u64>,
    ) -> Result<(), Rejected> {
        let Some(view) = machine.session(resume.session) else { return Ok(()) };
        let generation = view.holdings().map(|held| held.generation).max();
        let own = view.serials().find(|serials| serials.generation == by.generation);
        let is_unheard = generation.is_some_and(|latest| by.generation > latest)
            || by.generation.0 > 0 && own.is_some_and(|own| resume.serial > own.issued.0);
        let role = self.role_of(machine, by, role)?;
        let position = view.endpoint(role).map_or(0, |endpoint| endpoint.position().0);
        if is_unheard || kept.is_some_and(|kept| kept > position) {
            return Err(Rejected::Regressed(resume.session));
        }
        Ok(())
    }

    /// Takes what was staged for whoever brings the token.
    fn commit(
        &self,
        machine: &mut Machine,
        now: Tick,
        token: &str,
        owner: &str,
    ) -> Result<Presented, Rejected> {
        let time = now.max(machine.now());
        let receipt = match self.keys.open_invitation(token, time) {
            Ok(invitation) => invitation.receipt().clone(),
            Err(_) => {
                let handoff = self.keys.open_handoff(token, time);
                handoff.map_err(|_| Rejected::BadToken)?.receipt().clone()
            }
        };
        let owner = Owner::new(owner)
            .map_err(|error| Rejected::Because("bad_owner", error.to_smolstr()))?;
        let (request, session) = (request_of(&receipt), receipt.session);
        let commit = Input::Commit(Box::new(Commit { request, receipt, owner }));
        match machine.handle(now, commit) {
            Ok(Accepted::Issued(capability)) => {
                let by = capability.present().clone();
                // TOKEN-31, TOKEN-33: a repeat is answered until the answer was used.
                let view = machine.session(session);
                let mut serials = view.iter().flat_map(|view| view.serials());
                let own = serials.find(|own| own.generation == by.generation);
                if own.is_some_and(|own| own.confirmed.0 > 0) {
                    return Err(Rejected::BadToken);
                }
                Ok(by)
            }
            Ok(_) => Err(Rejected::BadToken),
            Err(refusal) => Err(shown(refusal)),
        }
    }

    /// SRV-15: whether the role may be attached now; it counts if so.
    fn is_not_too_often(
        &mut self,
        machine: &Machine,
        now: Tick,
        by: &Presented,
        role: Option<&str>,
    ) -> Result<(), Rejected> {
        let role = self.role_of(machine, by, role)?;
        self.visits.come(now, by.session, role).map_err(Rejected::TooOften)
    }

    /// The role that a client acts for.
    fn role_of(
        &self,
        machine: &Machine,
        by: &Presented,
        role: Option<&str>,
    ) -> Result<RoleIx, Rejected> {
        let protocol = machine.protocol_of(by.session).ok_or(Rejected::BadToken)?;
        let mut own = (0..protocol.roles().len()).filter_map(|index| {
            let role = RoleIx(u16::try_from(index).ok()?);
            by.scope.covers(Scope::role(role)).then_some(role)
        });
        let found = match role {
            Some(name) => own.find(|role| **protocol.role_name(*role) == *name),
            None => own.next().filter(|_| own.next().is_none()),
        };
        let message = "the token is for several roles, or not for this one: name one of its roles";
        found.ok_or(Rejected::Because("which_role", message.into()))
    }

    /// Makes the attachment and says where the role is.
    fn attach(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        place: Place,
        by: Presented,
        serial: Serial,
        role: Option<&str>,
    ) -> Result<(), Rejected> {
        let (connection, ep) = place;
        let role = self.role_of(machine, &by, role)?;
        let session = by.session;
        // What can go wrong comes before anything changes; an attachment performs nothing.
        let view = machine.session(session).and_then(|view| view.endpoint(role));
        let local = view.map(EndpointView::current).transpose();
        let local =
            local.map_err(|error| Rejected::Because("type_too_large", error.to_smolstr()))?;
        let accepted = machine.act(now, &by, Act::Attach { role }).map_err(|why| match why {
            Refusal::Terminal(_) => Rejected::Ended(by.clone()),
            refusal => shown(refusal),
        })?;
        let Accepted::Attached { epoch } = accepted else { return Err(Rejected::BadToken) };
        // SRV-11: whoever was attached is told by whom it was taken over.
        if let Some(before) = self.places.insert((session, role), place) {
            let link = self.links.remove(&before);
            if before != place {
                // SRV-9: it may have lost the role before, and not only the attachment.
                let own = link.filter(|link| link.by.generation == by.generation);
                let epoch = epoch.bits();
                let event = match own.map(|link| link.confirm) {
                    Some(None) => Notice::TakenOver { epoch },
                    // SRV-16: both came with one token, in an order that nobody knows.
                    Some(Some(_)) => Notice::Displaced { epoch },
                    None => Notice::Superseded { generation: by.generation.0 },
                };
                self.say(before.0, Frame::Event { ep: before.1, event });
            }
        }
        // The place may have acted for another role.
        if let Some(before) = self.links.remove(&place) {
            self.places.remove(&(before.session, before.role));
            self.places.insert((session, role), place);
        }
        self.back(machine, now, session, role);
        let view = machine.session(session).expect("it was attached");
        let endpoint = view.endpoint(role).expect("it was attached");
        let (protocol, position) = (view.protocol(), endpoint.position().0);
        let incoming = view.edges().filter(|edge| edge.edge().to == role);
        let consumed = incoming.map(|edge| {
            let from = protocol.role_name(edge.edge().from).as_str().into();
            (from, edge.consumed().0)
        });
        let consumed: Vec<(SmolStr, u64)> = consumed.collect();
        let expires = now.max(machine.now()).after(self.options.token_lifetime);
        let token = self.keys.seal(&Resume::of(&by, serial.0, expires).into());
        let answer = Frame::Ok {
            ep,
            session: session.to_smolstr(),
            role: protocol.role_name(role).as_str().into(),
            epoch: epoch.bits(),
            position,
            token: token.into(),
            r#type: local.expect("it was attached").to_smolstr(),
            consumed,
        };
        let edges = (0..).map(EdgeIx).zip(view.edges()).filter(|(_, edge)| edge.edge().to == role);
        let incoming = edges.map(|(ix, edge)| (ix, edge.policy().is_lossy()));
        let link = Link::new((session, role), by, epoch, serial, incoming, position);
        self.links.insert(place, link);
        self.touched.insert(session);
        self.say(connection, answer);
        Ok(())
    }

    fn rejected(
        &mut self,
        machine: &mut Machine,
        now: Tick,
        place: Place,
        role: Option<&str>,
        why: &Rejected,
    ) {
        let (connection, ep) = place;
        match why {
            Rejected::BadToken => {
                self.reject(connection, Some(ep), "bad_token", "the token is not valid");
            }
            Rejected::Because(code, message) => self.reject(connection, Some(ep), code, message),
            Rejected::TooOften(after) => {
                let (code, message) = ("attached_too_often", "this role was attached too often");
                let (code, message) = (code.into(), message.into());
                let retry_after = Some(*after);
                self.say(connection, Frame::Reject { ep: Some(ep), code, message, retry_after });
            }
            Rejected::Ended(by) => match self.role_of(machine, by, role) {
                Ok(role) => self.ended(machine, place, by.session, role),
                // It names none of the roles that the token is for.
                Err(why) => self.rejected(machine, now, place, None, &why),
            },
            Rejected::Regressed(session) => {
                if let Some(host) = machine.session(*session).and_then(host_of) {
                    // It may have ended already.
                    let _ = machine.act(now, &host, Act::Fault { reason: REGRESSED.into() });
                    self.touched.insert(*session);
                }
                let message = "the session was restored from an older copy, and is faulted";
                self.reject(connection, Some(ep), "regressed", message);
            }
        }
    }
}

impl Server {
    /// Tells how a session has ended, and where the role was then.
    fn ended(&mut self, machine: &Machine, place: Place, session: SessionId, role: RoleIx) {
        let (status, endpoint) = match machine.session(session) {
            Some(view) => (Some(view.status()), view.endpoint(role)),
            None => {
                let closed = machine.archived(session);
                let endpoint = closed.and_then(|closed| closed.endpoint(role));
                (closed.map(|closed| closed.status()), endpoint)
            }
        };
        let position = endpoint.map_or(0, |endpoint| endpoint.position().0);
        if let Some(status) = status {
            self.say(place.0, state(place.1, position, status));
        }
    }
}

fn serial(
    machine: &mut Machine,
    now: Tick,
    by: &Presented,
    asked: Authority,
) -> Result<Serial, Rejected> {
    match machine.act(now, by, Act::Authority(Box::new(asked))) {
        Ok(Accepted::Serial(serial)) => Ok(serial),
        Ok(_) => Err(Rejected::BadToken),
        Err(Refusal::Terminal(_)) => Err(Rejected::Ended(by.clone())),
        Err(refusal) => Err(shown(refusal)),
    }
}

/// What the bearer of a genuine token may be shown of a refusal.
fn shown(refusal: Refusal) -> Rejected {
    match refusal.is_of_token() {
        true => Rejected::BadToken,
        false => Rejected::Because(refusal.code(), refusal.to_smolstr()),
    }
}
