//! Connections inside this process. Clauses: TRAN-1 to TRAN-3.

use std::io;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Dial, Transport, too_long};

/// How many frames are on their way in each direction before a sender waits.
pub const FRAMES_MAX: usize = 64;

/// One end of a connection inside this process.
#[derive(Debug)]
pub struct Memory {
    out: Option<mpsc::Sender<Bytes>>,
    into: mpsc::Receiver<Bytes>,
    is_text: bool,
}

/// The two ends of a connection.
#[must_use]
pub fn memory(is_text: bool) -> (Memory, Memory) {
    let (to_b, from_a) = mpsc::channel(FRAMES_MAX);
    let (to_a, from_b) = mpsc::channel(FRAMES_MAX);
    let end = |out, into| Memory { out: Some(out), into, is_text };
    (end(to_b, from_b), end(to_a, from_a))
}

fn lost() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

impl Transport for Memory {
    async fn send(&mut self, frame: Bytes) -> io::Result<()> {
        let out = self.out.as_ref().ok_or_else(lost)?;
        out.send(frame).await.map_err(|_| lost())
    }

    async fn receive(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        match self.into.recv().await {
            Some(frame) if frame.len() > most => Err(too_long(frame.len(), most)),
            frame => Ok(frame),
        }
    }

    async fn close(&mut self) {
        self.out = None;
    }

    fn is_text(&self) -> bool {
        self.is_text
    }
}

/// Where connections inside this process are made: whoever listens gets the other ends.
#[derive(Debug, Clone)]
pub struct Door {
    ends: mpsc::Sender<Memory>,
    is_text: bool,
}

impl Door {
    /// A door, and what comes in by it; as many connections may wait to be taken.
    #[must_use]
    pub fn new(is_text: bool, waiting: usize) -> (Self, mpsc::Receiver<Memory>) {
        let (ends, listener) = mpsc::channel(waiting.max(1));
        (Self { ends, is_text }, listener)
    }
}

impl Dial for Door {
    type Transport = Memory;

    async fn dial(&mut self) -> io::Result<Memory> {
        let (near, far) = memory(self.is_text);
        let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
        self.ends.send(far).await.map_err(refused)?;
        Ok(near)
    }
}
