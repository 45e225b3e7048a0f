//! One connection of a hub: what comes over it, and what goes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::shard::{Job, Out};
use super::{FRAMES_MAX, Hub};
use crate::driver::shards::shard_of;
use crate::machine::Tick;
use crate::resume::liveness::Beat;
use crate::resume::server::Connection;
use crate::transport::Transport;
use crate::wire::frame::{Frame, VERSION};
use crate::wire::payload::Form;
use crate::wire::seal::{Purpose, Token};

struct Served<'a> {
    hub: &'a Hub,
    connection: Connection,
    form: Form,
    out: Out,
    /// The shard of each endpoint, and those that know of the connection.
    shards: HashMap<u32, usize>,
    known: Vec<usize>,
    is_greeted: bool,
}

/// What is to be done behind a frame.
enum Then {
    GoOn,
    Say(Frame),
    End(Option<Frame>),
}

pub(super) async fn serve(hub: &Hub, number: u64, mut transport: impl Transport) {
    let options = &hub.all.options;
    let form = if transport.is_text() { Form::Json } else { Form::Binary };
    let (frames, mut to_send) = mpsc::channel(FRAMES_MAX);
    let (bytes, given_up) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut served = Served {
        hub,
        connection: Connection(number),
        form,
        out: Out { frames, bytes: Arc::clone(&bytes), given_up: Arc::clone(&given_up) },
        shards: HashMap::new(),
        known: Vec::new(),
        is_greeted: options.secret.is_none(),
    };
    let began = Instant::now();
    let (mut sent, mut heard) = (began, began);
    loop {
        let now = Instant::now();
        let wait = match options.heartbeat.look(now - sent, now - heard) {
            Beat::Dead => break,
            Beat::Send => Duration::ZERO,
            Beat::Wait(wait) => wait,
        };
        let then = tokio::select! {
            frame = transport.receive(options.frame_bytes_max) => {
                heard = Instant::now();
                match frame {
                    Ok(Some(bytes)) => served.handle(&bytes).await,
                    Ok(None) | Err(_) => Then::End(None),
                }
            }
            frame = to_send.recv() => match frame {
                Some((weight, frame)) => {
                    bytes.fetch_sub(weight, Ordering::Relaxed);
                    let is_last = matches!(frame, Frame::Bye { .. });
                    if is_last { Then::End(Some(frame)) } else { Then::Say(frame) }
                }
                None => Then::End(None),
            },
            () = given_up.notified() => Then::End(None),
            () = tokio::time::sleep(wait) => {
                let is_late = !served.is_greeted && began.elapsed() > options.greeting;
                if is_late { Then::End(None) } else { Then::Say(Frame::Ping { t: 0 }) }
            }
        };
        let (frame, is_over) = match then {
            Then::GoOn => (None, false),
            Then::Say(frame) => (Some(frame), false),
            Then::End(frame) => (frame, true),
        };
        if let Some(frame) = frame {
            // A peer that takes nothing is as good as dead.
            let sending = transport.send(Bytes::from(form.encode(&frame)));
            let sending = tokio::time::timeout(options.heartbeat.timeout(), sending);
            let is_sent = tokio::select! {
                done = sending => matches!(done, Ok(Ok(()))),
                () = given_up.notified() => false,
            };
            if !is_sent {
                break;
            }
            sent = Instant::now();
        }
        if is_over {
            transport.close().await;
            break;
        }
    }
    for shard in served.known {
        // A shard that has ended knows of nobody.
        let _ = hub.all.shards[shard].send(Job::Lost(served.connection)).await;
    }
}

impl Served<'_> {
    async fn handle(&mut self, bytes: &[u8]) -> Then {
        let options = &self.hub.all.options;
        let frame = match self.form.decode(bytes, options.frame_bytes_max) {
            Ok(frame) => frame,
            Err(error) => return Then::End(Some(reject("bad_frame", &error.to_string()))),
        };
        match &frame {
            Frame::Hello { versions } if versions.contains(&VERSION) => {
                return Then::Say(Frame::Hello { versions: vec![VERSION] });
            }
            Frame::Hello { .. } => {
                let text = format!("version {VERSION} is spoken here");
                return Then::End(Some(reject("unknown_version", &text)));
            }
            Frame::Auth { secret } => {
                let is_it = options.secret.as_ref().is_none_or(|known| is_same(known, secret));
                self.is_greeted |= is_it;
                return match is_it {
                    true => Then::GoOn,
                    false => Then::End(Some(reject("unauthenticated", "the secret is not valid"))),
                };
            }
            // HUB-3.
            _ if !self.is_greeted => {
                let text = "the secret is asked for first: `auth`";
                return Then::End(Some(reject("unauthenticated", text)));
            }
            Frame::Ping { t } => return Then::Say(Frame::Pong { t: *t }),
            Frame::Pong { .. } => return Then::GoOn,
            Frame::Bye { .. } => return Then::End(None),
            _ => {}
        }
        let shard = self.shard(&frame);
        let queue = &self.hub.all.shards[shard];
        if !self.known.contains(&shard) {
            self.known.push(shard);
            let (connection, form, out) = (self.connection, self.form, self.out.clone());
            if queue.send(Job::Connected { connection, form, out }).await.is_err() {
                return Then::End(None);
            }
        }
        match queue.send(Job::Frame(self.connection, frame)).await {
            Ok(()) => Then::GoOn,
            Err(_) => Then::End(None),
        }
    }

    /// The shard that a frame is for: that of the session in its token, or of its endpoint.
    fn shard(&mut self, frame: &Frame) -> usize {
        let all = &self.hub.all;
        let count = all.shards.len();
        if count == 1 {
            return 0;
        }
        let open = |token: &str, purpose| {
            // Whether it has expired is for the shard to say.
            let token = all.keys.open(token, purpose, Tick(0)).ok()?;
            Some(match token {
                Token::Resume(resume) => resume.session,
                Token::Handoff(handoff) => handoff.receipt().session,
                Token::Invitation(invitation) => invitation.receipt().session,
            })
        };
        let session = match frame {
            Frame::Resume { token, .. } => open(token, Purpose::Resume),
            Frame::Attach { token, .. } => {
                open(token, Purpose::Invitation).or_else(|| open(token, Purpose::Handoff))
            }
            _ => None,
        };
        let known = frame.ep().and_then(|ep| self.shards.get(&ep).copied());
        let shard = session.map_or(known.unwrap_or(0), |session| shard_of(session, count));
        if session.is_some()
            && let Some(ep) = frame.ep()
        {
            self.shards.insert(ep, shard);
        }
        shard
    }
}

fn reject(code: &str, message: &str) -> Frame {
    let (code, message) = (code.into(), message.into());
    Frame::Reject { ep: None, code, message, retry_after: None }
}

/// Whether two secrets are one: what that takes does not say where they differ.
fn is_same(known: &str, said: &str) -> bool {
    let (known, said) = (Sha256::digest(known), Sha256::digest(said));
    known.iter().zip(said.iter()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
