//! Many clients of one real host, connected all the time, of whom some are cut each second.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use antiphon::client::{self, ClientError, ClientOptions, Endpoint};
use antiphon::resume::Reconnect;
use antiphon::resume::outbox::Ending;
use antiphon::transport::{Dial, NetDial, Transport};
use bytes::Bytes;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};

use crate::processes::{COUNTING, Folder, Host, number, said};

/// How many connect at once, before any of them is cut.
const AT_ONCE: usize = 64;

/// How much more memory than in its first part of the time the host may come to need for each client:
/// what it remembers of each session grows up to a bound.
const CLIENT_BYTES_MAX: u64 = 4 << 10;

/// And altogether.
const SLACK_BYTES: u64 = 16 << 20;

/// How much longer than clients are cut it may take until all of it has ended. Who waits for somebody
/// that has failed would wait for ever.
const END_MAX: Duration = Duration::from_secs(240);

/// Whoever dials gets connections that can be cut.
#[derive(Clone)]
struct Cut {
    dial: NetDial,
    cut: Arc<Notify>,
    dialled: Arc<AtomicU64>,
}

/// A connection that is lost when it is cut, whatever its client does on it just then.
struct Cutting<T> {
    inner: T,
    cut: Arc<Notify>,
}

async fn unless_cut<T>(cut: &Notify, done: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::select! {
        biased;
        () = cut.notified() => Err(io::ErrorKind::ConnectionReset.into()),
        done = done => done,
    }
}

impl Dial for Cut {
    type Transport = Cutting<<NetDial as Dial>::Transport>;

    async fn dial(&mut self) -> io::Result<Self::Transport> {
        let inner = self.dial.dial().await?;
        self.dialled.fetch_add(1, Ordering::Relaxed);
        Ok(Cutting { inner, cut: Arc::clone(&self.cut) })
    }
}

impl<T: Transport> Transport for Cutting<T> {
    async fn send(&mut self, frame: Bytes) -> io::Result<()> {
        unless_cut(&self.cut, self.inner.send(frame)).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        unless_cut(&self.cut, self.inner.flush()).await
    }

    async fn receive(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        unless_cut(&self.cut, self.inner.receive(most)).await
    }

    async fn close(&mut self) {
        self.inner.close().await;
    }

    fn is_text(&self) -> bool {
        self.inner.is_text()
    }
}

/// Asks with one number after the other until it is time to stop; how many were answered.
async fn ask(mut a: Endpoint, first: Duration, pace: Duration, stop: Arc<AtomicBool>) -> u64 {
    let mut next = Instant::now() + first;
    let mut count = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        sleep_until(next).await;
        next += pace;
        a.send("B", "count", count).await.unwrap();
        let (label, value) = a.receive_from("B").await.unwrap();
        assert_eq!((label.as_str(), value.as_nat().unwrap()), ("answer", count));
        count += 1;
    }
    let sent = a.send("B", "stop", ()).await.map(drop);
    for ended in [sent, a.close().await] {
        is_closed(ended);
    }
    count
}

/// The last answer of a session may be lost: whoever waits for it hears that it has ended.
fn is_closed(ended: Result<(), ClientError>) {
    match ended {
        Ok(()) => {}
        Err(ClientError::Over(Ending::Session { status, .. })) if status == "closed" => {}
        Err(error) => panic!("{error}"),
    }
}

/// Answers each number, which must be the one behind the last; how many there were.
async fn answer(mut b: Endpoint) -> u64 {
    for count in 0.. {
        let (label, value) = match b.receive_from("A").await {
            Ok(received) => received,
            Err(error) => panic!("behind {count}: {error}"),
        };
        if label.as_str() == "stop" {
            is_closed(b.close().await);
            return count;
        }
        assert_eq!(value.as_nat().unwrap(), count);
        b.send("A", "answer", count).await.unwrap();
    }
    unreachable!("it is told to stop")
}

/// The resident bytes of a process.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// How many sockets a process has that listen or are connections; those of its runtimes, which begin
/// when they like, are of another kind.
fn sockets(process: u32) -> usize {
    let tables = ["tcp", "tcp6"].map(|table| {
        // A machine may have no IPv6.
        std::fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default()
    });
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let inodes: HashSet<&str> = lines.filter_map(|line| line.split_whitespace().nth(9)).collect();
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let held = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    held.filter(|file| {
        let socket = file.to_str().and_then(|name| name.strip_prefix("socket:["));
        socket.is_some_and(|name| inodes.contains(name.trim_end_matches(']')))
    })
    .count()
}

