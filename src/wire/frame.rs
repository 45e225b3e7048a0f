//! What the two ends of an attachment say to each other: one vocabulary for every transport.
//!
//! ```text
//! client   HELLO AUTH  OPEN ATTACH RESUME DETACH  ACT RECEIVE ACK       PING PONG BYE
//! machine  HELLO       OPENED OK REJECT           ACK REFUSED MSG STATE EVENT PING PONG BYE
//! ```
//!
//! An attachment numbers its endpoints (`ep`); a frame that concerns one carries its number. A
//! frame has two forms that say the same, JSON and bytes
//! (see [`codec`](super::codec)); each transport delivers whole frames. Positions count the actions
//! of a role, from 0; `seq` is the place of a message on its edge, from 0.
//!
//! Clauses: FRAME-1, FRAME-3.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::payload::Payload;

/// The version of the vocabulary.
pub const VERSION: u16 = 1;

/// The most bytes of a frame, where nothing else is said: 1 MiB.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// The most versions that a `HELLO` offers.
pub const VERSIONS_MAX: usize = 16;

/// The most endpoints of an attachment, and one more than the largest `ep`.
pub const ENDPOINTS_MAX: u32 = 1024;

/// The most bytes of a name in a frame: a role, a label, an owner, a code.
pub const NAME_BYTES_MAX: usize = 255;

/// The most bytes of a protocol's text in a frame.
pub const PROTOCOL_BYTES_MAX: usize = 64 << 10;

/// One frame. Clients say those up to `Ack` and `Open`, machines those from `Ack` on; both say
/// `Ping`, `Pong`, `Bye` and `Hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Frame {
    /// The versions that a client speaks, or the one that a machine has chosen of them.
    Hello {
        /// At most [`VERSIONS_MAX`].
        versions: Vec<u16>,
    },
    /// The secret that clients and the host share, where the host asks for one.
    Auth {
        /// The secret.
        secret: SmolStr,
    },
    /// I bring an invitation or a handoff token, and want to act for its role.
    Attach {
        /// The number of the endpoint on this attachment, chosen by the client.
        ep: u32,
        /// The sealed text.
        token: SmolStr,
        /// The name of the owner that the role has from now on; a handoff token says it too.
        owner: SmolStr,
        /// Which role, where the token is for several.
        #[serde(default)]
        role: Option<SmolStr>,
    },
    /// I am (again) here.
    Resume {
        /// The number of the endpoint on this attachment, chosen by the client.
        ep: u32,
        /// The sealed text.
        token: SmolStr,
        /// Which role, where the token is for several.
        #[serde(default)]
        role: Option<SmolStr>,
        /// I know that everything before this position is kept; nothing, if I remember nothing.
        #[serde(default)]
        kept: Option<u64>,
    },
    /// This endpoint is not attached any more.
    Detach {
        /// The endpoint.
        ep: u32,
    },
    /// My action number `at` is this send; every receive before it has been performed.
    Act {
        /// The endpoint.
        ep: u32,
        /// The position.
        at: u64,
        /// The receiver.
        to: SmolStr,
        /// The message's name.
        label: SmolStr,
        /// What it carries.
        value: Payload,
    },
    /// My action number `at` is the receive of what comes next from `from`: needed only where
    /// messages of several roles may come next.
    Receive {
        /// The endpoint.
        ep: u32,
        /// The position.
        at: u64,
        /// The sender.
        from: SmolStr,
    },
    /// From a client: every action before this position is performed. From a machine: and kept.
    Ack {
        /// The endpoint.
        ep: u32,
        /// The position.
        position: u64,
    },
    /// You are attached, and this is where the role is.
    Ok {
        /// The endpoint.
        ep: u32,
        /// The session, as 32 hexadecimal digits.
        session: SmolStr,
        /// The role.
        role: SmolStr,
        /// The attachment's epoch.
        epoch: u64,
        /// How many actions the machine has performed for the role.
        position: u64,
        /// The token for the next resume; the one that was brought is spent as soon as this one is
        /// known to have arrived.
        token: SmolStr,
        /// What the role may do from there: its local type.
        r#type: SmolStr,
        /// How many messages it has consumed from each role that sends to it.
        consumed: Vec<(SmolStr, u64)>,
    },
    /// You are not attached.
    Reject {
        /// The endpoint, where it is about one.
        #[serde(default)]
        ep: Option<u32>,
        /// Why, as one stable word.
        code: SmolStr,
        /// Why, for people.
        message: SmolStr,
        /// Not before so many milliseconds have passed.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The action at this position was not performed.
    Refused {
        /// The endpoint.
        ep: u32,
        /// The position.
        at: u64,
        /// Why, as one stable word.
        code: SmolStr,
        /// Why, for people.
        message: SmolStr,
    },
    /// This is on your edge from `from`.
    Msg {
        /// The endpoint.
        ep: u32,
        /// The sender.
        from: SmolStr,
        /// Its place on the edge.
        seq: u64,
        /// Its name.
        label: SmolStr,
        /// What it carries.
        value: Payload,
    },
    /// Where the session and the role are.
    State {
        /// The endpoint.
        ep: u32,
        /// How many actions the machine has performed for the role.
        position: u64,
        /// `active`, `draining`, `closed`, `cancelled`, `faulted`.
        status: SmolStr,
        /// Why it was cancelled or faulted.
        #[serde(default)]
        reason: Option<SmolStr>,
    },
    /// Something that a client should know.
    Event {
        /// The endpoint.
        ep: u32,
        /// What.
        event: Notice,
    },
    /// Are you there?
    Ping {
        /// Comes back in the `Pong`.
        t: u64,
    },
    /// I am.
    Pong {
        /// What the `Ping` said.
        t: u64,
    },
    /// This attachment ends here.
    Bye {
        /// Why, as one stable word.
        reason: SmolStr,
    },
    /// Open a session, and invite to its roles.
    Open {
        /// The protocol, as a text.
        protocol: SmolStr,
        /// How many messages each edge holds; `None` leaves it to the types.
        #[serde(default)]
        capacity: Option<u32>,
    },
    /// A session is open.
    Opened {
        /// The session, as 32 hexadecimal digits.
        session: SmolStr,
        /// The name of the protocol.
        protocol: SmolStr,
        /// Each role with an invitation to it.
        invitations: Vec<(SmolStr, SmolStr)>,
    },
}

