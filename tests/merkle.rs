//! The Merkle tree over the records of a session: known answers of RFC 6962, the definitions of
//! its section 2.1 word for word as the reference, and proofs (JRNL-20, JRNL-21).

use crate::strategies::cases;
use antiphon::machine::{Tree, TreeHash, levels, root_by};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// The leaves that the tests of Certificate Transparency use.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// The roots over the first so many of them.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn tree(leaves: &[impl AsRef<[u8]>]) -> Tree {
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(TreeHash::leaf(leaf.as_ref())));
    tree
}

#[test]
fn the_roots_are_those_that_certificate_transparency_knows() {
    for (count, root) in ROOTS.iter().enumerate() {
        let tree = tree(&LEAVES[..count]);
        assert_eq!(tree.root().to_string(), *root, "{count} leaves");
        assert_eq!((tree.len(), tree.is_empty()), (count as u64, count == 0));
    }
}

#[test]
fn the_paths_are_those_that_certificate_transparency_knows() {
    let path = |count: usize, leaf: u64| {
        let path = tree(&LEAVES[..count]).path(leaf).unwrap();
        path.iter().map(|hash| hash.to_string()[..8].to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(path(1, 0), "");
    assert_eq!(path(8, 0), "96a296d2 5f083f0a 6b47aaf2");
    assert_eq!(path(8, 5), "bc1a0643 ca854ea1 d37ee418");
    assert_eq!(path(3, 2), "fac54203");
    assert_eq!(path(5, 1), "6e340b9c 5f083f0a bc1a0643");
}

fn sha(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// The largest power of two smaller than `n`.
fn split(n: usize) -> usize {
    (0..).map(|bit| 1 << bit).take_while(|power| *power < n).last().unwrap()
}

/// `MTH` of RFC 6962, 2.1.
fn naive_root(leaves: &[Vec<u8>]) -> [u8; 32] {
    match leaves {
        [] => sha(&[]),
        [leaf] => sha(&[&[0], leaf]),
        leaves => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            sha(&[&[1], &naive_root(left), &naive_root(right)])
        }
    }
}

/// `PATH` of RFC 6962, 2.1.1.
fn naive_path(leaf: usize, leaves: &[Vec<u8>]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return vec![];
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut path, beside) = match leaf < at {
        true => (naive_path(leaf, left), naive_root(right)),
        false => (naive_path(leaf - at, right), naive_root(left)),
    };
    path.push(beside);
    path
}

fn leaves() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 1..80)
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn root_and_paths_are_what_the_definitions_say(leaves in leaves()) {
        let tree = tree(&leaves);
        prop_assert_eq!(tree.root().0, naive_root(&leaves));
        for (index, leaf) in leaves.iter().enumerate() {
            let path = tree.path(index as u64).unwrap();
            let plain: Vec<[u8; 32]> = path.iter().map(|hash| hash.0).collect();
            prop_assert_eq!(&plain, &naive_path(index, &leaves));
            let root = root_by(TreeHash::leaf(leaf), index as u64, tree.len(), &path);
            prop_assert_eq!(root, Some(tree.root()));
        }
        prop_assert_eq!(tree.path(tree.len()), None);
    }

    #[test]
    fn a_proof_of_one_leaf_proves_nothing_else(
        leaves in prop::collection::hash_set(any::<[u8; 3]>(), 2..60),
        which in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        bit in 0..256usize,
    ) {
        let leaves: Vec<[u8; 3]> = leaves.into_iter().collect();
        let tree = tree(&leaves);
        let (index, other) = (which.index(leaves.len()), other.index(leaves.len()));
        let (root, len) = (Some(tree.root()), tree.len());
        let path = tree.path(index as u64).unwrap();
        let leaf = TreeHash::leaf(&leaves[index]);
        if other != index {
            prop_assert_ne!(root_by(TreeHash::leaf(&leaves[other]), index as u64, len, &path), root);
            prop_assert_ne!(root_by(leaf, other as u64, len, &path), root);
        }
        // One bit of the leaf, or of any hash of the path.
        let flipped = |hash: TreeHash| {
            let mut hash = hash;
            hash.0[bit / 8] ^= 1 << (bit % 8);
            hash
        };
        prop_assert_ne!(root_by(flipped(leaf), index as u64, len, &path), root);
        for at in 0..path.len() {
            let mut changed = path.clone();
            changed[at] = flipped(changed[at]);
            prop_assert_ne!(root_by(leaf, index as u64, len, &changed), root);
        }
        // A hash more or less.
        prop_assert_ne!(root_by(leaf, index as u64, len, &path[1..]), root);
        let longer = [&path[..], &[leaf]].concat();
        prop_assert_eq!(root_by(leaf, index as u64, len, &longer), None);
        prop_assert_eq!(root_by(leaf, len, len, &path), None);
    }

    #[test]
    fn what_is_kept_of_a_tree_has_the_same_root_and_the_same_proofs(
        leaves in leaves(),
        kept in prop::collection::vec(prop::bool::weighted(0.2), 80),
    ) {
        let whole = tree(&leaves);
        let mut part = Tree::default();
        let mut next = 0;
        let mut hashes = 0;
        let removed = |part: &mut Tree, first: u64, end: u64| {
            let found = whole.parts(first, end);
            for (level, hash) in levels(first, end).zip(&found) {
                assert!(part.push_part(level, *hash));
            }
            found.len()
        };
        for (index, leaf) in leaves.iter().enumerate().filter(|(index, _)| kept[*index]) {
            hashes += removed(&mut part, next, index as u64);
            part.push(TreeHash::leaf(leaf));
            next = index as u64 + 1;
        }
        hashes += removed(&mut part, next, whole.len());
        prop_assert_eq!(part.len(), whole.len());
        prop_assert_eq!(part.root(), whole.root());
        let count = kept[..leaves.len()].iter().filter(|kept| **kept).count();
        prop_assert!(hashes <= 14 * (count + 1), "{} hashes for {} gaps", hashes, count + 1);
        for index in 0..whole.len() {
            let path = part.path(index);
            let wanted = whole.path(index).filter(|_| kept[index as usize]);
            // A gap of one leaf is that leaf's hash: it proves as the leaf does.
            let alone = path.is_some() && path == whole.path(index);
            prop_assert!(path == wanted || alone, "leaf {}", index);
        }
    }
}

#[test]
fn a_part_stands_only_where_one_begins() {
    let mut part = tree(&LEAVES[..2]);
    let before = part.root();
    assert!(!part.push_part(2, before), "four leaves do not begin at the third one");
    assert!(!part.push_part(64, before) && !part.push_part(200, before), "nothing is so large");
    assert_eq!((part.root(), part.len()), (before, 2));
    assert!(part.push_part(1, before));
    assert_eq!(part.len(), 4);
}
