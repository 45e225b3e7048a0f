//! Journals of many sessions: one suite over all of them, then what only a disk can do to one.
#![cfg(feature = "driver")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::faulty::{Disk, Fault, FaultyJournal};
use antiphon::journal::*;

/// A kind of journal, and a place where one of it is kept.
trait Place {
    type Journal: Journal;

    fn new() -> Self;

    /// The journal there; nobody has another handle.
    fn open(&mut self) -> Self::Journal;
}

#[derive(Default)]
struct Memory(MemoryJournal);

impl Place for Memory {
    type Journal = MemoryJournal;

    fn new() -> Self {
        Self::default()
    }

    fn open(&mut self) -> MemoryJournal {
        self.0.clone()
    }
}

/// A journal that could fail, and does not: behind as many commits as no test makes.
#[derive(Default)]
struct Faulty(MemoryJournal);

impl Place for Faulty {
    type Journal = FaultyJournal<MemoryJournal>;

    fn new() -> Self {
        Self::default()
    }

    fn open(&mut self) -> Self::Journal {
        FaultyJournal::new(self.0.clone(), u64::MAX, Fault::Before)
    }
}

/// A file, gone with its test.
struct InFile(PathBuf);

impl Drop for InFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Place for InFile {
    type Journal = RedbJournal;

    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("antiphon-journals-{}-{number}.redb", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn open(&mut self) -> RedbJournal {
        RedbJournal::open(&self.0).unwrap()
    }
}

/// A disk that forgets what was not synced whenever the journal is opened again.
struct OnDisk(Disk);

impl Place for OnDisk {
    type Journal = RedbJournal;

    fn new() -> Self {
        Self(Disk::default())
    }

    fn open(&mut self) -> RedbJournal {
        self.0 = self.0.crash(|_| false);
        RedbJournal::on(self.0.clone()).unwrap()
    }
}

/// The head of the records up to `index`: what a session would have, as far as a journal knows.
fn head(index: u64) -> [u8; 32] {
    let mut head = [7; 32];
    head[..8].copy_from_slice(&index.to_le_bytes());
    head
}

/// An append that a test names in few words.
struct Batch(u128, u64, u32, [u8; 32], Vec<u8>);

fn batch(session: u128, first: u64, count: u32) -> Batch {
    let bytes = format!("{session}:{first}+{count}").into_bytes();
    Batch(session, first, count, head(first.saturating_add(count.into())), bytes)
}

impl Batch {
    fn write(&self) -> Write<'_> {
        let Self(session, first, count, head, bytes) = self;
        Write::Append { session: *session, first: *first, count: *count, head, bytes }
    }

    fn stored(&self) -> Stored {
        let Self(_, first, count, head, ref bytes) = *self;
        Stored { first, count, head, bytes: bytes.clone().into() }
    }
}

fn commit(journal: &mut dyn Journal, fence: Fence, batches: &[Batch]) -> Result<(), JournalError> {
    journal.commit(fence, &batches.iter().map(Batch::write).collect::<Vec<_>>())
}

/// Everything of a session, read in pages of `max`.
fn all(journal: &dyn Journal, session: u128, max: usize) -> Vec<Stored> {
    let (mut found, mut next) = (Vec::new(), 0);
    loop {
        let mut page = journal.read(session, next, max).unwrap();
        assert!(page.len() <= max);
        let Some(last) = page.last() else { return found };
        next = last.end();
        found.append(&mut page);
    }
}

/// Sessions with their batches and their snapshots.
type Content = Vec<(u128, Vec<Stored>, Option<Snapshot>)>;

/// All that a journal holds of sessions.
fn content(journal: &dyn Journal) -> Content {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = journal.sessions(after, 2).unwrap();
        let Some(last) = page.last() else { return found };
        after = Some(*last);
        found.extend(page.into_iter().map(|session| {
            (session, all(journal, session, 3), journal.snapshot(session).unwrap())
        }));
    }
}

/// The suite: each test is a function over a kind of journal.
mod suite {
    use super::*;

