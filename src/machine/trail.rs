//! The trail of a session's authority: who held what, when, and why it changed.
//!
//! A fold over records. What one record says about who may act is in its audits (`audit.rs`); from
//! whom to whom something went only the records in front of it know.
//!
//! Clauses: AUDIT-1, AUDIT-2.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::audit::Audit;
use super::authority::{Owner, Scope};
use super::ends::OnLost;
use super::id::{Generation, ReceiptId, Tick};
use super::input::{Act, Input};
use super::receipt::{Authority, Recipient};
use super::record::{Record, Recorded};
use super::refuse::listed;
use crate::types::{Protocol, RoleIx};

/// An owner at a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub owner: Owner,
    /// Under which generation.
    pub generation: Generation,
}

/// On which side of a change fragments are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// Somebody's.
    Holder(Holder),
    /// Nobody's; this one had them last.
    Released(Holder),
    /// Promised to somebody, and still whose they were.
    Promised(Recipient),
}

/// One change of who may act, with both of its sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When.
    pub tick: Tick,
    /// The index of the record that says so.
    pub record: u64,
    /// What was done, by one word: `opened`, `staged`, `rolled_back`.
    pub what: &'static str,
    /// The transfer that it is about.
    pub receipt: Option<ReceiptId>,
    /// Which fragments.
    pub scope: Scope,
    /// The fragments by name, as `Session` or `lifecycle, Buyer`.
    pub fragments: Box<str>,
    /// Whose they were; `None` if the session was not there yet.
    pub from: Option<Side>,
    /// Whose they are, or to whom they are promised; `None` if nothing has moved.
    pub to: Option<Side>,
    /// Who did it, if somebody did.
    pub by: Option<Holder>,
    /// When what is promised is taken back.
    pub expires: Option<Tick>,
    /// Whether the fragments perform no action until then.
    pub frozen: bool,
    /// What else it is about: the reason of an end, the number of a witness, a timer or a token,
    /// the owner that is lost.
    pub about: Option<Box<str>>,
}

/// Fragments with the same holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose they are, or were last.
    pub holder: Holder,
    /// Which.
    pub scope: Scope,
    /// Whether they are nobody's now.
    pub released: bool,
}

/// A transfer in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// Which fragments.
    pub scope: Scope,
    /// Who staged it.
    pub from: Holder,
    /// Whom it is for.
    pub to: Recipient,
    /// When it is taken back.
    pub expires: Option<Tick>,
    /// Whether the fragments perform no action until then.
    pub frozen: bool,
}

/// The fold: give it the records of a session in order.
#[derive(Debug, Clone)]
pub struct Trail {
    protocol: Arc<Protocol>,
    held: Vec<Held>,
    in_flight: Vec<InFlight>,
    on_lost: OnLost,
}

impl Trail {
    /// The trail of a session of this protocol, before its first record.
    #[must_use]
    pub fn new(protocol: &Arc<Protocol>) -> Self {
        Self {
            protocol: Arc::clone(protocol),
            held: Vec::new(),
            in_flight: Vec::new(),
            on_lost: OnLost::default(),
        }
    }

