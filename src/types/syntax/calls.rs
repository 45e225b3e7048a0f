//! Who calls whom: the strongly connected components of the call graph.

use alloc::vec;
use alloc::vec::Vec;

/// The call graph's components; a component is numbered after those that it calls.
#[derive(Debug)]
pub(super) struct Components {
    /// The component of each protocol.
    pub(super) of: Vec<usize>,
    /// Protocols, those that are called before those that call.
    pub(super) order: Vec<usize>,
    /// Whether a protocol calls itself, at once or through others.
    pub(super) recursive: Vec<bool>,
}

/// Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972) with its own stack.
pub(super) fn components(calls: &[Vec<usize>]) -> Components {
    const NEW: usize = usize::MAX;
    let count = calls.len();
    let (mut number, mut low) = (vec![NEW; count], vec![0; count]);
    let (mut of, mut order) = (vec![NEW; count], Vec::with_capacity(count));
    let mut recursive: Vec<bool> =
        calls.iter().enumerate().map(|(caller, callees)| callees.contains(&caller)).collect();
    let (mut open, mut next, mut components) = (Vec::new(), 0, 0);
    for root in 0..count {
        let mut path = if number[root] == NEW { vec![(root, 0)] } else { Vec::new() };
        while let Some((at, edge)) = path.last_mut() {
            let at = *at;
            if *edge == 0 {
                (number[at], low[at]) = (next, next);
                next += 1;
                open.push(at);
            }
            if let Some(&callee) = calls[at].get(*edge) {
                *edge += 1;
                if number[callee] == NEW {
                    path.push((callee, 0));
                } else if of[callee] == NEW {
                    low[at] = low[at].min(number[callee]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[at]);
            }
            if low[at] == number[at] {
                let first = open.iter().rposition(|node| *node == at).expect("it is open");
                let members = open.split_off(first);
                for member in &members {
                    of[*member] = components;
                    recursive[*member] |= members.len() > 1;
                }
                order.extend(members);
                components += 1;
            }
        }
    }
    Components { of, order, recursive }
}
