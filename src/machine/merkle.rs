//! A Merkle tree over the records of a session (RFC 6962): that one record is in a journal can be
//! shown without showing the journal.
//!
//! A leaf is the canonical bytes of a record. Leaves that are not kept are stood for by the hashes
//! of the largest whole parts of the tree that they are: the root stays the same, and what is kept
//! can still be proved. Made from a journal on demand; no message pays for it.
//!
//! Clauses: JRNL-20, JRNL-21.

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use super::record::Record;

/// The hash of a leaf, of a part of the tree, or of all of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TreeHash(pub [u8; 32]);

impl TreeHash {
    /// Of a leaf: `SHA-256(0x00 ‖ bytes)`.
    #[must_use]
    pub fn leaf(bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update([0]);
        hash.update(bytes);
        Self(hash.finalize().into())
    }

    /// Of two parts: `SHA-256(0x01 ‖ left ‖ right)`. The first byte keeps leaves and parts apart.
    fn node(left: Self, right: Self) -> Self {
        let mut hash = Sha256::new();
        hash.update([1]);
        hash.update(left.0);
        hash.update(right.0);
        Self(hash.finalize().into())
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A whole part of the tree: `2^level` leaves from a multiple of `2^level` on.
#[derive(Debug, Clone, Copy)]
struct Part {
    first: u64,
    level: u32,
    hash: TreeHash,
}

/// The tree. Its parts are in order and without gaps.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    parts: Vec<Part>,
    len: u64,
}

impl Tree {
    /// The tree over these records.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut tree = Self::default();
        let mut bytes = Vec::new();
        for record in records {
            bytes.clear();
            record.encode(&mut bytes);
            tree.push(TreeHash::leaf(&bytes));
        }
        tree
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        let done = self.push_part(0, leaf);
        debug_assert!(done, "a leaf stands anywhere");
    }

    /// Appends a part of `2^level` leaves. `false`, and nothing done, where no such part begins.
    pub fn push_part(&mut self, level: u32, hash: TreeHash) -> bool {
        let leaves = 1_u64.checked_shl(level);
        let len = leaves.and_then(|leaves| self.len.checked_add(leaves));
        let (Some(leaves), Some(len)) = (leaves, len) else { return false };
        if !self.len.is_multiple_of(leaves) {
            return false;
        }
        self.parts.push(Part { first: self.len, level, hash });
        self.len = len;
        true
    }

    /// How many leaves there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// JRNL-20: the hash of all of it.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        over(&self.parts)
    }

    /// The hashes beside the way from a leaf to the root, from below: what proves that the leaf is
    /// there. `None` if there is no such leaf, or a part stands for it.
    #[must_use]
    pub fn path(&self, leaf: u64) -> Option<Vec<TreeHash>> {
        self.parts.iter().find(|part| part.first == leaf && part.level == 0)?;
        let (mut first, mut end) = (0, self.len);
        let mut path = Vec::new();
        while end - first > 1 {
            let middle = first + (1 << (end - first - 1).ilog2());
            if leaf < middle {
                path.push(over(self.between(middle, end)));
                end = middle;
            } else {
                path.push(over(self.between(first, middle)));
                first = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The hashes that stand for the leaves from `first` to `end`, in order: see [`levels`].
    #[must_use]
    pub fn parts(&self, first: u64, end: u64) -> Vec<TreeHash> {
        let mut at = first;
        let parts = levels(first, end).map(|level| {
            let (from, next) = (at, at + (1 << level));
            at = next;
            over(self.between(from, next))
        });
        parts.collect()
    }

    fn between(&self, first: u64, end: u64) -> &[Part] {
        let place = |leaf| self.parts.partition_point(|part| part.first < leaf);
        &self.parts[place(first)..place(end)]
    }
}

/// The levels of the largest whole parts that the leaves from `first` to `end` are.
pub fn levels(first: u64, end: u64) -> impl Iterator<Item = u32> {
    let mut at = first;
    core::iter::from_fn(move || {
        let left = end.checked_sub(at).filter(|left| *left > 0)?;
        let level = at.trailing_zeros().min(left.ilog2());
        at += 1 << level;
        Some(level)
    })
}

/// The hash of the tree over these parts: as a counter counts, two parts of one size become one,
/// and what is left is joined from the right.
fn over(parts: &[Part]) -> TreeHash {
    let from = parts.first().map_or(0, |part| part.first);
    let mut joined: Vec<TreeHash> = Vec::new();
    for part in parts {
        let (mut place, mut hash) = ((part.first - from) >> part.level, part.hash);
        while place & 1 == 1 {
            let left = joined.pop().expect("a part of the same size is on the left");
            (place, hash) = (place >> 1, TreeHash::node(left, hash));
        }
        joined.push(hash);
    }
    let right = joined.pop();
    let root =
        right.map(|right| joined.iter().rfold(right, |all, part| TreeHash::node(*part, all)));
    root.unwrap_or_else(|| TreeHash(Sha256::digest([]).into()))
}

/// JRNL-21: the root that a path leads to from a leaf, in a tree of so many leaves; `None` if it is
/// no path of that leaf (RFC 9162, 2.1.3.2).
#[must_use]
pub fn root_by(leaf: TreeHash, index: u64, len: u64, path: &[TreeHash]) -> Option<TreeHash> {
    let mut last = len.checked_sub(1).filter(|last| index <= *last)?;
    let (mut at, mut hash) = (index, leaf);
    for beside in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = TreeHash::node(*beside, hash);
            // A last part without a right neighbour goes up as it is.
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = TreeHash::node(hash, *beside);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    (last == 0).then_some(hash)
}
