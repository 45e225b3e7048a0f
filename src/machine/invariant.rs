//! The invariants, executable: checked after every step of every randomised test. The names are
//! those at the fields that keep them, and of the theorems in `lean/Antiphon/Thm`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Machine;
use super::authority::{Owner, Scope};
use super::ownership::Held;
use super::receipt::OUTSTANDING_MAX;
use super::session::Session;
use crate::types::{Protocol, RoleIx};

/// An invariant that does not hold: a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invariant `{name}` is broken: {what}")]
pub struct Violation {
    /// Which.
    pub name: &'static str,
    /// What is the case instead.
    pub what: String,
}

impl Machine {
    /// Checks every invariant that can be told from the state alone.
    ///
    /// `edge_head`, `edge_window`, `edge_seqs`, `position_counts`, `running_counts`,
    /// `queued_counts`, `one_owner_a_fragment`, `generation_monotone`, `receipt_commits_once`,
    /// `witness_single_use`, `short_path`, `terminal_is_final` (no timer left), `values_conform`,
    /// `serial_window`, `serial_of_the_living`, `epochs_grow`, `memory_counted`, `archive_bounded`,
    /// `slots_indexed`.
    ///
    /// # Errors
    /// The first [`Violation`] found.
    pub fn check_invariants(&self) -> Result<(), Violation> {
        for session in self.sessions.iter() {
            of_session(session, &self.protocols[session.protocol as usize])?;
        }
        self.holdings_of_the_machine()
    }

    fn holdings_of_the_machine(&self) -> Result<(), Violation> {
        let (counted, anew) = (self.memory(), self.recount());
        hold("memory_counted", counted == anew, || format!("{counted:?}, and it is {anew:?}"))?;
        hold("archive_bounded", self.archive.is_bounded(), || format!("{:?}", self.archive))?;
        hold("slots_indexed", self.sessions.is_indexed(), || format!("{:?}", self.sessions))
    }
}

fn hold(name: &'static str, holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { name, what: what() }) }
}

/// Checks those of one session.
pub(super) fn of_session(session: &Session, protocol: &Protocol) -> Result<(), Violation> {
    edges(session, protocol)?;
    endpoints(session, protocol)?;
    authority(session, protocol)?;
    witnesses(session)?;
    let attachments = session.attachments.as_ref();
    hold("epochs_grow", attachments.is_none_or(|all| all.is_sound()), || {
        format!("{attachments:?} of {}", session.id)
    })?;
    hold("short_path", session.path >= session.path_enough(), || {
        format!("session {} takes a path that is too short", session.id)
    })?;
    let waits = session.status.is_terminal() && session.due().is_some();
    hold("terminal_is_final", !waits, || {
        format!("session {} has ended and waits for a timer", session.id)
    })
}

fn edges(session: &Session, protocol: &Protocol) -> Result<(), Violation> {
    for (index, (edge, buffer)) in protocol.edges().iter().zip(session.edges.iter()).enumerate() {
        let length = buffer.len() as u64;
        let window = length <= buffer.sent.0 && length <= u64::from(buffer.capacity);
        let shown = || format!("{edge:?} of {}: {buffer:?}", session.id);
        hold("edge_head", buffer.is_counted(), shown)?;
        hold("edge_window", window, shown)?;
        hold("edge_seqs", session.is_policed_well(index), shown)?;
        for queued in buffer.iter() {
            let sort = protocol.message(queued.message).payload.sort();
            let conforms = sort.conform(queued.value.clone()).as_ref() == Ok(&queued.value);
            hold("values_conform", conforms, || format!("{edge:?} of {}: {queued:?}", session.id))?;
        }
    }
    let queued: usize = session.edges.iter().map(|buffer| buffer.len()).sum();
    hold("queued_counts", queued == session.queued as usize, || {
        format!("{} messages, {} counted, in {}", queued, session.queued, session.id)
    })
}

