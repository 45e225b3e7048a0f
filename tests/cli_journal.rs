//! `antiphon journal` as a process: what it says of a file with many sessions, and what it makes of it.
#![cfg(feature = "cli")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use antiphon::driver::{append, keep};
use antiphon::journal::{Journal, RedbJournal, Write};
use antiphon::machine::*;
use antiphon::types::Protocol;

const LIVE: &str = "00000000000000000000000000000001";
const ENDED: &str = "00000000000000000000000000000002";
const CANCELLED: &str = "00000000000000000000000000000003";

/// A folder, gone with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("antiphon-cli-journal-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_antiphon"))
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("CLICOLOR_FORCE")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (status, out, error) = self.run(arguments);
        assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}");
        out
    }

    /// Standard output and error of what fails with a status.
    fn bad(&self, wanted: i32, arguments: &[&str]) -> (String, String) {
        let (status, out, error) = self.run(arguments);
        assert_eq!(status, wanted, "{arguments:?}: {error}");
        (out, error)
    }

    /// `host.redb`: a session that goes on, one that has ended, and one that was cancelled.
    fn story(&self) -> (Machine, Vec<Batch>) {
        let (machine, batches) = story();
        let mut journal = RedbJournal::open(self.path("host.redb")).unwrap();
        let fence = journal.fence().unwrap();
        keep(&mut journal, fence, [&*shop()], &batches).unwrap();
        (machine, batches)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn shop() -> Arc<Protocol> {
    let text = "
        Buyer  = Seller!title(string) . Seller?quote(nat) . end
        Seller = Buyer?title(string)  . Buyer!quote(nat)  . end
    ";
    Arc::new(text.parse::<Protocol>().unwrap())
}

fn story() -> (Machine, Vec<Batch>) {
    let shop = shop();
    let (buyer, seller) = (shop.role("Buyer").unwrap(), shop.role("Seller").unwrap());
    let mut machine = Machine::new();
    for session in (1..=3).map(SessionId) {
        let open = Open {
            session,
            protocol: machine.register(&shop),
            owner: Owner::new("host").unwrap(),
            capacities: Capacities::default(),
            journal: true,
            on_lost: OnLost::default(),
            policies: Vec::new(),
        };
        let opened = machine.handle(Tick(1), Input::Open(open)).unwrap();
        let Accepted::Opened(capability) = opened else { panic!("{opened:?}") };
        let by = capability.present().clone();
        let send = |role, to, label: &str, value| {
            Act::Send(Send { role, to, label: shop.label(label).unwrap(), value, at: None })
        };
        let receive = |role, from| Act::Receive(Receive { role, from, at: None });
        machine.act(Tick(2), &by, send(buyer, seller, "title", "Ulysses".into())).unwrap();
        machine.seal();
        machine.act(Tick(3), &by, receive(seller, buyer)).unwrap();
        match session {
            SessionId(2) => {
                machine.act(Tick(4), &by, send(seller, buyer, "quote", 12_u64.into())).unwrap();
                machine.act(Tick(5), &by, receive(buyer, seller)).unwrap();
            }
            SessionId(3) => {
                let cancel = Act::Cancel { reason: "out of print".into() };
                machine.act(Tick(4), &by, cancel).unwrap();
            }
            _ => {}
        }
        machine.seal();
    }
    let mut batches = Vec::new();
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            batches.push(batch);
        }
    }
    (machine, batches)
}

