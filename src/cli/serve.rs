//! `antiphon serve`: a host of sessions, behind TCP and WebSocket.
//!
//! Clauses: SERV-5 to SERV-7.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::{Failure, secrets};
use crate::driver::{Hub, HubError, HubOptions, Report};
use crate::files;
use crate::journal::{CACHE_BYTES, MemoryJournal, RedbJournal};
use crate::resume::Lifetime;
use crate::resume::server::ServerOptions;
use crate::server::{ListenOptions, Listener};
use crate::transport::ServerTls;
use crate::wire::seal::{Key, Keys};

/// Where HTTP and WebSocket are spoken, where nothing else is said.
pub(super) const WEB: &str = "127.0.0.1:8080";

/// Where frames are spoken over TCP, where nothing else is said.
const TCP: &str = "127.0.0.1:8081";

/// The folder of the journal, the keys and the secret, where nothing else is said.
pub(super) const DATA: &str = "antiphon-data";

/// How many frames a second are read of a connection, where nothing else is said.
const FRAMES: Option<NonZeroU32> = NonZeroU32::new(50_000);

/// The most bytes of a file with settings.
const SETTINGS_BYTES_MAX: usize = 1 << 20;

/// Serve sessions: open them with `antiphon open`, join their roles with `antiphon join`
#[derive(Debug, Args)]
#[command(
    after_help = "A setting is taken from the command line, else from the environment, else from the file of
--settings (TOML, the same names with _ for -), else as it is above. SIGTERM and Ctrl-C keep what
has come, tell every client that it may come again, and end.

Examples:
  antiphon serve
  antiphon serve --web 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
  antiphon serve --anonymous --memory"
)]
pub(super) struct Serve {
    /// Where HTTP and WebSocket are spoken [default: 127.0.0.1:8080]
    #[arg(long, env = "ANTIPHON_WEB", value_name = "ADDRESS")]
    web: Option<SocketAddr>,
    /// Where frames are spoken over plain TCP, or TLS [default: 127.0.0.1:8081]
    #[arg(long, env = "ANTIPHON_TCP", value_name = "ADDRESS")]
    tcp: Option<SocketAddr>,
    /// The folder of the journal, the keys and the secret [default: antiphon-data]
    #[arg(long, env = "ANTIPHON_DATA", value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Keep the journal in memory: what is served is lost with the process
    #[arg(long, env = "ANTIPHON_MEMORY", value_name = "BOOL")]
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    memory: Option<bool>,
    /// A file with the secret that clients must say [default: FOLDER/secret, made if need be]
    #[arg(long, env = "ANTIPHON_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Ask for no secret; only where nobody but this machine can connect
    #[arg(long, env = "ANTIPHON_ANONYMOUS", value_name = "BOOL")]
    #[arg(num_args = 0..=1, default_missing_value = "true")]
    anonymous: Option<bool>,
    /// The certificate in PEM, with those behind it: both ports speak TLS
    #[arg(long, env = "ANTIPHON_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate
    #[arg(long, env = "ANTIPHON_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// How many threads serve sessions [default: one a core]
    #[arg(long, env = "ANTIPHON_SHARDS", value_name = "COUNT")]
    shards: Option<usize>,
    /// How long a session waits for a role whose connection was lost: ephemeral (30 s), interactive
    /// (5 min), durable (2 h), or seconds [default: interactive]
    #[arg(long, env = "ANTIPHON_LIFETIME", value_name = "HOW LONG")]
    lifetime: Option<String>,
    /// The pages that may connect from browsers, as browsers name them, beside those of this host
    #[arg(long, env = "ANTIPHON_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    origins: Option<Vec<String>>,
    /// How many connections there may be [default: 20000]
    #[arg(long, env = "ANTIPHON_CONNECTIONS_MAX", value_name = "COUNT")]
    connections_max: Option<usize>,
    /// How many frames a second are read of a connection; more wait [default: 50000]
    #[arg(long, env = "ANTIPHON_FRAMES_PER_SECOND", value_name = "COUNT")]
    frames_per_second: Option<NonZeroU32>,
    /// How much of the journal's file is kept in memory, in MiB [default: 64]
    #[arg(long, env = "ANTIPHON_CACHE_MIB", value_name = "COUNT")]
    cache_mib: Option<u16>,
    /// A file with settings
    #[arg(long, env = "ANTIPHON_SETTINGS", value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// The settings of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    web: Option<SocketAddr>,
    tcp: Option<SocketAddr>,
    data: Option<PathBuf>,
    memory: Option<bool>,
    secret_file: Option<PathBuf>,
    anonymous: Option<bool>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    shards: Option<usize>,
    lifetime: Option<String>,
    origins: Option<Vec<String>>,
    connections_max: Option<usize>,
    frames_per_second: Option<NonZeroU32>,
    cache_mib: Option<u16>,
}

