//! What people touch: the subcommands of `antiphon`, one file each.
//!
//! Exit status: 0 good, 1 the protocol, journal or move is at fault, 2 the command line is (CLI-1).

mod audit;
mod bench;
mod chart;
mod check;
mod compact;
mod graph;
mod input;
mod journal;
mod machine;
mod person;
mod play;
mod project;
mod replay;
mod run;
mod scratch;
mod secrets;
mod serve;
mod style;
mod subtype;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A multiparty session-type runtime: declare a protocol once, check it, run its sessions in a
/// machine that refuses every other move.
#[derive(Debug, Parser)]
#[command(name = "antiphon", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Project(project::Project),
    Graph(graph::Graph),
    Run(run::Run),
    Replay(replay::Replay),
    Verify(verify::Verify),
    Subtype(subtype::Subtype),
    Machine(machine::Machine),
    Audit(audit::Audit),
    Compact(compact::Compact),
    Journal(journal::Journals),
    Serve(serve::Serve),
    Open(play::Open),
    Join(play::Join),
    Resume(play::Resume),
    Bench(bench::Bench),
}

/// How a subcommand ended when it was not good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
enum Failure {
    /// The protocol, journal or move is at fault; what was wrong has been said.
    #[error("")]
    Said,
    /// The same, with a sentence still to be said.
    #[error("{0}")]
    Fault(String),
    /// The command line is: a file that cannot be read, a role that does not exist.
    #[error("{0}")]
    Usage(String),
    /// Nobody reads what is printed any more.
    #[error("nobody reads the output")]
    BrokenPipe,
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Usage(error.to_string()),
        }
    }
}

/// Parses the command line and does what it asks for.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for, not wrong.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let done = match arguments.command {
        Command::Check(check) => check.run(),
        Command::Project(project) => project.run(),
        Command::Graph(graph) => graph.run(),
        Command::Run(run) => run.run(),
        Command::Replay(replay) => replay.run(),
        Command::Verify(verify) => verify.run(),
        Command::Subtype(subtype) => subtype.run(),
        Command::Machine(machine) => machine.run(),
        Command::Audit(audit) => audit.run(),
        Command::Compact(compact) => compact.run(),
        Command::Journal(journals) => journals.run(),
        Command::Serve(serve) => serve.run(),
        Command::Open(open) => open.run(),
        Command::Join(join) => join.run(),
        Command::Resume(resume) => resume.run(),
        Command::Bench(bench) => bench.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough is no fault (`antiphon graph … | head`).
        Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Said) => ExitCode::from(1),
        Err(Failure::Fault(text)) => {
            style::complain(&text);
            ExitCode::from(1)
        }
        Err(Failure::Usage(text)) => {
            style::complain(&text);
            ExitCode::from(2)
        }
    }
}
