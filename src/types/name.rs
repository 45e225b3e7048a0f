//! Names of roles, labels, variables, fields and imported payload types.

use alloc::string::ToString;
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;
use core::str::FromStr;

use smol_str::SmolStr;

/// The longest name that is accepted, in bytes.
pub const NAME_BYTES_MAX: usize = 255;

/// An identifier: a letter or `_`, then letters, digits or `_`; at most [`NAME_BYTES_MAX`] bytes,
/// ASCII.
///
/// Cheap to clone. Every name in a checked type is one of these, so that whatever was read can be
/// printed and read again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a name: a letter or `_`, then letters, digits or `_`, at most {NAME_BYTES_MAX} bytes"
)]
pub struct NameError {
    /// The offending text, cut to 64 characters.
    pub text: alloc::string::String,
}

impl Name {
    /// Checks and interns `text`.
    ///
    /// # Errors
    /// [`NameError`] if `text` is not an identifier.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let mut bytes = text.bytes();
        let starts = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
        let goes_on = bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if starts && goes_on && text.len() <= NAME_BYTES_MAX {
            Ok(Self(SmolStr::new(text)))
        } else {
            Err(NameError { text: text.chars().take(64).collect() })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This name with a number behind it, for a fresh name close to a given one.
    pub(crate) fn numbered(&self, number: usize) -> Self {
        let digits = number.to_string();
        let room = NAME_BYTES_MAX - digits.len();
        let stem = &self.0[..self.0.len().min(room)];
        Self(smol_str::format_smolstr!("{stem}{digits}"))
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}