#[test]
fn sessions_and_records_are_shown() {
    let folder = Folder::new();
    folder.story();
    insta::assert_snapshot!("ls", folder.good(&["journal", "ls", "host.redb"]));
    insta::assert_snapshot!("ls_json", folder.good(&["journal", "ls", "host.redb", "--json"]));
    insta::assert_snapshot!("show", folder.good(&["journal", "show", "host.redb", CANCELLED]));
    let json = folder.good(&["journal", "show", "host.redb", ENDED, "--json"]);
    let indices: Vec<u64> = json
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["index"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(indices, [0, 1, 2, 3, 4]);
}

/// JSTO-13.
#[test]
fn what_is_exported_is_a_journal_that_verifies() {
    let folder = Folder::new();
    let (machine, _) = folder.story();
    for (id, number) in [(LIVE, 1), (ENDED, 2), (CANCELLED, 3)] {
        let file = &format!("{number}.journal");
        let said = folder.good(&["journal", "export", "host.redb", id, file]);
        assert!(said.starts_with(&format!("session {id}: ")), "{said}");
        let bytes = std::fs::read(folder.path(file)).unwrap();
        let read = antiphon::wire::journal::Journal::read(&bytes).unwrap();
        let session = SessionId(number);
        assert!(read.is_complete);
        assert_eq!(Some(read.head), machine.journal_head(session));
        let replayed = read.replay().unwrap();
        assert_eq!(replayed.machine().session_digest(session), machine.session_digest(session));
        folder.good(&["replay", file]);
        folder.good(&["verify", file]);
        folder.good(&["audit", file]);
        assert_eq!(folder.good(&["journal", "export", "host.redb", id, "-"]).as_bytes(), bytes);
        // A file that is there is not written over.
        let (_, error) = folder.bad(2, &["journal", "export", "host.redb", id, file]);
        assert!(error.contains(file.as_str()), "{error}");
    }
}

#[test]
fn a_broken_session_is_told_and_fails() {
    let folder = Folder::new();
    let said = {
        folder.story();
        folder.good(&["journal", "verify", "host.redb"])
    };
    assert_eq!(
        said,
        "3 sessions with 12 records hold and replay; 0 are compacted and hold; 0 are broken\n"
    );
    let (_, batches) = story();
    let mut journal = RedbJournal::open(folder.path("host.redb")).unwrap();
    let fence = journal.fence().unwrap();
    let of = |id| batches.iter().filter(move |batch| batch.session == SessionId(id));
    let mut second: Vec<Batch> = of(2).cloned().collect();
    second[1].head.0[0] ^= 1;
    journal.commit(fence, &[Write::Remove { session: 2 }]).unwrap();
    journal.commit(fence, &second.iter().map(append).collect::<Vec<_>>()).unwrap();
    drop(journal);
    let (out, error) = folder.bad(1, &["journal", "verify", "host.redb"]);
    let told =
        format!("session {ENDED} is broken at record 2: the records of its batch do not give");
    assert!(out.starts_with(&told), "{out}");
    assert!(out.contains("\n2 sessions with 7 records hold"), "{out}");
    assert!(error.contains("`host.redb`: a session is broken"), "{error}");
    let (_, error) = folder.bad(1, &["journal", "show", "host.redb", ENDED]);
    assert!(error.contains("broken at record 2"), "{error}");
    assert!(folder.good(&["journal", "ls", "host.redb"]).contains("broken"));
    folder.good(&["journal", "show", "host.redb", LIVE]);
    // What is broken is not compacted, and what is not is.
    let (out, error) = folder.bad(1, &["journal", "compact", "host.redb"]);
    assert!(out.contains("1 sessions that have ended are compacted"), "{out}");
    assert!(error.contains("1 broken sessions were left as they are"), "{error}");
}

/// JSTO-19.
#[test]
fn a_snapshot_is_verified_by_the_records_in_front_of_it() {
    let folder = Folder::new();
    let (machine, batches) = folder.story();
    let session = SessionId(1);
    let snapshot = machine.snapshot(session).unwrap();
    let saved = |snapshot: &SessionSnapshot, bytes: &[u8]| {
        let mut journal = RedbJournal::open(folder.path("host.redb")).unwrap();
        let fence = journal.fence().unwrap();
        let (upto, head) = (snapshot.records(), &snapshot.head().0);
        let write = Write::Snapshot { session: session.0, upto, head, bytes };
        journal.commit(fence, &[write]).unwrap();
    };
    saved(&snapshot, snapshot.bytes());
    let said = folder.good(&["journal", "verify", "host.redb"]);
    assert!(said.ends_with("0 are broken\n1 snapshots are where their sessions stood\n"), "{said}");
    let said = folder.good(&["journal", "show", "host.redb", LIVE]);
    assert!(said.contains(": active, a snapshot behind 3 records\n"), "{said}");

    // Another history is said to lead there.
    let mut lying = Machine::new();
    lying.register(&shop());
    for batch in batches.iter().filter(|batch| batch.session == session) {
        for mut record in Record::decode_batch(batch, &shop()).unwrap() {
            if let Recorded::Input(Input::Open(open)) = &mut record.event {
                open.on_lost = OnLost::Release;
            }
            lying.replay_record(session, &record).unwrap();
        }
    }
    lying.resume_journal(session, *snapshot.head());
    let lie = lying.snapshot(session).unwrap();
    saved(&lie, lie.bytes());
    let (out, error) = folder.bad(1, &["journal", "verify", "host.redb"]);
    let told = "its snapshot does not fit: the 3 records in front of it come to another state\n";
    assert_eq!(
        out.lines().next().map(|line| format!("{line}\n")),
        Some(format!("session {LIVE}: {told}"))
    );
    assert!(error.contains("`host.redb`: snapshots that do not fit: 1"), "{error}");

    let mut damaged = snapshot.bytes().to_vec();
    damaged[99] ^= 1;
    saved(&snapshot, &damaged);
    let (out, _) = folder.bad(1, &["journal", "verify", "host.redb"]);
    assert!(out.contains("its snapshot does not fit: its bytes do not give the digest"), "{out}");
    let said = folder.good(&["journal", "show", "host.redb", LIVE]);
    assert!(said.contains("a snapshot that is not used: its bytes do not give"), "{said}");
}

/// JSTO-14.
#[test]
fn sessions_that_have_ended_are_compacted_and_the_others_go_on() {
    let folder = Folder::new();
    let (machine, _) = folder.story();
    folder.good(&["journal", "export", "host.redb", ENDED, "ended.journal"]);
    let compacted = folder.good(&["compact", "ended.journal", "-o", "-"]);
    let said = folder.good(&["journal", "compact", "host.redb"]);
    assert!(
        said.starts_with("2 sessions that have ended are compacted, 0 were already, 1 go on; "),
        "{said}"
    );
    insta::assert_snapshot!("ls_compacted", folder.good(&["journal", "ls", "host.redb"]));
    assert_eq!(folder.good(&["journal", "export", "host.redb", ENDED, "-"]), compacted);
    folder.good(&["journal", "export", "host.redb", ENDED, "ended.compacted"]);
    folder.good(&["audit", "ended.compacted"]);
    assert!(folder.good(&["journal", "show", "host.redb", ENDED]).contains("records kept"));
    let said = folder.good(&["journal", "verify", "host.redb"]);
    assert!(said.contains("2 are compacted and hold; 0 are broken"), "{said}");
    let said = folder.good(&["journal", "compact", "host.redb"]);
    assert!(said.starts_with("0 sessions that have ended are compacted, 2 were already"), "{said}");
    // The one that goes on is as it was.
    let journal = RedbJournal::open(folder.path("host.redb")).unwrap();
    let mut again = Machine::new();
    let mut recovery = antiphon::driver::Recovery::new();
    let report = recovery.all(&journal, &mut again, |_| true).unwrap();
    assert_eq!((report.sessions, report.compacted, report.broken.len()), (1, 2, 0));
    let id = SessionId(1);
    assert_eq!(again.session_digest(id), machine.session_digest(id));
}

/// CLI-3.
#[test]
fn what_cannot_be_looked_into_is_named() {
    let folder = Folder::new();
    let (_, error) = folder.bad(2, &["journal", "ls", "missing.redb"]);
    assert!(error.contains("`missing.redb`: "), "{error}");
    assert!(!folder.path("missing.redb").exists(), "looking makes nothing");
    std::fs::write(folder.path("text"), "not one").unwrap();
    let (_, error) = folder.bad(1, &["journal", "verify", "text"]);
    assert!(error.contains("`text`: this is not a journal: "), "{error}");
    folder.story();
    let (_, error) = folder.bad(1, &["journal", "show", "host.redb", &"f".repeat(32)]);
    assert!(error.contains("is not in the journal"), "{error}");
    folder.bad(2, &["journal", "show", "host.redb", "short"]);
    let open = RedbJournal::open(folder.path("host.redb")).unwrap();
    let (_, error) = folder.bad(2, &["journal", "ls", "host.redb"]);
    assert!(error.contains("in use by another process"), "{error}");
    drop(open);
    let bytes = std::fs::read(folder.path("host.redb")).unwrap();
    std::fs::write(folder.path("host.redb"), &bytes[..bytes.len() / 2]).unwrap();
    let (_, error) = folder.bad(1, &["journal", "ls", "host.redb"]);
    assert!(error.contains("`host.redb`: the journal is damaged: "), "{error}");
}