    /// AUDIT-1: what the next record changes: one line for each holder that fragments come from.
    pub fn push(&mut self, record: &Record) -> Vec<AuditLine> {
        let audits: Vec<Audit> = record.audits(&self.protocol).collect();
        let issued = audits.iter().filter_map(|audit| match audit {
            Audit::Issued { scope, .. } => Some(*scope),
            _ => None,
        });
        let issued = issued.fold(Scope::from_bits(0), Scope::union);
        if let Recorded::Input(Input::Open(open)) = &record.event {
            self.on_lost = open.on_lost;
        }
        let is_end = audits.iter().any(|audit| matches!(audit, Audit::Cancelled { .. }));
        let mut receipt = None;
        let mut lines = Vec::new();
        for audit in &audits {
            let mut line = self.line(record, audit);
            match audit {
                // What has another owner in the same record is told with that owner.
                Audit::Invalidated { scope, .. } if issued.covers(*scope) => {}
                // In a session that ends everything stays as it was last.
                Audit::Invalidated { scope, .. } if is_end => {
                    (line.scope, line.fragments) = (*scope, self.named(*scope));
                    lines.push(line);
                }
                Audit::Lost { owner } if self.on_lost == OnLost::Release => {
                    let own = self.held.iter().filter(|held| !held.released);
                    let own = own.filter(|held| held.holder.owner == *owner);
                    let own = own.fold(Scope::from_bits(0), |all, held| all.union(held.scope));
                    lines.append(&mut self.moved(&line, own, None));
                }
                Audit::Invalidated { scope, .. } => {
                    lines.append(&mut self.moved(&line, *scope, None));
                }
                Audit::Issued { owner, generation, scope } => {
                    line.receipt = receipt;
                    let to = Holder { owner: owner.clone(), generation: *generation };
                    lines.append(&mut self.moved(&line, *scope, Some(&to)));
                }
                Audit::Committed { receipt: committed } if !issued.is_empty() => {
                    self.settle(*committed);
                    receipt = Some(*committed);
                }
                Audit::Staged { receipt, to, scope } => {
                    self.stage(&mut line, *receipt, to, *scope);
                    lines.push(line);
                }
                other => {
                    if let Some(over) = other.receipt().and_then(|receipt| self.settle(receipt)) {
                        (line.scope, line.from) = (over.scope, Some(Side::Holder(over.from)));
                        line.fragments = self.named(line.scope);
                    }
                    lines.push(line);
                }
            }
        }
        lines
    }

    /// The session has ended: what was on its way stays where it was.
    pub fn end(&mut self) {
        self.in_flight.clear();
    }

    /// Who has what now; together these are every fragment.
    #[must_use]
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// What is on its way now.
    #[must_use]
    pub fn in_flight(&self) -> &[InFlight] {
        &self.in_flight
    }

    /// The fragments by name.
    #[must_use]
    pub fn named(&self, scope: Scope) -> Box<str> {
        if scope == Scope::session(&self.protocol) {
            return "Session".into();
        }
        let lifecycle = scope.covers(Scope::LIFECYCLE).then_some("lifecycle");
        let roles = (0..).map(RoleIx).zip(self.protocol.roles());
        let roles = roles.filter(|(role, _)| scope.covers(Scope::role(*role)));
        listed(lifecycle.into_iter().chain(roles.map(|(_, name)| name.as_str())))
    }

    /// What an audit says without its sides.
    fn line(&self, record: &Record, audit: &Audit) -> AuditLine {
        let by = match &record.event {
            Recorded::Input(Input::Act { by, .. }) => {
                Some(Holder { owner: by.owner.clone(), generation: by.generation })
            }
            _ => None,
        };
        let (expires, frozen) = terms(record);
        AuditLine {
            tick: record.tick,
            record: record.index,
            what: deed(record, audit),
            receipt: audit.receipt(),
            scope: Scope::from_bits(0),
            fragments: "".into(),
            from: None,
            to: None,
            by,
            expires,
            frozen,
            about: audit.about(),
        }
    }

    /// The fragments get another holder, or none: a line for each one that they had.
    fn moved(&mut self, line: &AuditLine, scope: Scope, to: Option<&Holder>) -> Vec<AuditLine> {
        let mut taken = Vec::new();
        let mut rest = scope;
        for held in &mut self.held {
            let part = held.scope.intersection(scope);
            if !part.is_empty() {
                held.scope = held.scope.without(part);
                rest = rest.without(part);
                taken.push((part, Some((held.holder.clone(), held.released))));
            }
        }
        self.held.retain(|held| !held.scope.is_empty());
        if !rest.is_empty() {
            taken.push((rest, None));
        }
        let mut lines = Vec::with_capacity(taken.len());
        for (scope, from) in taken {
            let last = from.as_ref().map(|(holder, _)| holder);
            if let Some(holder) = to.or(last) {
                let holder = holder.clone();
                self.held.push(Held { holder, scope, released: to.is_none() });
            }
            let to = match to {
                Some(holder) => Some(Side::Holder(holder.clone())),
                None => last.cloned().map(Side::Released),
            };
            let from = from.map(|(holder, released)| match released {
                true => Side::Released(holder),
                false => Side::Holder(holder),
            });
            let fragments = self.named(scope);
            lines.push(AuditLine { scope, fragments, from, to, ..line.clone() });
        }
        lines
    }

