//! Holdings: what an owner has of a session in this process.
//!
//! A [`Holding`] is the one proof of it. It is moved, never copied; who stages a transfer keeps it
//! until the other side has committed, and from then on it is refused.
//!
//! Clauses: HOLD-1.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::authority::{Hand, Transfer, left_of};
use super::endpoint::{By, Endpoint};
use super::error::Error;
use super::host::Host;
use crate::machine::{Authority, Capability, Generation, Owner, Receipt, Refusal, Scope};
use crate::types::{Name, RoleIx, Value};

/// The fragments of a session that one change gave to an owner, as far as it still has them.
///
/// Dropping it releases nothing: the owner then has what nobody can present any more. Give it up
/// with [`release`](Self::release), so that it can be claimed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use antiphon::{Protocol, Refusal, Session};
/// let shop: Protocol = "
///   Buyer  = Seller!title(string) . Seller!buy . end
///   Seller = Buyer?title(string)  . Buyer?buy . end
/// ".parse()?;
/// let session = Session::open(&shop)?;
/// let buyer = session.scope(["Buyer"])?;
///
/// let phone = session.hand_over("phone", buyer)?;
/// session.act(&phone, "Buyer").send("Seller", "title", "Ulysses").await?;
///
/// let receipt = phone.stage("tablet", buyer)?;            // the phone may still act
/// let tablet = session.commit("tablet", receipt)?;        // moves, never copies
/// let refused = session.act(&phone, "Buyer").send("Seller", "buy", ()).await.unwrap_err();
/// assert!(matches!(refused.refusal(), Some(Refusal::StaleCapability { .. })));
///
/// session.act(&tablet, "Buyer").send("Seller", "buy", ()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # It cannot be had twice
///
/// Each of these is refused by the compiler, and the line in front of it is not. It has no copy:
///
/// ```
/// fn moved(holding: antiphon::driver::Holding) -> [antiphon::driver::Holding; 1] {
///     [holding]
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copied(holding: antiphon::driver::Holding) -> [antiphon::driver::Holding; 2] {
///     [holding.clone(), holding]
/// }
/// ```
///
/// Once it has become an endpoint, it is gone:
///
/// ```
/// use antiphon::driver::{Holding, Error};
/// fn becomes(buyer: Holding) -> Result<(), Error> {
///     buyer.release(buyer.scope())?;
///     let endpoint = buyer.into_endpoint("Buyer")?;
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0382
/// use antiphon::driver::{Holding, Error};
/// fn becomes(buyer: Holding) -> Result<(), Error> {
///     let endpoint = buyer.into_endpoint("Buyer")?;
///     buyer.release(buyer.scope())?;
///     Ok(())
/// }
/// ```
///
/// Nobody makes one, nor the [`Capability`] inside it, of plain data:
///
/// ```
/// use antiphon::machine::{Capability, Presented};
/// fn presented(capability: Capability) -> Presented {
///     capability.present().clone()
/// }
/// ```
///
/// ```compile_fail,E0423
/// use antiphon::machine::{Capability, Presented};
/// fn forged(presented: Presented) -> Capability {
///     Capability(presented)
/// }
/// ```
///
/// ```compile_fail,E0451
/// use antiphon::driver::Holding;
/// fn forged(capability: Box<antiphon::machine::Capability>) -> Holding {
///     Holding { host: unimplemented!(), capability }
/// }
/// ```
///
/// Nor from text, as any JSON is read:
///
/// ```
/// fn read<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
///     serde_json::from_str(text).ok()
/// }
/// let read: Option<serde_json::Value> = read("{}");
/// ```
///
/// ```compile_fail,E0277
/// fn read<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
///     serde_json::from_str(text).ok()
/// }
/// let read: Option<antiphon::machine::Capability> = read("{}");
/// ```
#[must_use = "what it proves nobody else can present; release it to give it up"]
pub struct Holding {
    pub(super) host: Arc<Host>,
    pub(super) capability: Box<Capability>,
}

impl Holding {
    pub(super) fn by(&self) -> Hand<'_> {
        Hand { host: &self.host, by: self.capability.present() }
    }

    /// Who.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        self.capability.owner()
    }

    /// Under which generation.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.capability.generation()
    }

    /// Which fragments are left of it: nothing, when all were handed over or released.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let by = self.capability.present();
        self.host.view(|session| left_of(session, by))
    }

    /// Begins to hand over `scope` to an owner. Until it is committed, nothing has moved.
    ///
    /// # Errors
    /// `stale_capability`, `unclaimed`, `scope_violation`, `terminal`, `transfer_pending`,
    /// `too_many_outstanding`, [`Error::BadOwner`].
    pub fn stage(&self, to: &str, scope: Scope) -> Result<Receipt, Error> {
        self.stage_with(&Transfer::to(to), scope)
    }

    /// As [`stage`](Self::stage), to say more.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn stage_with(&self, transfer: &Transfer, scope: Scope) -> Result<Receipt, Error> {
        self.by().stage(transfer, scope)
    }

    /// Takes a transfer back: everything stays where it was.
    ///
    /// # Errors
    /// `receipt_spent`, `receipt_mismatch`, `stale_capability`, `terminal`.
    pub fn rollback(&self, receipt: Receipt) -> Result<(), Error> {
        self.by().rollback(receipt)
    }

    /// Gives fragments up: they are nobody's until somebody claims them.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn release(&self, scope: Scope) -> Result<(), Error> {
        self.by().release(scope)
    }

    /// Splits fragments off, for the same owner: this one keeps the rest.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn attenuate(&self, scope: Scope) -> Result<Self, Error> {
        self.by().issued(|request| Authority::Attenuate { request, scope })
    }

    /// Gives fragments that were released from this holding last to an owner.
    ///
    /// # Errors
    /// `already_claimed`, `stale_capability`, `scope_violation`, `terminal`, [`Error::BadOwner`].
    pub fn claim(&self, owner: &str, scope: Scope) -> Result<Self, Error> {
        self.by().claim(owner, scope)
    }

    /// The endpoint of a role that it holds. It acts under this authority, and dropping it releases
    /// the role.
    ///
    /// # Errors
    /// [`NotAnEndpoint`], with the holding: `unknown_role`; `scope_violation` unless it was issued
    /// for this role alone: split it off first.
    pub fn into_endpoint(self, role: &str) -> Result<Endpoint, NotAnEndpoint> {
        match self.only(role) {
            Ok(role) => {
                let by = By::Capability(self.capability);
                Ok(Endpoint::under(self.host, role, by))
            }
            Err(error) => Err(NotAnEndpoint { error, holding: self }),
        }
    }

    fn only(&self, role: &str) -> Result<RoleIx, Error> {
        let role = self.host.role(role)?;
        let (actual, required) = (self.capability.scope(), Scope::role(role));
        if actual != required {
            let shown = |scope: Scope| scope.shown(&self.host.protocol).into();
            let (required, actual) = (shown(required), shown(actual));
            return Err(Refusal::ScopeViolation { required, actual }.into());
        }
        Ok(role)
    }
}

