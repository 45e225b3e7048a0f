//! `antiphon machine`: a machine that is spoken to in lines of JSON over standard input.
//!
//! Clause: DOOR-6.

use std::io::{BufWriter, Read, Write};

use clap::Args;

use super::Failure;
use crate::wire::door::{Door, DoorLimits};

/// How many bytes are read at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// Speak to a protocol machine in JSON: a command a line in, exactly one answer a line out
#[derive(Debug, Args)]
#[command(after_help = "Commands:
  {\"register\": {\"text\": \"…\"}}           a protocol, as text or as a JSON document;
                                        with \"unchecked\": true also if it is not known to be safe
  {\"compiled\": \"DIGEST\"}                what was made of it: types, tables, numbers
  {\"resume\": {…}}                       a session, from the records of its journal
  {\"at\": TICK, \"input\": {\"open\": {…}}}   or \"act\", \"persisted\", \"tick\": what the machine is told
  {\"seal\": true}                        ends the batch
  {\"state\": \"SESSION\"}                  everything that the digest of a session covers
  {\"digest\": true}                      of all sessions
  {\"sessions\": true}                    their ids, and when the machine wants to know the time

specs/schema/machine.schema.json describes them and the answers.

Example:
  antiphon machine < specs/door/shop.jsonl")]
pub(super) struct Machine {
    /// Say everything that happens as events, too
    #[arg(long)]
    events: bool,
}

impl Machine {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let machine = match self.events {
            true => crate::machine::Machine::observed(),
            false => crate::machine::Machine::new(),
        };
        let mut door = Door::new(machine, DoorLimits::default());
        let mut input = std::io::stdin().lock();
        // Whoever waits for an answer has it when everything that was read is answered.
        let mut output = BufWriter::new(std::io::stdout().lock());
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = match input.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let mut bytes = &chunk[..length];
            while let Some(answer) = door.feed(&mut bytes) {
                writeln!(output, "{answer}")?;
            }
            output.flush()?;
        }
        if let Some(answer) = door.finish() {
            writeln!(output, "{answer}")?;
        }
        output.flush()?;
        Ok(())
    }
}
