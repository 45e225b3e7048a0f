//! The numbers that a machine speaks in.

use core::fmt;

macro_rules! number {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        })*
    };
}

number! {
    /// Logical time in milliseconds, supplied by the host.
    Tick,
    /// How many actions an endpoint has performed; the number of its next action.
    Position,
    /// The place of a message on its edge, from 0.
    Seq,
    /// The epoch of an ownership; one growing counter a session, from 1, never reused.
    Generation,
    /// The number of a transfer in its session, from 0, never reused.
    ReceiptId,
    /// A number that the caller chooses for a request, to repeat it safely.
    RequestId,
    /// The number of a resume token among those of its holding, from 1.
    Serial,
    /// The number of a witness in its session, from 0, never reused.
    WitnessId,
    /// The number of a timer that somebody armed in its session, from 0, never reused.
    TimerId,
}

/// A session's identity: 128 bits chosen by the host, which must not use one twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u128);

impl fmt::Display for SessionId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is not a [`SessionId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a session id is 32 hexadecimal digits")]
pub struct SessionIdError;

impl core::str::FromStr for SessionId {
    type Err = SessionIdError;
    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).map_err(|_| SessionIdError)?;
        if digits { Ok(Self(number)) } else { Err(SessionIdError) }
    }
}
