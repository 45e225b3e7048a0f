//! Who may act: scopes, owners, and what they present.
//!
//! A session's *fragments* are its lifecycle and its roles. Whoever opens a session owns all of
//! them; who owns them from there is in `ownership.rs`.
//!
//! Clauses: AUTH-2, AUTH-3, AUTH-5.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use super::id::{Epoch, Generation, SessionId};
use crate::types::{Protocol, RoleIx};

/// A set of fragments of one session: bit 0 is the lifecycle, bit `r + 1` is role `r`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope(u128);

impl Scope {
    /// Handlers, drain, close, cancel, fault.
    pub const LIFECYCLE: Self = Self(1);

    /// Sending and receiving as this role. A role that no protocol can have is in no scope.
    #[must_use]
    pub fn role(role: RoleIx) -> Self {
        Self(1_u128.checked_shl(u32::from(role.0) + 1).unwrap_or(0))
    }

    /// Whether it covers one of the first 63 roles: those are in one machine word.
    #[inline(always)]
    pub(super) fn covers_first(self, role: RoleIx) -> bool {
        role.0 < 63 && self.0 as u64 >> (role.0 + 1) & 1 == 1
    }

    /// Every fragment of a session of this protocol.
    #[must_use]
    pub fn session(protocol: &Protocol) -> Self {
        let fragments = protocol.roles().len() + 1;
        Self(if fragments == 128 { u128::MAX } else { (1 << fragments) - 1 })
    }

    /// Both together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in it and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether it is no fragment at all.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its first fragment alone.
    pub(super) fn first(self) -> Self {
        Self(self.0 & self.0.wrapping_neg())
    }

    /// Whether every fragment of `part` is in it, and `part` is not nothing.
    #[must_use]
    #[inline]
    pub fn covers(self, part: Self) -> bool {
        part.0 != 0 && self.0 & part.0 == part.0
    }

    /// As bits, for records.
    #[must_use]
    pub fn bits(self) -> u128 {
        self.0
    }

    /// From bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The fragments by name.
    #[must_use]
    pub fn shown(self, protocol: &Protocol) -> String {
        if self == Self::session(protocol) {
            return String::from("Session");
        }
        let mut text = String::from("Fragments{");
        let mut first = true;
        let mut push = |name: &str| {
            if !core::mem::take(&mut first) {
                text.push_str(", ");
            }
            text.push_str(name);
        };
        if self.covers(Self::LIFECYCLE) {
            push("lifecycle");
        }
        for (index, role) in protocol.roles().enumerate() {
            let index = u16::try_from(index).expect("ROLES_MAX fits");
            if self.covers(Self::role(RoleIx(index))) {
                push(role);
            }
        }
        text.push('}');
        text
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({:#b})", self.0)
    }
}

/// Who owns a fragment: any text of 1 to [`OWNER_BYTES_MAX`] bytes that the host tells its
/// participants apart by. Cheap to clone, and to compare with its clones; up to 16 bytes take no
/// memory of their own.
#[derive(Clone, PartialEq, Eq)]
pub struct Owner(Text);

/// All of it is whole words, so that texts are copied and compared by the same pieces: a processor
/// that reads what it has just written in other pieces waits for that.
#[derive(Clone)]
#[repr(u64)]
enum Text {
    Short(Words),
    /// What is longer.
    Long(Arc<str>),
}

/// What is there of [`SHORT_MAX`] bytes, and `NO_TEXT` behind it.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Words([u8; SHORT_MAX]);

/// The longest name that is kept in place.
const SHORT_MAX: usize = 16;

const LONG_MIN: usize = SHORT_MAX + 1;

/// A byte that is in no text.
const NO_TEXT: u8 = 0xff;

impl Words {
    fn text(&self) -> &[u8] {
        &self.0[..self.len()]
    }

    /// How many bytes there are in front of the ones that are no text.
    #[inline(always)]
    fn len(&self) -> usize {
        const { assert!(NO_TEXT == u8::MAX) };
        let free = (!u128::from_le_bytes(self.0)).leading_zeros() / u8::BITS;
        SHORT_MAX - free as usize
    }

    #[inline(always)]
    fn numbers(&self) -> (u64, u64) {
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.0;
        (u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u64::from_ne_bytes(rest))
    }
}

impl PartialEq for Text {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Short(words), Self::Short(others)) => words.numbers() == others.numbers(),
            (Self::Long(text), Self::Long(other)) => Arc::ptr_eq(text, other) || text == other,
            _ => false,
        }
    }
}

