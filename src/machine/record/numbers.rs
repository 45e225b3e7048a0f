//! The numbers at the beginning of a record, written where they stand.
//!
//! Clauses: JRNL-27.

use alloc::vec::Vec;

use super::authority::TO_OWNER;
use super::encode::CONTINUED;
use crate::machine::authority::Owner;
use crate::machine::id::Epoch;

/// The room that a few numbers are written into, so that only their end is looked for.
pub(super) struct Numbers<'a> {
    room: &'a mut [u8; ROOM],
    len: usize,
}

/// A tag, an outcome, and the numbers of an action: at most 55 bytes.
const ROOM: usize = 64;

/// Appends numbers.
#[inline(always)]
pub(super) fn numbers(out: &mut Vec<u8>, write: impl FnOnce(&mut Numbers<'_>)) {
    let at = out.len();
    out.extend_from_slice(&[0; ROOM]);
    let room = out[at..].first_chunk_mut().expect("it was just appended");
    let mut numbers = Numbers { room, len: 0 };
    write(&mut numbers);
    let len = numbers.len;
    out.truncate(at + len);
}

impl Numbers<'_> {
    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        self.room[self.len % ROOM] = byte;
        self.len += 1;
    }

    #[inline(always)]
    pub(super) fn wide(&mut self, number: u128) {
        let mut rest = number;
        while rest >= u128::from(CONTINUED) {
            self.byte(rest as u8 | CONTINUED);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    #[inline(always)]
    pub(super) fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= u64::from(CONTINUED) {
            self.byte(rest as u8 | CONTINUED);
            rest >>= 7;
        }
        self.byte(rest as u8);
    }

    pub(super) fn epoch(&mut self, epoch: Epoch) {
        self.number(epoch.fencing().into());
        self.number(epoch.counter().into());
    }

    /// That it is for this owner, if its name is short: else nothing is written, and `false`.
    #[inline(always)]
    pub(super) fn owner(&mut self, owner: &Owner) -> bool {
        let Some((words, length)) = owner.short() else { return false };
        let Some(room) = self.room[self.len % ROOM..].first_chunk_mut::<18>() else { return false };
        (room[0], room[1]) = (TO_OWNER, length);
        room[2..].copy_from_slice(&words);
        self.len += 2 + usize::from(length);
        true
    }

    #[inline(always)]
    pub(super) fn optional(&mut self, optional: Option<u64>) {
        self.byte(u8::from(optional.is_some()));
        if let Some(number) = optional {
            self.number(number);
        }
    }
}
