//! Roles side by side with a buffer between each two of them, explored state by state.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use antiphon::types::{Direction, LocalType, Name};

use super::Type;
use super::global::{Global, Word};

/// `(sends, partner, label with sort, state behind it)`.
pub type Taken<S> = (bool, String, String, S);

/// What one role may do next, however that is known.
pub trait Behaviour {
    /// What it is after some actions.
    type State: Clone + Ord;
    fn start(&self, role: usize) -> Self::State;
    fn next(&self, role: usize, state: &Self::State) -> Vec<Taken<Self::State>>;
}

/// Every role does what some run allows after what it has seen: the canonical behaviour.
pub struct Canonical<'a, 'b>(pub &'a Global<'b>);

/// Splits `B!l(nat)`.
pub fn split(event: &str) -> (bool, String, String) {
    let at = event.find(['!', '?']).expect("an action");
    let sends = event.as_bytes()[at] == b'!';
    (sends, event[..at].to_owned(), event[at + 1..].to_owned())
}

impl Behaviour for Canonical<'_, '_> {
    type State = Word;

    fn start(&self, _: usize) -> Word {
        Word::new()
    }

    fn next(&self, role: usize, word: &Word) -> Vec<Taken<Word>> {
        let role = &self.0.0.roles()[role];
        let next = self.0.next(role, word).into_iter().map(|event| {
            let (sends, peer, message) = split(&event);
            let mut word = word.clone();
            word.push(event);
            (sends, peer, message, word)
        });
        next.collect()
    }
}

/// Every role does what its local type says, unfolded by hand. States are subterms.
pub struct Types {
    states: Vec<Vec<Vec<Taken<usize>>>>,
}

impl Types {
    pub fn of<'a>(locals: impl Iterator<Item = &'a LocalType>) -> Self {
        Self { states: locals.map(table).collect() }
    }
}

/// The subterms of a type, unfolded, and what each may do.
fn table(local: &LocalType) -> Vec<Vec<Taken<usize>>> {
    let mut terms = vec![Type::of(local).unfolded()];
    let mut rows = Vec::new();
    while let Some(term) = terms.get(rows.len()).cloned() {
        let mut row = Vec::new();
        for (direction, branch) in term.choices() {
            let next = branch.next.unfolded();
            let at = terms.iter().position(|known| *known == next).unwrap_or_else(|| {
                terms.push(next);
                terms.len() - 1
            });
            let message = format!("{}({})", branch.label, branch.sort);
            row.push((direction == Direction::Send, branch.peer, message, at));
        }
        rows.push(row);
    }
    rows
}

impl Behaviour for Types {
    type State = usize;

    fn start(&self, _: usize) -> usize {
        0
    }

    fn next(&self, role: usize, state: &usize) -> Vec<Taken<usize>> {
        self.states[role][*state].clone()
    }
}

/// What went wrong: what each role had done, and what is wrong with it.
#[derive(Debug)]
pub struct Wrong {
    pub words: Vec<Word>,
    pub what: &'static str,
}

/// How far an exploration went.
pub struct Explored {
    pub wrong: Option<Wrong>,
    /// What each role did, of every run that came to its end.
    pub finished: BTreeSet<Vec<Word>>,
    /// Whether everything within the length was looked at.
    pub whole: bool,
}

type Buffers = BTreeMap<(String, String), VecDeque<String>>;

/// Explores all interleavings up to so many actions and configurations, and calls `bad` for what
/// each role has done so far.
pub fn explore<B: Behaviour>(
    roles: &[Name],
    behaviour: &B,
    (capacity, actions, most): (usize, usize, usize),
    bad: &mut dyn FnMut(&[Word]) -> bool,
) -> Explored {
    let names: Vec<String> = roles.iter().map(ToString::to_string).collect();
    let start: Vec<B::State> = (0..roles.len()).map(|role| behaviour.start(role)).collect();
    let empty: Vec<Word> = vec![Word::new(); roles.len()];
    let mut finished = BTreeSet::new();
    let mut known = BTreeSet::from([empty.clone()]);
    let mut queue = VecDeque::from([(start, Buffers::new(), empty)]);
    let (mut count, mut whole) = (0, true);
    while let Some((states, buffers, words)) = queue.pop_front() {
        count += 1;
        let done: usize = words.iter().map(Vec::len).sum();
        let (mut moved, mut ended) = (false, true);
        for role in 0..roles.len() {
            for (sends, peer, message, state) in behaviour.next(role, &states[role]) {
                ended = false;
                let mut buffers = buffers.clone();
                let own = names[role].clone();
                if sends {
                    let buffer = buffers.entry((own, peer.clone())).or_default();
                    if buffer.len() == capacity {
                        continue;
                    }
                    buffer.push_back(message.clone());
                } else {
                    let buffer = buffers.entry((peer.clone(), own)).or_default();
                    if buffer.front() != Some(&message) {
                        continue;
                    }
                    buffer.pop_front();
                }
                moved = true;
                if done == actions || count > most {
                    whole = false;
                    continue;
                }
                let (mut states, mut words) = (states.clone(), words.clone());
                states[role] = state;
                words[role].push(format!("{peer}{}{message}", if sends { '!' } else { '?' }));
                if !known.insert(words.clone()) {
                    continue;
                }
                if bad(&words) {
                    let wrong = Some(Wrong { words, what: "this is no run" });
                    return Explored { wrong, finished, whole };
                }
                queue.push_back((states, buffers, words));
            }
        }
        let orphans = buffers.values().any(|buffer| !buffer.is_empty());
        if ended && orphans {
            let wrong = Some(Wrong { words, what: "a message is left over" });
            return Explored { wrong, finished, whole };
        } else if ended {
            finished.insert(words);
        } else if !moved {
            let wrong = Some(Wrong { words, what: "nobody can move" });
            return Explored { wrong, finished, whole };
        }
    }
    Explored { wrong: None, finished, whole }
}
