//! Evidence: at which capacities the roles of a protocol are known to be safe together.
//!
//! A verdict on a composition belongs to a set of types and a vector of capacities: types that are
//! safe on edges without limit may be stuck at every finite one, and what is safe at one capacity
//! may go wrong at a larger one. A session is opened only at capacities that evidence covers
//! (EDGE-7).
//!
//! Clauses: EDGE-7. Lean twin: `Types/Evidence.lean`.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// The largest capacity that an edge may be given.
pub const CAPACITY_MAX: u32 = 1 << 20;

/// The capacity of an edge when nothing else is said and the types do not bound it.
pub const CAPACITY_DEFAULT: u32 = 64;

/// At which capacities a protocol was shown to be safe. Vectors are in the order of the protocol's
/// edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// At every one: the roles are unaltered projections of one global type.
    Every,
    /// At every vector whose edges all hold at least so many: the types are safe and exhaustive
    /// there (Lange & Yoshida, CAV 2019).
    From(u32),
    /// At every vector whose edges all hold at least these: the most that each edge can ever hold,
    /// so that no send ever waits for room.
    Bounds(Box<[u32]>),
    /// At exactly these vectors; the last one is what sessions get unless they ask for another.
    Exactly(Box<[Box<[u32]>]>),
    /// At what any of these covers; at least two, none of which the others cover.
    Any(Box<[Evidence]>),
    /// At none: nobody has looked, the search ended at its limit, or it found something wrong.
    None,
}

impl Evidence {
    /// Whether it covers this vector of capacities.
    #[must_use]
    pub fn covers(&self, capacities: impl Iterator<Item = u32> + Clone) -> bool {
        match self {
            Self::Every => true,
            Self::From(least) => capacities.clone().all(|capacity| capacity >= *least),
            Self::Bounds(bounds) => {
                capacities.zip(bounds).all(|(capacity, bound)| capacity >= *bound)
            }
            Self::Exactly(vectors) => {
                vectors.iter().any(|vector| capacities.clone().eq(vector.iter().copied()))
            }
            Self::Any(parts) => parts.iter().any(|part| part.covers(capacities.clone())),
            Self::None => false,
        }
    }

    /// What this and `other` cover together.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (mut from, mut bounds, mut exactly) = (None, Vec::new(), Vec::new());
        for part in self.parts().into_iter().chain(other.parts()) {
            match part {
                Self::Every => return Self::Every,
                Self::From(least) => from = Some(from.map_or(least, |known: u32| known.min(least))),
                Self::Bounds(found) => bounds.push(found),
                Self::Exactly(vectors) => exactly.extend(vectors),
                Self::Any(_) | Self::None => {}
            }
        }
        let below = |least: &[u32], vector: &[u32]| least.iter().zip(vector).all(|(l, v)| l <= v);
        let above = |vector: &[u32]| from.is_some_and(|least| vector.iter().all(|v| *v >= least));
        bounds.retain(|vector| !above(vector));
        bounds.dedup();
        exactly.retain(|vector| !above(vector) && !bounds.iter().any(|least| below(least, vector)));
        let mut seen: Vec<Box<[u32]>> = Vec::new();
        exactly.retain(|vector| {
            !seen.contains(vector) && {
                seen.push(vector.clone());
                true
            }
        });
        let parts = from.map(Self::From).into_iter().chain(bounds.into_iter().map(Self::Bounds));
        let exactly = (!exactly.is_empty()).then(|| Self::Exactly(exactly.into()));
        let mut parts: Vec<Self> = parts.chain(exactly).collect();
        match parts.len() {
            0 => Self::None,
            1 => parts.swap_remove(0),
            _ => Self::Any(parts.into()),
        }
    }

    fn parts(self) -> Vec<Self> {
        match self {
            Self::Any(parts) => parts.into_vec(),
            single => Vec::from([single]),
        }
    }

    /// What a session is given on the edge with this index, where the most that the edge can hold
    /// may be known: enough never to wait for room if that is known, and always covered.
    #[must_use]
    pub fn room(&self, edge: usize, bound: Option<u32>) -> u32 {
        let enough = bound.map_or(CAPACITY_DEFAULT, |bound| bound.clamp(1, CAPACITY_MAX));
        match self {
            Self::Every | Self::None => enough,
            Self::From(least) => enough.max(*least),
            Self::Bounds(bounds) => bounds[edge].max(1),
            Self::Exactly(vectors) => vectors.last().map_or(enough, |vector| vector[edge]),
            Self::Any(parts) => {
                let bounds = parts.iter().find(|part| matches!(part, Self::Bounds(_)));
                bounds.unwrap_or(&parts[0]).room(edge, bound)
            }
        }
    }
}

impl fmt::Display for Evidence {
    /// The capacities, as in “safe at …”.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("every capacity"),
            Self::From(least) => write!(f, "every capacity from {least}"),
            Self::Bounds(bounds) => match bounds.first() {
                Some(least) if bounds.iter().all(|bound| bound == least) => {
                    write!(f, "every capacity from {}", least.max(&1))
                }
                _ => write!(f, "every capacity from the bound of each edge ({})", listed(bounds)),
            },
            Self::Exactly(vectors) => {
                let same = |vector: &[u32]| vector.windows(2).all(|pair| pair[0] == pair[1]);
                match &vectors[..] {
                    [only] if same(only) => {
                        write!(f, "capacity {} of every edge", only.first().unwrap_or(&1))
                    }
                    [only] => write!(f, "the capacities {}", listed(only)),
                    [.., last] if vectors.iter().all(|vector| same(vector)) => {
                        f.write_str("capacity ")?;
                        for vector in &vectors[..vectors.len() - 1] {
                            write!(f, "{}, ", vector.first().unwrap_or(&1))?;
                        }
                        write!(f, "or {} of every edge", last.first().unwrap_or(&1))
                    }
                    _ => {
                        f.write_str("the capacities ")?;
                        vectors.iter().enumerate().try_for_each(|(index, vector)| {
                            write!(f, "{}{}", if index > 0 { " or " } else { "" }, listed(vector))
                        })
                    }
                }
            }
            Self::Any(parts) => parts.iter().enumerate().try_for_each(|(index, part)| {
                write!(f, "{}{part}", if index > 0 { ", or " } else { "" })
            }),
            Self::None => f.write_str("no capacity that is known"),
        }
    }
}

/// The capacities of single edges, with commas between them.
fn listed(vector: &[u32]) -> String {
    vector.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
