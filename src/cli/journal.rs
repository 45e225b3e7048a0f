//! `antiphon journal`: the journal of many sessions that a host keeps in one file of redb.
//!
//! Clauses: JSTO-13, JSTO-14, JSTO-19.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value as Tree, json};

use super::Failure;
use crate::driver::{RecoverError, Recovery, Sessions, Unfit};
use crate::journal::{Journal, JournalError, RedbJournal, Write as Change};
use crate::machine::{Act, Input, Outcome, Record, Recorded, ReplayError, SessionId};
use crate::types::Protocol;
use crate::wire::compact::{CompactError, Compacted, compact};
use crate::wire::journal::{self, record_line};

/// Look into the journal of a host, a file with many sessions: list, show, export, verify, compact
#[derive(Debug, Args)]
#[command(after_help = "A file is looked into while no host has it open.

Examples:
  antiphon journal ls host.redb
  antiphon journal show host.redb 0123456789abcdef0123456789abcdef
  antiphon journal export host.redb 0123456789abcdef0123456789abcdef shop.journal
  antiphon journal verify host.redb
  antiphon journal compact host.redb")]
pub(super) struct Journals {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the sessions: id, records, status, protocol
    Ls {
        /// The journal of a host
        file: PathBuf,
        /// Print a line of JSON a session
        #[arg(long)]
        json: bool,
    },
    /// Show the records of a session, one a line
    Show {
        /// The journal of a host
        file: PathBuf,
        /// The session
        session: SessionId,
        /// Print a line of JSON a record
        #[arg(long)]
        json: bool,
    },
    /// Write the journal of a session as lines, for `antiphon replay`, `verify` and `audit`
    Export {
        /// The journal of a host
        file: PathBuf,
        /// The session
        session: SessionId,
        /// Where to write, a file that is not there yet, or `-` for standard output
        output: PathBuf,
    },
    /// Verify the chain of every session, replay it and compare its snapshot; fail if one is broken
    Verify {
        /// The journal of a host
        file: PathBuf,
    },
    /// Keep of the sessions that have ended what authority needs, and give back the room
    Compact {
        /// The journal of a host
        file: PathBuf,
    },
}

impl Journals {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut out = BufWriter::new(anstream::stdout().lock());
        let done = match &self.what {
            What::Ls { file, json } => Opened::of(file)?.list(*json, &mut out),
            What::Show { file, session, json } => Opened::of(file)?.show(*session, *json, &mut out),
            What::Export { file, session, output } => {
                Opened::of(file)?.export(*session, output, &mut out)
            }
            What::Verify { file } => Opened::of(file)?.verify(&mut out),
            What::Compact { file } => Opened::of(file)?.compact(&mut out),
        };
        out.flush()?;
        done
    }
}

/// A journal that is looked into.
struct Opened<'f> {
    file: &'f Path,
    journal: RedbJournal,
    recovery: Recovery,
}

/// How a session stands.
enum Stands {
    Whole(journal::Journal, Replayed),
    Compacted(Compacted),
    Broken(RecoverError),
}

/// A line of the list.
struct Row {
    records: u64,
    status: String,
    reason: Option<String>,
    compacted: bool,
    protocol: Option<String>,
}

struct Replayed {
    status: String,
    reason: Option<String>,
    is_terminal: bool,
}

impl<'f> Opened<'f> {
    /// CLI-3: what is not there is not made.
    fn of(file: &'f Path) -> Result<Self, Failure> {
        let named = |error: JournalError| {
            let text = format!("`{}`: {error}", file.display());
            match error {
                JournalError::Io(_) | JournalError::InUse => Failure::Usage(text),
                _ => Failure::Fault(text),
            }
        };
        let journal = RedbJournal::existing(file).map_err(named)?;
        Ok(Self { file, journal, recovery: Recovery::new() })
    }

    /// What the store says, with the name of its file.
    fn fault(&self, error: impl std::fmt::Display) -> Failure {
        Failure::Fault(format!("`{}`: {error}", self.file.display()))
    }

    fn sessions(&self) -> Result<Vec<SessionId>, Failure> {
        let all: Result<Vec<_>, _> = Sessions::of(&self.journal).collect();
        all.map_err(|error| self.fault(error))
    }

    fn session(&mut self, session: SessionId) -> Result<Stands, Failure> {
        let whole = self.recovery.journal(&self.journal, session).and_then(|journal| {
            let replayed = replayed(&journal);
            let broken = |error: ReplayError| RecoverError::Broken {
                session,
                index: error.record(),
                breach: error.into(),
            };
            Ok((replayed.map_err(broken)?, journal))
        });
        match whole {
            Ok((replayed, journal)) => Ok(Stands::Whole(journal, replayed)),
            Err(RecoverError::Compacted(_)) => {
                let saved = self.journal.snapshot(session.0).map_err(|error| self.fault(error))?;
                let bytes = saved.map(|saved| saved.bytes).unwrap_or_default();
                let read = Compacted::read(&bytes);
                let read = read.map_err(|error| {
                    self.fault(format_args!("the compacted session {session}, {error}"))
                });
                read.map(Stands::Compacted)
            }
            Err(RecoverError::Journal(error)) => Err(self.fault(error)),
            Err(error @ RecoverError::Unknown(_)) => Err(self.fault(error)),
            Err(error) => Ok(Stands::Broken(error)),
        }
    }

