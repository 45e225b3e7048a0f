//! A fixed list that is mostly two long, kept where its owner is: two roles have two endpoints and
//! two edges, and a session of theirs is one block of memory.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

/// A list whose length does not change; two items take no memory of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Few<T> {
    Two([T; 2]),
    Other(Box<[T]>),
}

impl<T> Few<T> {
    /// The item at `index`: `get_mut` without going through the slice.
    #[inline(always)]
    pub(super) fn at_mut(&mut self, index: usize) -> Option<&mut T> {
        match self {
            Self::Two(items) => items.get_mut(index),
            Self::Other(items) => items.get_mut(index),
        }
    }

    /// The bytes that it takes elsewhere.
    pub(super) fn heap(&self) -> usize {
        match self {
            Self::Two(_) => 0,
            Self::Other(items) => size_of_val(&**items),
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self {
            Self::Two(items) => items,
            Self::Other(items) => items,
        }
    }
}

impl<T> DerefMut for Few<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Two(items) => items,
            Self::Other(items) => items,
        }
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter().fuse();
        match (items.next(), items.next(), items.next()) {
            (Some(first), Some(second), None) => Self::Two([first, second]),
            (first, second, third) => {
                let some = [first, second, third].into_iter().flatten();
                Self::Other(some.chain(items).collect::<Vec<T>>().into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_items_are_the_items_they_were_made_of() {
        for count in 0..5 {
            let few: Few<u32> = (0..count).collect();
            assert!(few.iter().copied().eq(0..count));
            assert_eq!(matches!(few, Few::Two(_)), count == 2);
        }
    }
}
