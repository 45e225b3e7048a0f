//! Witnesses and timers of a session in this process: asked for, awaited, spent.
//!
//! Clauses: HOLD-5, TIMER-6.

use std::time::Duration;

use super::authority::{Hand, left_of};
use super::clock::millis;
use super::error::Error;
use super::holding::Holding;
use super::session::Session;
use crate::machine::{
    Accepted, Authority, Predicate, Presented, Readiness, Refusal, Scope, Site, TimeoutWitness,
    TimerId,
};

impl Holding {
    /// Asks the machine for the proof that something is true of the session now. It is spent once,
    /// and dies when a role that it speaks of changes hands.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use antiphon::machine::{Position, Predicate};
    /// use antiphon::{Protocol, Session};
    /// let echo: Protocol = "A = B!say(string) . end   B = A?say(string) . end".parse()?;
    /// let session = Session::open(&echo)?;
    /// let speaker = session.hand_over("speaker", session.scope(["A"])?)?;
    /// let has_spoken = Predicate::position(session.role("A")?, Position(1));
    ///
    /// let refused = speaker.issue_readiness(has_spoken.clone()).unwrap_err();
    /// assert_eq!(refused.refusal().map(|refusal| refusal.code()), Some("predicate_false"));
    /// session.act(&speaker, "A").send("B", "say", "hello").await?;
    /// let witness = speaker.issue_readiness(has_spoken)?;
    /// speaker.consume(witness)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `predicate_false`, `stale_capability`, `scope_violation`, `unclaimed`, `terminal`,
    /// `too_many_outstanding`, `unknown_role`, `unknown_edge`.
    pub fn issue_readiness(&self, predicate: Predicate) -> Result<Readiness, Error> {
        self.by().issue_readiness(predicate)
    }

    /// Spends a readiness witness, if what it says is still true.
    ///
    /// # Errors
    /// `witness_spent`, `invalid_witness`, `predicate_false`, `stale_capability`, `terminal`.
    pub fn consume(&self, witness: Readiness) -> Result<(), Error> {
        self.by().attest(Authority::ConsumeReadiness { witness })
    }

    /// Spends a timeout witness.
    ///
    /// # Errors
    /// `witness_spent`, `invalid_witness`, `stale_capability`, `terminal`.
    pub fn consume_timeout(&self, witness: TimeoutWitness) -> Result<(), Error> {
        self.by().attest(Authority::ConsumeTimeout { witness })
    }

    /// Arms a timer, counted in milliseconds. What it leaves when it runs out is good for `valid`,
    /// or until it is spent; see [`Session::timed_out`].
    ///
    /// # Errors
    /// `stale_capability`, `scope_violation`, `unclaimed`, `terminal`, `too_many_outstanding`,
    /// `unknown_role`, `unknown_edge`.
    pub fn arm_timer(
        &self,
        site: Site,
        after: Duration,
        valid: Option<Duration>,
    ) -> Result<TimerId, Error> {
        self.by().arm_timer(site, after, valid)
    }

    /// Takes a timer back.
    ///
    /// # Errors
    /// `timer_not_armed`, `stale_capability`, `terminal`.
    pub fn disarm(&self, timer: TimerId) -> Result<(), Error> {
        self.by().disarm(timer)
    }
}

impl Session {
    /// As [`Holding::issue_readiness`], for what is the session's own.
    ///
    /// # Errors
    /// As [`Holding::issue_readiness`].
    pub fn issue_readiness(&self, predicate: Predicate) -> Result<Readiness, Error> {
        self.own().issue_readiness(predicate)
    }

    /// As [`Holding::consume`], for what is the session's own.
    ///
    /// # Errors
    /// As [`Holding::consume`].
    pub fn consume(&self, witness: Readiness) -> Result<(), Error> {
        self.own().attest(Authority::ConsumeReadiness { witness })
    }

    /// As [`Holding::consume_timeout`], for what is the session's own.
    ///
    /// # Errors
    /// As [`Holding::consume_timeout`].
    pub fn consume_timeout(&self, witness: TimeoutWitness) -> Result<(), Error> {
        self.own().attest(Authority::ConsumeTimeout { witness })
    }

