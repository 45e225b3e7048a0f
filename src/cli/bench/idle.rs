//! What a WebSocket takes of a host's memory while it is attached and idle, beside one of the bare
//! library with the same buffers: each in a process of its own, as the system counts it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use smol_str::SmolStr;

use super::net::{Echo, Line, runtime, websocket_to};
use super::row::{Goal, Measured, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::transport::Transport;
use crate::wire::frame::Frame;

pub(super) const SUBJECT: Subject =
    Subject { name: "idle", about: "memory of an idle WebSocket, in processes of their own", run };

const PROTOCOL: &str = "
    A = rec X . B!ping(bytes) . B?pong(bytes) . X
    B = rec X . A?ping(bytes) . A!pong(bytes) . X";

/// How many connections there are before memory is looked at first.
const WARM: usize = 200;

/// A process that ends with the measurement.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// This program with other arguments, and the first address that it prints.
    fn start(arguments: &[&str]) -> Result<(Self, std::net::SocketAddr), Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = child.stdout.take().expect("it was asked for");
        let process = Self(child);
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some(address) = line.trim().strip_prefix("ws://")
                && let Ok(address) = address.parse()
            {
                return Ok((process, address));
            }
        }
        Err(Failure::Fault(format!("`antiphon {}` has ended", arguments.join(" "))))
    }

    /// How many bytes of it are in memory.
    fn resident(&self) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes =
            line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
        kilobytes
            .map(|kilobytes| kilobytes * 1024.0)
            .ok_or_else(|| Failure::Fault("the system does not say how much memory that is".into()))
    }
}

/// `antiphon bench --echo`: the bare library, until it is killed.
pub(super) fn echo() -> Result<(), Failure> {
    let echo = Echo::start()?;
    let mut out = std::io::stdout().lock();
    std::io::Write::write_fmt(&mut out, format_args!("ws://{}\n", echo.address))?;
    std::io::Write::flush(&mut out)?;
    loop {
        std::thread::park();
    }
}

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    if !cfg!(target_os = "linux") {
        return Ok(Vec::new());
    }
    let count = stage.size(400, 10_000, 19_000);
    let local = "127.0.0.1:0";
    // Its journal is on the disk, and none of it kept in memory.
    let serve = [
        "serve",
        "--anonymous",
        "--cache-mib",
        "1",
        "--shards",
        "1",
        "--web",
        local,
        "--tcp",
        local,
    ];
    let scratch = stage.file("idle")?;
    let data = scratch.to_string_lossy().into_owned();
    let serve: Vec<&str> = serve.iter().copied().chain(["--data", data.as_str()]).collect();
    let (bare, address) = Process::start(&["bench", "--echo"])?;
    let bare = idle(&bare, count, stage, |_| websocket_to(address))?;
    let (host, address) = Process::start(&serve)?;
    let runtime = runtime()?;
    let invitations = runtime.block_on(async {
        let mut line = Line(websocket_to(address).await?);
        let mut all = Vec::new();
        while all.len() < count + WARM {
            let (protocol, capacity) = (PROTOCOL.into(), Some(1));
            line.say(&Frame::Open { protocol, capacity }).await?;
            line.0.flush().await?;
            match line.hear().await? {
                Frame::Opened { invitations, .. } => {
                    all.extend(invitations.into_iter().map(|(_, text)| text));
                }
                other => return Err(Failure::Fault(format!("{other:?}"))),
            }
        }
        Ok::<Vec<SmolStr>, Failure>(all)
    })?;
    let attached = idle(&host, count, stage, |at: usize| {
        let invitation = invitations[at].clone();
        async move {
            let mut line = Line(websocket_to(address).await?);
            line.join(&invitation).await?;
            // The first frame shows that the token has arrived.
            line.say(&Frame::Ack { ep: 0, position: 0 }).await?;
            line.0.flush().await?;
            Ok(line.0)
        }
    })?;
    Ok(vec![
        Row::of(format!("each of {count} idle clients, attached"), Measured::Bytes(attached))
            .beside_bytes("the bare library", bare)
            .goal(Goal::Most(8192.0)),
        Row::of("more than the bare library", Measured::Bytes(attached - bare))
            .goal(Goal::Most(1536.0)),
    ])
}

/// How many bytes a process takes more for each of so many connections.
fn idle<T, F>(
    process: &Process,
    count: usize,
    stage: &Stage<'_>,
    mut connect: impl FnMut(usize) -> F,
) -> Result<f64, Failure>
where
    T: Transport,
    F: Future<Output = Result<T, Failure>>,
{
    let runtime = runtime()?;
    let mut all = Vec::new();
    let mut connected = |all: &mut Vec<T>, upto: usize| {
        runtime.block_on(async {
            while all.len() < upto {
                all.push(connect(all.len()).await?);
                if all.len().is_multiple_of(500) {
                    stage.bar.set_message(format!("{} connections", all.len()));
                }
            }
            // What was said has come, and what it took for a moment is given back.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            Ok::<_, Failure>(())
        })
    };
    connected(&mut all, WARM)?;
    let before = process.resident()?;
    connected(&mut all, WARM + count)?;
    Ok((process.resident()? - before) / count as f64)
}
