//! Endpoints on their way: the bytes of a receipt, which a message of sort `chan(T)` carries, and
//! what is frozen meanwhile.
//!
//! ```text
//! session u128 · id u64 · generation u64 · scope u128       little endian
//! from     length u8, 1 to OWNER_BYTES_MAX · text
//! to       length u8 · text; 0 is the bearer
//! ```
//!
//! Clauses: DELEG-3.

use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use super::authority::{Owner, Scope};
use super::id::{Generation, ReceiptId, SessionId};
use super::receipt::{Receipt, Recipient};
use super::view::SessionView;
use crate::types::Value;

/// Bytes that no receipt is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("bytes are not those of a receipt")]
pub struct NotAReceipt;

impl Receipt {
    /// Its bytes: one receipt has exactly one byte string.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let Self { session, id, from, generation, to, scope } = self;
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&session.0.to_le_bytes());
        out.extend_from_slice(&id.0.to_le_bytes());
        out.extend_from_slice(&generation.0.to_le_bytes());
        out.extend_from_slice(&scope.bits().to_le_bytes());
        let mut name = |text: &str| {
            out.push(u8::try_from(text.len()).expect("OWNER_BYTES_MAX fits"));
            out.extend_from_slice(text.as_bytes());
        };
        name(from.as_str());
        name(match to {
            Recipient::Owner(owner) => owner.as_str(),
            Recipient::Bearer => "",
        });
        out.into()
    }

    /// The receipt that is written as these bytes, all of them. Whether there is such a transfer,
    /// only the machine of its session knows.
    ///
    /// # Errors
    /// [`NotAReceipt`] if there is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAReceipt> {
        let mut rest = bytes;
        let wrong = |_| NotAReceipt;
        let session = SessionId(rest.try_get_u128_le().map_err(wrong)?);
        let id = ReceiptId(rest.try_get_u64_le().map_err(wrong)?);
        let generation = Generation(rest.try_get_u64_le().map_err(wrong)?);
        let scope = Scope::from_bits(rest.try_get_u128_le().map_err(wrong)?);
        let from = owner(&mut rest)?.ok_or(NotAReceipt)?;
        let to = owner(&mut rest)?.map_or(Recipient::Bearer, Recipient::Owner);
        match rest.is_empty() {
            true => Ok(Self { session, id, from, generation, to, scope }),
            false => Err(NotAReceipt),
        }
    }
}

/// A name behind its length; `None` where it is empty.
fn owner(rest: &mut &[u8]) -> Result<Option<Owner>, NotAReceipt> {
    let count = usize::from(rest.try_get_u8().map_err(|_| NotAReceipt)?);
    let (name, behind) = rest.split_at_checked(count).ok_or(NotAReceipt)?;
    *rest = behind;
    if name.is_empty() {
        return Ok(None);
    }
    let text = core::str::from_utf8(name).map_err(|_| NotAReceipt)?;
    Owner::new(text).map(Some).map_err(|_| NotAReceipt)
}

/// The value of a message that carries the endpoint.
impl From<&Receipt> for Value {
    fn from(receipt: &Receipt) -> Self {
        Self::Chan(receipt.to_bytes())
    }
}

/// The receipt that a message has brought.
impl TryFrom<&Value> for Receipt {
    type Error = NotAReceipt;
    fn try_from(value: &Value) -> Result<Self, NotAReceipt> {
        match value {
            Value::Chan(bytes) => Self::from_bytes(bytes),
            _ => Err(NotAReceipt),
        }
    }
}

impl SessionView<'_> {
    /// What performs no action as long as its transfer is in flight.
    #[must_use]
    pub fn frozen(self) -> Scope {
        self.session().frozen()
    }
}
