//! Real processes that talk over real sockets of this machine: a host and two players, killed again
//! and again while they play.
#![allow(dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value as Tree;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_antiphon");

/// Each tells the other numbers until the first one stops.
pub const COUNTING: &str = "
    A = rec X . B!{ count(nat) . B?answer(nat) . X, stop . end }
    B = rec X . A?{ count(nat) . A!answer(nat) . X, stop . end }";

/// A switch that is a number.
pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect(name))
}

/// A folder that goes with its test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("antiphon-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that ends with its test.
pub struct Process(Child);

impl Process {
    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ANTIPHON_")) {
        command.env_remove(name);
    }
    command
}

/// What a command prints; it must succeed.
pub fn said(folder: &Path, arguments: &[&str]) -> String {
    let done = program(folder, arguments).stderr(Stdio::piped()).output().unwrap();
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "antiphon {arguments:?}: {error}");
    String::from_utf8(done.stdout).unwrap()
}

/// The certificate of a host under TLS, and its key, in its folder.
const CERTIFICATE: [&str; 2] = ["cert.pem", "key.pem"];

/// A host, at addresses that stay over its lives.
pub struct Host {
    folder: PathBuf,
    is_secure: bool,
    pub web: String,
    pub tcp: String,
    pub process: Process,
}

impl Host {
    pub fn start(folder: &Path) -> Self {
        Self::at(folder, false, "127.0.0.1:0", "127.0.0.1:0")
    }

    /// Under TLS, with a certificate of its own.
    pub fn secure(folder: &Path) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        for (file, text) in
            CERTIFICATE.iter().zip([made.cert.pem(), made.signing_key.serialize_pem()])
        {
            std::fs::write(folder.join(file), text).unwrap();
        }
        Self::at(folder, true, "127.0.0.1:0", "127.0.0.1:0")
    }

    fn at(folder: &Path, is_secure: bool, web: &str, tcp: &str) -> Self {
        // Little of the file in memory: what else takes memory is seen.
        let arguments = ["serve", "--web", web, "--tcp", tcp, "--cache-mib", "8"];
        let mut command = program(folder, &arguments);
        if is_secure {
            let [certificate, key] = CERTIFICATE;
            command.args(["--tls-cert", certificate, "--tls-key", key]);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Process(child);
        let mut next = || lines.next().expect("it says where it listens").unwrap();
        assert!(next().starts_with("antiphon "));
        let schemes = if is_secure { ["wss://", "tls://"] } else { ["ws://", "tcp://"] };
        let [web, tcp] = schemes.map(|scheme| {
            let line = next();
            line.trim().strip_prefix(scheme).unwrap_or_else(|| panic!("{line}")).to_owned()
        });
        Self { folder: folder.into(), is_secure, web, tcp, process }
    }

    pub fn address(&self, scheme: &str) -> String {
        let is_web = scheme.starts_with("ws");
        format!("{scheme}://{}", if is_web { &self.web } else { &self.tcp })
    }

    /// Ends it as `kill -9` does, and starts it again at once.
    pub fn kill(&mut self) {
        self.process.kill();
        let (folder, web, tcp) = (self.folder.clone(), self.web.clone(), self.tcp.clone());
        *self = Self::at(&folder, self.is_secure, &web, &tcp);
    }
}

/// A player, who does what its position says, over its lives.
struct Player {
    folder: PathBuf,
    name: &'static str,
    rounds: u64,
    process: Process,
    input: ChildStdin,
    lines: Receiver<String>,
    /// What was printed as received, by the position behind it.
    received: BTreeMap<u64, Tree>,
    printed: u64,
    has_ended: bool,
}

const RECONNECT: [&str; 3] = ["--json", "--reconnect", "0.01..0.1"];

impl Player {
    fn start(folder: &Path, name: &'static str, rounds: u64, arguments: &[&str]) -> Self {
        let mut command = program(folder, arguments);
        command.args(RECONNECT).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let process = Process(child);
        let (received, folder) = (BTreeMap::new(), folder.into());
        Self { folder, name, rounds, process, input, lines, received, printed: 0, has_ended: false }
    }