/// Opens so many sessions, half of them by way of each transport, and joins their roles.
async fn joined(host: &Host, folder: &Path, sessions: usize) -> (Vec<[Endpoint; 2]>, Vec<Cut>) {
    let secret = std::fs::read_to_string(folder.join("antiphon-data/secret")).unwrap();
    let options = ClientOptions {
        secret: Some(secret.trim().into()),
        reconnect: Reconnect::new(Duration::from_millis(20), Duration::from_secs(2)).unwrap(),
        ..ClientOptions::default()
    };
    let dialled = Arc::new(AtomicU64::new(0));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut joining = Vec::new();
    for session in 0..sessions {
        let address = host.address(if session % 2 == 0 { "ws" } else { "tcp" });
        let dial = NetDial::new(address.parse().unwrap()).unwrap();
        let (options, places) = (options.clone(), Arc::clone(&places));
        let dialled = Arc::clone(&dialled);
        joining.push(tokio::spawn(async move {
            let _place = places.acquire().await.unwrap();
            let opened = client::open(&mut dial.clone(), COUNTING, None, &options).await.unwrap();
            let cut = || Cut {
                dial: dial.clone(),
                cut: Arc::new(Notify::new()),
                dialled: Arc::clone(&dialled),
            };
            let cuts = [cut(), cut()];
            let join = |role: usize| {
                let (name, token) = &opened.invitations[role];
                Endpoint::join(cuts[role].clone(), token, name, options.clone())
            };
            let both = [join(0), join(1)];
            for endpoint in &both {
                endpoint.ready().await.unwrap();
            }
            (both, cuts)
        }));
    }
    let (mut all, mut cuts) = (Vec::new(), Vec::new());
    for one in joining {
        let (both, own) = one.await.unwrap();
        all.push(both);
        cuts.extend(own);
    }
    (all, cuts)
}

/// SERV-8: `ANTIPHON_CLIENTS=10000 ANTIPHON_SECONDS=60 cargo test --release --all-features --test program
/// many` is the long run; it needs `ulimit -n` above the number of clients. `ANTIPHON_SEED` chooses who
/// is cut.
#[test]
fn clients_that_are_cut_again_and_again_lose_nothing() {
    let (clients, seconds) = (number("ANTIPHON_CLIENTS", 100), number("ANTIPHON_SECONDS", 4));
    let seed = number("ANTIPHON_SEED", fastrand::u64(..));
    // One in a hundred each second; of a few, one in ten.
    let each_second = if clients < 1000 { clients / 10 } else { clients / 100 };
    let pace = Duration::from_millis(if clients < 1000 { 200 } else { 1000 });
    println!(
        "{clients} clients, {each_second} cut each second for {seconds} s; ANTIPHON_SEED={seed}"
    );
    let folder = Folder::new("many");
    let mut host = Host::start(&folder.0);
    let before = sockets(host.process.id());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let played = async {
        let sessions = usize::try_from(clients / 2).unwrap();
        let begun = Instant::now();
        let (all, cuts) = joined(&host, &folder.0, sessions).await;
        println!("all are attached after {:.1} s", begun.elapsed().as_secs_f64());
        assert!(sockets(host.process.id()) >= before + clients as usize);
        let stop = Arc::new(AtomicBool::new(false));
        let (mut asking, mut answering) = (Vec::new(), Vec::new());
        let mut rng = fastrand::Rng::with_seed(seed);
        for [a, b] in all {
            let first = Duration::from_secs_f64(pace.as_secs_f64() * rng.f64());
            asking.push(tokio::spawn(ask(a, first, pace, Arc::clone(&stop))));
            answering.push(tokio::spawn(answer(b)));
        }
        let mut samples = Vec::new();
        let mut next = Instant::now();
        for _ in 0..seconds {
            next += Duration::from_secs(1);
            for _ in 0..each_second {
                cuts[rng.usize(..cuts.len())].cut.notify_one();
            }
            sleep_until(next).await;
            samples.push(resident(host.process.id()));
        }
        stop.store(true, Ordering::Relaxed);
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        for (a, b) in asking.into_iter().zip(answering) {
            asked.push(a.await.unwrap());
            answered.push(b.await.unwrap());
        }
        let dialled = cuts[0].dialled.load(Ordering::Relaxed);
        println!(
            "{} messages; {} connections for {clients} clients",
            2 * asked.iter().sum::<u64>(),
            dialled
        );
        assert!(dialled > clients + seconds * each_second / 2, "{dialled}: too few were cut");
        // Of all that were lost, and of those that have ended, it keeps none.
        let soon = Instant::now() + Duration::from_secs(30);
        while sockets(host.process.id()) > before && Instant::now() < soon {
            sleep_until(Instant::now() + Duration::from_millis(50)).await;
        }
        assert_eq!(sockets(host.process.id()), before, "sockets of the host are left");
        (asked, answered, samples)
    };
    let (asked, answered, samples) = runtime
        .unwrap()
        .block_on(async { timeout(Duration::from_secs(seconds) + END_MAX, played).await })
        .expect("it comes to an end");
    assert_eq!(asked, answered);
    assert!(asked.iter().all(|count| *count > 0), "a session has not begun");
    let early = *samples[..samples.len().div_ceil(4)].iter().max().unwrap();
    let last = *samples.last().unwrap();
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "the host: {:.1} MiB in the first quarter, {:.1} at the end, {:.1} at most",
        mebibytes(early),
        mebibytes(last),
        mebibytes(*samples.iter().max().unwrap())
    );
    assert!(last <= early + clients * CLIENT_BYTES_MAX + SLACK_BYTES, "{samples:?}");
    // It is all in the journal, of a host that was killed.
    host.process.kill();
    let journal = "antiphon-data/journal.redb";
    let verified = said(&folder.0, &["journal", "verify", journal]);
    assert!(verified.contains(" 0 are broken"), "{verified}");
    let listed = said(&folder.0, &["journal", "ls", journal]);
    let closed = listed.lines().filter(|line| line.contains("closed")).count();
    assert_eq!(closed as u64, clients / 2, "{listed}");
}
