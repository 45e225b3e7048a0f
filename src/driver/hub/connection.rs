//! One connection of a hub: what comes over it, and what goes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use smol_str::{SmolStr, ToSmolStr};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::shard::Job;
use super::way::{GivenUp, Way};
use super::{Hub, HubError, Invited};
use crate::driver::NodeError;
use crate::driver::shards::shard_of;
use crate::machine::{Capacities, Tick};
use crate::resume::liveness::Beat;
use crate::resume::server::Connection;
use crate::transport::{Transport, at_once};
use crate::types::Protocol;
use crate::wire::frame::{Frame, VERSION};
use crate::wire::payload::Form;
use crate::wire::seal::{Purpose, Token};

/// How many frames of a connection go to its shard together.
const AT_ONCE: usize = 32;

/// And with about how many bytes, behind the first.
const AT_ONCE_BYTES: usize = 16 << 10;

struct Served<'a> {
    hub: &'a Hub,
    connection: Connection,
    form: Form,
    way: Way,
    /// The shard of each endpoint, and those that know of the connection.
    shards: Vec<(u32, usize)>,
    known: Vec<usize>,
    /// What is to go to a shard, in the order in which it came, and its bytes.
    frames: Vec<(usize, Vec<Frame>)>,
    bytes: usize,
    /// What shards have no room for now.
    waiting: Vec<(usize, Job)>,
    is_greeted: bool,
    /// It has come to a role, or opened a session.
    has_come: bool,
    /// HUB-8: when all frames so far would have come, had they come as fast as they may.
    paced: Instant,
}

/// What is to be done behind a frame. Small, and with nothing that waits in it: a connection that
/// is idle has room for each of these, and there are many of them.
enum Then {
    GoOn,
    Say(Bytes),
    End(Option<Bytes>),
    /// To open a session of this protocol.
    Open(Box<(SmolStr, Option<u32>)>),
}

pub(super) async fn serve(hub: &Hub, number: u64, mut transport: impl Transport) {
    let options = &hub.all.options;
    let way = Way::default();
    let began = Instant::now();
    let mut served = Served {
        hub,
        connection: Connection(number),
        form: Form::of(transport.is_text()),
        way: way.clone(),
        shards: Vec::new(),
        known: Vec::new(),
        frames: Vec::new(),
        bytes: 0,
        waiting: Vec::new(),
        is_greeted: options.secret.is_none(),
        has_come: false,
        paced: began,
    };
    let (mut sent, mut heard) = (began, began);
    let mut paused = None;
    // It is set anew only when it has run out: most of what happens puts off what it waits for.
    let sleep = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(sleep);
    let mut closing = hub.all.closing.subscribe();
    loop {
        let mut then = tokio::select! {
            biased;
            () = std::future::ready(()), if way.is_waiting() => Then::GoOn,
            frame = transport.receive(options.frame_bytes_max), if paused.is_none() => {
                heard = Instant::now();
                let mut count = 1;
                let mut then = served.heard(frame);
                // What has come with it goes on with it. It is polled once more, and with the right
                // waker, before anything is waited for.
                while matches!(then, Then::GoOn)
                    && served.has_room()
                    && let Some(frame) = at_once(transport.receive(options.frame_bytes_max))
                {
                    count += 1;
                    then = served.heard(frame);
                }
                paused = served.paused(count, heard);
                if let Some(until) = paused {
                    let until = until.min(sleep.deadline());
                    sleep.as_mut().reset(until);
                }
                if served.pass_on() { then } else { Then::End(None) }
            }
            () = way.changed() => Then::GoOn,
            () = async { drop(closing.wait_for(|closing| *closing).await) } => {
                Then::End(Some(served.encoded(&Frame::Bye { reason: "shutdown".into() })))
            }
            () = &mut sleep => {
                let now = Instant::now();
                paused = paused.filter(|until| *until > now);
                let greeting = (!served.has_come).then(|| began + options.greeting);
                let is_late = greeting.is_some_and(|end| end <= now);
                let (then, wait) = match options.heartbeat.look(now - sent, now - heard) {
                    _ if is_late => (Then::End(None), Duration::ZERO),
                    Beat::Dead => (Then::End(None), Duration::ZERO),
                    Beat::Send => {
                        let ping = served.encoded(&Frame::Ping { t: 0 });
                        (Then::Say(ping), options.heartbeat.interval())
                    },
                    Beat::Wait(wait) => (Then::GoOn, wait),
                };
                let next = now + wait;
                let next = [greeting, paused].into_iter().flatten().fold(next, Instant::min);
                sleep.as_mut().reset(next);
                then
            }
        };
        if !served.waiting.is_empty() && !Box::pin(served.wait()).await {
            then = Then::End(None);
        }
        let (first, is_over) = match then {
            Then::GoOn if !way.is_waiting() => continue,
            Then::GoOn => (None, false),
            Then::Say(frame) => (Some(frame), false),
            Then::End(frame) => (frame, true),
            Then::Open(asked) => (Some(Box::pin(served.open(&asked.0, asked.1)).await), false),
        };
        // Not in the future itself: an idle connection has no room for it.
        let sending = Box::pin(async {
            let sending = send(&mut transport, served.form, &way, first);
            // A peer that takes nothing is as good as dead.
            let sending = tokio::time::timeout(options.heartbeat.timeout(), sending);
            tokio::select! {
                said = sending => said.ok()?.ok(),
                () = way.given_up() => None,
            }
        });
        let Some(said) = sending.await else { break };
        if said.any {
            sent = Instant::now();
        }
        served.has_come |= said.attached;
        if is_over || said.last {
            transport.close().await;
            break;
        }
    }
    // SERV-8: what is left behind is let go.
    for shard in served.known {
        // A shard that has ended knows of nobody.
        let _ = hub.all.shards[shard].send(Job::Lost(served.connection)).await;
    }
}

