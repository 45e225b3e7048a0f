//! The link of an endpoint: connects, says what there is to say, and connects again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::{Instant, sleep, timeout};

use super::endpoint::{ClientError, ClientOptions, Shared};
use crate::resume::Beat;
use crate::resume::outbox::Heard;
use crate::transport::{Dial, Transport, at_once};
use crate::wire::frame::Frame;

/// How many frames are taken together.
const AT_ONCE: usize = 32;

/// How a connection has ended.
enum Ended {
    /// It is over.
    Over,
    /// It is lost, or was rejected; perhaps not before some time has passed.
    Lost { reason: String, retry_after: Option<Duration> },
}

fn lost(reason: impl ToString) -> Ended {
    Ended::Lost { reason: reason.to_string(), retry_after: None }
}

/// PEER-5: connects until it is over, or there is to be no further attempt.
pub(super) async fn drive(shared: Arc<Shared>, mut dial: impl Dial, options: ClientOptions) {
    // Seeded by the system: those that were cut together do not come back together.
    let (mut rng, mut attempt) = (Rng::new(), 0);
    loop {
        let before = shared.state().attached;
        let ended = match dial.dial().await {
            Ok(transport) => pump(&shared, transport, &options).await,
            Err(error) => lost(error),
        };
        shared.state().client.lost();
        let (reason, retry_after) = match ended {
            Ended::Over => return shared.changed.notify_waiters(),
            Ended::Lost { reason, retry_after } => (reason, retry_after),
        };
        if shared.state().failed.is_some() {
            return shared.changed.notify_waiters();
        }
        attempt = if shared.state().attached > before { 0 } else { attempt + 1 };
        match options.reconnect.pause(attempt, rng.u64(..), retry_after) {
            Some(pause) => sleep(pause).await,
            None => {
                shared.state().failed = Some(ClientError::Unreachable(reason.into()));
                return shared.changed.notify_waiters();
            }
        }
    }
}

async fn pump(shared: &Shared, transport: impl Transport, options: &ClientOptions) -> Ended {
    let mut link = Link { shared, transport, options, sent: Instant::now() };
    let (mut heard, mut again) = (Instant::now(), Instant::now());
    let begun = link.begin().await;
    if let Err(error) = begun {
        return lost(error);
    }
    // It is set anew only when it has run out: whatever happens puts off what it waits for.
    let timer = sleep(Duration::ZERO);
    tokio::pin!(timer);
    loop {
        if let Err(ended) = link.flush().await {
            return ended;
        }
        tokio::select! {
            frame = link.transport.receive(options.frame_bytes_max) => {
                heard = Instant::now();
                again = heard;
                let ended = link.heard(frame).await;
                shared.changed.notify_waiters();
                if let Some(ended) = ended {
                    return ended;
                }
            }
            () = shared.wake.notified() => {}
            () = &mut timer => {
                let now = Instant::now();
                let (said, wait) = match options.heartbeat.look(now - link.sent, now - heard) {
                    Beat::Dead => return lost("nothing was heard for too long"),
                    _ if now - again >= options.patience => {
                        again = now;
                        (link.again().await, Duration::ZERO)
                    }
                    Beat::Send => {
                        (link.say(&Frame::Ping { t: 0 }).await, options.heartbeat.interval())
                    }
                    Beat::Wait(wait) => (Ok(()), wait),
                };
                if let Err(error) = said {
                    return lost(error);
                }
                let until_again = options.patience.saturating_sub(now - again);
                timer.as_mut().reset(now + wait.min(until_again));
            }
        }
    }
}

struct Link<'a, T> {
    shared: &'a Shared,
    transport: T,
    options: &'a ClientOptions,
    sent: Instant,
}

/// An end that takes nothing is as good as dead.
async fn in_time(
    options: &ClientOptions,
    done: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    timeout(options.heartbeat.timeout(), done).await.map_err(late)?
}

impl<T: Transport> Link<'_, T> {
    async fn say(&mut self, frame: &Frame) -> io::Result<()> {
        self.put(frame).await?;
        self.push().await
    }

    /// Says something with what is said next.
    async fn put(&mut self, frame: &Frame) -> io::Result<()> {
        let bytes = Bytes::from(self.options.form.encode(frame));
        let taken = in_time(self.options, self.transport.send(bytes)).await;
        self.sent = Instant::now();
        taken
    }

    /// Holds back nothing of it.
    async fn push(&mut self) -> io::Result<()> {
        in_time(self.options, self.transport.flush()).await
    }

    /// What is said first on a connection.
    async fn begin(&mut self) -> io::Result<()> {
        if let Some(secret) = self.options.secret.clone() {
            self.say(&Frame::Auth { secret }).await?;
        }
        let first = self.shared.state().client.connected();
        self.say(&first).await
    }

    /// Everything once more: what has come of it is not known.
    async fn again(&mut self) -> io::Result<()> {
        let first = {
            let mut state = self.shared.state();
            let is_attached = state.client.is_attached();
            if is_attached {
                state.client.again();
            }
            (!is_attached).then(|| state.client.connected())
        };
        match first {
            Some(first) => self.say(&first).await,
            None => Ok(()),
        }
    }

    /// Says whatever there is to say; keeps it before.
    async fn flush(&mut self) -> Result<(), Ended> {
        let mut is_said = false;
        loop {
            let frame = {
                let mut state = self.shared.state();
                if let Err(error) = state.keep() {
                    let reason = error.to_string();
                    state.failed = Some(error.into());
                    return Err(lost(reason));
                }
                state.client.poll()
            };
            let Some(frame) = frame else { break };
            self.put(&frame).await.map_err(lost)?;
            is_said = true;
        }
        if is_said {
            self.push().await.map_err(lost)?;
        }
        Ok(())
    }

    /// A frame, and what has come with it: all of it is said of in one go.
    async fn heard(&mut self, first: io::Result<Option<Bytes>>) -> Option<Ended> {
        let (mut next, mut room) = (Some(first), AT_ONCE);
        while let Some(frame) = next {
            let ended = match frame {
                Ok(Some(bytes)) => self.handle(&bytes).await,
                Ok(None) => Some(lost("the other end has closed")),
                Err(error) => Some(lost(error)),
            };
            if ended.is_some() {
                return ended;
            }
            room -= 1;
            next = match room {
                0 => None,
                _ => at_once(self.transport.receive(self.options.frame_bytes_max)),
            };
        }
        None
    }

    async fn handle(&mut self, bytes: &[u8]) -> Option<Ended> {
        let options = self.options;
        let frame = match options.form.decode(bytes, options.frame_bytes_max) {
            Ok(frame) => frame,
            Err(error) => return Some(lost(error)),
        };
        match frame {
            Frame::Ping { t } => {
                return self.say(&Frame::Pong { t }).await.err().map(lost);
            }
            Frame::Bye { reason } => {
                self.transport.close().await;
                return Some(lost(reason));
            }
            _ => {}
        }
        let heard = {
            let mut state = self.shared.state();
            let heard = state.client.handle(frame);
            state.attached += u64::from(matches!(heard, Heard::Attached { .. }));
            state.is_dirty |= matches!(heard, Heard::Attached { .. } | Heard::Acknowledged);
            heard
        };
        match heard {
            Heard::Over => {
                self.transport.close().await;
                Some(Ended::Over)
            }
            Heard::Violation => Some(lost("the other end says what no host says")),
            Heard::Rejected { code, message, retry_after } => Some(Ended::Lost {
                reason: format!("rejected [{code}]: {message}"),
                retry_after: retry_after.map(Duration::from_millis),
            }),
            _ => None,
        }
    }
}