    /// JSTO-5.
    pub(super) fn what_was_appended_is_read_in_pages<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let mut wanted = Vec::new();
        let mut first = 0;
        for count in [1, 3, 1, 2, 7, 1, 1] {
            // Neighbours, so that a page which went too far would be seen.
            let others = [batch(4, first, count), batch(6, first, count)];
            commit(&mut journal, fence, &others).unwrap();
            let batch = batch(5, first, count);
            wanted.push(batch.stored());
            commit(&mut journal, fence, &[batch]).unwrap();
            first += u64::from(count);
        }
        for max in [1, 2, 3, 7, 8, usize::MAX] {
            assert_eq!(all(&journal, 5, max), wanted);
        }
        for from in 0..first {
            let behind = wanted.iter().filter(|batch| batch.end() > from).cloned();
            let behind: Vec<Stored> = behind.collect();
            assert_eq!(journal.read(5, from, 100).unwrap(), behind, "from {from}");
            assert_eq!(journal.read(5, from, 1).unwrap(), behind[..1]);
        }
        for from in [first, first + 1, u64::MAX] {
            assert_eq!(journal.read(5, from, 100).unwrap(), []);
        }
        assert_eq!(journal.read(5, 0, 0).unwrap(), []);
        assert_eq!(journal.read(7, 0, 100).unwrap(), []);
    }

    /// JSTO-5.
    pub(super) fn a_page_of_long_batches_ends_early<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let long = vec![9; PAGE_BYTES_MAX / 2];
        for first in 0..5 {
            let head = &head(first);
            let write = Write::Append { session: 1, first, count: 1, head, bytes: &long };
            journal.commit(fence, &[write]).unwrap();
        }
        assert_eq!(journal.read(1, 0, 5).unwrap().len(), 2);
        assert_eq!(all(&journal, 1, 5).len(), 5);
    }

    /// JSTO-2.
    pub(super) fn an_append_goes_on_where_its_session_ends<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let is_refused = |journal: &mut P::Journal, first, expected| {
            let before = content(journal);
            let refused = commit(journal, fence, &[batch(1, first, 1)]).unwrap_err();
            assert!(refused.is_certain());
            let JournalError::Conflict { session: 1, expected: wanted, found } = refused else {
                panic!("{refused}")
            };
            assert_eq!((wanted, found), (expected, first));
            assert_eq!(content(journal), before);
        };
        is_refused(&mut journal, 1, 0);
        commit(&mut journal, fence, &[batch(1, 0, 3)]).unwrap();
        for first in [0, 1, 2, 4, u64::MAX] {
            is_refused(&mut journal, first, 3);
        }
        // Two of one session in one commit: the second goes on behind the first.
        commit(&mut journal, fence, &[batch(1, 3, 1), batch(2, 0, 1), batch(1, 4, 2)]).unwrap();
        is_refused(&mut journal, 4, 6);
        // It is known again behind a restart.
        drop(journal);
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let refused = commit(&mut journal, fence, &[batch(1, 5, 1)]).unwrap_err();
        assert!(matches!(refused, JournalError::Conflict { expected: 6, found: 5, .. }));
        commit(&mut journal, fence, &[batch(1, 6, 1)]).unwrap();
    }

    /// JSTO-3.
    pub(super) fn who_was_fenced_writes_nothing<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let none = commit(&mut journal, Fence(1), &[batch(1, 0, 1)]).unwrap_err();
        assert!(matches!(none, JournalError::Fenced { own: Fence(1), latest: Fence(0) }));
        let first = journal.fence().unwrap();
        commit(&mut journal, first, &[batch(1, 0, 1)]).unwrap();
        let second = journal.fence().unwrap();
        assert!(second > first);
        let before = content(&journal);
        for own in [Fence(0), first, Fence(second.0 + 1)] {
            let refused = commit(&mut journal, own, &[batch(1, 1, 1)]).unwrap_err();
            assert!(refused.is_certain());
            let JournalError::Fenced { latest, .. } = refused else { panic!("{refused}") };
            assert_eq!(latest, second);
            // Also who has nothing to write learns it.
            assert!(commit(&mut journal, own, &[]).is_err());
        }
        assert_eq!(content(&journal), before);
        commit(&mut journal, second, &[batch(1, 1, 1)]).unwrap();
        drop(journal);
        let mut journal = place.open();
        let third = journal.fence().unwrap();
        assert!(third > second, "a fence is never taken twice");
        assert!(commit(&mut journal, second, &[batch(1, 2, 1)]).is_err());
        commit(&mut journal, third, &[batch(1, 2, 1)]).unwrap();
    }

    /// JSTO-1, JSTO-4.
    pub(super) fn a_commit_is_all_or_nothing<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        commit(&mut journal, fence, &[batch(1, 0, 1), batch(2, 0, 2)]).unwrap();
        let before = content(&journal);
        let (digest, head) = (&[3; 32], &head(1));
        let (good, again) = ([batch(1, 1, 1), batch(3, 0, 1)], batch(2, 0, 2));
        let [behind, none, twice] = [batch(2, 3, 1), batch(2, 2, 0), batch(1, 1, 1)];
        for last in [
            behind.write(),
            none.write(),
            twice.write(),
            Write::Snapshot { session: 2, upto: 3, head, bytes: b"ahead" },
        ] {
            let mut writes: Vec<Write<'_>> = good.iter().map(Batch::write).collect();
            writes.push(Write::Blob { digest, bytes: b"text" });
            writes.push(Write::Snapshot { session: 1, upto: 2, head, bytes: b"state" });
            writes.push(Write::Remove { session: 2 });
            writes.push(again.write());
            writes.push(last);
            let refused = journal.commit(fence, &writes).unwrap_err();
            assert!(refused.is_certain(), "{refused}");
            assert_eq!(content(&journal), before, "{refused}");
            assert_eq!(journal.blob(digest).unwrap(), None);
        }
        // What was checked left nothing behind: the same go on from where they were.
        commit(&mut journal, fence, &[batch(1, 1, 1), batch(2, 2, 1), batch(3, 0, 1)]).unwrap();
    }

    /// JSTO-6.
    pub(super) fn snapshots_are_replaced_and_sessions_removed<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let save = |journal: &mut P::Journal, session, upto, bytes: &[u8]| {
            let head = &head(upto);
            journal.commit(fence, &[Write::Snapshot { session, upto, head, bytes }])
        };
        let saved = |upto, bytes: &'static [u8]| {
            Some(Snapshot { upto, head: head(upto), bytes: bytes.into() })
        };
        assert_eq!(journal.snapshot(1).unwrap(), None);
        commit(&mut journal, fence, &[batch(1, 0, 2), batch(2, 0, 1)]).unwrap();
        save(&mut journal, 1, 1, b"one").unwrap();
        save(&mut journal, 1, 2, b"").unwrap();
        assert_eq!(journal.snapshot(1).unwrap(), saved(2, b""));
        assert_eq!(all(&journal, 1, 9), [batch(1, 0, 2).stored()], "its batches stay");
        assert_eq!(journal.snapshot(2).unwrap(), None);

        journal
            .commit(fence, &[Write::Remove { session: 1 }, Write::Remove { session: 9 }])
            .unwrap();
        assert_eq!(journal.sessions(None, 9).unwrap(), [2]);
        assert_eq!((all(&journal, 1, 9), journal.snapshot(1).unwrap()), (vec![], None));
        assert!(commit(&mut journal, fence, &[batch(1, 2, 1)]).is_err());
        commit(&mut journal, fence, &[batch(1, 0, 1)]).unwrap();

        // A session that has nothing but a snapshot is there, and goes on behind it.
        save(&mut journal, 3, 40, b"forty").unwrap();
        assert_eq!(journal.sessions(None, 9).unwrap(), [1, 2, 3]);
        assert!(commit(&mut journal, fence, &[batch(3, 0, 1)]).is_err());
        drop(journal);
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        assert_eq!(journal.snapshot(3).unwrap(), saved(40, b"forty"));
        commit(&mut journal, fence, &[batch(3, 40, 1)]).unwrap();
        // Removed, and there again in the same commit.
        let writes = [
            Write::Remove { session: 2 },
            Write::Snapshot { session: 2, upto: 7, head: &head(7), bytes: b"seven" },
        ];
        journal.commit(fence, &writes).unwrap();
        assert_eq!(
            (all(&journal, 2, 9), journal.snapshot(2).unwrap()),
            (vec![], saved(7, b"seven"))
        );
    }

    /// JSTO-6.
    pub(super) fn sessions_are_listed_in_order_and_in_pages<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let ids = [0, 1, 2, 0xff, 0x100, u128::from(u64::MAX), 1 << 64, u128::MAX - 1, u128::MAX];
        let mut batches: Vec<Batch> = ids.iter().map(|id| batch(*id, 0, 1)).collect();
        batches.reverse();
        batches.push(batch(1, 1, 1));
        commit(&mut journal, fence, &batches).unwrap();
        for max in 1..=ids.len() + 1 {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let mut page = journal.sessions(after, max).unwrap();
                assert!(page.len() <= max);
                let Some(last) = page.last() else { break };
                after = Some(*last);
                found.append(&mut page);
            }
            assert_eq!(found, ids);
        }
        assert_eq!(journal.sessions(Some(5), 2).unwrap(), [0xff, 0x100]);
        assert_eq!(journal.sessions(None, 0).unwrap(), []);
        assert_eq!(journal.read(u128::MAX, 0, 9).unwrap().len(), 1);
    }

    /// JSTO-7.
    pub(super) fn a_text_stays_what_it_was<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let put = |journal: &mut P::Journal, digest, bytes: &[u8]| {
            journal.commit(fence, &[Write::Blob { digest, bytes }]).unwrap();
        };
        put(&mut journal, &[1; 32], b"one");
        put(&mut journal, &[2; 32], b"");
        put(&mut journal, &[1; 32], b"other");
        assert_eq!(journal.blob(&[1; 32]).unwrap().as_deref(), Some(&b"one"[..]));
        drop(journal);
        let journal = place.open();
        assert_eq!(journal.blob(&[1; 32]).unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(journal.blob(&[2; 32]).unwrap().as_deref(), Some(&b""[..]));
        assert_eq!(journal.blob(&[3; 32]).unwrap(), None);
        assert_eq!(journal.sessions(None, 9).unwrap(), [], "a text is no session");
    }

    /// JSTO-4. The bytes are those of a page that nobody touches: they are refused by their count.
    pub(super) fn what_is_too_much_is_refused<P: Place>() {
        let mut place = P::new();
        let mut journal = place.open();
        let fence = journal.fence().unwrap();
        let (head, bytes) = (&head(0), vec![0; BATCH_BYTES_MAX + 1]);
        let session = 1;
        let of = |max| &bytes[..max + 1];
        let small = batch(1, 0, 1);
        let many = vec![small.write(); COMMIT_WRITES_MAX + 1];
        let one = |write| vec![write];
        for (writes, wanted) in [
            (
                one(Write::Append {
                    session,
                    first: 0,
                    count: 1,
                    head,
                    bytes: of(BATCH_BYTES_MAX),
                }),
                BATCH_BYTES_MAX,
            ),
            (
                one(Write::Snapshot { session, upto: 0, head, bytes: of(SNAPSHOT_BYTES_MAX) }),
                SNAPSHOT_BYTES_MAX,
            ),
            (one(Write::Blob { digest: head, bytes: of(BLOB_BYTES_MAX) }), BLOB_BYTES_MAX),
            (many, COMMIT_WRITES_MAX),
        ] {
            let refused = journal.commit(fence, &writes).unwrap_err();
            let JournalError::Limit { max, found, .. } = refused else { panic!("{refused}") };
            assert_eq!((max, found), (wanted as u64, wanted as u64 + 1));
        }
        let refused = commit(&mut journal, fence, &[batch(1, 0, 0)]).unwrap_err();
        assert!(matches!(refused, JournalError::Empty { session: 1 }));
        assert_eq!(content(&journal), []);
        // An index has 64 bits.
        let last = u64::MAX;
        let snapshot = Write::Snapshot { session, upto: last, head, bytes: b"" };
        journal.commit(fence, &[snapshot]).unwrap();
        let append = Write::Append { session, first: last, count: 1, head, bytes: b"" };
        let refused = journal.commit(fence, &[append]).unwrap_err();
        assert!(matches!(refused, JournalError::Limit { max: u64::MAX, .. }), "{refused}");
    }

    /// JSTO-1.
    pub(super) fn it_is_there_when_it_is_opened_again<P: Place>() {
        let mut place = P::new();
        let mut wanted = Vec::new();
        for round in 0..4 {
            let mut journal = place.open();
            assert_eq!(all(&journal, 1, 2), wanted);
            let fence = journal.fence().unwrap();
            for first in 3 * round..3 * (round + 1) {
                commit(&mut journal, fence, &[batch(1, first, 1)]).unwrap();
                wanted.push(batch(1, first, 1).stored());
            }
        }
        assert_eq!(all(&place.open(), 1, 2), wanted);
    }
}