impl Eq for Text {}

/// The longest name of an owner, in bytes.
pub const OWNER_BYTES_MAX: usize = 255;

/// A text that cannot name an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an owner is named by 1 to {OWNER_BYTES_MAX} bytes of text")]
pub struct OwnerError;

impl Owner {
    /// Names an owner.
    ///
    /// # Errors
    /// [`OwnerError`] if the text is empty or too long.
    pub fn new(text: &str) -> Result<Self, OwnerError> {
        match text.len() {
            1..=SHORT_MAX => {
                let mut bytes = [NO_TEXT; SHORT_MAX];
                bytes[..text.len()].copy_from_slice(text.as_bytes());
                Ok(Self(Text::Short(Words(bytes))))
            }
            LONG_MIN..=OWNER_BYTES_MAX => Ok(Self(Text::Long(text.into()))),
            _ => Err(OwnerError),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Short(words) => core::str::from_utf8(words.text()).expect("it was made of text"),
            Text::Long(text) => text,
        }
    }

    /// Whether they are equal, told at a glance: of names that are not kept in place, only whether
    /// one was cloned from the other.
    #[inline(always)]
    pub(super) fn is_plainly(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Text::Short(words), Text::Short(others)) => words.numbers() == others.numbers(),
            (Text::Long(text), Text::Long(other)) => Arc::ptr_eq(text, other),
            _ => false,
        }
    }

    /// A name that is kept in place, with something behind it, and how long it is.
    #[inline(always)]
    pub(super) fn short(&self) -> Option<([u8; SHORT_MAX], u8)> {
        match &self.0 {
            Text::Short(words) => Some((words.0, words.len() as u8)),
            Text::Long(_) => None,
        }
    }

    /// The name, as bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short(words) => words.text(),
            Text::Long(text) => text.as_bytes(),
        }
    }
}

impl Ord for Owner {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Owner {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl core::hash::Hash for Owner {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.as_str())
    }
}

impl core::str::FromStr for Owner {
    type Err = OwnerError;
    fn from_str(text: &str) -> Result<Self, OwnerError> {
        Self::new(text)
    }
}

/// What an input says about its authority: plain data, compared field by field with what is live.
///
/// This is the host's own door (replay, journals, the oracle). Code that acts for a participant
/// holds a [`Capability`] and presents that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The session it is for.
    pub session: SessionId,
    /// The owner it was issued to.
    pub owner: Owner,
    /// The generation it was issued under.
    pub generation: Generation,
    /// The fragments it was issued for.
    pub scope: Scope,
    /// Where the machine keeps the session, as a guess that it checks: spares a look-up.
    pub hint: u32,
    /// The attachment that it came over; `None` in this process. A send, a receive or an
    /// acknowledgement over any other than the live one of its role is refused (ATT-5); nothing
    /// else looks at it, and no record holds it.
    pub over: Option<Epoch>,
}

/// The proof that its holder owns a scope of a session at a generation.
///
/// It can be moved, not copied, and only a machine makes one.
///
/// ```compile_fail
/// fn copied(capability: antiphon::machine::Capability) -> [antiphon::machine::Capability; 2] {
///     [capability.clone(), capability]
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Capability(Presented);

impl Capability {
    pub(super) fn issue(presented: Presented) -> Self {
        Self(presented)
    }

    /// That of a resume token which was found genuine, and whose serial its session has accepted.
    #[cfg(feature = "driver")]
    pub(crate) fn resumed(presented: Presented) -> Self {
        Self(presented)
    }

    /// What an input carries.
    #[must_use]
    pub fn present(&self) -> &Presented {
        &self.0
    }

    /// The session it is for.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// The owner it was issued to.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.0.owner
    }

    /// The generation it was issued under.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.0.generation
    }

    /// The fragments it was issued for.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope
    }
}
