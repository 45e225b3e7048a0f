//! The strongly connected components of a directed graph.
//!
//! Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972) with a stack of its
//! own: a graph of a million configurations is as deep as it is large.

use alloc::vec;
use alloc::vec::Vec;

/// Components are numbered after those that they lead to.
#[derive(Debug)]
pub(super) struct Components {
    /// The component of each node.
    pub(super) of: Vec<u32>,
    /// The nodes, component by component: each component behind those that it leads to.
    pub(super) order: Vec<u32>,
}

const NEW: u32 = u32::MAX;

/// The components of the nodes `0..count`; `successor` gives the n-th successor of a node.
pub(super) fn components(
    count: usize,
    successor: impl Fn(usize, usize) -> Option<usize>,
) -> Components {
    let number_of = |index: usize| u32::try_from(index).expect("fewer than 2^32 nodes");
    let (mut number, mut low) = (vec![NEW; count], vec![0_u32; count]);
    let (mut of, mut order) = (vec![NEW; count], Vec::with_capacity(count));
    let (mut open, mut path): (Vec<u32>, Vec<(usize, usize)>) = (Vec::new(), Vec::new());
    let (mut next, mut component) = (0, 0);
    for root in 0..count {
        if number[root] == NEW {
            path.push((root, 0));
        }
        while let Some((at, nth)) = path.last_mut() {
            let (at, seen) = (*at, *nth);
            *nth += 1;
            if seen == 0 {
                (number[at], low[at]) = (next, next);
                next += 1;
                open.push(number_of(at));
            }
            if let Some(to) = successor(at, seen) {
                if number[to] == NEW {
                    path.push((to, 0));
                } else if of[to] == NEW {
                    low[at] = low[at].min(number[to]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[at]);
            }
            if low[at] == number[at] {
                let first = open.iter().rposition(|member| *member as usize == at);
                for member in open.drain(first.expect("a component's nodes are open")..) {
                    of[member as usize] = component;
                    order.push(member);
                }
                component += 1;
            }
        }
    }
    Components { of, order }
}

impl Components {
    /// The nodes of each component, those that are led to first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.order.chunk_by(|one, two| self.of[*one as usize] == self.of[*two as usize])
    }
}