macro_rules! journals {
    ($place:ident, $name:ident: $($test:ident)*) => {
        mod $name {
            $(#[test] fn $test() { super::suite::$test::<super::$place>(); })*
        }
    };
    ($($place:ident $name:ident)*) => {
        $(journals! { $place, $name:
            what_was_appended_is_read_in_pages
            a_page_of_long_batches_ends_early
            an_append_goes_on_where_its_session_ends
            who_was_fenced_writes_nothing
            a_commit_is_all_or_nothing
            snapshots_are_replaced_and_sessions_removed
            sessions_are_listed_in_order_and_in_pages
            a_text_stays_what_it_was
            what_is_too_much_is_refused
            it_is_there_when_it_is_opened_again
        })*
    };
}

journals! { Memory memory Faulty faulty_memory InFile redb_in_a_file OnDisk redb_on_a_disk }

/// The commits of a small life: appends to three sessions, a snapshot, a removal, a text.
fn life(journal: &mut dyn Journal) -> Vec<Result<(), JournalError>> {
    let mut done = Vec::new();
    let fence = match journal.fence() {
        Ok(fence) => fence,
        Err(error) => return vec![Err(error)],
    };
    done.push(Ok(()));
    for round in 0..4 {
        let batches: Vec<Batch> = (1..=3).map(|session| batch(session, round, 1)).collect();
        let mut writes: Vec<Write<'_>> = batches.iter().map(Batch::write).collect();
        let (head, text, digest) = (&head(round + 1), vec![5; 9000], &[4; 32]);
        match round {
            0 => writes.push(Write::Blob { digest, bytes: &text }),
            1 => writes.push(Write::Snapshot { session: 2, upto: 2, head, bytes: &text }),
            2 => writes.push(Write::Remove { session: 3 }),
            _ => writes.truncate(2),
        }
        done.push(journal.commit(fence, &writes));
    }
    done
}

/// What a journal holds behind each commit of [`life`].
fn stages() -> Vec<Content> {
    let mut stages = Vec::new();
    for at in 0..=4 {
        let memory = MemoryJournal::default();
        life(&mut FaultyJournal::new(memory.clone(), at, Fault::Before));
        stages.push(content(&memory));
    }
    stages
}

/// JSTO-1, JSTO-9: the power goes at every call that changes the disk, and of what was not synced the
/// disk keeps nothing, everything, or one half or the other.
#[test]
fn a_loss_of_power_at_any_moment_loses_only_what_was_not_acknowledged() {
    let stages = stages();
    let new = Disk::default();
    drop(RedbJournal::on(new.clone()).unwrap());
    let new = new.content();
    let whole = Disk::of(new.clone());
    assert!(life(&mut RedbJournal::on(whole.clone()).unwrap()).iter().all(Result::is_ok));
    let mut seen = [0; 5];
    for calls in 0..whole.done() {
        let disk = Disk::of(new.clone());
        disk.fail_after(calls);
        let mut done = Vec::new();
        if let Ok(mut journal) = RedbJournal::on(disk.clone()) {
            done = life(&mut journal);
            let first_bad = done.iter().position(Result::is_err).unwrap_or(done.len());
            for error in done[first_bad..].iter().skip(1) {
                assert!(matches!(error, Err(JournalError::Failed)), "{error:?}");
            }
        }
        // The first one is the fence, which is no stage of its own.
        let acknowledged = done.iter().filter(|done| done.is_ok()).count().saturating_sub(1);
        type Keeps = fn(usize) -> bool;
        let keeps: [Keeps; 4] = [|_| false, |_| true, |at| at % 2 == 0, |at| at % 2 == 1];
        for keeps in keeps {
            let journal = RedbJournal::on(disk.crash(keeps)).unwrap();
            let found = content(&journal);
            let stage = stages.iter().position(|stage| *stage == found);
            let stage = stage.unwrap_or_else(|| panic!("{calls}: a half: {found:?}"));
            assert!(
                stage == acknowledged || stage == acknowledged + 1,
                "{calls}: {acknowledged} were acknowledged, {stage} are there"
            );
            seen[stage] += 1;
        }
    }
    assert!(seen.iter().all(|seen| *seen > 0), "{seen:?}");
}

/// JSTO-8: a disk that says it has synced and has not loses commits, and never a half of one.
#[test]
fn a_disk_that_lies_loses_whole_commits() {
    let stages = stages();
    let new = Disk::default();
    drop(RedbJournal::on(new.clone()).unwrap());
    for half in 0..2 {
        let disk = Disk::of(new.content());
        let mut journal = RedbJournal::on(disk.clone()).unwrap();
        disk.lie();
        assert!(life(&mut journal).iter().all(Result::is_ok));
        let lost = disk.crash(|_| false);
        let found = content(&RedbJournal::on(lost).unwrap());
        assert!(stages.contains(&found));
        // A half of what it said to have written: the file may be past repair, and says so.
        match RedbJournal::on(disk.crash(|at| at % 2 == half)) {
            Ok(journal) => assert!(stages.contains(&content(&journal))),
            Err(error) => assert!(matches!(error, JournalError::Damaged(_)), "{error}"),
        }
    }
}

/// JSTO-8: a file that was cut, or in which a byte was changed.
#[test]
fn a_file_that_was_cut_or_changed_is_named_or_whole() {
    let disk = Disk::default();
    let mut journal = RedbJournal::on(disk.clone()).unwrap();
    life(&mut journal);
    let wanted = content(&journal);
    drop(journal);
    let good = disk.content();
    // Cut where a page ends and elsewhere, and changed at about a thousand places.
    let cuts = (0..good.len()).step_by(64 * 1024 + 511);
    let changes = (0..good.len()).step_by(good.len() / 1000 + 1);
    let damaged = cuts.map(|at| good[..at].to_vec()).chain(changes.map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes
    }));
    let mut named = 0;
    for (number, bytes) in damaged.enumerate() {
        // An empty disk is a new one.
        if bytes.is_empty() {
            continue;
        }
        match RedbJournal::on(Disk::of(bytes)) {
            Ok(journal) => assert_eq!(content(&journal), wanted, "{number}"),
            Err(JournalError::Damaged(_) | JournalError::NotAJournal(_)) => named += 1,
            Err(error) => panic!("{number}: {error}"),
        }
    }
    assert!(named > 10, "{named}");
}

