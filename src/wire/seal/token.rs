//! What is sealed: the three kinds of tokens, and their canonical bytes.
//!
//! ```text
//! body       = purpose: u8 · expires: u64 · session: u128 · generation: u64 · scope: u128 · rest
//! resume     = serial: u64 · owner
//! handoff    = receipt: u64 · from · to
//! invitation = receipt: u64 · from · protocol: 32 bytes
//! ```
//!
//! An owner is its length (u8, not 0) and its UTF-8; numbers are little endian. Every byte is
//! consumed, so each token has one text a key.
//!
//! Clauses: TOKEN-20, TOKEN-21, TOKEN-24.

use alloc::vec::Vec;

use bytes::Buf;

use crate::machine::{
    Generation, OWNER_BYTES_MAX, Owner, Presented, Receipt, ReceiptId, Recipient, Scope, SessionId,
    Tick,
};
use crate::types::ProtocolDigest;

/// The most bytes of a body: those of a handoff between owners with long names.
pub(super) const BODY_BYTES_MAX: usize = 1 + 8 + 16 + 8 + 16 + 8 + 2 * (1 + OWNER_BYTES_MAX);

/// What a token is for. A token of one purpose is never taken for one of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// To go on as an owner over another connection.
    Resume,
    /// To commit the transfer to a named owner.
    Handoff,
    /// To commit the transfer of a role to whoever brings it.
    Invitation,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Resume, Self::Handoff, Self::Invitation];

    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Handoff => "handoff",
            Self::Invitation => "invitation",
        }
    }

    /// TOKEN-24: the first byte of the body.
    fn tag(self) -> u8 {
        match self {
            Self::Resume => 1,
            Self::Handoff => 2,
            Self::Invitation => 3,
        }
    }
}

/// What may be sealed, and what a sealed text is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Token {
    /// See [`Resume`].
    Resume(Resume),
    /// See [`Handoff`].
    Handoff(Handoff),
    /// See [`Invitation`].
    Invitation(Invitation),
}

/// A capability for another connection: which one, the serial of the token, and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The session it is for.
    pub session: SessionId,
    /// The owner it was issued to.
    pub owner: Owner,
    /// The generation it was issued under.
    pub generation: Generation,
    /// The fragments it was issued for.
    pub scope: Scope,
    /// Which of its tokens this is; the machine knows which one is spent.
    pub serial: u64,
    /// From when on it is too late.
    pub expires: Tick,
}

impl Resume {
    /// A token for a presented capability.
    #[must_use]
    pub fn of(presented: &Presented, serial: u64, expires: Tick) -> Self {
        let Presented { session, owner, generation, scope, hint: _, over: _ } = presented.clone();
        Self { session, owner, generation, scope, serial, expires }
    }

    /// The capability to present, with no guess of where the session is kept.
    #[must_use]
    pub fn presented(&self) -> Presented {
        Presented {
            session: self.session,
            owner: self.owner.clone(),
            generation: self.generation,
            scope: self.scope,
            hint: u32::MAX,
            over: None,
        }
    }
}

/// A receipt whose recipient does not fit what it is to be sealed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// A handoff token names the one who may commit.
    #[error("the receipt is for its bearer; a handoff token is for a named owner")]
    Bearer,
    /// An invitation is for whoever brings it.
    #[error("the receipt is for a named owner; an invitation is for its bearer")]
    Owner,
}

/// The receipt of a transfer to a named owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff {
    receipt: Receipt,
    expires: Tick,
}

impl Handoff {
    /// TOKEN-21: a token for the owner that the receipt names.
    ///
    /// # Errors
    /// [`RecipientError::Bearer`] if the receipt names none.
    pub fn new(receipt: Receipt, expires: Tick) -> Result<Self, RecipientError> {
        match receipt.to {
            Recipient::Owner(_) => Ok(Self { receipt, expires }),
            Recipient::Bearer => Err(RecipientError::Bearer),
        }
    }

    /// The transfer.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// From when on it is too late.
    #[must_use]
    pub fn expires(&self) -> Tick {
        self.expires
    }
}

/// The receipt of a transfer to its bearer, and the protocol that the bearer is invited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    receipt: Receipt,
    protocol: ProtocolDigest,
    expires: Tick,
}

impl Invitation {
    /// TOKEN-21: a token for whoever brings it.
    ///
    /// # Errors
    /// [`RecipientError::Owner`] if the receipt is for somebody.
    pub fn new(
        receipt: Receipt,
        protocol: ProtocolDigest,
        expires: Tick,
    ) -> Result<Self, RecipientError> {
        match receipt.to {
            Recipient::Bearer => Ok(Self { receipt, protocol, expires }),
            Recipient::Owner(_) => Err(RecipientError::Owner),
        }
    }

