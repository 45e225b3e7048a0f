//! Configurations and the transitions between them, in flat tables: nothing is allocated for one
//! of them by itself.

use alloc::vec::Vec;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::system::{NONE, System, count};
use crate::types::components::{Components, components};

/// What was reached of a system; configurations are numbered as they are found, from 0.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) system: &'a System,
    /// The words of all configurations.
    arena: Vec<u64>,
    /// Configurations by their words.
    table: HashTable<u32>,
    /// Where a configuration was found: from which one, by which action.
    from: Vec<(u32, u32)>,
    /// The transitions of a configuration: the first one and how many.
    rows: Vec<(u32, u32)>,
    targets: Vec<u32>,
    actions: Vec<u32>,
}

impl<'a> Graph<'a> {
    /// The initial configuration alone.
    pub(super) fn new(system: &'a System) -> Self {
        let mut graph = Self {
            system,
            arena: Vec::new(),
            table: HashTable::new(),
            from: Vec::new(),
            rows: Vec::new(),
            targets: Vec::new(),
            actions: Vec::new(),
        };
        // Every role in its state 0, every edge empty.
        graph.intern(&alloc::vec![0; system.words()], (NONE, NONE));
        graph
    }

    /// Gives a configuration a row of transitions, in place of what it had.
    pub(super) fn begin_row(&mut self, config: u32) {
        self.rows[config as usize] = (count(self.targets.len()), 0);
    }

    /// Appends a transition to the row that was begun last.
    pub(super) fn add(&mut self, config: u32, action: u32, words: &[u64]) {
        let to = self.intern(words, (config, action));
        self.targets.push(to);
        self.actions.push(action);
        self.rows[config as usize].1 += 1;
    }

    /// Takes the row that was begun last away again.
    pub(super) fn clear_last_row(&mut self, config: u32) {
        let row = &mut self.rows[config as usize];
        row.1 = 0;
        self.targets.truncate(row.0 as usize);
        self.actions.truncate(row.0 as usize);
    }

    /// The number of a configuration.
    fn intern(&mut self, words: &[u64], from: (u32, u32)) -> u32 {
        let (arena, length) = (&self.arena, words.len());
        let at = |config: u32| &arena[config as usize * length..(config as usize + 1) * length];
        let (same, rehash) = (|known: &u32| at(*known) == words, |known: &u32| hash(at(*known)));
        match self.table.entry(hash(words), same, rehash) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let number = count(self.rows.len());
                vacant.insert(number);
                self.arena.extend_from_slice(words);
                self.from.push(from);
                self.rows.push((0, 0));
                number
            }
        }
    }

    /// How many configurations there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many transitions there are.
    pub(super) fn transition_count(&self) -> usize {
        self.targets.len()
    }

    /// How many bytes it takes, with what an exploration keeps besides.
    pub(super) fn bytes(&self) -> usize {
        let each = 8 * self.system.words() + 8 + 8 + 1;
        self.len() * each + self.table.capacity() * 5 + self.targets.len() * 8
    }

    /// The words of a configuration.
    #[inline]
    pub(super) fn config(&self, config: u32) -> &[u64] {
        let words = self.system.words();
        &self.arena[config as usize * words..(config as usize + 1) * words]
    }

    /// The transitions of a configuration: action and target.
    #[inline]
    pub(super) fn transitions(&self, config: u32) -> impl Iterator<Item = (u32, u32)> {
        let (first, length) = self.rows[config as usize];
        let range = first as usize..(first + length) as usize;
        self.actions[range.clone()].iter().copied().zip(self.targets[range].iter().copied())
    }

    /// Where a configuration was found: from which one, and by which action.
    #[inline]
    pub(super) fn found_from(&self, config: u32) -> Option<(u32, u32)> {
        let from = self.from[config as usize];
        (from.0 != NONE).then_some(from)
    }

    /// The actions on which a configuration was found.
    pub(super) fn actions_to(&self, config: u32) -> Vec<u32> {
        let (mut actions, mut at) = (Vec::new(), config);
        while let Some((from, action)) = self.found_from(at) {
            actions.push(action);
            at = from;
        }
        actions.reverse();
        actions
    }

    /// The strongly connected components.
    pub(super) fn components(&self) -> Components {
        components(self.len(), |config, nth| {
            let (first, length) = self.rows[config];
            let nth = u32::try_from(nth).ok().filter(|nth| *nth < length)?;
            Some(self.targets[(first + nth) as usize] as usize)
        })
    }

    /// Whether nothing leads out of a component.
    pub(super) fn is_terminal(&self, members: &[u32], components: &Components) -> bool {
        let own = components.of[members[0] as usize];
        members.iter().all(|member| {
            self.transitions(*member).all(|(_, to)| components.of[to as usize] == own)
        })
    }
}

/// A folded multiplication a word: spreads the packed fields over all bits.
#[inline(always)]
fn hash(words: &[u64]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    words.iter().fold(FACTOR, |hash, word| {
        let product = u128::from(hash ^ word).wrapping_mul(u128::from(FACTOR));
        // Both halves: the low one alone would not hear of the high bits.
        (product >> 64) as u64 ^ product as u64
    })
}
