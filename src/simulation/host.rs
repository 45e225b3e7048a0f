//! The host of a world: its turns, its crashes, and how it comes back.

use std::sync::Arc;

use super::crash::CrashJournal;
use super::report::{Moment, SimulationError};
use super::world::{Happening, World};
use crate::driver::{Node, NodeError, NodeOptions, Recovery};
use crate::machine::Tick;
use crate::resume::server::Connection;

impl<S: FnMut(u64, Moment<'_>)> World<'_, S> {
    pub(super) fn turn_soon(&mut self) {
        if !self.is_turning {
            self.is_turning = true;
            self.at(0, 3, Happening::Turn);
        }
    }

    pub(super) fn turn(&mut self) -> Result<(), SimulationError> {
        self.is_turning = false;
        let Some(node) = &mut self.node else { return Ok(()) };
        match node.turn(Tick(self.now)) {
            Ok(()) => {}
            Err(NodeError::Journal(_) | NodeError::Done) => {
                self.crash();
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        while let Some(event) = self.node.as_mut().and_then(Node::poll_event) {
            (self.show)(self.now, Moment::Kept(&event));
        }
        while let Some((connection, frame)) = self.node.as_mut().and_then(Node::poll) {
            self.send(connection, 1, &frame);
        }
        Ok(())
    }

    fn crash(&mut self) {
        self.counts.commits += self.node.as_ref().map_or(0, Node::commits);
        (self.show)(self.now, Moment::Crashed);
        self.node = None;
        let open: Vec<(Connection, usize)> = self
            .wires
            .iter()
            .filter(|(_, wire)| !wire.is_cut)
            .map(|(connection, wire)| (*connection, wire.player))
            .collect();
        for (connection, player) in open {
            if let Some(wire) = self.wires.get_mut(&connection) {
                wire.is_cut = true;
            }
            if self.rng.bool() {
                self.at(0, 50, Happening::ClientNotices(player, connection));
            }
        }
        self.at(5, 300, Happening::Restart);
    }

    pub(super) fn restart(&mut self) -> Result<(), SimulationError> {
        Recovery::new().verify_snapshot(&self.kept, self.session)?;
        let journal = CrashJournal::new(self.kept.clone(), Arc::clone(&self.fate));
        let (keys, now) = (self.keys.clone(), Tick(self.now));
        let snapshot_every = self.snapshot_every;
        let options = NodeOptions { snapshot_every, ..NodeOptions::default() };
        match Node::start(journal, keys, options, now) {
            Ok((mut node, started)) => {
                if let Some(error) = started.broken.into_iter().next() {
                    return Err(error.into());
                }
                if let Some((_, unfit)) = started.unfit.into_iter().next() {
                    return Err(unfit.into());
                }
                self.counts.spared += started.spared;
                node.observe(true);
                if self.now > 0 {
                    (self.show)(self.now, Moment::Restarted(started.records));
                }
                self.node = Some(node);
                self.is_turning = false;
                Ok(())
            }
            Err(NodeError::Journal(_)) => {
                self.at(5, 300, Happening::Restart);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}
