//! A transport that does to its frames what networks do.

use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use super::Transport;

/// How a transport wears its frames. The default: not at all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Wear {
    /// How likely a frame is lost, from 0 to 1.
    pub loss: f64,
    /// How likely it is sent twice.
    pub dup: f64,
    /// How likely it is sent behind the next one.
    pub reorder: f64,
    /// How likely only its beginning arrives.
    pub truncate: f64,
    /// How long a frame waits at most before it is sent.
    pub delay: Duration,
    /// After how long the connection is cut, on average.
    pub cut: Option<Duration>,
    /// How likely a cut is half open: nothing arrives any more, and nobody is told.
    pub half_open: f64,
}

/// What became of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Cut,
    HalfOpen,
}

/// A transport whose frames wear by chance, as its seed says. What is received is what the other
/// end's wear has left: both ends may be wrapped.
#[derive(Debug)]
pub struct Chaos<T> {
    inner: T,
    wear: Wear,
    rng: Rng,
    /// A frame that waits for the next one.
    held: Option<Bytes>,
    ends: Option<Instant>,
    state: State,
}

impl<T: Transport> Chaos<T> {
    /// Wears what is sent over a transport.
    #[must_use]
    pub fn new(inner: T, wear: Wear, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let ends = wear.cut.map(|mean| {
            let after = -mean.as_secs_f64() * (1.0 - rng.f64()).ln();
            Instant::now() + Duration::from_secs_f64(after.min(86_400.0))
        });
        Self { inner, wear, rng, held: None, ends, state: State::Whole }
    }

    fn chance(&mut self, likely: f64) -> bool {
        likely > 0.0 && self.rng.f64() < likely
    }

    /// Whether it is cut by now.
    fn look(&mut self) -> State {
        if self.state == State::Whole && self.ends.is_some_and(|ends| ends <= Instant::now()) {
            let is_half = self.chance(self.wear.half_open);
            self.state = if is_half { State::HalfOpen } else { State::Cut };
        }
        self.state
    }
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl<T: Transport> Transport for Chaos<T> {
    async fn send(&mut self, frame: Bytes) -> io::Result<()> {
        if !self.wear.delay.is_zero() {
            let delay = self.wear.delay.mul_f64(self.rng.f64());
            sleep(delay).await;
        }
        match self.look() {
            State::Whole => {}
            State::Cut => return Err(cut()),
            State::HalfOpen => return Ok(()),
        }
        if self.chance(self.wear.loss) {
            return Ok(());
        }
        let frame = match self.chance(self.wear.truncate) {
            true => frame.slice(..self.rng.usize(0..=frame.len())),
            false => frame,
        };
        if self.held.is_none() && self.chance(self.wear.reorder) {
            self.held = Some(frame);
            return Ok(());
        }
        let copies = if self.chance(self.wear.dup) { 2 } else { 1 };
        for _ in 0..copies {
            self.inner.send(frame.clone()).await?;
        }
        match self.held.take() {
            Some(held) => self.inner.send(held).await,
            None => Ok(()),
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        match self.look() {
            State::Whole => self.inner.flush().await,
            State::Cut => Err(cut()),
            State::HalfOpen => Ok(()),
        }
    }

    async fn receive(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        match (self.look(), self.ends) {
            (State::HalfOpen, _) => pending().await,
            (State::Cut, _) => Err(cut()),
            (State::Whole, None) => self.inner.receive(most).await,
            (State::Whole, Some(ends)) => tokio::select! {
                frame = self.inner.receive(most) => frame,
                () = sleep_until(ends) => match self.look() {
                    State::HalfOpen => pending().await,
                    _ => Err(cut()),
                },
            },
        }
    }

    async fn close(&mut self) {
        if self.state == State::Whole {
            self.inner.close().await;
        }
    }

    fn is_text(&self) -> bool {
        self.inner.is_text()
    }
}
