//! What an end comes with.

use std::fmt;
use std::str::FromStr;

use crate::wire::seal::TOKEN_TEXT_MAX;

/// Which of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// That of the first ticket.
    Left,
    /// That of the second.
    Right,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }

    /// The roles that send and receive at this end.
    fn roles(self) -> [&'static str; 2] {
        match self {
            Self::Left => ["LeftOut", "LeftIn"],
            Self::Right => ["RightOut", "RightIn"],
        }
    }

    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// The role that receives at this end.
    pub(super) fn into(self) -> &'static str {
        self.roles()[1]
    }
}

/// The right to one of two ends, as one text: `raw1.SIDE.HOW.TOKEN.TOKEN`. Whoever has it has the
/// end: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    side: Side,
    /// It holds resume tokens, and no invitations.
    is_again: bool,
    out: String,
    into: String,
}

/// What is no ticket, or no pair of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// The text is something else.
    #[error("this is no ticket: {reason}; it would be like raw1.left.join.TOKEN.TOKEN")]
    Text {
        /// What is wrong.
        reason: &'static str,
    },
    /// There is no invitation to a role.
    #[error("there is no invitation to `{role}`")]
    Missing {
        /// The role.
        role: &'static str,
    },
}

const MARK: &str = "raw1";

impl Ticket {
    /// One to come back with.
    pub(super) fn again(side: Side, out: &str, into: &str) -> Self {
        Self { side, is_again: true, out: out.into(), into: into.into() }
    }

    /// Of which end it is.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether it is to come back with, and not to come with for the first time.
    #[must_use]
    pub fn is_again(&self) -> bool {
        self.is_again
    }

    /// The token of the direction that goes out.
    pub(super) fn out(&self) -> &str {
        &self.out
    }

    /// The token of the direction that comes in.
    pub(super) fn into(&self) -> &str {
        &self.into
    }
}

/// The tickets of both ends, from the invitations to the roles of [`PROTOCOL`](super::PROTOCOL) as
/// a host gives them that has opened it itself (`Hub::open_invited`).
///
/// # Errors
/// [`TicketError::Missing`].
pub fn tickets<'a>(
    invitations: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(Ticket, Ticket), TicketError> {
    let all: Vec<(&str, &str)> = invitations.into_iter().collect();
    let token = |role| {
        let found = all.iter().find(|(name, _)| *name == role);
        found.map(|(_, token)| (*token).to_owned()).ok_or(TicketError::Missing { role })
    };
    let of = |side: Side| {
        let [out, into] = side.roles();
        Ok(Ticket { side, is_again: false, out: token(out)?, into: token(into)? })
    };
    Ok((of(Side::Left)?, of(Side::Right)?))
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.is_again { "again" } else { "join" };
        write!(f, "{MARK}.{}.{how}.{}.{}", self.side.word(), self.out, self.into)
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let wrong = |reason| TicketError::Text { reason };
        let mut parts = text.trim().split('.');
        let mut next = || parts.next().ok_or(wrong("it has five parts"));
        if next()? != MARK {
            return Err(wrong("it begins with `raw1`"));
        }
        let side = match next()? {
            "left" => Side::Left,
            "right" => Side::Right,
            _ => return Err(wrong("it is of the end `left` or `right`")),
        };
        let is_again = match next()? {
            "join" => false,
            "again" => true,
            _ => return Err(wrong("it is to `join` or to come `again`")),
        };
        let mut token = || match next()? {
            "" => Err(wrong("a token is missing")),
            token if token.len() > TOKEN_TEXT_MAX => Err(wrong("a token is too long")),
            token => Ok(token.to_owned()),
        };
        let (out, into) = (token()?, token()?);
        match parts.next() {
            None => Ok(Self { side, is_again, out, into }),
            Some(_) => Err(wrong("it has five parts")),
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.side.word())
    }
}
