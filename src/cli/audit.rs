//! `antiphon audit`: who held what of a session, when, and why it changed; proofs that a record is
//! in a journal.

use std::io::Write;
use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use clap::Args;

use super::{Failure, input, replay, style};
use crate::machine::{AuditLine, Owner, Scope, SessionId, Side};
use crate::wire::audit::Audited;
use crate::wire::proof::{Proof, tree_hash};

/// The longest proof that is read, in bytes.
const PROOF_BYTES_MAX: usize = 1 << 26;

/// Show who held what, when, and why it changed, from a journal that is verified first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  antiphon audit shop.journal
  antiphon audit shop.journal --owner tablet
  antiphon audit shop.journal --prove 7 > proof.json
  antiphon audit --check-proof proof.json --root 5dc9da79…")]
pub(super) struct Audit {
    /// The journal, whole or compacted, or `-` for standard input
    #[arg(required_unless_present = "check_proof")]
    file: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Show only what concerns this role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Show only what concerns this owner
    #[arg(long, value_name = "OWNER")]
    owner: Option<String>,
    /// Fail unless the journal is the one of this session
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Print the proof that record N is in the journal, as a line of JSON
    #[arg(long, value_name = "N", conflicts_with_all = ["json", "role", "owner"])]
    prove: Option<u64>,
    /// Verify a proof; needs no journal
    #[arg(long, value_name = "PROOF", conflicts_with_all = ["file", "prove", "role", "owner", "json"])]
    check_proof: Option<PathBuf>,
    /// The root that the proof has to lead to
    #[arg(long, value_name = "HEX", requires = "check_proof")]
    root: Option<String>,
}

impl Audit {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        match (&self.check_proof, &self.file) {
            (Some(proof), _) => self.check(proof, &mut out),
            (None, Some(file)) => self.audit(file, &mut out),
            (None, None) => Err(Failure::Usage("name a journal".into())),
        }
    }

    fn audit(&self, file: &Path, out: &mut impl Write) -> Result<(), Failure> {
        let bytes = replay::bytes(file)?;
        let name = file.display();
        let fault = |error| Failure::Fault(format!("`{name}`, {error}"));
        let mut audited = Audited::read(&bytes).map_err(fault)?;
        self.check_session(audited.session)?;
        if let Some(index) = self.prove {
            let proof = audited.prove(index).ok_or_else(|| unproven(&audited, index))?;
            writeln!(out, "{proof}")?;
        } else {
            self.filter(&mut audited)?;
            let shown = match self.json {
                true => writeln!(out, "{}", audited.document()).map_err(Failure::from),
                false => show(&audited, out),
            };
            match shown {
                // Who reads no more still learns from the exit status whether it is whole.
                Err(Failure::BrokenPipe) => {}
                shown => shown?,
            }
        }
        match audited.is_complete {
            true => Ok(()),
            false => Err(Failure::Fault(format!(
                "`{name}` has no end mark: it was cut, or its writer was killed, and what came \
                 behind record {} is not known",
                audited.tree.len().saturating_sub(1)
            ))),
        }
    }

    fn check_session(&self, found: SessionId) -> Result<(), Failure> {
        match self.session {
            Some(wanted) if wanted != found => {
                Err(Failure::Fault(format!("this is of session {found}, not of {wanted}")))
            }
            _ => Ok(()),
        }
    }

    /// Leaves only the lines that were asked for.
    fn filter(&self, audited: &mut Audited) -> Result<(), Failure> {
        if let Some(name) = &self.role {
            let role = audited.protocol.role(name).ok_or_else(|| {
                let known: Vec<&str> = audited.protocol.roles().map(|role| role.as_str()).collect();
                Failure::Usage(format!("there is no role `{name}`; there are {}", known.join(", ")))
            })?;
            audited.lines.retain(|line| line.scope.covers(Scope::role(role)));
        }
        if let Some(name) = &self.owner {
            let owner = Owner::new(name).map_err(|error| Failure::Usage(error.to_string()))?;
            audited.lines.retain(|line| concerns(line, &owner));
        }
        Ok(())
    }

    fn check(&self, file: &Path, out: &mut impl Write) -> Result<(), Failure> {
        let wanted = self.root.as_ref().map(|root| {
            let digits = root.to_ascii_lowercase();
            tree_hash(&digits)
                .ok_or_else(|| Failure::Usage(format!("`{root}` is not 64 hexadecimal digits")))
        });
        let wanted = wanted.transpose()?;
        let bytes = input::read(file, PROOF_BYTES_MAX)?;
        let name = file.display();
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(Failure::Fault(format!(
                "the proof is longer than {PROOF_BYTES_MAX} bytes"
            )));
        }
        let proof = Proof::read(&bytes)
            .map_err(|error| Failure::Fault(format!("`{name}` proves nothing: {error}")))?;
        self.check_session(proof.session)?;
        if let Some(wanted) = wanted.filter(|wanted| *wanted != proof.root) {
            return Err(Failure::Fault(format!(
                "`{name}` leads to the root {}, not to {wanted}",
                proof.root
            )));
        }
        writeln!(
            out,
            "record {} of {} is in the journal with the root {}",
            proof.record.index, proof.size, proof.root
        )?;
        writeln!(out, "{}, session {}", proof.protocol.name(), proof.session)?;
        writeln!(out, "{}", proof.record_line())?;
        if wanted.is_none() {
            writeln!(
                out,
                "compare the root with one that you trust: `--root HEX`; the proof alone shows \
                 only that it fits itself"
            )?;
        }
        Ok(())
    }
}

