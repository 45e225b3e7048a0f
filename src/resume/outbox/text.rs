//! A memory as text: what is kept of it where its process finds it again.

use serde::{Deserialize, Serialize};
use serde_json::Value as Tree;
use smol_str::SmolStr;

use super::memory::{Action, Entry, Memory, TypeError, protocol_of};
use crate::types::{RoleIx, StateIx};
use crate::wire::json::{read_value, write_value};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryText {
    role: SmolStr,
    r#type: String,
    position: u64,
    acked: u64,
    capacity: usize,
    consumed: Vec<(SmolStr, u64)>,
    outbox: Vec<EntryText>,
}

/// An action: a send as a local type of nothing else, with its value; a receive as `from?`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    at: u64,
    action: String,
    value: Tree,
}

impl EntryText {
    fn action(&self) -> Result<Action, TypeError> {
        let wrong = |reason: &dyn core::fmt::Display| TypeError {
            text: self.action.as_str().into(),
            reason: reason.to_string().into(),
        };
        if let Some(from) = self.action.strip_suffix('?') {
            let from = from.parse().map_err(|error| wrong(&error))?;
            return Ok(Action::Receive { from });
        }
        let (alone, role) = protocol_of("Self_", &self.action)?;
        let automaton = alone.automaton(role);
        let only =
            automaton.moves(StateIx(0)).first().ok_or_else(|| wrong(&"a send was expected"))?;
        let payload = alone.message(only.message).payload.clone();
        let value = read_value(payload.sort(), &self.value).map_err(|error| wrong(&error))?;
        let (to, label) = (alone.role_name(only.peer), alone.label_name(only.label));
        Ok(Action::Send { to: to.clone(), label: label.clone(), value, payload })
    }
}

impl Memory {
    /// It as text, to be kept where its process can come back to it: see [`Memory::read`].
    ///
    /// # Errors
    /// [`TypeError`], if the type that is left cannot be written out.
    pub fn text(&self) -> Result<String, TypeError> {
        let local = self.protocol.local_at(self.role, self.state).map_err(|found| TypeError {
            text: self.protocol.role_name(self.role).as_str().into(),
            reason: found.to_string().into(),
        })?;
        let name = |role: RoleIx| self.protocol.role_name(role).as_str().into();
        let outbox = self.outbox.iter().map(|Entry { at, action }| match action {
            Action::Receive { from } => {
                EntryText { at: *at, action: format!("{from}?"), value: Tree::Null }
            }
            Action::Send { to, label, value, payload } => EntryText {
                at: *at,
                action: format!("{to}!{label}{payload} . end"),
                value: write_value(payload.sort(), value),
            },
        });
        let text = MemoryText {
            role: name(self.role),
            r#type: local.to_string(),
            position: self.position,
            acked: self.acked,
            capacity: self.capacity,
            consumed: self.inboxes.iter().map(|one| (name(one.from), one.consumed)).collect(),
            outbox: outbox.collect(),
        };
        Ok(serde_json::to_string(&text).expect("this is JSON"))
    }

    /// What [`text`](Self::text) has written, without what had arrived and was not consumed.
    ///
    /// # Errors
    /// [`TypeError`], if it is something else.
    pub fn read(text: &str) -> Result<Self, TypeError> {
        let wrong = |reason: String| TypeError { text: "a memory".into(), reason: reason.into() };
        let kept: MemoryText = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let (position, capacity) = (kept.position, kept.capacity);
        let mut memory = Self::new(&kept.role, &kept.r#type, position, &kept.consumed, capacity)?;
        memory.acked = kept.acked;
        let mut last = None;
        for entry in kept.outbox {
            let is_next = last.is_none_or(|last| entry.at > last);
            if !is_next || entry.at < kept.acked || entry.at >= position {
                return Err(wrong(format!("action {} is out of place", entry.at)));
            }
            last = Some(entry.at);
            let action = entry.action()?;
            memory.outbox.push_back(Entry { at: entry.at, action });
        }
        Ok(memory)
    }
}