    fn kill(&mut self) {
        self.process.kill();
        // What it has printed before it was killed, a person has seen.
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.hear(&line);
        }
        if self.has_ended {
            return;
        }
        let file = format!("{}.role", self.name);
        let next = Self::start(&self.folder, self.name, self.rounds, &["resume", &file]);
        let (received, printed) = (std::mem::take(&mut self.received), self.printed);
        *self = Self { received, printed, ..next };
    }

    fn hear(&mut self, line: &str) {
        let said: Tree = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        if let Some(turn) = said.get("turn") {
            let position = turn["position"].as_u64().unwrap();
            let line = match (self.name, position == 2 * self.rounds) {
                ("A", true) => "stop".into(),
                ("A", false) => format!("count {position}"),
                _ => format!("answer {position}"),
            };
            // It may have been killed.
            let _ = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
        } else if let Some(received) = said.get("received") {
            let position = received["position"].as_u64().unwrap();
            self.printed += 1;
            // Printed once more after a crash it says the same.
            let before = self.received.insert(position, received.clone());
            assert!(before.is_none_or(|before| before == *received), "{received}");
        } else if said.get("ended").is_some() {
            self.has_ended = true;
        } else if said.get("sent").is_none() {
            panic!("{}: {said}", self.name);
        }
    }
}

/// What a game with kills came to.
#[derive(Debug, Default)]
pub struct Killed {
    pub hosts: u64,
    pub players: u64,
    /// How many messages were printed more than once, after a crash.
    pub again: u64,
    /// The journal of the session, as lines.
    pub journal: String,
}

/// Plays so many rounds over a transport, with so many kills at random moments, and looks at what
/// everybody has consumed, and at the journal.
pub fn play(name: &str, scheme: &str, rounds: u64, kills: u64, seed: u64) -> Killed {
    let folder = Folder::new(name);
    let is_secure = ["wss", "tls"].contains(&scheme);
    let mut host = if is_secure { Host::secure(&folder.0) } else { Host::start(&folder.0) };
    let trusting: &[&str] = if is_secure { &["--tls-ca", CERTIFICATE[0]] } else { &[] };
    std::fs::write(folder.0.join("counting.txt"), COUNTING).unwrap();
    let address = host.address(scheme);
    let open = ["open", "--json", "--at", &address, "counting.txt"];
    let opened = said(&folder.0, &[&open, trusting].concat());
    let opened: Tree = serde_json::from_str(&opened).unwrap();
    let session = opened["session"].as_str().unwrap().to_owned();
    let mut players = [("A", 0), ("B", 1)].map(|(name, role)| {
        let invitation = opened["roles"][role]["invitation"].as_str().unwrap();
        let arguments = ["join", "--at", &address, "--as", name, invitation];
        Player::start(&folder.0, name, rounds, &[&arguments, trusting].concat())
    });
    let (mut rng, mut done) = (fastrand::Rng::with_seed(seed), Killed::default());
    let (begun, mut next) = (Instant::now(), Instant::now() + Duration::from_millis(300));
    while players.iter().any(|player| !player.has_ended) {
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not come to an end: {done:?}");
        for player in &mut players {
            while let Ok(line) = player.lines.recv_timeout(Duration::from_millis(2)) {
                player.hear(&line);
            }
        }
        if done.hosts + done.players < kills && Instant::now() >= next {
            // The first one is the host: it is among them however short the game is.
            match if done.hosts == 0 { 0 } else { rng.u8(0..3) } {
                0 => {
                    host.kill();
                    done.hosts += 1;
                }
                one => {
                    players[usize::from(one - 1)].kill();
                    done.players += 1;
                }
            }
            next = Instant::now() + Duration::from_millis(rng.u64(20..400));
        }
    }
    let [a, b] = &players;
    for (player, count) in [(a, rounds), (b, rounds + 1)] {
        assert_eq!(player.received.len() as u64, count, "{} has not received all", player.name);
        done.again += player.printed - count;
    }
    for round in 0..rounds {
        // `A` counts at even positions, and `B` answers at odd ones.
        assert_eq!(b.received[&(2 * round + 1)]["value"], 2 * round);
        assert_eq!(a.received[&(2 * round + 2)]["value"], 2 * round + 1);
    }
    host.process.kill();
    let journal = "antiphon-data/journal.redb";
    let verified = said(&folder.0, &["journal", "verify", journal]);
    assert!(verified.contains(" 0 are broken"), "{verified}");
    done.journal = said(&folder.0, &["journal", "export", journal, &session, "-"]);
    done
}
