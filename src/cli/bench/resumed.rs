//! A connection that was lost and comes again over TCP, with messages that were on their way; and
//! very many at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::contest::Taken;
use super::net::{Host, Line, dial, runtime};
use super::row::{Goal, Measured, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::driver::{Action, HandlerError, Message, Part};
use crate::journal::MemoryJournal;
use crate::transport::Transport;
use crate::types::{Protocol, Value};
use crate::wire::frame::Frame;
use crate::wire::payload::Form;

pub(super) const SUBJECT: Subject =
    Subject { name: "drop", about: "connections that are lost and come again over TCP", run };

const STREAM: &str = "A = rec X . B!data(bytes) . X   B = rec X . A?data(bytes) . X";

/// How many messages wait for whoever comes again.
const WAITING: u64 = 256;

/// Sends as many as there is room for.
struct Source(u64);

impl Part for Source {
    fn next(&mut self) -> Result<Vec<Action>, HandlerError> {
        if self.0 == WAITING {
            return Ok(Vec::new());
        }
        self.0 += 1;
        Ok(vec![Action::send("B", "data", Value::Bytes(Bytes::from(vec![7; 16])))])
    }

    fn message(&mut self, _: &Message) -> Result<Vec<Action>, HandlerError> {
        Ok(Vec::new())
    }
}

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let runtime = runtime()?;
    let host = Host::start(MemoryJournal::default())?;
    let protocol: Protocol = STREAM.parse().expect("it is one");
    let protocol = Arc::new(protocol);
    // The messages wait, and every resume brings all of them again: nothing is consumed.
    let (token, bytes) = runtime.block_on(async {
        let (session, invitations) = host.open(&protocol).await?;
        host.play(session, protocol.role("A").expect("it has one"), Source(0)).await?;
        let mut line = Line(dial(&format!("tcp://{}", host.tcp)).await?);
        let Frame::Ok { token, .. } = line.join(&invitations[1]).await? else {
            return Err(Failure::Fault("it was not attached".into()));
        };
        let mut bytes = 0;
        for _ in 0..WAITING {
            bytes += 4 + Form::Binary.encode(&line.hear().await?).len();
        }
        Ok::<_, Failure>((token, bytes))
    })?;
    let floor = bare(bytes)?;
    let mut token = token;
    let address = format!("tcp://{}", host.tcp);
    let taken = stage
        .contest(4.0)
        .with(1, |times| {
            let mut all = Duration::ZERO;
            for _ in 0..times {
                let start = Instant::now();
                runtime.block_on(async {
                    let mut stream = TcpStream::connect(floor).await?;
                    stream.set_nodelay(true)?;
                    stream.write_all(&[0; 200]).await?;
                    let mut read = vec![0; bytes];
                    stream.read_exact(&mut read).await.map(drop)
                })?;
                all += start.elapsed();
            }
            Ok(all)
        })
        .with(1, |times| {
            let mut all = Duration::ZERO;
            for _ in 0..times {
                let start = Instant::now();
                token = runtime.block_on(resumed(&address, &token))?;
                all += start.elapsed();
            }
            Ok(all)
        })
        .run()?;
    let storm = storm(stage, &host, &protocol)?;
    Ok(vec![
        Row::time(format!("back, with {WAITING} messages that wait"), &taken[1])
            .beside("connect, and the same bytes", &taken[0])
            .goal(Goal::Times(2.0)),
        Row::time("its p99", &taken[1].p99()).beside("the same", &taken[0].p99()),
        storm,
    ])
}

/// Comes again, takes all that waits, and says that the token has arrived.
async fn resumed(address: &str, token: &smol_str::SmolStr) -> Result<smol_str::SmolStr, Failure> {
    let mut line = Line(dial(address).await?);
    let (token, role) = (token.clone(), None);
    line.say(&Frame::Resume { ep: 0, token, role, kept: None }).await?;
    line.0.flush().await?;
    let (mut next, mut left) = (None, WAITING);
    while left > 0 || next.is_none() {
        match line.hear().await? {
            Frame::Ok { token, .. } => {
                next = Some(token);
                // The first frame confirms it.
                line.say(&Frame::Ack { ep: 0, position: 0 }).await?;
                line.0.flush().await?;
            }
            Frame::Msg { .. } => left -= 1,
            Frame::Ack { .. } => {}
            other => return Err(Failure::Fault(format!("{other:?}"))),
        }
    }
    Ok(next.expect("it was attached"))
}

/// A server that reads a little, writes so many bytes, and nothing else.
fn bare(bytes: usize) -> Result<std::net::SocketAddr, Failure> {
    let runtime = runtime()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    // It ends with the process.
    std::thread::spawn(move || {
        runtime.block_on(async {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    let mut asked = [0; 200];
                    if stream.read_exact(&mut asked).await.is_ok() {
                        let _ = stream.write_all(&vec![7; bytes]).await;
                    }
                });
            }
        });
    });
    Ok(address)
}

/// All clients lose their connection at once, and come again.
fn storm(stage: &Stage<'_>, host: &Host, protocol: &Arc<Protocol>) -> Result<Row, Failure> {
    // Both ends of each are in this process, which often may have 20,000 files at most.
    let count = stage.size(200, 2_000, 9_900);
    let runtime = runtime()?;
    let address = format!("tcp://{}", host.tcp);
    let mut tokens = Vec::new();
    let mut lines = Vec::new();
    runtime.block_on(async {
        for _ in 0..count {
            let (_, invitations) = host.open(protocol).await?;
            let mut line = Line(dial(&address).await?);
            let Frame::Ok { token, .. } = line.join(&invitations[1]).await? else {
                return Err(Failure::Fault("it was not attached".into()));
            };
            tokens.push(token);
            lines.push(line);
        }
        Ok::<_, Failure>(())
    })?;
    drop(lines);
    let start = Instant::now();
    runtime.block_on(async {
        let mut all = tokio::task::JoinSet::new();
        for token in tokens {
            let address = address.clone();
            all.spawn(async move {
                let mut line = Line(dial(&address).await?);
                line.say(&Frame::Resume { ep: 0, token, role: None, kept: None }).await?;
                line.0.flush().await?;
                match line.hear().await? {
                    Frame::Ok { .. } => Ok(line),
                    other => Err(Failure::Fault(format!("{other:?}"))),
                }
            });
        }
        let mut back = Vec::new();
        while let Some(done) = all.join_next().await {
            back.push(done.map_err(|error| Failure::Fault(error.to_string()))??);
        }
        Ok::<_, Failure>(())
    })?;
    let taken = Taken { nanos: start.elapsed().as_nanos() as f64, each: None };
    Ok(Row::of(format!("{count} clients that were cut at once are back"), Measured::Time(taken))
        .goal(Goal::Most(5e9)))
}
