//! Sealed tokens: what of authority leaves the process, as text that only the host can make.
//!
//! ```text
//! text = base64url( version: u8 · key id: u32 · body · HMAC-SHA256 of all before it )
//! ```
//!
//! without padding; numbers are little endian. The first byte of the body says what the token is
//! for (see [`token`]). Nothing of a body is looked at before its seal was found genuine. A
//! token is a bearer's: whoever has the text has what it says, until it expires or is spent, which
//! is the machine's business: here is no state, no clock and no randomness.
//!
//! **Time.** Of texts of one length, each that was not sealed by one of the keys takes the same
//! work: one HMAC over as many bytes, under the key that is named or under a dummy, and one
//! comparison in constant time. What still differs is where a text stops being base64, which the
//! sender of the text has chosen, and not what any secret is. The length of the text shows, up to
//! [`TOKEN_TEXT_MAX`]. Who holds a genuine token can tell that it expired or that it was brought to
//! the wrong place, by the time only: the answer is the same.
//!
//! Clauses: TOKEN-20 to TOKEN-27. Source: RFC 2104 (HMAC), RFC 4648 (base64url).

pub mod token;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

pub use token::{Handoff, Invitation, Purpose, RecipientError, Resume, Token};

use crate::machine::Tick;
use token::BODY_BYTES_MAX;

/// The version of the format.
const VERSION: u8 = 1;

/// Bytes before the body: the version and the key's id.
const HEADER_BYTES: usize = 1 + 4;

/// Bytes of the seal.
const SEAL_BYTES: usize = 32;

/// The most bytes of a token, before it is text.
pub const TOKEN_BYTES_MAX: usize = HEADER_BYTES + BODY_BYTES_MAX + SEAL_BYTES;

/// The most characters of a token.
pub const TOKEN_TEXT_MAX: usize = (TOKEN_BYTES_MAX * 4).div_ceil(3);

/// A secret under which tokens are sealed, and the name by which a token says which.
#[derive(Clone)]
pub struct Key {
    id: u32,
    secret: Zeroizing<[u8; 32]>,
}

impl Key {
    /// A key. The id is public, the secret comes from a good source of randomness; an id must
    /// never be given to another secret.
    #[must_use]
    pub fn new(id: u32, secret: [u8; 32]) -> Self {
        Self { id, secret: Zeroizing::new(secret) }
    }

    /// The name.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    fn mac(&self, signed: &[u8]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.secret[..]);
        mac.expect("a key of HMAC may have any length").chain_update(signed)
    }
}

impl fmt::Debug for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Two keys of one id: a token could not say which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("both keys have the id {0}; a new key needs an id of its own")]
pub struct KeysError(pub u32);

/// The keys of a host: tokens are sealed under the current one, and the one before it is still
/// known, so that a change of keys spoils no token that is under way.
#[derive(Debug, Clone)]
pub struct Keys {
    current: Key,
    previous: Option<Key>,
    /// Does the work for keys that are not there. No token is sealed under it.
    dummy: Key,
}

/// What is wrong with a token: for the host's log and counters, and for nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// It is not the text of a token: too long, too short, not base64url, or its body is none.
    Malformed,
    /// It is of another version of the format.
    UnknownVersion,
    /// It names neither key.
    UnknownKey,
    /// Its seal is not of the key that it names.
    Forged,
    /// It is genuine, and for something else.
    WrongPurpose,
    /// It is genuine, and too late.
    Expired,
}

impl Flaw {
    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownVersion => "unknown_version",
            Self::UnknownKey => "unknown_key",
            Self::Forged => "forged",
            Self::WrongPurpose => "wrong_purpose",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// TOKEN-23: a token that is not accepted. Shown to strangers it is always the same sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct BadToken(Flaw);

impl BadToken {
    /// Why, for the log of the host.
    #[must_use]
    pub fn reason(self) -> Flaw {
        self.0
    }
}

impl Keys {
    /// Seals under `current`, knows `previous` too.
    ///
    /// # Errors
    /// [`KeysError`] if both have the same id.
    pub fn new(current: Key, previous: Option<Key>) -> Result<Self, KeysError> {
        if previous.as_ref().is_some_and(|previous| previous.id == current.id) {
            return Err(KeysError(current.id));
        }
        Ok(Self { current, previous, dummy: Key::new(0, [0; 32]) })
    }

