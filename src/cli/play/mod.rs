//! `antiphon open`, `join` and `resume`: a role played from a terminal, over a connection that comes
//! and goes.
//!
//! Clauses: PLAY-1 to PLAY-4.

mod join;
mod open;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

pub(super) use join::{Join, Resume};
pub(super) use open::Open;

use super::{Failure, secrets, serve};
use crate::client::ClientOptions;
use crate::resume::Reconnect;
use crate::transport::{Address, ClientTls, NetDial};

/// Where the host is.
#[derive(Debug, Clone, Args)]
struct Connect {
    /// Where the host is: ws://HOST:PORT, wss://…, tcp://… or tls://… [default: ws://127.0.0.1:8080]
    #[arg(long, env = "ANTIPHON_AT", value_name = "ADDRESS")]
    at: Option<Address>,
    /// A file with the secret that the host asks for [default: antiphon-data/secret, if it is there]
    #[arg(long, env = "ANTIPHON_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How long to wait before the first attempt to connect again, and at most, in seconds [default: 1..30]
    #[arg(long, env = "ANTIPHON_RECONNECT", value_name = "FIRST..MOST", value_parser = read_reconnect)]
    reconnect: Option<Reconnect>,
    /// The authorities to trust, in PEM, in the place of those that browsers trust
    #[arg(long, env = "ANTIPHON_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

impl Connect {
    fn address(&self) -> Address {
        let default = || format!("ws://{}", serve::WEB).parse().expect("it is an address");
        self.at.clone().unwrap_or_else(default)
    }

    fn dial(&self) -> Result<(NetDial, ClientOptions), Failure> {
        let dial = NetDial::new(self.address())?;
        let dial = match &self.tls_ca {
            Some(path) => dial.trusting(ClientTls::trusting(Some(path))?),
            None => dial,
        };
        let beside = Path::new(serve::DATA).join(secrets::SECRET);
        let secret = match &self.secret_file {
            Some(path) => Some(secrets::read(path)?),
            None if beside.exists() => Some(secrets::read(&beside)?),
            None => None,
        };
        let options = ClientOptions {
            form: dial.form(),
            secret: secret.map(Into::into),
            reconnect: self.reconnect.unwrap_or_default(),
            ..ClientOptions::default()
        };
        Ok((dial, options))
    }
}

fn read_reconnect(text: &str) -> Result<Reconnect, String> {
    let seconds = |text: &str| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
    let both = text.split_once("..").and_then(|(first, most)| seconds(first).zip(seconds(most)));
    let (first, most) = both.ok_or("it is like 0.5..30, in seconds")?;
    Reconnect::new(first, most).map_err(|error| error.to_string())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
