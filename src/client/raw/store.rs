//! One store for the two directions of an end.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::client::store::{Store, StoreError};

/// What an end keeps: a text for each of its directions.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    out: Option<String>,
    into: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Out,
    Into,
}

struct Both<S> {
    store: S,
    texts: Texts,
}

/// The place of one direction in the store of its end.
struct Half<S> {
    both: Arc<Mutex<Both<S>>>,
    direction: Direction,
}

/// The places of both directions: that which goes out, and that which comes in.
pub(super) fn halves(mut store: impl Store) -> Result<[impl Store; 2], StoreError> {
    let texts = match store.load()? {
        Some(text) => serde_json::from_str(&text).map_err(StoreError::new)?,
        None => Texts::default(),
    };
    let both = Arc::new(Mutex::new(Both { store, texts }));
    let half = |direction| Half { both: Arc::clone(&both), direction };
    Ok([half(Direction::Out), half(Direction::Into)])
}

impl Texts {
    fn of(&mut self, direction: Direction) -> &mut Option<String> {
        match direction {
            Direction::Out => &mut self.out,
            Direction::Into => &mut self.into,
        }
    }
}

impl<S: Store> Store for Half<S> {
    fn save(&mut self, text: &str) -> Result<(), StoreError> {
        let mut both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
        *both.texts.of(self.direction) = Some(text.to_owned());
        let texts = serde_json::to_string(&both.texts).map_err(StoreError::new)?;
        both.store.save(&texts)
    }

    fn load(&mut self) -> Result<Option<String>, StoreError> {
        let mut both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(both.texts.of(self.direction).clone())
    }
}