    /// As [`Holding::arm_timer`], for what is the session's own.
    ///
    /// # Errors
    /// As [`Holding::arm_timer`].
    pub fn arm_timer(
        &self,
        site: Site,
        after: Duration,
        valid: Option<Duration>,
    ) -> Result<TimerId, Error> {
        self.own().arm_timer(site, after, valid)
    }

    /// As [`Holding::disarm`], for what is the session's own.
    ///
    /// # Errors
    /// As [`Holding::disarm`].
    pub fn disarm(&self, timer: TimerId) -> Result<(), Error> {
        self.own().disarm(timer)
    }

    /// Waits until a timer runs out; resolves with what it leaves to who armed it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use antiphon::machine::{Site, Status};
    /// use antiphon::{Protocol, Session};
    /// let echo: Protocol = "A = B!say(string) . end   B = A?say(string) . end".parse()?;
    /// let session = Session::open(&echo)?;
    /// let phone = session.hand_over("phone", session.scope(["A"])?)?;
    ///
    /// let site = Site::Endpoint(session.role("A")?);
    /// let timer = session.arm_timer(site, Duration::from_millis(5), None)?;
    /// let witness = session.timed_out(timer).await?;
    /// session.owner_lost("phone", witness)?;               // the evidence is spent
    /// assert_eq!(session.status(), Status::Cancelled("owner lost: phone".into()));
    /// # drop(phone);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `timer_not_armed` as soon as it can leave nothing any more: it was taken back, or what it
    /// left is spent, or who armed it has handed on what it was about, or the session has ended.
    // TIMER-6.
    pub async fn timed_out(&self, timer: TimerId) -> Result<TimeoutWitness, Error> {
        self.host.until(|| self.try_timed_out(timer).transpose()).await
    }

    /// As [`timed_out`](Self::timed_out), and `None` instead of waiting.
    ///
    /// # Errors
    /// As [`timed_out`](Self::timed_out).
    pub fn try_timed_out(&self, timer: TimerId) -> Result<Option<TimeoutWitness>, Error> {
        self.host.catch_up();
        self.host.view(|session| {
            let witness = session.timeout(timer).cloned();
            match witness.is_some() || session.timers().any(|armed| armed.id == timer) {
                true => Ok(witness),
                false => Err(Refusal::TimerNotArmed(timer).into()),
            }
        })
    }
}

impl Hand<'_> {
    /// HOLD-5: what speaks of no fragment is asked for with what is left, and not also with what
    /// is gone.
    fn speaking_of(self, scope: Scope) -> Presented {
        let left = self.host.view(|session| left_of(session, self.by));
        let scope = if scope.is_empty() && !left.is_empty() { left } else { self.by.scope };
        Presented { scope, ..self.by.clone() }
    }

    /// What comes to nothing but done.
    pub(super) fn attest(self, authority: Authority) -> Result<(), Error> {
        self.ask(|_, _| authority).map(drop)
    }

    fn issue_readiness(self, predicate: Predicate) -> Result<Readiness, Error> {
        let hand = Hand { by: &self.speaking_of(predicate.scope()), ..self };
        match hand.ask(|request, _| Authority::IssueReadiness { request, predicate })? {
            Accepted::Witness(witness) => Ok(*witness),
            other => unreachable!("`IssueReadiness` is answered by `Witness`: {other:?}"),
        }
    }

    fn arm_timer(
        self,
        site: Site,
        after: Duration,
        valid: Option<Duration>,
    ) -> Result<TimerId, Error> {
        let (after, valid) = (millis(after), valid.map(millis));
        let hand = Hand { by: &self.speaking_of(site.scope()), ..self };
        match hand.ask(|request, _| Authority::ArmTimer { request, site, after, valid })? {
            Accepted::Timer(timer) => Ok(timer),
            other => unreachable!("`ArmTimer` is answered by `Timer`: {other:?}"),
        }
    }

    fn disarm(self, timer: TimerId) -> Result<(), Error> {
        let hand = Hand { by: &self.speaking_of(Scope::from_bits(0)), ..self };
        hand.attest(Authority::DisarmTimer { timer })
    }
}
