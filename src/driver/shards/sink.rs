//! Where the outputs of a shard go.

use std::io;

use crate::machine::{Batch, Output};

/// Where the outputs of one shard go. It is called inside the shard, which waits for it.
pub trait Sink: Send {
    /// Makes the batches of a turn durable, all of them: one write for all will do. What stands
    /// behind them is answered and handed out as soon as this has returned.
    ///
    /// # Errors
    /// What the store says; the shard performs nothing more then.
    fn persist(&mut self, batches: &[Batch]) -> io::Result<()>;

    /// Takes any other output, when it may leave.
    fn output(&mut self, output: Output);
}

/// A [`Sink`] that keeps nothing: for sessions that may end with their process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotKept;

impl Sink for NotKept {
    fn persist(&mut self, _: &[Batch]) -> io::Result<()> {
        Ok(())
    }

    fn output(&mut self, _: Output) {}
}

/// So that each shard may have a sink of another kind.
impl<S: Sink + ?Sized> Sink for Box<S> {
    fn persist(&mut self, batches: &[Batch]) -> io::Result<()> {
        (**self).persist(batches)
    }

    fn output(&mut self, output: Output) {
        (**self).output(output);
    }
}