impl Settings {
    fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::Usage(format!("`{}`: {error}", path.display()))
        };
        let bytes = files::read(path, SETTINGS_BYTES_MAX).map_err(|error| wrong(&error))?;
        if bytes.len() > SETTINGS_BYTES_MAX {
            return Err(wrong(&"it is longer than settings may be"));
        }
        toml::from_slice(&bytes).map_err(|error| wrong(&error))
    }
}

fn read_lifetime(text: &str) -> Result<Lifetime, Failure> {
    match text {
        "ephemeral" => Ok(Lifetime::EPHEMERAL),
        "interactive" => Ok(Lifetime::INTERACTIVE),
        "durable" => Ok(Lifetime::DURABLE),
        seconds => {
            let given = seconds.trim_end_matches('s').trim().parse().ok();
            let lifetime = given
                .and_then(|seconds| Lifetime::new(std::time::Duration::from_secs(seconds)).ok());
            lifetime.ok_or_else(|| {
                let text = format!(
                    "a lifetime of `{seconds}`: it is ephemeral, interactive, durable, or a number of seconds"
                );
                Failure::Usage(text)
            })
        }
    }
}

impl Serve {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(&self) -> Result<(), Failure> {
        let file = self.settings.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
        let default = |text: &str| text.parse::<SocketAddr>().expect("it is an address");
        let web = self.web.or(file.web).unwrap_or_else(|| default(WEB));
        let tcp = self.tcp.or(file.tcp).unwrap_or_else(|| default(TCP));
        let data = self.data.clone().or(file.data).unwrap_or_else(|| DATA.into());
        let is_anonymous = self.anonymous.or(file.anonymous).unwrap_or(false);
        let in_memory = self.memory.or(file.memory).unwrap_or(false);
        if is_anonymous && !(web.ip().is_loopback() && tcp.ip().is_loopback()) {
            let text = "--anonymous lets everybody in who can connect: only with addresses of this machine \
                        (127.0.0.1 or [::1]) for --web and --tcp";
            return Err(Failure::Usage(text.into()));
        }
        let tls = match (
            self.tls_cert.clone().or(file.tls_cert),
            self.tls_key.clone().or(file.tls_key),
        ) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(ServerTls::of(&certificate, &key)?),
            _ => {
                let text = "a certificate and its key belong together: --tls-cert and --tls-key";
                return Err(Failure::Usage(text.into()));
            }
        };
        let lifetime = self.lifetime.clone().or(file.lifetime);
        let lifetime = lifetime.as_deref().map(read_lifetime).transpose()?.unwrap_or_default();
        secrets::folder(&data)?;
        let secret_file = self.secret_file.clone().or(file.secret_file);
        let secret_file = secret_file.unwrap_or_else(|| data.join(secrets::SECRET));
        let secret = match is_anonymous {
            true => None,
            false => Some(secrets::kept(&secret_file)?),
        };
        let keys = Keys::new(Key::new(1, secrets::key(&data.join("key"))?), None);
        let keys = keys.map_err(|error| Failure::Usage(error.to_string()))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let options = HubOptions {
            shards: self.shards.or(file.shards).unwrap_or(cores.min(crate::driver::SHARDS_MAX)),
            server: ServerOptions { lifetime: Some(lifetime), ..ServerOptions::default() },
            secret: secret.map(Into::into),
            opens: true,
            frames_per_second: self.frames_per_second.or(file.frames_per_second).or(FRAMES),
            ..HubOptions::default()
        };
        let journal = data.join("journal.redb");
        let started = match in_memory {
            true => Hub::start(MemoryJournal::default(), keys, options),
            false => {
                let named = |error| Failure::Fault(format!("`{}`: {error}", journal.display()));
                let cache = self.cache_mib.or(file.cache_mib);
                let cache = cache.map_or(CACHE_BYTES, |mib| usize::from(mib) << 20);
                let opened = RedbJournal::open_with_cache(&journal, cache);
                Hub::start(opened.map_err(named)?, keys, options)
            }
        };
        let (hub, report) = started.map_err(|error| match error {
            HubError::Shards(_) => Failure::Usage(error.to_string()),
            error => Failure::Fault(error.to_string()),
        })?;
        let most = self.connections_max.or(file.connections_max);
        let is_secure = tls.is_some();
        let listening = ListenOptions {
            web: Some(web),
            tcp: Some(tcp),
            tls,
            origins: self.origins.clone().or(file.origins).unwrap_or_default(),
            ..ListenOptions::default()
        };
        let listening = ListenOptions {
            connections_max: most.unwrap_or(listening.connections_max),
            ..listening
        };
        let listener = Listener::bind(&hub, listening).await?;
        let kept = (!in_memory).then_some(journal.as_path());
        let secret_file = (!is_anonymous).then_some(secret_file.as_path());
        match told(&listener, is_secure, kept, secret_file, &report) {
            // Whoever has read enough of what it prints does not end it.
            Ok(()) | Err(Failure::BrokenPipe) => {}
            Err(failure) => return Err(failure),
        }
        stopped().await?;
        let stopping = "stopping: what has come is kept, and clients may come again";
        let _ = writeln!(anstream::stderr(), "{stopping}");
        drop(listener);
        hub.shutdown().await;
        Ok(())
    }
}