    /// What the record says of a transfer that begins.
    fn stage(&mut self, line: &mut AuditLine, receipt: ReceiptId, to: &Recipient, scope: Scope) {
        let Some(from) = line.by.clone() else { return };
        let (expires, frozen) = (line.expires, line.frozen);
        let to = to.clone();
        (line.scope, line.fragments) = (scope, self.named(scope));
        line.from = Some(Side::Holder(from.clone()));
        line.to = Some(Side::Promised(to.clone()));
        self.in_flight.push(InFlight { receipt, scope, from, to, expires, frozen });
    }

    fn settle(&mut self, receipt: ReceiptId) -> Option<InFlight> {
        let at = self.in_flight.iter().position(|transfer| transfer.receipt == receipt)?;
        Some(self.in_flight.remove(at))
    }
}

/// What was done, where the record says it better than what came of it.
fn deed(record: &Record, audit: &Audit) -> &'static str {
    match &record.event {
        Recorded::Input(Input::Open(_)) => "opened",
        Recorded::Input(Input::Commit(_)) => "committed",
        Recorded::Input(Input::Act { act: Act::Authority(authority), .. }) => match &**authority {
            Authority::Release { .. } => "released",
            Authority::Attenuate { .. } => "attenuated",
            Authority::Claim { .. } => "claimed",
            _ => audit.word(),
        },
        _ => audit.word(),
    }
}

/// When a transfer that a record stages is taken back, and whether it freezes what it moves.
fn terms(record: &Record) -> (Option<Tick>, bool) {
    if let Recorded::Input(Input::Act { act: Act::Authority(authority), .. }) = &record.event
        && let Authority::Stage { expires, freeze, .. } = &**authority
    {
        return (*expires, *freeze);
    }
    (None, false)
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.owner, self.generation)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holder(holder) => write!(f, "{holder}"),
            Self::Released(last) => write!(f, "nobody (last {last})"),
            Self::Promised(Recipient::Owner(owner)) => write!(f, "{owner}"),
            Self::Promised(Recipient::Bearer) => f.write_str("its bearer"),
        }
    }
}

/// `tick 12  record 7  receipt 1  committed  Buyer: phone#1 → tablet#2`
impl fmt::Display for AuditLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tick {}  record {}  ", self.tick, self.record)?;
        if let Some(receipt) = self.receipt {
            write!(f, "receipt {receipt}  ")?;
        }
        for (index, word) in self.what.split('_').enumerate() {
            write!(f, "{}{word}", if index > 0 { " " } else { "" })?;
        }
        if !self.fragments.is_empty() {
            write!(f, "  {}:", self.fragments)?;
        }
        match (&self.from, &self.to) {
            // Who had it last and has released it need not be said twice.
            (Some(from), Some(Side::Released(_))) => write!(f, " {from} → nobody")?,
            (Some(from), Some(to)) => write!(f, " {from} → {to}")?,
            (Some(side), None) => write!(f, " stays with {side}")?,
            (None, Some(side)) => write!(f, " {side}")?,
            (None, None) => {}
        }
        if let Some(about) = &self.about {
            write!(f, "  {about}")?;
        }
        if let Some(expires) = self.expires {
            write!(f, ", until tick {expires}")?;
        }
        if self.frozen {
            f.write_str(", frozen")?;
        }
        match (&self.by, &self.from) {
            (Some(by), Some(Side::Holder(from) | Side::Released(from))) if by == from => Ok(()),
            (Some(by), _) => write!(f, ", by {by}"),
            (None, _) => Ok(()),
        }
    }
}
