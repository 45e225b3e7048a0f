//! Sealed tokens of a session in this process: authority that leaves it as text, and comes back.
//!
//! | made by | brought to | comes to |
//! |---|---|---|
//! | [`Holding::resume_token`] | [`Session::resume`] | the same holding, and the next token |
//! | [`Holding::handoff`] | [`Session::accept`] | what was staged, for the owner that it names |
//! | [`Session::invite`] | [`Session::join`] | a role, for whoever brings it |
//!
//! Clauses: TOKEN-30 to TOKEN-33.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::authority::{Transfer, commit, left_of, named};
use super::error::Error;
use super::holding::Holding;
use super::host::{Host, State};
use super::session::Session;
use crate::machine::{
    Accepted, Act, Authority, Capability, Commit, Input, Owner, Position, Presented, Receipt,
    ReceiptId, Refusal, RequestId, Scope, Serial, SessionView, Tick,
};
use crate::types::RoleIx;
use crate::wire::seal::{self, Flaw, Handoff, Invitation, Keys, Resume};

/// How long a handoff token is good, if nothing else is said.
pub const HANDOFF_EXPIRES: Duration = Duration::from_secs(5 * 60);

/// Of how many handoff tokens a session remembers that they were accepted, to answer a repeat.
pub const HANDED_MAX: usize = 64;

/// A token that is not good here. It says the same to everybody who brings one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct BadToken(Cause);

/// What is wrong with a token: for the host's log and counters, and for nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The text is not what these keys have sealed for this purpose, or it is too late.
    Flaw(Flaw),
    /// It is genuine, and what it stands for is not there any more.
    Refused(Refusal),
}

impl BadToken {
    /// Why, for the log of the host.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.0
    }
}

impl From<seal::BadToken> for Error {
    fn from(bad: seal::BadToken) -> Self {
        BadToken(Cause::Flaw(bad.reason())).into()
    }
}

/// TOKEN-32: what a refusal says about the token alone is not shown to who has brought it. What it
/// says to somebody whose token is good is.
fn unshown(refusal: Refusal) -> Error {
    match refusal.is_of_token() {
        true => BadToken(Cause::Refused(refusal)).into(),
        false => refusal.into(),
    }
}

impl Holding {
    /// A text that brings this holding back over another connection: see [`Session::resume`]. It is
    /// good for `expires_in`, counted in milliseconds.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use antiphon::wire::seal::{Key, Keys};
    /// use antiphon::{Protocol, Session};
    /// let keys = Keys::new(Key::new(1, [7; 32]), None)?;       // of good randomness, in earnest
    /// let hour = Duration::from_secs(3600);
    /// let echo: Protocol = "A = B!say(string) . end   B = A?say(string) . end".parse()?;
    /// let session = Session::open(&echo)?;
    ///
    /// let invitation = session.invite("A", &keys, hour)?;      // sent to alice
    /// let alice = session.join(&keys, &invitation, "alice")?;
    /// let token = alice.resume_token(&keys, hour)?;            // alice keeps it
    ///
    /// let (alice, next) = session.resume(&keys, &token, hour)?;
    /// session.act(&alice, "A").send("B", "say", "I am back").await?;
    /// session.confirm(&keys, &next)?;                          // alice has it: `token` is spent
    /// let refused = session.resume(&keys, &token, hour).unwrap_err();
    /// assert_eq!(refused.to_string(), "the token is not valid");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `stale_capability`, `unclaimed`, `terminal`, [`Error::Journal`].
    pub fn resume_token(&self, keys: &Keys, expires_in: Duration) -> Result<String, Error> {
        let by = self.capability.present();
        let mut expires = Tick(0);
        let accepted = self.by().ask(|request, now| {
            expires = now.after(expires_in);
            Authority::IssueToken { request }
        })?;
        Ok(keys.seal(&Resume::of(by, issued(accepted).0, expires).into()))
    }

    /// Begins to hand over `scope` to an owner, and seals the receipt for it: a text that this
    /// owner alone brings to [`Session::accept`], within [`HANDOFF_EXPIRES`].
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn handoff(&self, to: &str, scope: Scope, keys: &Keys) -> Result<String, Error> {
        self.handoff_within(HANDOFF_EXPIRES, to, scope, keys)
    }

