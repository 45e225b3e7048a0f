//! Minimisation of partial deterministic automata by partition refinement, O(m log n)
//! (Valmari & Lehtinen, "Efficient minimization of DFAs with partial transition functions",
//! STACS 2008).

use alloc::vec;
use alloc::vec::Vec;

use super::automaton::Transition;
use super::local::Direction;

/// A partition of `0..n` whose blocks can be marked into and split.
struct Partition {
    elements: Vec<usize>,
    place: Vec<usize>,
    block: Vec<usize>,
    first: Vec<usize>,
    past: Vec<usize>,
    marked: Vec<usize>,
    touched: Vec<usize>,
}

impl Partition {
    /// Blocks are the runs of equal `key`.
    fn new<K: Ord>(n: usize, key: impl Fn(usize) -> K) -> Self {
        let mut elements: Vec<usize> = (0..n).collect();
        elements.sort_by_key(|element| key(*element));
        let mut partition = Self {
            place: vec![0; n],
            block: vec![0; n],
            first: Vec::new(),
            past: Vec::new(),
            marked: Vec::new(),
            touched: Vec::new(),
            elements,
        };
        for place in 0..n {
            let element = partition.elements[place];
            if place == 0 || key(partition.elements[place - 1]) != key(element) {
                partition.first.push(place);
                partition.past.push(place);
                partition.marked.push(0);
            }
            let block = partition.first.len() - 1;
            partition.past[block] = place + 1;
            partition.place[element] = place;
            partition.block[element] = block;
        }
        partition
    }

    fn blocks(&self) -> usize {
        self.first.len()
    }

    fn mark(&mut self, element: usize) {
        let block = self.block[element];
        let (from, to) = (self.place[element], self.first[block] + self.marked[block]);
        if from < to {
            return;
        }
        let other = self.elements[to];
        self.elements.swap(from, to);
        self.place[other] = from;
        self.place[element] = to;
        if self.marked[block] == 0 {
            self.touched.push(block);
        }
        self.marked[block] += 1;
    }

    /// Gives the smaller part of each touched block a number of its own.
    fn split(&mut self) {
        while let Some(block) = self.touched.pop() {
            let middle = self.first[block] + self.marked[block];
            let marked = core::mem::take(&mut self.marked[block]);
            if middle == self.past[block] {
                continue;
            }
            let new = self.blocks();
            if marked <= self.past[block] - middle {
                self.first.push(self.first[block]);
                self.past.push(middle);
                self.first[block] = middle;
            } else {
                self.first.push(middle);
                self.past.push(self.past[block]);
                self.past[block] = middle;
            }
            self.marked.push(0);
            for place in self.first[new]..self.past[new] {
                self.block[self.elements[place]] = new;
            }
        }
    }
}

/// The class of each state: two states share one exactly when they behave the same.
pub(super) fn minimise(rows: &[(Direction, Vec<Transition>)]) -> Vec<usize> {
    let cords: Vec<(usize, Direction, &Transition)> = rows
        .iter()
        .enumerate()
        .flat_map(|(tail, (direction, row))| row.iter().map(move |t| (tail, *direction, t)))
        .collect();
    let mut into: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    for (cord, (_, _, transition)) in cords.iter().enumerate() {
        into[transition.next.index()].push(cord);
    }
    let mut states = Partition::new(rows.len(), |_| ());
    let mut symbols = Partition::new(cords.len(), |cord| {
        let (_, direction, transition) = cords[cord];
        (direction, transition.peer, transition.message)
    });
    let (mut block, mut symbol) = (1, 0);
    while symbol < symbols.blocks() {
        for place in symbols.first[symbol]..symbols.past[symbol] {
            states.mark(cords[symbols.elements[place]].0);
        }
        states.split();
        symbol += 1;
        while block < states.blocks() {
            for place in states.first[block]..states.past[block] {
                into[states.elements[place]].iter().for_each(|cord| symbols.mark(*cord));
            }
            symbols.split();
            block += 1;
        }
    }
    states.block
}