    /// JSTO-19: whether the snapshot of a session is where it stood: behind how many records.
    fn snapshot(&mut self, session: SessionId) -> Result<Result<Option<u64>, Unfit>, Failure> {
        match self.recovery.verify_snapshot(&self.journal, session) {
            Err(Unfit::Behind(error)) if matches!(*error, RecoverError::Journal(_)) => {
                Err(self.fault(error))
            }
            verified => Ok(verified),
        }
    }

    fn list(&mut self, json: bool, out: &mut impl Write) -> Result<(), Failure> {
        let sessions = self.sessions()?;
        if !json {
            let file = self.file.display();
            let (count, s) = (sessions.len(), if sessions.len() == 1 { "" } else { "s" });
            writeln!(out, "{file}, {count} session{s}")?;
        }
        for session in sessions {
            let Row { records, status, reason, compacted, protocol } = self.row(session)?;
            if json {
                let session = session.to_string();
                let line = json!({
                    "session": session,
                    "records": records,
                    "status": status,
                    "reason": reason,
                    "compacted": compacted,
                    "protocol": protocol,
                });
                writeln!(out, "{line}")?;
                continue;
            }
            let protocol = protocol.as_deref().unwrap_or("?");
            let status = said((&status, reason.as_deref()));
            let compacted = if compacted { ", compacted" } else { "" };
            writeln!(out, "{session}  {records:>8} records  {protocol}  {status}{compacted}")?;
        }
        Ok(())
    }

    fn row(&mut self, session: SessionId) -> Result<Row, Failure> {
        Ok(match self.session(session)? {
            Stands::Whole(journal, Replayed { status, reason, .. }) => Row {
                records: journal.records.len() as u64,
                status,
                reason,
                compacted: false,
                protocol: Some(journal.protocol.name().to_string()),
            },
            Stands::Compacted(compacted) => {
                let (status, reason) = compacted.status();
                Row {
                    records: compacted.tree.len(),
                    status: status.into(),
                    reason: reason.map(Into::into),
                    compacted: true,
                    protocol: Some(compacted.protocol.name().to_string()),
                }
            }
            Stands::Broken(error) => {
                // So many records in front of it can be trusted.
                let records =
                    if let RecoverError::Broken { index, .. } = error { index } else { 0 };
                let status = "broken".into();
                Row { records, status, reason: None, compacted: false, protocol: None }
            }
        })
    }

    fn show(
        &mut self,
        session: SessionId,
        json: bool,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let (protocol, records, state) = match self.session(session)? {
            Stands::Whole(journal, replayed) => {
                let state = said((&replayed.status, replayed.reason.as_deref()));
                let state = match self.snapshot(session)? {
                    Ok(None) => state,
                    Ok(Some(upto)) => format!("{state}, a snapshot behind {upto} records"),
                    Err(unfit) => format!("{state}, a snapshot that is not used: {unfit}"),
                };
                (journal.protocol, journal.records, state)
            }
            Stands::Compacted(compacted) => {
                let state = format!(
                    "{}, compacted: {} of {} records kept",
                    said(compacted.status()),
                    compacted.records.len(),
                    compacted.tree.len()
                );
                (compacted.protocol, compacted.records, state)
            }
            Stands::Broken(error) => return Err(self.fault(error)),
        };
        if !json {
            writeln!(out, "{}, session {session}: {state}", protocol.name())?;
        }
        for record in &records {
            match json {
                true => writeln!(out, "{}", record_line(&protocol, record))?,
                false => {
                    let Record { index, tick, .. } = record;
                    writeln!(out, "{index:>6}  tick {tick}  {}", shown(&protocol, record))?;
                }
            }
        }
        Ok(())
    }

    /// JSTO-13: the lines that the session would have in a file of its own. Of a compacted one
    /// those that it was compacted to.
    fn export(
        &mut self,
        session: SessionId,
        output: &Path,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let text = match self.session(session)? {
            Stands::Whole(journal, _) => self.lines(&journal)?.into_bytes(),
            Stands::Compacted(_) => {
                let saved = self.journal.snapshot(session.0).map_err(|error| self.fault(error))?;
                saved.map(|saved| saved.bytes.to_vec()).unwrap_or_default()
            }
            Stands::Broken(error) => return Err(self.fault(error)),
        };
        if output == Path::new("-") {
            out.write_all(&text)?;
            return Ok(());
        }
        let named =
            |error: std::io::Error| Failure::Usage(format!("`{}`: {error}", output.display()));
        let mut file = std::fs::File::create_new(output).map_err(named)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(named)?;
        writeln!(out, "session {session}: {} bytes", text.len())?;
        Ok(())
    }