fn endpoints(session: &Session, protocol: &Protocol) -> Result<(), Violation> {
    let mut running = 0;
    for (index, endpoint) in session.endpoints.iter().enumerate() {
        let role = RoleIx(u16::try_from(index).expect("ROLES_MAX fits"));
        let edges = protocol.edges().iter().zip(session.edges.iter()).enumerate();
        // What was dropped is no action of the receiver.
        let count = edges.map(|(index, (edge, buffer))| match () {
            () if edge.from == role => buffer.sent.0,
            () if edge.to == role => session.consumed(index).0,
            () => 0,
        });
        let count: u64 = count.sum();
        hold("position_counts", count == endpoint.position().0, || {
            format!("role {index} of {} is at {} after {count}", session.id, endpoint.position())
        })?;
        running += usize::from(!protocol.automaton(role).is_end(endpoint.state()));
    }
    hold("running_counts", running == usize::from(session.running), || {
        format!("{running} roles of {} go on, {} counted", session.id, session.running)
    })
}

fn witnesses(session: &Session) -> Result<(), Violation> {
    let Some(outstanding) = session.outstanding() else { return Ok(()) };
    let live = |owner: &Owner, generation, scope: Scope| {
        let mut holdings = session.ownership.holdings(session.spread());
        holdings.any(|held| {
            !held.released
                && held.scope.covers(scope)
                && (held.owner, held.generation) == (owner, generation)
        })
    };
    let few = outstanding.len() + session.staged().len() <= OUTSTANDING_MAX;
    hold("witness_single_use", few && outstanding.is_sound(live), || {
        format!("{outstanding:?} of {}", session.id)
    })
}

fn authority(session: &Session, protocol: &Protocol) -> Result<(), Violation> {
    let shown = || format!("{:?} and {:?} of {}", session.ownership, session.spread(), session.id);
    let holdings = || session.ownership.holdings(session.spread());
    let owners =
        |fragment: usize| holdings().filter(|held| held.scope.bits() >> fragment & 1 == 1).count();
    let fragments = protocol.roles().len() + 1;
    let all = holdings().fold(0, |all, held| all | held.scope.bits());
    let within = all == Scope::session(protocol).bits();
    hold("one_owner_a_fragment", within && (0..fragments).all(|at| owners(at) == 1), shown)?;
    let Some(spread) = session.spread() else { return Ok(()) };
    let live = |held: &Held<'_>| !held.released && !held.scope.is_empty();
    let mut generations: Vec<_> = holdings().filter(live).map(|held| held.generation).collect();
    let ordered = generations.iter().all(|generation| *generation <= spread.last);
    generations.sort_unstable();
    generations.dedup();
    let distinct = generations.len() == holdings().filter(live).count();
    hold("generation_monotone", ordered && distinct, shown)?;
    let ids = spread.staged.iter().map(|staged| staged.receipt.id);
    let once = ids.clone().is_sorted_by(|a, b| a < b) && ids.clone().all(|id| id < spread.receipts);
    let kept = spread.staged.iter().all(|staged| {
        let (receipt, found) = (&staged.receipt, &mut holdings());
        found.any(|held| {
            held.scope.covers(receipt.scope)
                && (held.owner, held.generation) == (&receipt.from, receipt.generation)
        })
    });
    let scopes = || spread.staged.iter().map(|staged| staged.receipt.scope.bits());
    let apart = scopes().map(u128::count_ones).sum::<u32>()
        == scopes().fold(0, |all, scope| all | scope).count_ones();
    let few = spread.staged.len() <= OUTSTANDING_MAX;
    hold("receipt_commits_once", once && kept && apart && few, shown)?;
    let window =
        |issued: u64, confirmed: u64| issued > 0 && issued - 1 <= confirmed && confirmed <= issued;
    let windows =
        spread.serials.iter().all(|serials| window(serials.issued.0, serials.confirmed.0));
    hold("serial_window", windows, shown)?;
    let living = spread.serials.iter().all(|serials| generations.contains(&serials.generation));
    let alone = |at: usize| {
        let generation = spread.serials[at].generation;
        spread.serials[..at].iter().all(|other| other.generation != generation)
    };
    hold("serial_of_the_living", living && (0..spread.serials.len()).all(alone), shown)
}
