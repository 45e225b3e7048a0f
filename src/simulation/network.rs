//! The network of a world: connections, what happens to their frames, and who hears of it.

use std::time::Duration;

use super::report::{Moment, SimulationError};
use super::world::{Happening, Wire, World};
use crate::machine::Tick;
use crate::resume::liveness::Reconnect;
use crate::resume::outbox::{Ending, Heard};
use crate::resume::server::Connection;
use crate::wire::frame::{FRAME_BYTES_MAX, Frame};

impl<S: FnMut(u64, Moment<'_>)> World<'_, S> {
    pub(super) fn dial(&mut self, index: usize) {
        let player = &mut self.players[index];
        (player.is_dialing, player.wire) = (false, None);
        if player.client.over().is_some() {
            return;
        }
        if self.node.is_none() {
            player.attempt += 1;
            player.is_dialing = true;
            let quick = Reconnect::new(Duration::from_millis(20), Duration::from_millis(500));
            let random = self.rng.u64(..);
            let pause = quick.ok().and_then(|quick| quick.pause(player.attempt, random, None));
            let pause = pause.map_or(500, |pause| u64::try_from(pause.as_millis()).unwrap_or(500));
            self.at(1 + pause, 0, Happening::Dial(index));
            return;
        }
        self.connections += 1;
        let connection = Connection(self.connections);
        player.wire = Some(connection);
        (player.attempt, player.heard) = (0, self.now);
        let wire = Wire {
            player: index,
            form: player.form(),
            last: [0; 2],
            is_cut: false,
            lingers: false,
        };
        self.wires.insert(connection, wire);
        self.at(1, 10, Happening::Connected(index, connection));
        if let Some(mean) = self.options.chaos.cut {
            let mean = mean.as_millis() as f64;
            let after = -mean * (1.0 - self.rng.f64()).ln();
            self.at(1 + after as u64, 0, Happening::Cut(index, connection));
        }
    }

    pub(super) fn connected(&mut self, index: usize, connection: Connection) {
        let Some(wire) = self.wires.get(&connection).filter(|wire| !wire.is_cut) else { return };
        let Some(node) = &mut self.node else { return };
        node.connected(connection, wire.form);
        if self.players[index].wire == Some(connection) {
            let frame = self.players[index].client.connected();
            self.send(connection, 0, &frame);
        }
    }

    pub(super) fn cut(&mut self, index: usize, connection: Connection) {
        let Some(wire) = self.wires.get_mut(&connection).filter(|wire| !wire.is_cut) else {
            return;
        };
        (wire.is_cut, wire.lingers) = (true, self.rng.bool());
        self.counts.cuts += 1;
        (self.show)(self.now, Moment::Cut(&self.players[index].role));
        // Either end may be the one that is not told.
        if self.rng.bool() {
            self.at(0, 20, Happening::ClientNotices(index, connection));
        }
        if self.rng.bool() {
            self.at(0, 20, Happening::NodeNotices(connection));
        }
    }

    /// A client gives its connection up and makes another one.
    pub(super) fn hang_up(&mut self, index: usize, connection: Connection) {
        if let Some(wire) = self.wires.get_mut(&connection).filter(|wire| !wire.is_cut) {
            (wire.is_cut, wire.lingers) = (true, self.rng.bool());
        }
        let player = &mut self.players[index];
        if player.wire != Some(connection) {
            return;
        }
        player.client.lost();
        (player.wire, player.is_dialing) = (None, true);
        self.at(1, 40, Happening::Dial(index));
        if self.rng.bool() {
            self.at(0, 20, Happening::NodeNotices(connection));
        }
    }

    pub(super) fn drop_wire(&mut self, index: usize) {
        match self.players[index].wire {
            Some(connection) => self.hang_up(index, connection),
            None => self.players[index].client.lost(),
        }
    }

    /// A frame is on its way: to the host (0) or to the client (1).
    pub(super) fn send(&mut self, connection: Connection, direction: usize, frame: &Frame) {
        let Some(wire) = self.wires.get(&connection) else { return };
        let (player, form, last, is_cut) = (wire.player, wire.form, wire.last, wire.is_cut);
        self.counts.frames += 1;
        let chaos = self.options.chaos;
        if is_cut || self.chance(chaos.loss) {
            self.counts.lost += u64::from(!is_cut);
            return;
        }
        let mut bytes = form.encode(frame);
        if self.chance(chaos.loss / 20.0) {
            self.counts.truncated += 1;
            let length = self.rng.usize(0..bytes.len());
            bytes.truncate(length);
        }
        let mut when = (self.now + self.rng.u64(1..=8)).max(last[direction]);
        if self.chance(chaos.reorder) {
            self.counts.reordered += 1;
            when += self.rng.u64(1..=120);
        } else if let Some(wire) = self.wires.get_mut(&connection) {
            wire.last[direction] = when;
        }
        let copies = if self.chance(chaos.dup) { 2 } else { 1 };
        self.counts.repeated += copies - 1;
        for copy in 0..copies {
            let late = if copy == 0 { 0 } else { self.rng.u64(0..=200) };
            let bytes = bytes.clone();
            let what = match direction {
                0 => Happening::ToNode(connection, bytes),
                _ => Happening::ToClient(player, connection, bytes),
            };
            self.at(when - self.now + late, 0, what);
        }
    }

    pub(super) fn flush(&mut self, index: usize) {
        let Some(connection) = self.players[index].wire else { return };
        while let Some(frame) = self.players[index].client.poll() {
            self.send(connection, 0, &frame);
        }
    }

    pub(super) fn arrived(&mut self, connection: Connection, bytes: &[u8]) {
        let wire = self.wires.get(&connection).filter(|wire| !wire.is_cut || wire.lingers);
        let Some(wire) = wire else { return };
        let (player, form) = (wire.player, wire.form);
        let Some(node) = &mut self.node else { return };
        match form.decode(bytes, FRAME_BYTES_MAX) {
            Ok(frame) => node.frame(Tick(self.now), connection, frame),
            // What is no frame ends the connection, as it does on a socket.
            Err(_) => {
                node.lost(Tick(self.now), connection);
                if let Some(wire) = self.wires.get_mut(&connection) {
                    (wire.is_cut, wire.lingers) = (true, false);
                }
                self.at(0, 20, Happening::ClientNotices(player, connection));
            }
        }
        self.turn_soon();
    }

    pub(super) fn answered(
        &mut self,
        index: usize,
        connection: Connection,
        bytes: &[u8],
    ) -> Result<(), SimulationError> {
        let is_there = self.wires.get(&connection).is_some_and(|wire| !wire.is_cut);
        let player = &mut self.players[index];
        if !is_there || player.wire != Some(connection) {
            return Ok(());
        }
        let Ok(frame) = player.form().decode(bytes, FRAME_BYTES_MAX) else {
            self.hang_up(index, connection);
            return Ok(());
        };
        player.heard = self.now;
        match player.client.handle(frame) {
            Heard::Attached { fresh } => {
                if fresh {
                    player.begun_again();
                }
                self.counts.resumes += 1;
                (self.show)(self.now, Moment::Resumed(&self.players[index].role));
            }
            Heard::Violation => self.hang_up(index, connection),
            Heard::Rejected { code, .. } => {
                self.counts.displaced += u64::from(code == "displaced");
                self.hang_up(index, connection);
            }
            Heard::Acknowledged => self.progress = self.now,
            Heard::Over => {
                let player = &self.players[index];
                match player.client.over() {
                    Some(Ending::Session { .. }) | None => {}
                    Some(ending) => {
                        let (role, ending) = (player.role.clone(), ending.to_string());
                        return Err(SimulationError::Ending { role, ending });
                    }
                }
            }
            _ => {}
        }
        self.flush(index);
        Ok(())
    }
}