/// JSTO-8.
#[test]
fn what_is_no_journal_is_not_made_one() {
    let place = InFile::new();
    let path = &place.0;
    assert!(matches!(RedbJournal::existing(path), Err(JournalError::Io(_))));
    for other in [&b""[..], b"something else", &[0; 9000]] {
        std::fs::write(path, other).unwrap();
        let opened =
            [RedbJournal::open(path), RedbJournal::existing(path), RedbJournal::trusted(path)];
        for refused in opened {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, JournalError::NotAJournal(_)), "{refused}");
        }
        assert_eq!(std::fs::read(path).unwrap(), other);
    }
    std::fs::remove_file(path).unwrap();
    // A database of somebody else.
    let table = redb::TableDefinition::<&str, u64>::new("about");
    let database = redb::Database::create(path).unwrap();
    drop(database);
    assert!(matches!(RedbJournal::open(path), Err(JournalError::NotAJournal(_))));
    let database = redb::Database::create(path).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(table).unwrap().insert("antiphon journal", 2).unwrap();
    writing.commit().unwrap();
    drop(database);
    assert!(matches!(RedbJournal::open(path), Err(JournalError::NotAJournal(_))));
    // A later version of this one.
    std::fs::remove_file(path).unwrap();
    drop(RedbJournal::open(path).unwrap());
    let database = redb::Database::create(path).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(table).unwrap().insert("antiphon journal", 2).unwrap();
    writing.commit().unwrap();
    drop(database);
    let refused = RedbJournal::open(path).unwrap_err();
    assert!(matches!(refused, JournalError::Version { found: 2, known: 1 }), "{refused}");
}