    /// As [`handoff`](Self::handoff), within this time, counted in milliseconds.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn handoff_within(
        &self,
        time: Duration,
        to: &str,
        scope: Scope,
        keys: &Keys,
    ) -> Result<String, Error> {
        let (receipt, expires) = self.by().staged(&Transfer::to(to).within(time), scope)?;
        let handoff = Handoff::new(receipt, expires.expect("it ends"));
        Ok(keys.seal(&handoff.expect("it is for a named owner").into()))
    }
}

impl Session {
    /// Takes a resume token for the holding that it stands for, and the next token, good for
    /// `expires_in`. The one that was brought stays good until the next one is known to have
    /// arrived: when that is used itself, or [confirmed](Self::confirm).
    ///
    /// Who had the holding until now still has it: a token is its bearer's. That one was used is an
    /// [event](Self::events), so that its owner can be told.
    ///
    /// # Errors
    /// [`Error::BadToken`], `terminal`, [`Error::Journal`].
    // TOKEN-30.
    pub fn resume(
        &self,
        keys: &Keys,
        text: &str,
        expires_in: Duration,
    ) -> Result<(Holding, String), Error> {
        let token = keys.open_resume(text, self.host.tick())?;
        let renew = Authority::Renew { serial: Serial(token.serial) };
        let (by, accepted, now) = self.present(&token, renew)?;
        let next = keys.seal(&Resume::of(&by, issued(accepted).0, now.after(expires_in)).into());
        let capability = Box::new(Capability::resumed(by));
        Ok((Holding { host: Arc::clone(&self.host), capability }, next))
    }

    /// Says that a resume token has arrived: those before it are spent. Whoever resumes with it
    /// says so, too.
    ///
    /// # Errors
    /// [`Error::BadToken`], `terminal`, [`Error::Journal`].
    pub fn confirm(&self, keys: &Keys, text: &str) -> Result<(), Error> {
        let token = keys.open_resume(text, self.host.tick())?;
        let confirm = Authority::ConfirmToken { serial: Serial(token.serial) };
        self.present(&token, confirm).map(drop)
    }

    /// Does something under the authority that a token stands for.
    fn present(
        &self,
        token: &Resume,
        authority: Authority,
    ) -> Result<(Presented, Accepted, Tick), Error> {
        let hint = self.host.capability.present().hint;
        let by = Presented { hint, ..token.presented() };
        self.host.change(|state, now| {
            let done = state.machine.act(now, &by, Act::Authority(Box::new(authority)));
            Ok((by.clone(), done.map_err(unshown)?, now.max(state.machine.now())))
        })
    }

    /// Takes a handoff token for what it hands over. A repeat for the same owner comes to the same
    /// holding, until that has acted as one of its roles or has lost something: an answer that was
    /// lost on its way locks nobody out.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use antiphon::wire::seal::{Key, Keys};
    /// use antiphon::{Protocol, Session};
    /// let keys = Keys::new(Key::new(1, [7; 32]), None)?;
    /// let echo: Protocol = "A = B!say(string) . end   B = A?say(string) . end".parse()?;
    /// let session = Session::open(&echo)?;
    /// let a = session.scope(["A"])?;
    /// let phone = session.hand_over("phone", a)?;
    ///
    /// let text = phone.handoff("tablet", a, &keys)?;           // travels to the tablet
    /// assert!(session.accept(&keys, &text, "watch").is_err()); // it names the tablet
    /// let tablet = session.accept(&keys, &text, "tablet")?;
    /// assert!(phone.scope().is_empty());
    /// assert_eq!(tablet.scope(), a);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::BadToken`], `terminal`, [`Error::BadOwner`], [`Error::Journal`].
    pub fn accept(&self, keys: &Keys, text: &str, owner: &str) -> Result<Holding, Error> {
        let handoff = keys.open_handoff(text, self.host.tick())?;
        let (host, owner) = (Arc::clone(&self.host), named(owner)?);
        let receipt = handoff.receipt();
        let capability = host.change(|state, now| accept(&host, state, now, receipt, owner))?;
        Ok(Holding { host, capability: Box::new(capability) })
    }

