//! `antiphon join` and `antiphon resume`: a role, played by a person or a program.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Connect, runtime};
use crate::cli::person::{self, Input, Line, Now};
use crate::cli::{Failure, secrets};
use crate::client::{ClientError, Endpoint, RedbStore, Store};
use crate::machine::{Move, Send};
use crate::resume::outbox::{Ending, Memory, Taken};
use crate::types::Direction;
use crate::wire::json::write_value;

/// Join a role with an invitation, and play it: what is legal is shown, what comes is printed
#[derive(Debug, Args)]
#[command(
    after_help = "A line of the input is a move: its number, `label VALUE`, or `Peer!label(VALUE)`; `?` shows
what is legal, `quit` leaves. What was done and is not acknowledged is kept in the file of the
role, so that `antiphon resume` goes on after anything, `kill -9` included. The host may be away
meanwhile.

Examples:
  antiphon join --as alice INVITATION
  antiphon resume alice.role"
)]
pub(in crate::cli) struct Join {
    /// The invitation, as `antiphon open` prints it
    invitation: String,
    /// The name of the owner that the role has from now on
    #[arg(long = "as", value_name = "NAME")]
    owner: String,
    /// The file of the role [default: NAME.role]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print lines of JSON: for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Go on with a role that was joined here before
#[derive(Debug, Args)]
pub(in crate::cli) struct Resume {
    /// The file of the role
    file: PathBuf,
    /// Print lines of JSON: for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// How long an answer is waited for before somebody is told that there is none.
const WAIT: Duration = Duration::from_secs(2);

/// What the file of a role says beside what the endpoint keeps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    at: String,
    secret_file: Option<PathBuf>,
    tls_ca: Option<PathBuf>,
    invitation: String,
    owner: String,
}

fn kept(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("`{}`: {error}", path.display()))
}

impl Join {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let file = self.file.clone().unwrap_or_else(|| format!("{}.role", self.owner).into());
        if secrets::made(&file)?.is_none() {
            let text = format!(
                "there is a role in it: go on with `antiphon resume {}`, or name another file, `--file`",
                file.display()
            );
            return Err(kept(&file, text));
        }
        let absolute =
            |path: &Option<PathBuf>| path.as_deref().map(std::path::absolute).transpose();
        let about = About {
            at: self.connect.address().to_string(),
            secret_file: absolute(&self.connect.secret_file)?,
            tls_ca: absolute(&self.connect.tls_ca)?,
            invitation: self.invitation.clone(),
            owner: self.owner.clone(),
        };
        let store = RedbStore::open(&file, "endpoint").map_err(|error| kept(&file, error))?;
        let text = serde_json::to_string(&about).expect("it is text");
        store.named("about").save(&text).map_err(|error| kept(&file, error))?;
        play(&file, store, &about, &self.connect, self.json)
    }
}

impl Resume {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        if !self.file.exists() {
            return Err(kept(&self.file, "there is no such file: `antiphon join` makes it"));
        }
        let store = RedbStore::open(&self.file, "endpoint");
        let store = store.map_err(|error| kept(&self.file, error))?;
        let text = store.named("about").load().map_err(|error| kept(&self.file, error))?;
        let text = text.ok_or_else(|| kept(&self.file, "it is not the file of a role"))?;
        let about: About = serde_json::from_str(&text).map_err(|error| kept(&self.file, error))?;
        let given = &self.connect;
        let at = match &given.at {
            Some(at) => at.clone(),
            None => about.at.parse().map_err(|error| kept(&self.file, error))?,
        };
        let connect = Connect {
            at: Some(at),
            secret_file: given.secret_file.clone().or_else(|| about.secret_file.clone()),
            reconnect: given.reconnect,
            tls_ca: given.tls_ca.clone().or_else(|| about.tls_ca.clone()),
        };
        play(&self.file, store, &about, &connect, self.json)
    }
}

fn play(
    file: &Path,
    store: RedbStore,
    about: &About,
    connect: &Connect,
    json: bool,
) -> Result<(), Failure> {
    let (dial, options) = connect.dial()?;
    runtime()?.block_on(async {
        let endpoint = Endpoint::durable(dial, store, &about.invitation, &about.owner, options);
        let endpoint = endpoint.map_err(|error| kept(file, error))?;
        let is_person = std::io::stdin().is_terminal();
        Player { endpoint, lines: lines(), file, connect, json, is_person }.play().await
    })
}

