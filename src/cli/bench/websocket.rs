//! Typed round trips and streams over a WebSocket of this machine, beside the same library that
//! says again what it hears.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::net::{Echo, Host, Line, runtime, websocket_to};
use super::row::{Goal, Row};
use super::{Stage, Subject};
use crate::cli::Failure;
use crate::driver::{Action, HandlerError, Message};
use crate::journal::MemoryJournal;
use crate::transport::Transport;
use crate::types::{Protocol, Sort, SortNode, Value};
use crate::wire::frame::{FRAME_BYTES_MAX, Frame};
use crate::wire::payload::{Form, Payload};

pub(super) const SUBJECT: Subject =
    Subject { name: "websocket", about: "round trips and streams over a WebSocket", run };

const PING: &str = "
    A = rec X . B!ping(bytes) . B?pong(bytes) . X
    B = rec X . A?ping(bytes) . A!pong(bytes) . X";

const STREAM: &str = "A = rec X . B!data(bytes) . X   B = rec X . A?data(bytes) . X";

/// How many messages of a stream are on their way at once.
const WINDOW: u64 = 64;

fn payload() -> Payload {
    Payload::of(Form::Binary, &Sort::leaf(SortNode::Bytes), &Value::Bytes(Bytes::from(vec![7; 16])))
}

fn act(at: u64, label: &str) -> Frame {
    Frame::Act { ep: 0, at, to: "B".into(), label: label.into(), value: payload() }
}

fn pong(message: &Message) -> Result<Vec<Action>, HandlerError> {
    Ok(vec![Action::send("A", "pong", message.value.clone())])
}

fn nothing(_: &Message) -> Result<Vec<Action>, HandlerError> {
    Ok(Vec::new())
}

fn run(stage: &Stage<'_>) -> Result<Vec<Row>, Failure> {
    let runtime = runtime()?;
    let (host, echo) = (Host::start(MemoryJournal::default())?, Echo::start()?);
    let played = |text: &str, part: fn(&Message) -> Result<Vec<Action>, HandlerError>| {
        let protocol: Protocol = text.parse().expect("it is one");
        let protocol = Arc::new(protocol);
        runtime.block_on(async {
            let (session, invitations) = host.open(&protocol).await?;
            let b = protocol.role("B").expect("it has one");
            let mut line = Line(websocket_to(host.web).await?);
            line.join(&invitations[0]).await?;
            // Its invitation is not taken up: the host plays it.
            host.play(session, b, part).await?;
            Ok::<_, Failure>(line)
        })
    };
    let mut bare = runtime.block_on(websocket_to(echo.address))?;
    let sent = Bytes::from(Form::Binary.encode(&act(1000, "ping")));

    let (mut line, mut at) = (played(PING, pong)?, 0);
    let trips = stage
        .contest(4.0)
        .with(1, |times| {
            let start = Instant::now();
            runtime.block_on(async {
                for _ in 0..times {
                    bare.send(sent.clone()).await?;
                    bare.flush().await?;
                    bare.receive(FRAME_BYTES_MAX).await?;
                }
                Ok::<_, Failure>(())
            })?;
            Ok(start.elapsed())
        })
        .with(1, |times| {
            let start = Instant::now();
            runtime.block_on(async {
                for _ in 0..times {
                    line.say(&act(at, "ping")).await?;
                    line.0.flush().await?;
                    while !matches!(line.hear().await?, Frame::Msg { .. }) {}
                    at += 2;
                }
                Ok::<_, Failure>(())
            })?;
            Ok(start.elapsed())
        })
        .run()?;

    let (mut line, mut at) = (played(STREAM, nothing)?, 0);
    let mut bare = runtime.block_on(websocket_to(echo.address))?;
    let streams = stage
        .contest(4.0)
        .with(WINDOW, |times| {
            let start = Instant::now();
            runtime.block_on(async {
                for _ in 0..times {
                    for _ in 0..WINDOW {
                        bare.send(sent.clone()).await?;
                    }
                    bare.flush().await?;
                    for _ in 0..WINDOW {
                        bare.receive(FRAME_BYTES_MAX).await?;
                    }
                }
                Ok::<_, Failure>(())
            })?;
            Ok(start.elapsed())
        })
        .with(WINDOW, |times| {
            let start = Instant::now();
            runtime.block_on(async {
                for _ in 0..times {
                    for _ in 0..WINDOW {
                        line.say(&act(at, "data")).await?;
                        at += 1;
                    }
                    line.0.flush().await?;
                    loop {
                        match line.hear().await? {
                            Frame::Ack { position, .. } if position >= at => break,
                            Frame::Ack { .. } => {}
                            other => return Err(Failure::Fault(format!("{other:?}"))),
                        }
                    }
                }
                Ok::<_, Failure>(())
            })?;
            Ok(start.elapsed())
        })
        .run()?;
    Ok(vec![
        Row::time("a round trip, typed and kept in memory", &trips[1])
            .beside("echo", &trips[0])
            .goal(Goal::Times(1.5)),
        Row::time("its p99", &trips[1].p99())
            .beside("echo", &trips[0].p99())
            .goal(Goal::Times(2.0)),
        Row::time(format!("a message of a stream, {WINDOW} on their way"), &streams[1])
            .beside("echo", &streams[0])
            .goal(Goal::Share(60.0)),
    ])
}
