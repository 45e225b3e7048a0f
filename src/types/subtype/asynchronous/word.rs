//! What is owed on one channel: a word of letters, or a set of words.
//!
//! An exact word is itself. A long one forgets itself but for its first letters, its last letters,
//! and which letters stand beside each other: it stands for every word that begins so, ends so and
//! has no other neighbours (a *k-testable* language). So there are finitely many of them, and what
//! holds for a long word holds for each word that it stands for.

use alloc::vec;
use alloc::vec::Vec;

/// How exactly words are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Precision {
    /// How many letters are seen at once in a word that is forgotten; at least 1.
    pub(super) gram: usize,
    /// The longest word that is not forgotten; at least `gram`.
    pub(super) exact: usize,
}

impl Precision {
    /// Nothing is forgotten.
    pub(super) const FULL: Self = Self { gram: 1, exact: usize::MAX };
}

/// A letter, by its number.
pub(super) type Letter = u32;

/// A word, or the words that are like it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Word {
    Exact(Vec<Letter>),
    Long(Long),
}

/// Words of at least `k + 1` letters, where `first` and `last` have `k`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Long {
    first: Vec<Letter>,
    last: Vec<Letter>,
    /// The parts of `k + 1` letters that occur: sorted, and each on a way from first to last.
    parts: Vec<Vec<Letter>>,
}

impl Word {
    pub(super) fn empty() -> Self {
        Self::Exact(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Exact(letters) if letters.is_empty())
    }

    /// The letter in front; none of the empty word.
    pub(super) fn front(&self) -> Option<Letter> {
        match self {
            Self::Exact(letters) => letters.first().copied(),
            Self::Long(long) => long.first.first().copied(),
        }
    }

    /// How many letters are remembered.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Exact(letters) => letters.len(),
            Self::Long(long) => (long.parts.len() + 2) * (long.first.len() + 1),
        }
    }

    /// The letters of an exact word.
    pub(super) fn letters(&self) -> Option<&[Letter]> {
        match self {
            Self::Exact(letters) => Some(letters),
            Self::Long(_) => None,
        }
    }

    /// Puts a letter at the end.
    pub(super) fn push(&mut self, letter: Letter, precision: Precision) {
        match self {
            Self::Exact(letters) => letters.push(letter),
            Self::Long(long) => long.push(letter),
        }
        self.forget(precision);
    }

    /// Puts all of `other` behind it.
    pub(super) fn append(&mut self, other: Self, precision: Precision) {
        *self = match (core::mem::replace(self, Self::empty()), other) {
            (one, other) if other.is_empty() => one,
            (one, other) if one.is_empty() => other,
            (Self::Exact(mut one), Self::Exact(other)) => {
                one.extend(other);
                Self::Exact(one)
            }
            (Self::Long(mut one), Self::Exact(other)) => {
                other.into_iter().for_each(|letter| one.push(letter));
                Self::Long(one)
            }
            (Self::Exact(one), Self::Long(other)) => Self::Long(other.behind(&one)),
            (Self::Long(one), Self::Long(other)) => Self::Long(one.joined(other)),
        };
        self.forget(precision);
    }

    /// What may be left without the letter in front.
    pub(super) fn rests(&self) -> Vec<Self> {
        match self {
            Self::Exact(letters) => vec![Self::Exact(letters[1..].to_vec())],
            Self::Long(long) => long.rests(),
        }
    }

    fn forget(&mut self, precision: Precision) {
        let Self::Exact(letters) = self else { return };
        if letters.len() > precision.exact {
            let k = precision.gram;
            let mut parts: Vec<_> = letters.windows(k + 1).map(<[Letter]>::to_vec).collect();
            parts.sort();
            parts.dedup();
            let (first, last) = (letters[..k].to_vec(), letters[letters.len() - k..].to_vec());
            *self = Self::Long(Long { first, last, parts });
        }
    }
}

impl Long {
    fn push(&mut self, letter: Letter) {
        self.last.push(letter);
        if let Err(place) = self.parts.binary_search(&self.last) {
            self.parts.insert(place, self.last.clone());
        }
        self.last.remove(0);
    }

    /// These words with `letters` in front.
    fn behind(mut self, letters: &[Letter]) -> Self {
        for letter in letters.iter().rev() {
            self.first.insert(0, *letter);
            if let Err(place) = self.parts.binary_search(&self.first) {
                self.parts.insert(place, self.first.clone());
            }
            self.first.pop();
        }
        self
    }

    /// Each of these words with each of the others behind it.
    fn joined(mut self, other: Self) -> Self {
        let seam: Vec<Letter> = self.last.iter().chain(&other.first).copied().collect();
        self.parts.extend(seam.windows(self.first.len() + 1).map(<[Letter]>::to_vec));
        self.parts.extend(other.parts);
        self.parts.sort();
        self.parts.dedup();
        Self { first: self.first, last: other.last, parts: self.parts }
    }

    fn rests(&self) -> Vec<Word> {
        let mut rests = Vec::new();
        for part in self.parts.iter().filter(|part| part.starts_with(&self.first)) {
            let first = part[1..].to_vec();
            if first == self.last {
                rests.push(Word::Exact(first.clone()));
            }
            let parts = self.between(&first);
            if !parts.is_empty() {
                rests.push(Word::Long(Self { first, last: self.last.clone(), parts }));
            }
        }
        rests
    }

    /// The parts on ways from `first` to the last letters.
    fn between(&self, first: &[Letter]) -> Vec<Vec<Letter>> {
        let k = first.len();
        let mut ahead = vec![first.to_vec()];
        let mut seen = 0;
        while let Some(from) = ahead.get(seen).cloned() {
            seen += 1;
            for part in self.parts.iter().filter(|part| part.starts_with(&from)) {
                if !ahead.iter().any(|known| *known == part[1..]) {
                    ahead.push(part[1..].to_vec());
                }
            }
        }
        let mut behind = vec![self.last.clone()];
        let mut seen = 0;
        while let Some(to) = behind.get(seen).cloned() {
            seen += 1;
            for part in self.parts.iter().filter(|part| part[1..] == to[..]) {
                if !behind.iter().any(|known| *known == part[..k]) {
                    behind.push(part[..k].to_vec());
                }
            }
        }
        let on_way = |part: &&Vec<Letter>| {
            ahead.iter().any(|known| *known == part[..k])
                && behind.iter().any(|known| *known == part[1..])
        };
        self.parts.iter().filter(on_way).cloned().collect()
    }
}
