//! The way to a client: what waits to be sent to it, within bounds.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{BYTES_MAX, FRAMES_MAX};
use crate::wire::frame::Frame;

/// The way to a client; clones are the same way. One that is idle holds nothing but its place.
#[derive(Clone, Default)]
pub(super) struct Way(Arc<Both>);

#[derive(Default)]
struct Both {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    /// How many bytes they take.
    bytes: usize,
    /// Nothing goes this way any more.
    is_given_up: bool,
}

/// The connection is given up.
pub(super) struct GivenUp;

/// About how many bytes a frame takes.
fn weight(frame: &Frame) -> usize {
    match frame {
        Frame::Msg { value, .. } => 64 + value.size(),
        Frame::Ok { r#type, .. } => 256 + r#type.len(),
        _ => 64,
    }
}

impl Way {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// HUB-5: one frame more; or, where too much waits already, the connection is given up.
    pub(super) fn push(&self, frame: Frame) -> Result<(), GivenUp> {
        let mut waiting = self.waiting();
        let weight = weight(&frame);
        let is_behind = !waiting.frames.is_empty() && waiting.bytes + weight > BYTES_MAX;
        let done = if is_behind || waiting.frames.len() >= FRAMES_MAX || waiting.is_given_up {
            waiting.is_given_up = true;
            (waiting.frames, waiting.bytes) = (VecDeque::new(), 0);
            Err(GivenUp)
        } else {
            waiting.bytes += weight;
            waiting.frames.push_back(frame);
            Ok(())
        };
        drop(waiting);
        self.0.changed.notify_one();
        done
    }

    /// The next frame.
    pub(super) fn next(&self) -> Result<Option<Frame>, GivenUp> {
        let mut waiting = self.waiting();
        if waiting.is_given_up {
            return Err(GivenUp);
        }
        let frame = waiting.frames.pop_front();
        match &frame {
            Some(frame) => waiting.bytes -= weight(frame),
            // An idle one has no room: four frames would be 576 bytes.
            None => waiting.frames = VecDeque::new(),
        }
        Ok(frame)
    }

    /// Whether a frame waits, or it is given up.
    pub(super) fn is_waiting(&self) -> bool {
        let waiting = self.waiting();
        waiting.is_given_up || !waiting.frames.is_empty()
    }

    /// Waits until it is given up. Whoever waits for frames, too, looks whether there are any
    /// behind this.
    pub(super) async fn given_up(&self) {
        loop {
            let changed = self.0.changed.notified();
            if self.waiting().is_given_up {
                return;
            }
            changed.await;
        }
    }

    /// Waits for a frame, or that it is given up.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_way_holds_no_room() {
        let way = Way::default();
        for _ in 0..3 {
            for t in 0..5 {
                assert!(way.push(Frame::Ping { t }).is_ok());
            }
            for t in 0..5 {
                assert!(matches!(way.next(), Ok(Some(Frame::Ping { t: next })) if next == t));
            }
            assert!(matches!(way.next(), Ok(None)));
            let waiting = way.waiting();
            assert_eq!((waiting.frames.capacity(), waiting.bytes), (0, 0));
        }
    }
}