    /// Hands a role of the session's own to whoever brings the text to [`join`](Self::join) first,
    /// within `expires_in`, counted in milliseconds.
    ///
    /// # Errors
    /// `unknown_role`, and as [`Holding::stage`].
    pub fn invite(&self, role: &str, keys: &Keys, expires_in: Duration) -> Result<String, Error> {
        let scope = Scope::role(self.host.role(role)?);
        let transfer = Transfer::to_bearer().within(expires_in);
        let (receipt, expires) = self.own().staged(&transfer, scope)?;
        let digest = self.host.protocol.digest();
        let invitation = Invitation::new(receipt, digest, expires.expect("it ends"));
        Ok(keys.seal(&invitation.expect("it is for its bearer").into()))
    }

    /// Takes an invitation for the role that it is to, in the name of `owner`.
    ///
    /// # Errors
    /// [`Error::BadToken`], `terminal`, [`Error::BadOwner`], [`Error::Journal`].
    // TOKEN-33.
    pub fn join(&self, keys: &Keys, text: &str, owner: &str) -> Result<Holding, Error> {
        let invitation = keys.open_invitation(text, self.host.tick())?;
        let (host, owner) = (Arc::clone(&self.host), named(owner)?);
        let capability =
            commit(&host, owner, invitation.receipt().clone()).map_err(|error| match error {
                Error::Refused(refusal) => unshown(refusal),
                error => error,
            })?;
        Ok(Holding { host, capability })
    }
}

fn issued(accepted: Accepted) -> Serial {
    match accepted {
        Accepted::Serial(serial) => serial,
        other => unreachable!("who asks for a token is answered by `Serial`: {other:?}"),
    }
}

/// TOKEN-31: commits what a handoff token hands over. Its request has a number that follows from
/// the receipt, so that the machine knows a repeat.
fn accept(
    host: &Host,
    state: &mut State,
    now: Tick,
    receipt: &Receipt,
    owner: Owner,
) -> Result<Capability, Error> {
    let session = state.machine.session(host.id).expect("the session is there");
    if receipt.session == host.id && state.handed.is_used(session, receipt) {
        return Err(unshown(Refusal::ReceiptSpent(receipt.id)));
    }
    let request = RequestId(u64::MAX - receipt.id.0);
    let commit = Box::new(Commit { request, receipt: receipt.clone(), owner });
    match state.machine.handle(now, Input::Commit(commit)).map_err(unshown)? {
        Accepted::Issued(capability) => {
            let session = state.machine.session(host.id).expect("the session is there");
            state.handed.note(session, receipt, capability.present());
            Ok(capability)
        }
        other => unreachable!("an accepted `Commit` is answered by `Issued`: {other:?}"),
    }
}

/// The last handoff tokens that were accepted, at most [`HANDED_MAX`].
#[derive(Default)]
pub(super) struct Handed(VecDeque<Answered>);

/// What a handoff token has come to, and where its roles stood then.
struct Answered {
    receipt: ReceiptId,
    by: Presented,
    positions: Vec<Position>,
}

impl Handed {
    /// Whether the token was accepted, and its answer has been used since. What is remembered no
    /// more is taken for used.
    fn is_used(&self, session: SessionView<'_>, receipt: &Receipt) -> bool {
        if session.staged().any(|staged| staged.id == receipt.id) {
            return false;
        }
        let answered = self.0.iter().find(|answered| answered.receipt == receipt.id);
        answered.is_none_or(|answered| {
            left_of(session, &answered.by) != answered.by.scope
                || positions(session, answered.by.scope) != answered.positions
        })
    }

    fn note(&mut self, session: SessionView<'_>, receipt: &Receipt, by: &Presented) {
        if self.0.iter().any(|answered| answered.receipt == receipt.id) {
            return;
        }
        if self.0.len() == HANDED_MAX {
            self.0.pop_front();
        }
        let positions = positions(session, by.scope);
        self.0.push_back(Answered { receipt: receipt.id, by: by.clone(), positions });
    }
}

/// Where the roles of a scope stand.
fn positions(session: SessionView<'_>, scope: Scope) -> Vec<Position> {
    let roles = (0..).map(RoleIx).zip(session.endpoints());
    let own = roles.filter(|(role, _)| scope.covers(Scope::role(*role)));
    own.map(|(_, endpoint)| endpoint.position()).collect()
}
