//! The JSON of automata: a table of transitions a role, states as numbers.
//!
//! Clauses: CFSM-1, CFSM-3, CFSM-4, CFSM-9.

use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashMap;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::value::RawValue;

use super::VERSION;
use super::raw::{self, Count, Sense};
use super::read::Reader;
use super::write::{Argument, SortTable};
use crate::types::automaton::{RoleIx, StateIx};
use crate::types::diagnostics::{Code, Diagnostic, Span};
use crate::types::local::{Direction, LocalTypes};
use crate::types::name::Name;
use crate::types::protocol::{Protocol, ROLES_MAX};
use crate::types::syntax::cfsm::{self, Message, States, System, Table, Transition};
use crate::types::tree::NODES_MAX;

impl<'a> Reader<'a> {
    /// The local types of the automata of a document.
    pub(super) fn automata(&mut self, whole: &'a RawValue) -> Option<LocalTypes> {
        let read = self.source.object(whole);
        let raw::AutomataDocument { automata, .. } = self.keep(read)?;
        let objects: Vec<_> = automata.0.into_iter().take(ROLES_MAX + 1).collect();
        let objects: Vec<Option<raw::Automaton<'a>>> = objects
            .into_iter()
            .map(|raw| {
                let object = self.source.object(raw);
                self.keep(object)
            })
            .collect();
        let names = objects.iter().flatten().map(|object| object.role).collect();
        let names = self.roles(names)?;
        let mut known: HashMap<Name, u32> = HashMap::new();
        for (number, (name, _)) in (0_u32..).zip(&names) {
            known.entry(name.clone()).or_insert(number);
        }
        let mut system = System::default();
        for (object, name) in objects.into_iter().flatten().zip(names) {
            let table = self.automaton(object, name, &known, &mut system.messages);
            system.tables.extend(table);
        }
        if self.found.has_errors() {
            return None;
        }
        match cfsm::locals(system, core::mem::take(&mut self.found)) {
            Ok((locals, warnings)) => {
                self.found = warnings;
                Some(locals)
            }
            Err(found) => {
                self.found = found;
                None
            }
        }
    }

    fn automaton(
        &mut self,
        object: raw::Automaton<'a>,
        (role, span): (Name, Span),
        roles: &HashMap<Name, u32>,
        messages: &mut Vec<Message>,
    ) -> Option<Table> {
        let count = self.source.value(object.states);
        let Count(count) = self.keep(count)?;
        if count as usize > NODES_MAX || object.transitions.0.len() > NODES_MAX {
            let text = format!("the automaton has more than {NODES_MAX} states or transitions");
            let place = self.source.span(object.states);
            self.found.push(Diagnostic::new(Code::TooLarge, place, text));
            return None;
        }
        let initial = self.reference(object.initial, count as usize, "state")?;
        let mut sorts = self.table(object.sorts.0, 0)?;
        let mut transitions = Vec::with_capacity(object.transitions.0.len());
        for raw in object.transitions.0 {
            let span = self.source.span(raw);
            let read = self.source.object(raw);
            let Some(read) = self.keep(read) else { continue };
            let raw::Transition { from, to, direction, peer, label, payload } = read;
            let from = self.reference(from, count as usize, "state");
            let to = self.reference(to, count as usize, "state");
            let payload = self.payload(payload.0, span, &mut sorts);
            let (Some(from), Some(to), Some(payload)) = (from, to, payload) else { continue };
            let Some(peer) = roles.get(&peer.0).copied() else {
                let text = format!("no automaton is of the role `{}`", peer.0);
                self.found.push(
                    Diagnostic::new(Code::UnknownRole, span, text)
                        .remedy("give the automaton of this role, or correct the name"),
                );
                continue;
            };
            let direction = match direction {
                Sense::Send => Direction::Send,
                Sense::Receive => Direction::Receive,
            };
            let message = u32::try_from(messages.len()).unwrap_or(u32::MAX);
            messages.push(Message::new(label.0, payload));
            transitions.push(Transition { from, to, direction, peer, message, span });
        }
        Some(Table { role, span, states: States::Numbered(count), initial, transitions })
    }
}

/// The document of the automata of a protocol, of all of them or of one role's.
pub(super) struct Document<'a> {
    pub(super) protocol: &'a Protocol,
    pub(super) only: Option<RoleIx>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let count = u16::try_from(self.protocol.roles().len()).expect("ROLES_MAX fits");
        let roles = (0..count).map(RoleIx);
        let roles = roles.filter(|role| self.only.is_none_or(|only| only == *role));
        let automata = roles.map(|role| Automaton { protocol: self.protocol, role });
        let mut object = serializer.serialize_struct("Automata", 3)?;
        object.serialize_field("antiphon", "automata")?;
        object.serialize_field("version", &VERSION)?;
        object.serialize_field("automata", &automata.collect::<Vec<_>>())?;
        object.end()
    }
}

struct Automaton<'a> {
    protocol: &'a Protocol,
    role: RoleIx,
}

impl Serialize for Automaton<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { protocol, role } = *self;
        let automaton = protocol.automaton(role);
        let mut sorts = SortTable::default();
        let mut transitions = Vec::new();
        for state in (0..automaton.len()).map(|state| u32::try_from(state).expect("it fits")) {
            let Some(direction) = automaton.direction(StateIx(state)) else { continue };
            for transition in automaton.moves(StateIx(state)) {
                let payload = protocol.message(transition.message).payload.args().iter();
                let payload = payload.map(|(name, sort)| Argument {
                    name: name.as_deref(),
                    sort: sorts.embed(sort),
                });
                transitions.push(Entry {
                    from: state,
                    to: transition.next.0,
                    direction: direction.as_str(),
                    peer: protocol.role_name(transition.peer),
                    label: protocol.label_name(transition.label),
                    payload: payload.collect(),
                });
            }
        }
        let mut object = serializer.serialize_struct("Automaton", 5)?;
        object.serialize_field("role", protocol.role_name(role).as_str())?;
        object.serialize_field("initial", &StateIx::INITIAL.0)?;
        object.serialize_field("states", &automaton.len())?;
        object.serialize_field("sorts", &sorts.entries)?;
        object.serialize_field("transitions", &transitions)?;
        object.end()
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    from: u32,
    to: u32,
    direction: &'static str,
    peer: &'a str,
    label: &'a str,
    payload: Vec<Argument<'a>>,
}
