//! The numbers that two types share: partners, labels, messages.
//!
//! Types that are compared need no protocol around them: their partners are not declared, and
//! there are no edges. So this table is smaller than that of a protocol.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::witness::Action;
use crate::types::automaton::{Automaton, EdgeIx, LabelIx, MessageIx, RoleIx, Transition};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::local::{Direction, LocalType};
use crate::types::name::Name;
use crate::types::sort::{Payload, Sort};
use crate::types::tree::Branch;

/// Names behind the numbers of two automata.
#[derive(Debug, Clone)]
pub(super) struct Table {
    peers: Vec<Name>,
    /// The label and the payload as first written, for each message.
    messages: Vec<(Name, Payload)>,
}

impl Table {
    /// The automata of both types, numbered alike.
    pub(super) fn compile(
        candidate: &LocalType,
        supertype: &LocalType,
    ) -> Result<(Self, Automaton, Automaton), Diagnostics> {
        let branches = || [candidate, supertype].into_iter().flat_map(|t| t.tree().branches());
        let mut peers: BTreeMap<&Name, RoleIx> = BTreeMap::new();
        let mut labels: BTreeMap<&Name, LabelIx> = BTreeMap::new();
        let mut numbers: HashMap<(&Name, &Sort), MessageIx> = HashMap::new();
        let mut messages = Vec::new();
        for Branch { peer, label, payload, .. } in branches() {
            peers.insert(peer, RoleIx(0));
            labels.insert(label, LabelIx(0));
            let next = messages.len();
            if let hashbrown::hash_map::Entry::Vacant(place) =
                numbers.entry((label, payload.sort()))
            {
                place.insert(MessageIx(number(next, "messages")?));
                messages.push((label.clone(), payload.clone()));
            }
        }
        for (index, peer) in peers.values_mut().enumerate() {
            *peer = RoleIx(number(index, "partners")?);
        }
        for (index, label) in labels.values_mut().enumerate() {
            *label = LabelIx(number(index, "labels")?);
        }
        let symbol = |_: Direction, branch: &Branch| {
            let message = numbers[&(&branch.label, branch.payload.sort())];
            (peers[&branch.peer], labels[&branch.label], message, EdgeIx(0))
        };
        let automata = (Automaton::of(candidate, symbol), Automaton::of(supertype, symbol));
        let peers = peers.keys().map(|peer| (*peer).clone()).collect();
        Ok((Self { peers, messages }, automata.0, automata.1))
    }

    /// How many partners there are.
    /// How many partners there are.
    pub(super) fn peers(&self) -> usize {
        self.peers.len()
    }

    /// A partner's name.
    pub(super) fn peer(&self, peer: RoleIx) -> &Name {
        &self.peers[peer.index()]
    }

    /// An action in words.
    pub(super) fn action(&self, direction: Direction, peer: RoleIx, message: MessageIx) -> Action {
        let (label, payload) = self.messages[message.index()].clone();
        Action { direction, peer: self.peer(peer).clone(), label, payload }
    }

    /// The action of a transition.
    pub(super) fn taken(&self, direction: Direction, transition: &Transition) -> Action {
        self.action(direction, transition.peer, transition.message)
    }
}

fn number(index: usize, what: &str) -> Result<u16, Diagnostics> {
    let number = u16::try_from(index).ok().filter(|number| *number < u16::MAX);
    number.ok_or_else(|| {
        let text = format!("the two types have more than {} {what}", u16::MAX - 1);
        Diagnostic::new(Code::TooLarge, Span::NONE, text).into()
    })
}
