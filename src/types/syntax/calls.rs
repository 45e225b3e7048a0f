//! Who calls whom: the strongly connected components of the call graph.

use alloc::vec;
use alloc::vec::Vec;

use crate::types::components::components;

/// The call graph's components; a component is numbered after those that it calls.
#[derive(Debug)]
pub(super) struct Calls {
    /// The component of each protocol.
    pub(super) of: Vec<usize>,
    /// Protocols, those that are called before those that call.
    pub(super) order: Vec<usize>,
    /// Whether a protocol calls itself, at once or through others.
    pub(super) recursive: Vec<bool>,
}

impl Calls {
    pub(super) fn of(calls: &[Vec<usize>]) -> Self {
        let found = components(calls.len(), |caller, nth| calls[caller].get(nth).copied());
        let mut recursive = vec![false; calls.len()];
        for members in found.iter() {
            for member in members.iter().map(|member| *member as usize) {
                recursive[member] = members.len() > 1 || calls[member].contains(&member);
            }
        }
        let index = |list: Vec<u32>| list.into_iter().map(|index| index as usize).collect();
        Self { of: index(found.of), order: index(found.order), recursive }
    }
}