/// The lines of standard input, read by a thread that ends with the process.
fn lines() -> mpsc::Receiver<std::io::Result<Input>> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let line = person::read_line(&mut input);
            let is_last = !matches!(line, Ok(Input::Line(_) | Input::TooLong));
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    lines
}

struct Player<'a> {
    endpoint: Endpoint,
    lines: mpsc::Receiver<std::io::Result<Input>>,
    file: &'a Path,
    connect: &'a Connect,
    json: bool,
    /// A person sees prompts.
    is_person: bool,
}

/// What there is to do.
enum Turn {
    Send,
    Receive,
    Nothing,
}

/// What a line came to.
enum Did {
    /// An action was performed, or is going to be.
    Sent,
    /// Nothing: look again.
    Nothing,
    /// Whoever plays has left.
    Left,
}

impl Player<'_> {
    async fn play(mut self) -> Result<(), Failure> {
        if !self.greet().await? {
            return Ok(());
        }
        loop {
            let did = match self.turn() {
                Turn::Nothing => break,
                Turn::Receive => self.receive().await,
                Turn::Send => self.send().await,
            };
            match did {
                Ok(Did::Left) => return self.left(),
                Ok(Did::Sent | Did::Nothing) => {}
                Err(Stop::Over(error)) => return self.over(error),
                Err(Stop::Failed(failure)) => return Err(failure),
            }
        }
        // What it has done is kept before it ends.
        let Self { endpoint, json, .. } = self;
        endpoint.close().await.map_err(|error| Failure::Fault(error.to_string()))?;
        let mut out = anstream::stdout().lock();
        match json {
            true => writeln!(out, "{}", json!({"ended": true}))?,
            false => writeln!(out, "the role has done all that its type says")?,
        }
        Ok(())
    }

    /// Waits until the role is there; whether there is one.
    async fn greet(&mut self) -> Result<bool, Failure> {
        let address = self.connect.address();
        let soon = timeout(WAIT, self.endpoint.ready()).await;
        let done = match soon {
            Ok(done) => done,
            Err(_) => {
                writeln!(
                    anstream::stderr(),
                    "no answer from {address} yet; trying again and again"
                )?;
                self.endpoint.ready().await
            }
        };
        if let Err(error) = done {
            self.over(error)?;
            return Ok(false);
        }
        if !self.json {
            let (role, position) =
                self.look(|now| (now.protocol.role_name(now.role).clone(), now.position));
            let mut out = anstream::stderr().lock();
            writeln!(
                out,
                "{role} at {address}, from position {position}; kept in {}",
                self.file.display()
            )?;
        }
        Ok(true)
    }

    fn look<T>(&self, look: impl FnOnce(&Now<'_>) -> T) -> T {
        let seen = self.endpoint.look(|memory| look(&now(memory)));
        seen.expect("it was attached")
    }

    fn turn(&self) -> Turn {
        self.look(|now| match now.moves.first().map(|first| first.direction) {
            None => Turn::Nothing,
            Some(Direction::Send) => Turn::Send,
            Some(Direction::Receive) => Turn::Receive,
        })
    }

    async fn receive(&mut self) -> Result<Did, Stop> {
        let taken = loop {
            // What a program has written ahead waits for its turn.
            tokio::select! {
                taken = self.endpoint.receive() => break taken.map_err(Stop::Over)?,
                line = self.lines.recv(), if self.is_person => match line.transpose()? {
                    None | Some(Input::Ended) => return Ok(Did::Left),
                    Some(Input::Line(line)) if matches!(line.as_str(), "quit" | "exit") => {
                        return Ok(Did::Left);
                    }
                    _ => self.wrong("it is not this role's turn; `quit` leaves")?,
                },
            }
        };
        let Taken { from, label, value, payload, position, .. } = taken;
        // Printed before it is kept as consumed: after a crash it may be printed once more.
        let mut out = anstream::stdout().lock();
        if self.json {
            let value = write_value(payload.sort(), &value);
            let received = json!({"from": from.as_str(), "label": label.as_str(), "value": value, "position": position});
            writeln!(out, "{}", json!({"received": received}))?;
        } else if value == crate::types::Value::Unit {
            writeln!(out, "{from}?{label}")?;
        } else {
            writeln!(out, "{from}?{label}({value})")?;
        }
        out.flush()?;
        Ok(Did::Sent)
    }

    async fn send(&mut self) -> Result<Did, Stop> {
        self.prompt()?;
        loop {
            if self.is_person {
                let mut error = anstream::stderr().lock();
                write!(error, "> ")?;
                error.flush()?;
            }
            let line = tokio::select! {
                line = self.lines.recv() => line,
                over = self.endpoint.over() => return Err(Stop::Over(over)),
            };
            match self.line(line.unwrap_or(Ok(Input::Ended))?).await? {
                Did::Nothing => {}
                did => return Ok(did),
            }
        }
    }

    fn prompt(&self) -> Result<(), Stop> {
        if self.json {
            let moves = self.look(|now| {
                json!({
                    "position": now.position,
                    "moves": now.moves.iter().map(ToString::to_string).collect::<Vec<_>>(),
                })
            });
            let mut out = anstream::stdout().lock();
            writeln!(out, "{}", json!({"turn": moves}))?;
            out.flush()?;
        } else if self.is_person {
            self.look(|now| person::prompt(&mut anstream::stderr().lock(), now))?;
        }
        Ok(())
    }

    async fn line(&mut self, line: Input) -> Result<Did, Stop> {
        let line = match line {
            Input::Ended => return Ok(Did::Left),
            Input::TooLong => {
                self.wrong("the line is too long; nothing of it was done")?;
                return Ok(Did::Nothing);
            }
            Input::Line(line) => line,
        };
        let understood = self.look(|now| match person::understand(now, &line) {
            Line::Send(Send { to, label, value, .. }) => {
                let (to, label) = (now.protocol.role_name(to), now.protocol.label_name(label));
                Ok((to.clone(), label.clone(), value))
            }
            other => Err(other),
        });
        let (to, label, value) = match understood {
            Ok(send) => send,
            Err(Line::Quit) => return Ok(Did::Left),
            Err(Line::Wrong(text)) => {
                self.wrong(&text)?;
                return Ok(Did::Nothing);
            }
            Err(_) => {
                self.prompt()?;
                return Ok(Did::Nothing);
            }
        };
        let at = match self.endpoint.send_nowait(&to, &label, value).await {
            Ok(at) => at,
            Err(ClientError::Refused(refusal)) => {
                self.wrong(&refusal.to_string())?;
                return Ok(Did::Nothing);
            }
            Err(over) => return Err(Stop::Over(over)),
        };
        let is_late = match timeout(WAIT, self.endpoint.kept(at)).await {
            Ok(done) => done.map(|()| false).map_err(Stop::Over)?,
            Err(_) => true,
        };
        if is_late {
            // A person may go on: what was decided is in the file, and is sent when the host is
            // there.
            let mut error = anstream::stderr().lock();
            writeln!(error, "not acknowledged yet: it is kept here, and is said until it is")?;
        }
        if self.json {
            let mut out = anstream::stdout().lock();
            let sent = json!({"to": to.as_str(), "label": label.as_str(), "position": at, "kept": !is_late});
            writeln!(out, "{}", json!({"sent": sent}))?;
            out.flush()?;
        }
        Ok(Did::Sent)
    }

    fn wrong(&self, text: &str) -> Result<(), Stop> {
        if self.json {
            let mut out = anstream::stdout().lock();
            writeln!(out, "{}", json!({"refused": text}))?;
            out.flush()?;
        } else {
            writeln!(anstream::stderr(), "{text}")?;
        }
        Ok(())
    }

    fn left(&self) -> Result<(), Failure> {
        let file = self.file.display();
        writeln!(anstream::stderr(), "the role waits; go on with `antiphon resume {file}`")?;
        Ok(())
    }

    /// It is over: well, if the session was closed.
    fn over(&self, error: ClientError) -> Result<(), Failure> {
        match &error {
            ClientError::Over(Ending::Session { status, .. }) if status == "closed" => {
                let mut out = anstream::stdout().lock();
                match self.json {
                    true => writeln!(out, "{}", json!({"ended": true}))?,
                    false => writeln!(out, "the session is closed")?,
                }
                Ok(())
            }
            _ => Err(Failure::Fault(error.to_string())),
        }
    }
}

/// Why playing stops.
enum Stop {
    Over(ClientError),
    Failed(Failure),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

fn now(memory: &Memory) -> Now<'_> {
    let moves = memory.legal_moves().map(|legal| Move {
        direction: legal.direction,
        peer: legal.peer.clone(),
        label: legal.label.clone(),
        payload: legal.payload.clone(),
    });
    Now {
        protocol: memory.protocol(),
        role: memory.role(),
        position: memory.position(),
        moves: moves.collect(),
    }
}
