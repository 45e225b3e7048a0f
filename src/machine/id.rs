//! The numbers that a machine speaks in.

use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;

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

/// The number of an attachment in its session, never given twice: the fencing epoch that it was
/// made under, and its number among those, from 1. A later one is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(NonZeroU64);

impl Epoch {
    /// The attachment with this number of a fencing epoch.
    ///
    /// # Panics
    /// If the counter is 0: the first attachment has 1. What comes from outside is read by
    /// [`from_bits`](Self::from_bits), or as text.
    #[must_use]
    pub const fn new(fencing: u32, counter: u32) -> Self {
        match Self::from_bits((fencing as u64) << 32 | counter as u64) {
            Some(epoch) => epoch,
            None => panic!("attachments are counted from 1"),
        }
    }

    /// From bits: the fencing epoch in the upper half, the counter in the lower one; `None` if that
    /// is 0.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match NonZeroU64::new(bits) {
            Some(number) if bits as u32 > 0 => Some(Self(number)),
            _ => None,
        }
    }

    /// As bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0.get()
    }

    /// The fencing epoch that it was made under.
    #[must_use]
    pub const fn fencing(self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// Its number among the attachments of that.
    #[must_use]
    pub const fn counter(self) -> u32 {
        self.bits() as u32
    }
}

impl fmt::Display for Epoch {
    /// `fencing.counter`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.fencing(), self.counter())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is not an [`Epoch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is two decimal numbers of 32 bits, `fencing.counter`, the second one from 1")]
pub struct EpochError;

impl core::str::FromStr for Epoch {
    type Err = EpochError;
    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, EpochError> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| EpochError);
        let (fencing, counter) = text.split_once('.').ok_or(EpochError)?;
        let bits = u64::from(number(fencing)?) << 32 | u64::from(number(counter)?);
        let epoch = Self::from_bits(bits).ok_or(EpochError)?;
        // No sign, no zero in front: an epoch has one text.
        let digits = fencing.len() + counter.len() + 1;
        if alloc::format!("{epoch}").len() == digits { Ok(epoch) } else { Err(EpochError) }
    }
}

impl Tick {
    /// The tick that is so much later; the last one, where there is none.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_has_one_text_and_later_ones_are_greater() {
        let epochs = [(0, 1), (0, 2), (0, u32::MAX), (1, 1), (7, 3), (u32::MAX, u32::MAX)];
        let epochs = epochs.map(|(fencing, counter)| Epoch::new(fencing, counter));
        assert!(epochs.is_sorted_by(|a, b| a < b));
        for epoch in epochs {
            assert_eq!(alloc::format!("{epoch}").parse(), Ok(epoch));
            assert_eq!(Epoch::from_bits(epoch.bits()), Some(epoch));
            assert_eq!(Epoch::new(epoch.fencing(), epoch.counter()), epoch);
        }
        let wrong = ["", ".", "1", "0.0", "1.0", "01.1", "1.01", "+1.1", "1.+1", "-1.1", "1.1.1"];
        for text in wrong.into_iter().chain(["1.4294967296", "4294967296.1", " 1.1", "1,1", "1. 1"])
        {
            assert_eq!(text.parse::<Epoch>(), Err(EpochError), "{text}");
        }
        assert_eq!((Epoch::from_bits(0), Epoch::from_bits(7 << 32)), (None, None));
        assert_eq!(size_of::<Option<Epoch>>(), 8);
    }
}
