//! `antiphon open`, `join` and `resume`: a role played from a terminal, over a connection that
//! comes and goes.
//!
//! Clauses: PLAY-1 to PLAY-4.

mod join;
mod open;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

pub(super) use join::{Join, Resume};
pub(super) use open::Open;

use super::{Failure, secrets, serve};
use crate::client::ClientOptions;
use crate::resume::{LivenessError, Reconnect};
use crate::transport::{Address, ClientTls, NetDial};
use crate::wire::payload::Form;

/// Where the host is.
#[derive(Debug, Clone, Args)]
struct Connect {
    /// Where the host is: ws://HOST:PORT, wss://…, tcp://… or tls://…
    /// [default: ws://127.0.0.1:8080]
    #[arg(long, env = "ANTIPHON_AT", value_name = "ADDRESS")]
    at: Option<Address>,
    /// A file with the secret that the host asks for [default: antiphon-data/secret, where it is]
    #[arg(long, env = "ANTIPHON_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How long to wait before the first attempt to connect again, and at most, in seconds
    /// [default: 1..30]
    #[arg(long, env = "ANTIPHON_RECONNECT", value_name = "FIRST..MOST")]
    reconnect: Option<Pauses>,
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
            form: Form::of(dial.is_text()),
            secret: secret.map(Into::into),
            reconnect: self.reconnect.map(|pauses| pauses.0).unwrap_or_default(),
            ..ClientOptions::default()
        };
        Ok((dial, options))
    }
}

/// The pauses between attempts to connect.
#[derive(Debug, Clone, Copy)]
struct Pauses(Reconnect);

/// A text that says no pauses.
#[derive(Debug, thiserror::Error)]
enum PausesError {
    #[error("pauses are like 0.5..30, in seconds")]
    Form,
    #[error(transparent)]
    Pauses(#[from] LivenessError),
}

impl FromStr for Pauses {
    type Err = PausesError;

    fn from_str(text: &str) -> Result<Self, PausesError> {
        let seconds = |text: &str| Duration::try_from_secs_f64(text.trim().parse().ok()?).ok();
        let both = text.split_once("..");
        let both = both.and_then(|(first, most)| seconds(first).zip(seconds(most)));
        let (first, most) = both.ok_or(PausesError::Form)?;
        Ok(Self(Reconnect::new(first, most)?))
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