/// What an `Event` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Notice {
    /// There is room again on the edge to this role: send again what was refused with `edge_full`.
    Room {
        /// The receiver.
        to: SmolStr,
    },
    /// Somebody came with the token that this attachment had confirmed: it acts for the role no
    /// more.
    TakenOver {
        /// The epoch of the attachment that does.
        epoch: u64,
    },
    /// The role has another owner, or none: what was not acknowledged was not performed.
    Superseded {
        /// The generation that the role's owner has now.
        generation: u64,
    },
    /// Another attachment came with the same token, before this one had confirmed the next one. It
    /// may be an earlier attempt of the same client that was late: come again, with the newest
    /// token.
    Displaced {
        /// The epoch of the attachment that came.
        epoch: u64,
    },
}

/// FRAME-3: something of a frame is longer or larger than it may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` of a frame is {found}; at most {most} is allowed")]
pub struct OverLimit {
    /// What.
    pub field: &'static str,
    /// How long or large it is.
    pub found: u64,
    /// How long or large it may be.
    pub most: u64,
}

impl Frame {
    /// One word: how the frame is named in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Auth { .. } => "auth",
            Self::Attach { .. } => "attach",
            Self::Resume { .. } => "resume",
            Self::Detach { .. } => "detach",
            Self::Act { .. } => "act",
            Self::Receive { .. } => "receive",
            Self::Ack { .. } => "ack",
            Self::Ok { .. } => "ok",
            Self::Reject { .. } => "reject",
            Self::Refused { .. } => "refused",
            Self::Msg { .. } => "msg",
            Self::State { .. } => "state",
            Self::Event { .. } => "event",
            Self::Ping { .. } => "ping",
            Self::Pong { .. } => "pong",
            Self::Bye { .. } => "bye",
            Self::Open { .. } => "open",
            Self::Opened { .. } => "opened",
        }
    }

    /// The endpoint that it concerns.
    #[must_use]
    pub fn ep(&self) -> Option<u32> {
        match self {
            Self::Attach { ep, .. }
            | Self::Resume { ep, .. }
            | Self::Detach { ep }
            | Self::Act { ep, .. }
            | Self::Receive { ep, .. }
            | Self::Ack { ep, .. }
            | Self::Ok { ep, .. }
            | Self::Refused { ep, .. }
            | Self::Msg { ep, .. }
            | Self::State { ep, .. }
            | Self::Event { ep, .. } => Some(*ep),
            Self::Reject { ep, .. } => *ep,
            _ => None,
        }
    }

    /// FRAME-3: whether every count and every name is within its limit.
    ///
    /// # Errors
    /// [`OverLimit`] of the first that is not.
    pub fn within_limits(&self) -> Result<(), OverLimit> {
        if let Some(ep) = self.ep().filter(|ep| *ep >= ENDPOINTS_MAX) {
            return Err(over("ep", u64::from(ep), u64::from(ENDPOINTS_MAX) - 1));
        }
        let names: [(&str, Option<&SmolStr>); 3] = match self {
            Self::Hello { versions } if versions.len() > VERSIONS_MAX => {
                return Err(over("versions", versions.len() as u64, VERSIONS_MAX as u64));
            }
            Self::Auth { secret } => [("secret", Some(secret)), NONE, NONE],
            Self::Attach { owner, role, .. } => {
                [("owner", Some(owner)), ("role", role.as_ref()), NONE]
            }
            Self::Resume { role, .. } => [("role", role.as_ref()), NONE, NONE],
            Self::Act { to, label, .. } => [("to", Some(to)), ("label", Some(label)), NONE],
            Self::Receive { from, .. } => [("from", Some(from)), NONE, NONE],
            Self::Ok { session, role, .. } => {
                [("session", Some(session)), ("role", Some(role)), NONE]
            }
            Self::Reject { code, .. } | Self::Refused { code, .. } => {
                [("code", Some(code)), NONE, NONE]
            }
            Self::Msg { from, label, .. } => [("from", Some(from)), ("label", Some(label)), NONE],
            Self::State { status, .. } => [("status", Some(status)), NONE, NONE],
            Self::Bye { reason } => [("reason", Some(reason)), NONE, NONE],
            Self::Open { protocol, .. } if protocol.len() > PROTOCOL_BYTES_MAX => {
                let found = protocol.len() as u64;
                return Err(over("protocol", found, PROTOCOL_BYTES_MAX as u64));
            }
            Self::Opened { session, protocol, .. } => {
                [("session", Some(session)), ("protocol", Some(protocol)), NONE]
            }
            _ => [NONE; 3],
        };
        for (field, name) in names {
            if let Some(name) = name.filter(|name| name.len() > NAME_BYTES_MAX) {
                return Err(over(field, name.len() as u64, NAME_BYTES_MAX as u64));
            }
        }
        Ok(())
    }
}

const NONE: (&str, Option<&SmolStr>) = ("", None);

fn over(field: &'static str, found: u64, most: u64) -> OverLimit {
    OverLimit { field, found, most }
}