    fn lines(&mut self, journal: &journal::Journal) -> Result<String, Failure> {
        let mut text = journal::header_line(&journal.protocol, journal.session) + "\n";
        let batches = self.recovery.batches(&self.journal, journal.session);
        for batch in batches.map_err(|error| self.fault(error))? {
            let line = journal::batch_line(&journal.protocol, &batch);
            text += &line.map_err(|error| self.fault(error))?;
            text.push('\n');
        }
        // Nothing is missing at its end: a commit is there whole, or it is not there.
        text += &journal::end_line(journal.records.len() as u64, journal.head);
        text.push('\n');
        Ok(text)
    }

    fn verify(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        let (mut whole, mut records, mut compacted, mut broken) = (0, 0, 0, 0);
        let (mut snapshots, mut unfit) = (0, 0);
        for session in self.sessions()? {
            match self.session(session)? {
                Stands::Whole(journal, _) => {
                    whole += 1;
                    records += journal.records.len();
                    match self.snapshot(session)? {
                        Ok(upto) => snapshots += usize::from(upto.is_some()),
                        Err(why) => {
                            unfit += 1;
                            writeln!(out, "session {session}: its snapshot does not fit: {why}")?;
                        }
                    }
                }
                Stands::Compacted(_) => compacted += 1,
                Stands::Broken(error) => {
                    broken += 1;
                    writeln!(out, "{error}")?;
                }
            }
        }
        writeln!(
            out,
            "{whole} sessions with {records} records hold and replay; {compacted} are compacted and \
             hold; {broken} are broken"
        )?;
        if snapshots > 0 {
            writeln!(out, "{snapshots} snapshots are where their sessions stood")?;
        }
        match broken {
            0 if unfit > 0 => Err(self.fault(format_args!("snapshots that do not fit: {unfit}"))),
            0 => Ok(()),
            1 => Err(self.fault("a session is broken")),
            _ => Err(self.fault(format_args!("{broken} sessions are broken"))),
        }
    }

    /// JSTO-14: each session in a commit of its own, so that a crash leaves the one or the other.
    fn compact(&mut self, out: &mut impl Write) -> Result<(), Failure> {
        let length = |file: &Path| std::fs::metadata(file).map_or(0, |about| about.len());
        let before = length(self.file);
        let fence = self.journal.fence().map_err(|error| self.fault(error))?;
        let (mut done, mut live, mut already, mut broken) = (0, 0, 0, 0);
        for session in self.sessions()? {
            let journal = match self.session(session)? {
                Stands::Whole(journal, Replayed { is_terminal: true, .. }) => journal,
                Stands::Whole(..) => {
                    live += 1;
                    continue;
                }
                Stands::Compacted(_) => {
                    already += 1;
                    continue;
                }
                Stands::Broken(error) => {
                    broken += 1;
                    writeln!(out, "{error}")?;
                    continue;
                }
            };
            let text = compact(&journal).map_err(|error: CompactError| self.fault(error))?;
            let (upto, head) = (journal.records.len() as u64, &journal.head.0);
            let session = session.0;
            let changes = [
                Change::Remove { session },
                Change::Snapshot { session, upto, head, bytes: text.as_bytes() },
            ];
            self.journal.commit(fence, &changes).map_err(|error| self.fault(error))?;
            done += 1;
        }
        self.journal.shrink().map_err(|error| self.fault(error))?;
        writeln!(
            out,
            "{done} sessions that have ended are compacted, {already} were already, {live} go on; \
             {} bytes of {before}",
            length(self.file)
        )?;
        match broken {
            0 => Ok(()),
            _ => Err(self.fault(format_args!("{broken} broken sessions were left as they are"))),
        }
    }
}

fn replayed(journal: &journal::Journal) -> Result<Replayed, ReplayError> {
    let replayed = journal.replay()?;
    let status = replayed.session().map(|view| view.status().clone());
    Ok(Replayed {
        status: status.as_ref().map_or("not opened", |status| status.as_str()).into(),
        reason: status.as_ref().and_then(|status| status.reason()).map(Into::into),
        is_terminal: status.is_some_and(|status| status.is_terminal()),
    })
}

fn said((status, reason): (&str, Option<&str>)) -> String {
    reason.map_or_else(|| status.into(), |reason| format!("{status} ({reason})"))
}

/// A record in a few words: what a message was, or by what name the record stands in JSON.
fn shown(protocol: &Protocol, record: &Record) -> String {
    let role = |role| protocol.role_name(role);
    match (&record.event, record.outcome) {
        (Recorded::Input(Input::Act { act: Act::Send(send), .. }), _) => {
            let label = protocol.label_name(send.label);
            format!("{} → {}  {label}({})", role(send.role), role(send.to), send.value)
        }
        (
            Recorded::Input(Input::Act { act: Act::Receive(receive), .. }),
            Outcome::Received(label, ..),
        ) => {
            let label = protocol.label_name(label);
            format!("{} ← {}  {label}", role(receive.role), role(receive.from))
        }
        _ => {
            let line = record_line(protocol, record);
            let line: Tree = serde_json::from_str(&line).expect("a line of a journal is JSON");
            match line["event"].as_object().and_then(|event| event.iter().next()) {
                Some((name, about)) => format!("{}  {about}", name.replace('_', " ")),
                None => line["event"].as_str().unwrap_or_default().replace('_', " "),
            }
        }
    }
}