impl fmt::Debug for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.scope().shown(&self.host.protocol);
        write!(f, "Holding({} of {}#{})", scope, self.owner(), self.generation())
    }
}

/// A holding that became no endpoint, and why. It is as it was.
#[derive(Debug)]
pub struct NotAnEndpoint {
    /// Why.
    pub error: Error,
    /// The holding.
    pub holding: Holding,
}

impl fmt::Display for NotAnEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no endpoint: {}", self.holding, self.error)
    }
}

impl std::error::Error for NotAnEndpoint {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Forgets the holding.
impl From<NotAnEndpoint> for Error {
    fn from(refused: NotAnEndpoint) -> Self {
        refused.error
    }
}

/// A role of a session, played under a [`Holding`] that somebody else keeps. Made by
/// [`Session::act`](super::Session::act); see [`Endpoint`] for its methods.
#[derive(Debug)]
pub struct Acting<'a> {
    pub(super) endpoint: Endpoint,
    // As long as it lives, the holding can neither move nor become anything else.
    pub(super) _holding: PhantomData<&'a Holding>,
}

impl Acting<'_> {
    /// See [`Endpoint::send`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub async fn send(
        &mut self,
        to: &str,
        label: &str,
        value: impl Into<Value>,
    ) -> Result<(), Error> {
        self.endpoint.send(to, label, value).await
    }

    /// See [`Endpoint::try_send`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub fn try_send(
        &mut self,
        to: &str,
        label: &str,
        value: impl Into<Value>,
    ) -> Result<(), Error> {
        self.endpoint.try_send(to, label, value)
    }

    /// See [`Endpoint::receive_from`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub async fn receive_from(&mut self, from: &str) -> Result<(Name, Value), Error> {
        self.endpoint.receive_from(from).await
    }

    /// See [`Endpoint::try_receive_from`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub fn try_receive_from(&mut self, from: &str) -> Result<(Name, Value), Error> {
        self.endpoint.try_receive_from(from)
    }

    /// See [`Endpoint::receive`].
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Journal`].
    pub async fn receive(&mut self) -> Result<(Name, Name, Value), Error> {
        self.endpoint.receive().await
    }
}

// No `DerefMut`: an `&mut Endpoint` could be swapped with another one, and the authority would be
// out.
impl std::ops::Deref for Acting<'_> {
    type Target = Endpoint;
    /// What can be seen of it: role, types, legal moves, position.
    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}
