//! What the supertype has done and the candidate has put off, in the order of the supertype as far
//! as that order matters.
//!
//! Sends to one partner keep their order, and so do receives from one partner; sends to different
//! partners change places freely, and so do receives from different partners that stand side by
//! side. A receive waits for the sends before it, and a send for nothing. So what is owed is a list
//! of groups, receives and sends in turn, with one word a partner in each.

use alloc::vec::Vec;

use super::word::{Letter, Precision, Word};
use crate::types::automaton::RoleIx;
use crate::types::local::Direction;

/// Which channel, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Received from this partner.
    In(RoleIx),
    /// Sent to this partner: a guess of what the candidate will send it next.
    Out(RoleIx),
}

impl Kind {
    pub(super) fn of(direction: Direction, peer: RoleIx) -> Self {
        match direction {
            Direction::Send => Self::Out(peer),
            Direction::Receive => Self::In(peer),
        }
    }
}

/// A word on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) word: Word,
}

impl Item {
    /// Whether both may stand in one group.
    pub(super) fn groups_with(&self, other: &Self) -> bool {
        let class = |kind| matches!(kind, Kind::In(_));
        class(self.kind) == class(other.kind)
    }
}

/// All that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Owed {
    items: Vec<Item>,
}

impl Owed {
    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many letters are remembered.
    pub(super) fn size(&self) -> usize {
        self.items.iter().map(|item| item.word.size()).sum()
    }

    /// Whether a send is owed.
    pub(super) fn has_sends(&self) -> bool {
        self.items.iter().any(|item| matches!(item.kind, Kind::Out(_)))
    }

    /// Whether something of this kind is owed.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.items.iter().any(|item| item.kind == kind)
    }

    /// The place of what was put off first on a channel.
    pub(super) fn first(&self, kind: Kind) -> Option<usize> {
        self.items.iter().position(|item| item.kind == kind)
    }

    /// Puts something off, behind all the rest.
    pub(super) fn push(&mut self, kind: Kind, letter: Letter, precision: Precision) {
        let mut word = Word::empty();
        word.push(letter, Precision::FULL);
        self.append(Item { kind, word }, precision);
    }

    /// What may be owed after the letter in front of the item at `place` is done.
    pub(super) fn without(&self, place: usize, precision: Precision) -> Vec<Self> {
        let mut results = Vec::new();
        for rest in self.items[place].word.rests() {
            let mut owed = Self { items: Vec::with_capacity(self.items.len()) };
            let gone = rest.is_empty();
            for (index, item) in self.items.iter().enumerate() {
                match index == place {
                    true if gone => {}
                    true => owed.items.push(Item { word: rest.clone(), ..item.clone() }),
                    // Where an item goes, its neighbours may become one group.
                    false if gone => owed.append(item.clone(), precision),
                    false => owed.items.push(item.clone()),
                }
            }
            results.push(owed);
        }
        results
    }

    fn append(&mut self, item: Item, precision: Precision) {
        let group = self.items.iter().rev().take_while(|last| last.groups_with(&item)).count();
        let start = self.items.len() - group;
        match self.items[start..].binary_search_by_key(&item.kind, |known| known.kind) {
            Ok(place) => self.items[start + place].word.append(item.word, precision),
            Err(place) => self.items.insert(start + place, item),
        }
    }
}