fn unproven(audited: &Audited, index: u64) -> Failure {
    let all = audited.tree.len();
    match index < all {
        true => Failure::Fault(format!("record {index} was removed when it was compacted")),
        false => Failure::Usage(format!("the journal has {all} records, not record {index}")),
    }
}

fn concerns(line: &AuditLine, owner: &Owner) -> bool {
    let side = |side: &Option<Side>| match side {
        Some(Side::Holder(holder) | Side::Released(holder)) => holder.owner == *owner,
        Some(Side::Promised(crate::machine::Recipient::Owner(to))) => to == owner,
        _ => false,
    };
    side(&line.from)
        || side(&line.to)
        || line.by.as_ref().is_some_and(|holder| holder.owner == *owner)
}

/// The summary, then the trail.
fn show(audited: &Audited, out: &mut impl Write) -> Result<(), Failure> {
    let trail = &audited.trail;
    writeln!(out, "{}, session {}", audited.protocol.name(), audited.session)?;
    let reason = audited.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    writeln!(out, "status     {}{reason}, at tick {}", audited.status, audited.tick)?;
    let (records, head) = (audited.tree.len(), &audited.head[..16]);
    let complete = if audited.is_complete { "complete" } else { "without its end mark" };
    let verified = match audited.is_compacted {
        true => format!(
            "compacted: {} of {records} records kept, the root holds; was chained to {head}",
            audited.records.len()
        ),
        false => format!(
            "{records} records, {complete}, the chain holds ({head}), re-executed to {}",
            &audited.digest[..16]
        ),
    };
    writeln!(out, "journal    {verified}")?;
    writeln!(out, "root       {}", audited.tree.root())?;
    for held in trail.held() {
        let what = if held.released { "released" } else { "owner" };
        writeln!(out, "{what:<10} {} of {}", held.holder, trail.named(held.scope))?;
    }
    for transfer in trail.in_flight() {
        let to = Side::Promised(transfer.to.clone());
        let (receipt, from) = (transfer.receipt, &transfer.from);
        write!(
            out,
            "in flight  receipt {receipt}  {}: {from} → {to}",
            trail.named(transfer.scope)
        )?;
        writeln!(out, "{}", if transfer.frozen { ", frozen" } else { "" })?;
    }
    // AUDIT-6: they do not survive a restart, and this says so.
    writeln!(
        out,
        "refused    attempts that were refused are in no journal: the machine counts them while it \
         lives"
    )?;
    writeln!(out)?;
    for line in &audited.lines {
        let color = style::of(match line.what {
            "staged" => AnsiColor::Yellow,
            "expired" | "rolled_back" | "released" | "invalidated" => AnsiColor::Red,
            _ => AnsiColor::Green,
        });
        writeln!(out, "{color}{line}{color:#}")?;
    }
    Ok(())
}