/// What was sent.
struct Said {
    any: bool,
    /// An endpoint was attached by it.
    attached: bool,
    /// The last word was among it.
    last: bool,
}

/// Sends a frame, and all that waits.
async fn send(
    transport: &mut impl Transport,
    form: Form,
    way: &Way,
    first: Option<Bytes>,
) -> std::io::Result<Said> {
    let mut said = Said { any: false, attached: false, last: false };
    if let Some(first) = first {
        said.any = true;
        transport.send(first).await?;
    }
    while !said.last
        && let Some(bytes) = next(form, way, &mut said)?
    {
        transport.send(bytes).await?;
    }
    if said.any {
        transport.flush().await?;
    }
    Ok(said)
}

/// The next frame that waits, as it is sent.
fn next(form: Form, way: &Way, said: &mut Said) -> std::io::Result<Option<Bytes>> {
    let Some(frame) = way.next().map_err(|GivenUp| std::io::ErrorKind::TimedOut)? else {
        return Ok(None);
    };
    said.any = true;
    said.attached |= matches!(frame, Frame::Ok { .. });
    said.last = matches!(frame, Frame::Bye { .. });
    Ok(Some(Bytes::from(form.encode(&frame))))
}

impl Served<'_> {
    fn encoded(&self, frame: &Frame) -> Bytes {
        Bytes::from(self.form.encode(frame))
    }

    fn rejected(&self, code: &str, message: &str) -> Then {
        Then::End(Some(self.encoded(&reject(code, message))))
    }

    fn heard(&mut self, frame: std::io::Result<Option<Bytes>>) -> Then {
        match frame {
            Ok(Some(bytes)) => self.handle(&bytes),
            Ok(None) | Err(_) => Then::End(None),
        }
    }

    fn handle(&mut self, bytes: &[u8]) -> Then {
        let options = &self.hub.all.options;
        let frame = match self.form.decode(bytes, options.frame_bytes_max) {
            Ok(frame) => frame,
            Err(error) => return self.rejected("bad_frame", &error.to_string()),
        };
        match &frame {
            Frame::Hello { versions } if versions.contains(&VERSION) => {
                return Then::Say(self.encoded(&Frame::Hello { versions: vec![VERSION] }));
            }
            Frame::Hello { .. } => {
                let text = format!("version {VERSION} is spoken here");
                return self.rejected("unknown_version", &text);
            }
            Frame::Auth { secret } => {
                let is_it = options.secret.as_ref().is_none_or(|known| is_same(known, secret));
                self.is_greeted |= is_it;
                return match is_it {
                    true => Then::GoOn,
                    false => self.rejected("unauthenticated", "the secret is not valid"),
                };
            }
            // HUB-3.
            _ if !self.is_greeted => {
                return self.rejected("unauthenticated", "the secret is asked for first: `auth`");
            }
            Frame::Ping { t } => return Then::Say(self.encoded(&Frame::Pong { t: *t })),
            Frame::Pong { .. } => return Then::GoOn,
            Frame::Bye { .. } => return Then::End(None),
            Frame::Open { protocol, capacity } => {
                return Then::Open(Box::new((protocol.clone(), *capacity)));
            }
            _ => {}
        }
        let shard = self.shard(&frame);
        self.bytes += bytes.len();
        match self.frames.last_mut() {
            Some((last, frames)) if *last == shard => frames.push(frame),
            _ => self.frames.push((shard, vec![frame])),
        }
        Then::GoOn
    }

    /// HUB-8: so many frames more have come; until when none is read, if they came too fast. A
    /// second's worth of them may come at once (generic cell rate algorithm, ITU-T I.371).
    fn paused(&mut self, count: u32, now: Instant) -> Option<Instant> {
        let rate = self.hub.all.options.frames_per_second?;
        let each = Duration::from_secs(1) / rate.get();
        self.paced = self.paced.max(now) + each * count;
        let until = self.paced.checked_sub(Duration::from_secs(1))?;
        (until > now).then_some(until)
    }

    /// Whether one more frame goes with those that have come.
    fn has_room(&self) -> bool {
        let count: usize = self.frames.iter().map(|(_, frames)| frames.len()).sum();
        count < AT_ONCE && self.bytes < AT_ONCE_BYTES
    }

    /// Gives each shard the frames that are for it, as far as there is room, and whether the shards
    /// are there.
    fn pass_on(&mut self) -> bool {
        self.bytes = 0;
        for (shard, frames) in std::mem::take(&mut self.frames) {
            let connected = (!self.known.contains(&shard)).then(|| {
                self.known.push(shard);
                let (connection, form, way) = (self.connection, self.form, self.way.clone());
                Job::Connected { connection, form, way }
            });
            for job in connected.into_iter().chain([Job::Frames(self.connection, frames)]) {
                // None overtakes another.
                if !self.waiting.is_empty() {
                    self.waiting.push((shard, job));
                    continue;
                }
                match self.hub.all.shards[shard].try_send(job) {
                    Ok(()) => {}
                    Err(TrySendError::Full(job)) => self.waiting.push((shard, job)),
                    Err(TrySendError::Closed(_)) => {
                        self.waiting.clear();
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Waits until shards have room, and whether they are there: their clients feel that they are
    /// behind, and nobody's memory does.
    async fn wait(&mut self) -> bool {
        for (shard, job) in std::mem::take(&mut self.waiting) {
            if self.hub.all.shards[shard].send(job).await.is_err() {
                return false;
            }
        }
        true
    }

    /// HUB-7: opens a session for whoever may, and answers with the invitations.
    async fn open(&mut self, text: &str, capacity: Option<u32>) -> Bytes {
        let answer = Self::opened(self.hub, text, capacity).await;
        self.has_come |= matches!(answer, Frame::Opened { .. });
        self.encoded(&answer)
    }

    async fn opened(hub: &Hub, text: &str, capacity: Option<u32>) -> Frame {
        let options = &hub.all.options;
        if !options.opens {
            return reject("may_not_open", "clients open no sessions here");
        }
        // What a text says may take a while to find out; others are served meanwhile.
        let text = text.to_owned();
        let read = move || text.parse::<Protocol>().map_err(|report| report.to_string());
        let protocol = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(protocol)) => Arc::new(protocol),
            Ok(Err(report)) => return reject("bad_protocol", &report),
            Err(_) => return reject("bad_protocol", "it cannot be read"),
        };
        let capacities = Capacities { every: capacity, ..Capacities::default() };
        let lifetime = options.invitation_lifetime;
        match hub.open_invited(&protocol, capacities, lifetime).await {
            Ok(Invited { session, invitations }) => {
                let invitations = invitations.into_iter();
                let each = invitations.map(|(role, text)| (role.as_str().into(), text.into()));
                let (session, name) = (session.to_smolstr(), protocol.name().as_str().into());
                Frame::Opened { session, protocol: name, invitations: each.collect() }
            }
            Err(HubError::Node(NodeError::Refused(refusal))) => {
                reject(refusal.code(), &refusal.to_string())
            }
            Err(error) => reject("not_opened", &error.to_string()),
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
        let ep = frame.ep().unwrap_or(0);
        let known = self.shards.iter_mut().find(|(known, _)| *known == ep);
        let Some(session) = session else { return known.map_or(0, |(_, shard)| *shard) };
        let shard = shard_of(session, count);
        match known {
            Some((_, known)) => *known = shard,
            None => self.shards.push((ep, shard)),
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