#[test]
fn a_file_is_open_once_and_its_handles_are_one_journal() {
    let mut place = InFile::new();
    let mut journal = place.open();
    assert!(matches!(RedbJournal::open(&place.0), Err(JournalError::InUse)));
    let mut other = journal.clone();
    assert!(matches!(other.shrink(), Err(JournalError::InUse)));
    let old = journal.fence().unwrap();
    let new = other.fence().unwrap();
    assert!(matches!(commit(&mut journal, old, &[]), Err(JournalError::Fenced { .. })));
    commit(&mut other, new, &[batch(1, 0, 1)]).unwrap();
    assert_eq!(all(&journal, 1, 9).len(), 1);
    // Reading goes on beside writing, from any thread.
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| while all(&journal, 1, 7).len() < 50 {});
        for first in 1..50 {
            commit(&mut other, new, &[batch(1, first, 1)]).unwrap();
        }
        reader.join().unwrap();
    });
    drop(journal);
    let long = vec![1; 1 << 20];
    let write = Write::Append { session: 2, first: 0, count: 1, head: &[0; 32], bytes: &long };
    other.commit(new, &[write]).unwrap();
    other.commit(new, &[Write::Remove { session: 2 }]).unwrap();
    assert!(other.shrink().unwrap());
    assert_eq!(all(&other, 1, 9).len(), 50);
}

