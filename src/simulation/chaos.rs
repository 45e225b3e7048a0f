//! How bad a network and its hosts are.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What happens to frames, connections and processes. The default: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Chaos {
    /// How likely a frame is lost, from 0 to 1.
    pub loss: f64,
    /// How likely it comes twice.
    pub dup: f64,
    /// How likely it takes much longer than those behind it.
    pub reorder: f64,
    /// After how long a connection is cut, on average; half of the time its other end learns of it
    /// only when somebody comes again.
    pub cut: Option<Duration>,
    /// How likely the host crashes at a commit, before or after it has taken effect.
    pub crash: f64,
    /// How likely a client's process is killed when it is about to do something; it goes on with
    /// what it has kept.
    pub kill: f64,
    /// How likely it forgets everything but its token.
    pub amnesia: f64,
}

/// A text that says no chaos.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChaosError {
    /// Not `key=value`.
    #[error("`{0}` is not of the form `key=value`")]
    Form(Box<str>),
    /// A key that is not known.
    #[error("`{0}` is none of loss, dup, reorder, cut, crash, kill, amnesia")]
    Key(Box<str>),
    /// Not a probability.
    #[error("`{key}` is `{value}`; it must be a number from 0 to {most}")]
    Probability {
        /// Of what.
        key: Box<str>,
        /// What was given.
        value: Box<str>,
        /// The most that it may be.
        most: &'static str,
    },
    /// Not a time.
    #[error("`cut` is `{0}`; it must be a time from `20ms` on, as `250ms` or `2s`")]
    Time(Box<str>),
}

/// The most that a probability may be: where everything is lost nothing ever ends.
const MOST: f64 = 0.9;

/// The shortest time between cuts: with less no connection lasts long enough to say anything.
const CUT_MIN: Duration = Duration::from_millis(20);

impl FromStr for Chaos {
    type Err = ChaosError;
    /// `loss=0.1,dup=0.05,reorder=0.1,cut=2s,crash=0.01,kill=0.01,amnesia=0.01`, each of them or
    /// none.
    fn from_str(text: &str) -> Result<Self, ChaosError> {
        let mut chaos = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| ChaosError::Form(part.into()))?;
            let place = match key {
                "loss" => &mut chaos.loss,
                "dup" => &mut chaos.dup,
                "reorder" => &mut chaos.reorder,
                "crash" => &mut chaos.crash,
                "kill" => &mut chaos.kill,
                "amnesia" => &mut chaos.amnesia,
                "cut" => {
                    let time = time(value).filter(|time| *time >= CUT_MIN);
                    chaos.cut = Some(time.ok_or_else(|| ChaosError::Time(value.into()))?);
                    continue;
                }
                _ => return Err(ChaosError::Key(key.into())),
            };
            let number = value.parse::<f64>().ok().filter(|p| (0.0..=MOST).contains(p));
            *place = number.ok_or_else(|| ChaosError::Probability {
                key: key.into(),
                value: value.into(),
                most: "0.9",
            })?;
        }
        Ok(chaos)
    }
}

fn time(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s')?, 1000),
    };
    let millis = digits.parse::<f64>().ok()? * f64::from(unit);
    (millis.is_finite() && (0.0..=86_400_000.0).contains(&millis))
        .then(|| Duration::from_millis(millis as u64))
}

impl fmt::Display for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            ("loss", self.loss),
            ("dup", self.dup),
            ("reorder", self.reorder),
            ("crash", self.crash),
            ("kill", self.kill),
            ("amnesia", self.amnesia),
        ];
        let mut parts: Vec<String> = numbers
            .into_iter()
            .filter(|(_, number)| *number > 0.0)
            .map(|(key, number)| format!("{key}={number}"))
            .collect();
        parts.extend(self.cut.map(|cut| format!("cut={}ms", cut.as_millis())));
        f.write_str(&if parts.is_empty() { String::from("none") } else { parts.join(",") })
    }
}