    /// TOKEN-20: the text of a token, always the same for the same token and key.
    ///
    /// ```
    /// use antiphon::machine::{Generation, Owner, Scope, SessionId, Tick};
    /// use antiphon::wire::seal::{Flaw, Key, Keys, Resume};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = Keys::new(Key::new(1, [7; 32]), None)?;
    /// let resume = Resume {
    ///     session: SessionId(5),
    ///     owner: Owner::new("phone")?,
    ///     generation: Generation(1),
    ///     scope: Scope::LIFECYCLE,
    ///     serial: 0,
    ///     expires: Tick(60_000),
    /// };
    /// let text = keys.seal(&resume.clone().into());
    /// assert_eq!(keys.open_resume(&text, Tick(59_999))?, resume);
    ///
    /// let late = keys.open_resume(&text, Tick(60_000)).unwrap_err();
    /// assert_eq!(late.to_string(), "the token is not valid");
    /// assert_eq!(late.reason(), Flaw::Expired);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn seal(&self, token: &Token) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES_MAX);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.current.id.to_le_bytes());
        token.encode(&mut bytes);
        let seal = self.current.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&seal);
        BASE64.encode(bytes)
    }

    /// The token that a text is, if it was sealed under one of the keys, for this purpose, and
    /// `now` is before its end.
    ///
    /// # Errors
    /// [`BadToken`], the same to every stranger.
    pub fn open(&self, text: &str, purpose: Purpose, now: Tick) -> Result<Token, BadToken> {
        let token = self.genuine(text).map_err(BadToken)?;
        // TOKEN-24, TOKEN-26.
        if token.purpose() != purpose {
            return Err(BadToken(Flaw::WrongPurpose));
        }
        if now >= token.expires() {
            return Err(BadToken(Flaw::Expired));
        }
        Ok(token)
    }

    /// As [`open`](Self::open), for [`Purpose::Resume`].
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn open_resume(&self, text: &str, now: Tick) -> Result<Resume, BadToken> {
        match self.open(text, Purpose::Resume, now)? {
            Token::Resume(resume) => Ok(resume),
            _ => Err(BadToken(Flaw::WrongPurpose)),
        }
    }

    /// As [`open`](Self::open), for [`Purpose::Handoff`].
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn open_handoff(&self, text: &str, now: Tick) -> Result<Handoff, BadToken> {
        match self.open(text, Purpose::Handoff, now)? {
            Token::Handoff(handoff) => Ok(handoff),
            _ => Err(BadToken(Flaw::WrongPurpose)),
        }
    }

    /// As [`open`](Self::open), for [`Purpose::Invitation`].
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn open_invitation(&self, text: &str, now: Tick) -> Result<Invitation, BadToken> {
        match self.open(text, Purpose::Invitation, now)? {
            Token::Invitation(invitation) => Ok(invitation),
            _ => Err(BadToken(Flaw::WrongPurpose)),
        }
    }

    /// What was sealed under one of the keys.
    fn genuine(&self, text: &str) -> Result<Token, Flaw> {
        let decoded = read(text);
        let is_text = decoded.is_some();
        // What is no text of a token costs what one of its length costs.
        let bytes = decoded.unwrap_or_else(|| vec![0; bytes_len(text)]);
        let (signed, seal) = bytes.split_at(bytes.len() - SEAL_BYTES);
        let (version, rest) = signed.split_first().expect("the length was checked");
        let (id, body) = rest.split_first_chunk().expect("the length was checked");
        let key = self.key(u32::from_le_bytes(*id));
        // TOKEN-22, TOKEN-23: one HMAC whatever is wrong, compared in constant time, and only then
        // anything is said or read.
        let is_sealed = key.unwrap_or(&self.dummy).mac(signed).verify_slice(seal).is_ok();
        if !is_text {
            return Err(Flaw::Malformed);
        }
        if *version != VERSION {
            return Err(Flaw::UnknownVersion);
        }
        if key.is_none() {
            return Err(Flaw::UnknownKey);
        }
        if !is_sealed {
            return Err(Flaw::Forged);
        }
        Token::decode(body).ok_or(Flaw::Malformed)
    }

    /// TOKEN-25: the key that a token names.
    fn key(&self, id: u32) -> Option<&Key> {
        let keys = [Some(&self.current), self.previous.as_ref()];
        keys.into_iter().flatten().find(|key| key.id == id)
    }
}

/// TOKEN-27: the bytes of a text that may be a token: none too short to be taken apart, none longer
/// than tokens are.
fn read(text: &str) -> Option<Vec<u8>> {
    if text.len() > TOKEN_TEXT_MAX {
        return None;
    }
    let bytes = BASE64.decode(text).ok()?;
    (HEADER_BYTES + SEAL_BYTES..=TOKEN_BYTES_MAX).contains(&bytes.len()).then_some(bytes)
}

/// How many bytes a text of this length would be, within what tokens are.
fn bytes_len(text: &str) -> usize {
    let characters = text.len().min(TOKEN_TEXT_MAX);
    (characters * 3 / 4).clamp(HEADER_BYTES + SEAL_BYTES, TOKEN_BYTES_MAX)
}