/// What the faults of a journal are to who uses it.
#[test]
fn a_faulty_journal_fails_as_it_says() {
    for (fault, kept) in
        [(Fault::Before, 1), (Fault::After, 3), (Fault::Tears, 2), (Fault::Delays, 1)]
    {
        let memory = MemoryJournal::default();
        let mut journal = FaultyJournal::new(memory.clone(), 1, fault);
        let fence = journal.fence().unwrap();
        commit(&mut journal, fence, &[batch(1, 0, 1)]).unwrap();
        let failed = commit(&mut journal, fence, &[batch(2, 0, 1), batch(3, 0, 1)]).unwrap_err();
        assert!(!failed.is_certain());
        assert_eq!(memory.sessions(None, 9).unwrap().len(), kept, "{fault:?}");
        let next = commit(&mut journal, fence, &[batch(1, 1, 1)]);
        assert_eq!(next.is_ok(), fault == Fault::Delays);
        assert_eq!(content(&journal.into_inner()), content(&memory));
    }
}

/// A journal whose commits take as long as somebody says.
struct Slow {
    inner: MemoryJournal,
    commits: Arc<AtomicU64>,
    may_go_on: std::sync::mpsc::Receiver<()>,
}

impl Journal for Slow {
    fn fence(&mut self) -> Result<Fence, JournalError> {
        self.inner.fence()
    }
    fn commit(&mut self, fence: Fence, writes: &[Write<'_>]) -> Result<(), JournalError> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.may_go_on.recv().expect("the test says when");
        self.inner.commit(fence, writes)
    }
    fn read(&self, session: u128, from: u64, max: usize) -> Result<Vec<Stored>, JournalError> {
        self.inner.read(session, from, max)
    }
    fn snapshot(&self, session: u128) -> Result<Option<Snapshot>, JournalError> {
        self.inner.snapshot(session)
    }
    fn sessions(&self, after: Option<u128>, max: usize) -> Result<Vec<u128>, JournalError> {
        self.inner.sessions(after, max)
    }
    fn blob(&self, digest: &[u8; 32]) -> Result<Option<bytes::Bytes>, JournalError> {
        self.inner.blob(digest)
    }
}

/// HUB-4: what comes while a commit is under way is one commit after it; what is refused for one of
/// them is refused for nobody else.
#[test]
fn those_who_wait_for_the_disk_wait_for_it_together() {
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let (inner, commits) = (MemoryJournal::default(), Arc::new(AtomicU64::new(0)));
    let slow = Slow { inner, commits: Arc::clone(&commits), may_go_on };
    let mut group = GroupJournal::new(slow).unwrap();
    let fence = group.fence().unwrap();
    let until = |wanted: u64| {
        while commits.load(Ordering::SeqCst) < wanted {
            std::thread::yield_now();
        }
    };
    let append = |session: u128, first: u64| {
        let mut group = group.clone();
        move || {
            let head = &[0; 32];
            let write = Write::Append { session, first, count: 1, head, bytes: b"x" };
            group.commit(fence, &[write])
        }
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(append(0, 0));
        until(1);
        // Eight come meanwhile, and one of them does not go on where its session ends.
        let waiting: Vec<_> =
            (1..=8).map(|session| scope.spawn(append(session, u64::from(session == 5)))).collect();
        // Nothing says from outside that they have left their writes; a commit more does no harm.
        std::thread::sleep(std::time::Duration::from_millis(100));
        for _ in 0..20 {
            go_on.send(()).unwrap();
        }
        first.join().unwrap().unwrap();
        for (session, done) in (1..).zip(waiting) {
            let done = done.join().unwrap();
            match session {
                5 => assert!(matches!(done, Err(JournalError::Conflict { .. })), "{done:?}"),
                _ => done.unwrap(),
            }
        }
    });
    // One for the first, one for all others, and one each because one of them was refused.
    assert!(commits.load(Ordering::SeqCst) <= 10, "{commits:?}");
    assert_eq!(group.sessions(None, 100).unwrap(), [0, 1, 2, 3, 4, 6, 7, 8]);
}