/// SERV-6: where it listens, and what to do next.
fn told(
    listener: &Listener,
    is_secure: bool,
    journal: Option<&Path>,
    secret: Option<&Path>,
    report: &Report,
) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let (ws, tcp) = if is_secure { ("wss", "tls") } else { ("ws", "tcp") };
    writeln!(out, "antiphon {} serves", env!("CARGO_PKG_VERSION"))?;
    for (scheme, address) in [(ws, listener.web()), (tcp, listener.tcp())] {
        let Some(address) = address else { continue };
        writeln!(out, "  {scheme}://{address}")?;
    }
    match journal {
        Some(path) => {
            let Report { sessions, records, compacted, broken, .. } = report;
            write!(out, "journal  {}: {sessions} sessions, {records} records", path.display())?;
            if *compacted > 0 {
                write!(out, ", {compacted} more that have ended and were compacted")?;
            }
            writeln!(out)?;
            for (session, unfit) in &report.unfit {
                writeln!(out, "  the snapshot of {session} was not used: {unfit}")?;
            }
            for error in broken {
                writeln!(out, "  not taken up: {error}")?;
            }
        }
        None => writeln!(out, "journal  in memory: it is lost with this process")?,
    }
    match secret {
        Some(path) => writeln!(out, "secret   {}: clients must say it", path.display())?,
        None => writeln!(
            out,
            "secret   none: everybody on this machine may come in, and open sessions"
        )?,
    }
    writeln!(out, "next     antiphon open PROTOCOL      (in another terminal, in this folder)")?;
    out.flush()?;
    Ok(())
}

/// Waits until somebody wants it to stop.
async fn stopped() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            done = tokio::signal::ctrl_c() => done,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
