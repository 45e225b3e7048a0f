//! The states of a link.
//!
//! A link outlives its connections: it connects, is lost and is resumed until its lifetime is over.
//! What moves it is a table, so that the whole of it can be shown.
//!
//! Clauses: LINK-1 to LINK-3. Lean twin: `Resume/Handshake.lean`.

/// Where a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkState {
    /// The first connection is being made.
    Connecting,
    /// There is a connection, and both ends know where the other one is.
    Active,
    /// The connection is lost; the session is not.
    Disconnected,
    /// A connection has come with a token, and is being told where things are.
    Resuming,
    /// Its lifetime is over; nothing moves it any more.
    Expired,
}

/// What happens to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkEvent {
    /// The first handshake is done.
    Established,
    /// The connection is lost, or has been silent for too long.
    Lost,
    /// Somebody comes with a token. Where the link was believed to be connected this is a takeover:
    /// the attachment so far is stale, is closed, and is told why.
    Resume,
    /// The resume was answered.
    Resumed,
    /// The resume was rejected.
    Rejected,
    /// Its lifetime is over, or the session has ended.
    Expire,
}

impl LinkState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Connecting, Self::Active, Self::Disconnected, Self::Resuming, Self::Expired];

    /// The state after an event, or `None` where the event does not happen.
    #[must_use]
    pub fn step(self, event: LinkEvent) -> Option<Self> {
        let row = TRANSITIONS.iter().find(|(from, by, _)| (*from, *by) == (self, event));
        row.map(|(_, _, to)| *to)
    }

    /// Whether nothing moves it any more.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self == Self::Expired
    }
}

impl LinkEvent {
    /// Every event.
    pub const ALL: [Self; 6] =
        [Self::Established, Self::Lost, Self::Resume, Self::Resumed, Self::Rejected, Self::Expire];
}

/// From, by, to. What is not here does not happen.
pub const TRANSITIONS: &[(LinkState, LinkEvent, LinkState)] = {
    use LinkEvent as By;
    use LinkState::{Active, Connecting, Disconnected, Expired, Resuming};
    &[
        (Connecting, By::Established, Active),
        (Connecting, By::Expire, Expired),
        (Active, By::Lost, Disconnected),
        (Active, By::Resume, Resuming),
        (Active, By::Expire, Expired),
        (Disconnected, By::Resume, Resuming),
        (Disconnected, By::Expire, Expired),
        (Resuming, By::Resumed, Active),
        (Resuming, By::Resume, Resuming),
        (Resuming, By::Lost, Disconnected),
        (Resuming, By::Rejected, Disconnected),
        (Resuming, By::Expire, Expired),
    ]
};
