//! The serials of resume tokens: which of the tokens that were sealed for a holding are good.
//!
//! What is sealed, and how, is elsewhere. A sealed token also says until when it is good: whoever
//! unseals it compares that with [`Machine::now`].
//!
//! Clauses: TOKEN-1 to TOKEN-8.

use super::Machine;
use super::authority::{Presented, Scope};
use super::id::{Generation, Serial, Tick};
use super::output::Accepted;
use super::ownership::{Ownership, Spread};
use super::record::Outcome;
use super::refuse::Refusal;
use super::session::Session;
use super::transfer::Change;
use crate::types::Protocol;

/// The serials of one holding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serials {
    /// Which holding.
    pub generation: Generation,
    // INVARIANT(serial_window): at least 1, and `confirmed` or one more.
    /// The last one that was issued.
    pub issued: Serial,
    /// The last one that its holder is known to have; 0 if none is.
    pub confirmed: Serial,
    /// Volatile: how often one that is spent was presented.
    pub refused: u64,
}

/// What is asked of the serials.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// The current one.
    Issue,
    /// The one after this.
    Renew(Serial),
    /// To take this one as arrived.
    Confirm(Serial),
}

impl Serials {
    fn first(generation: Generation) -> Self {
        Self { generation, issued: Serial(1), confirmed: Serial(0), refused: 0 }
    }

    /// TOKEN-3, TOKEN-4, TOKEN-6: whether `serial` is the last one (`true`), or the one before,
    /// which is good as long as the last one is not confirmed (`false`).
    fn is_current(self, serial: Serial) -> Result<bool, Refusal> {
        let (given, current) = (serial.0, self.issued);
        match given {
            given if given == current.0 => Ok(true),
            given if given == 0 || given > current.0 => {
                Err(Refusal::TokenUnknown { serial, current })
            }
            given if given + 1 == current.0 && self.confirmed < current => Ok(false),
            _ => Err(Refusal::TokenSpent { serial, current }),
        }
    }

    /// What is to be changed; `None` if it is so already.
    fn after(self, asked: Asked) -> Result<Option<Self>, Refusal> {
        let issued = self.issued;
        Ok(match asked {
            Asked::Issue => None,
            // TOKEN-5: whoever uses the last one has it.
            Asked::Renew(serial) => self.is_current(serial)?.then(|| Self {
                issued: Serial(issued.0 + 1),
                confirmed: issued,
                ..self
            }),
            // TOKEN-7.
            Asked::Confirm(serial) => (self.is_current(serial)? && self.confirmed < issued)
                .then_some(Self { confirmed: issued, ..self }),
        })
    }
}

impl Session {
    /// What an input about serials is to change. What changes nothing is answered in a terminal
    /// session, too (TOKEN-1, TOKEN-6).
    pub(super) fn check_token(
        &self,
        protocol: &Protocol,
        by: &Presented,
        asked: Asked,
    ) -> Result<Change<'static>, Refusal> {
        self.holding(protocol, by)?;
        let known = self.serials().iter().find(|serials| serials.generation == by.generation);
        let after = match (known, asked) {
            (Some(known), asked) => known.after(asked)?,
            (None, Asked::Issue) => Some(Serials::first(by.generation)),
            (None, Asked::Renew(serial) | Asked::Confirm(serial)) => {
                return Err(Refusal::TokenUnknown { serial, current: Serial(0) });
            }
        };
        let said = after.or(known.copied()).map_or(Serial(0), |serials| serials.issued);
        let (accepted, outcome) = match asked {
            Asked::Confirm(_) => (Accepted::Done, Outcome::Done),
            _ => (Accepted::Serial(said), Outcome::Serial(said)),
        };
        let Some(serials) = after else { return Ok(Change::Nothing(accepted)) };
        self.goes_on()?;
        Ok(Change::Serials { serials, accepted, outcome })
    }

    /// TOKEN-2: whether the capability is good for something: it may have handed over a part of
    /// what it was issued for.
    fn holding(&self, protocol: &Protocol, by: &Presented) -> Result<(), Refusal> {
        let own = self.ownership.holdings(self.spread());
        let own = own.filter(|held| !held.released && held.is_of(by));
        let left = own.fold(Scope::from_bits(0), |left, held| left.union(held.scope));
        let left = left.intersection(by.scope);
        self.authorize(protocol, by, if left.is_empty() { by.scope } else { left })
    }

    /// The serials of all holdings that have some.
    pub(super) fn serials(&self) -> &[Serials] {
        self.spread().map_or(&[], |spread| &spread.serials)
    }

    /// TOKEN-4: counts that a spent serial was presented.
    #[cold]
    pub(super) fn count_spent(&mut self, by: &Presented) {
        let spread = self.seldom.as_mut().and_then(|seldom| seldom.spread.as_mut());
        let serials = spread.into_iter().flat_map(|spread| &mut spread.serials);
        for serials in serials.filter(|serials| serials.generation == by.generation) {
            serials.refused = serials.refused.saturating_add(1);
        }
    }
}

impl Spread {
    /// Puts the serials of a holding in the place of what they were.
    pub(super) fn put(&mut self, serials: Serials) {
        let mut known = self.serials.iter_mut();
        match known.find(|known| known.generation == serials.generation) {
            Some(known) => *known = serials,
            None => self.serials.push(serials),
        }
    }

    /// TOKEN-8: serials die with the last fragment of their generation.
    pub(super) fn forget_serials(&mut self, ownership: &Ownership) {
        let Self { serials, holdings, .. } = self;
        serials.retain(|serials| {
            let generation = serials.generation;
            (ownership.generation == generation && !ownership.scope.is_empty())
                || holdings.iter().any(|held| !held.released && held.generation == generation)
        });
    }
}

impl Refusal {
    /// TOKEN-32: whether it says something about the token, or the authority in it, alone: then it
    /// is not shown to who has brought the token.
    #[cfg(feature = "driver")]
    pub(crate) fn is_of_token(&self) -> bool {
        matches!(
            self,
            Self::UnknownSession(_)
                | Self::Unclaimed { .. }
                | Self::StaleCapability { .. }
                | Self::ScopeViolation { .. }
                | Self::TransferNotPending(_)
                | Self::ReceiptMismatch(_)
                | Self::ReceiptSpent(_)
                | Self::TokenSpent { .. }
                | Self::TokenUnknown { .. }
        )
    }
}

impl Machine {
    /// The latest tick that it was told.
    #[must_use]
    pub fn now(&self) -> Tick {
        self.now
    }
}