    /// The transfer.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What its session runs.
    #[must_use]
    pub fn protocol(&self) -> ProtocolDigest {
        self.protocol
    }

    /// From when on it is too late.
    #[must_use]
    pub fn expires(&self) -> Tick {
        self.expires
    }
}

impl From<Resume> for Token {
    fn from(resume: Resume) -> Self {
        Self::Resume(resume)
    }
}

impl From<Handoff> for Token {
    fn from(handoff: Handoff) -> Self {
        Self::Handoff(handoff)
    }
}

impl From<Invitation> for Token {
    fn from(invitation: Invitation) -> Self {
        Self::Invitation(invitation)
    }
}

impl Token {
    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::Resume(_) => Purpose::Resume,
            Self::Handoff(_) => Purpose::Handoff,
            Self::Invitation(_) => Purpose::Invitation,
        }
    }

    /// From when on it is too late.
    #[must_use]
    pub fn expires(&self) -> Tick {
        match self {
            Self::Resume(resume) => resume.expires,
            Self::Handoff(handoff) => handoff.expires,
            Self::Invitation(invitation) => invitation.expires,
        }
    }

    /// Appends the canonical bytes.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let (session, generation, scope) = match self {
            Self::Resume(Resume { session, generation, scope, .. })
            | Self::Handoff(Handoff {
                receipt: Receipt { session, generation, scope, .. }, ..
            })
            | Self::Invitation(Invitation {
                receipt: Receipt { session, generation, scope, .. },
                ..
            }) => (session, generation, scope),
        };
        out.push(self.purpose().tag());
        out.extend_from_slice(&self.expires().0.to_le_bytes());
        out.extend_from_slice(&session.0.to_le_bytes());
        out.extend_from_slice(&generation.0.to_le_bytes());
        out.extend_from_slice(&scope.bits().to_le_bytes());
        match self {
            Self::Resume(Resume { serial, owner, .. }) => {
                out.extend_from_slice(&serial.to_le_bytes());
                encode_owner(owner, out);
            }
            Self::Handoff(Handoff { receipt, .. }) => {
                out.extend_from_slice(&receipt.id.0.to_le_bytes());
                encode_owner(&receipt.from, out);
                if let Recipient::Owner(to) = &receipt.to {
                    encode_owner(to, out);
                }
            }
            Self::Invitation(Invitation { receipt, protocol, .. }) => {
                out.extend_from_slice(&receipt.id.0.to_le_bytes());
                encode_owner(&receipt.from, out);
                out.extend_from_slice(&protocol.0);
            }
        }
    }

    /// The token whose canonical bytes these are.
    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        let rest = &mut { body };
        let tag = rest.try_get_u8().ok()?;
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.tag() == tag)?;
        let expires = Tick(rest.try_get_u64_le().ok()?);
        let session = SessionId(rest.try_get_u128_le().ok()?);
        let generation = Generation(rest.try_get_u64_le().ok()?);
        let scope = Scope::from_bits(rest.try_get_u128_le().ok()?);
        // A serial or the number of a receipt, then who has it.
        let number = rest.try_get_u64_le().ok()?;
        let owner = decode_owner(rest)?;
        let id = ReceiptId(number);
        let token = match purpose {
            Purpose::Resume => {
                Self::Resume(Resume { session, owner, generation, scope, serial: number, expires })
            }
            Purpose::Handoff => {
                let to = Recipient::Owner(decode_owner(rest)?);
                let receipt = Receipt { session, id, from: owner, generation, to, scope };
                Self::Handoff(Handoff { receipt, expires })
            }
            Purpose::Invitation => {
                let mut protocol = ProtocolDigest([0; 32]);
                rest.try_copy_to_slice(&mut protocol.0).ok()?;
                let to = Recipient::Bearer;
                let receipt = Receipt { session, id, from: owner, generation, to, scope };
                Self::Invitation(Invitation { receipt, protocol, expires })
            }
        };
        // TOKEN-20: no byte is left over.
        rest.is_empty().then_some(token)
    }
}

fn encode_owner(owner: &Owner, out: &mut Vec<u8>) {
    let text = owner.as_str();
    out.push(u8::try_from(text.len()).expect("OWNER_BYTES_MAX fits"));
    out.extend_from_slice(text.as_bytes());
}

fn decode_owner(rest: &mut &[u8]) -> Option<Owner> {
    let length = rest.try_get_u8().ok()?;
    let (text, behind) = rest.split_at_checked(usize::from(length))?;
    *rest = behind;
    Owner::new(core::str::from_utf8(text).ok()?).ok()
}
