//! The moves of the candidate, each beside what the supertype must be able to do.
//!
//! The environment is the opponent: it picks what the candidate sends, and what the supertype
//! receives. Whatever it picks, one run of the candidate stands beside one run of the supertype,
//! and between them lies what is [`Owed`](super::owed::Owed).
//!
//! Where the candidate sends to a partner before its turn, the supertype's sends to *others* that
//! stand in between are picked by the candidate itself, later. So each of them is a guess, put off
//! like the receives; a guess that turns out wrong ends the run without harm, since the right one
//! has a run of its own. If the send is not to be found behind a guess, the supertype is *lost*:
//! that is wrong if, and only if, the candidate makes all the guesses come true.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::letters::{Group, Letters, goes_without, peers, sends_later, states};
use super::owed::{Kind, Owed};
use super::word::{Letter, Precision};
use crate::types::automaton::{MessageIx, RoleIx, StateIx, Transition};
use crate::types::local::Direction;
use crate::types::subtype::{Comparison, Mismatch};

/// Where the supertype is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum There {
    At(StateIx),
    /// It cannot do the candidate's send, if the guesses that are owed come true.
    Lost(StateIx, RoleIx, MessageIx),
}

impl There {
    pub(super) fn state(self) -> StateIx {
        match self {
            Self::At(state) | Self::Lost(state, ..) => state,
        }
    }
}

/// Where both are, and what lies between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Standing {
    pub(super) here: StateIx,
    pub(super) there: There,
    pub(super) owed: Owed,
    /// Whether no other run of the supertype would have done as well: only then is a fault behind
    /// it a refusal.
    pub(super) exact: bool,
}

/// A move of the candidate.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) message: MessageIx,
    pub(super) to: Standing,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) mismatch: Mismatch,
    pub(super) there: StateIx,
    pub(super) owed: Owed,
    pub(super) exact: bool,
}

/// All that may happen from one standing.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) steps: Vec<Step>,
    pub(super) faults: Vec<Fault>,
    /// How many states of the supertype were passed.
    pub(super) passed: usize,
    /// How many may be; where they are passed, what was found is not all.
    pub(super) passed_max: usize,
}

impl Moves {
    /// Counts a state of the supertype, or says that there were enough.
    pub(super) fn pass(&mut self) -> bool {
        self.passed += 1;
        self.passed <= self.passed_max
    }
}

/// The rules, and what they need to know of both types.
pub(super) struct Game<'a> {
    pub(super) compared: &'a Comparison,
    pub(super) letters: Letters,
    /// For receives (`None`) and for sends to a partner: from which states of the candidate it
    /// may send for ever without them.
    idle: BTreeMap<Option<RoleIx>, Vec<bool>>,
    /// For a partner: from which states of the candidate it may go on without a send to it.
    silent: BTreeMap<RoleIx, Vec<bool>>,
    /// For a partner: from which states of the supertype it may still be sent something.
    later: BTreeMap<RoleIx, Vec<bool>>,
    /// SUB-9: whether the supertype chooses whom it sends to, so that nothing may be put off.
    pub(super) strict: bool,
}

/// The supertype on its way to a send that the candidate has done already.
struct Ahead {
    there: StateIx,
    owed: Owed,
    exact: bool,
    /// For each partner that a send was guessed to: where the candidate may be behind the guess.
    guesses: BTreeMap<RoleIx, Vec<StateIx>>,
    seen: Vec<(StateIx, BTreeMap<RoleIx, Vec<StateIx>>)>,
}

impl<'a> Game<'a> {
    pub(super) fn new(compared: &'a Comparison) -> Self {
        let Comparison { candidate, supertype, .. } = compared;
        let (mut idle, mut silent, mut later) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut strict = false;
        // Every receive breaks a chain of sends, whoever it is from.
        idle.insert(None, goes_without(candidate, Kind::In(RoleIx::UNKNOWN), false));
        for state in states(supertype) {
            if supertype.direction(state) != Some(Direction::Send) {
                continue;
            }
            let peers = peers(supertype, state);
            strict |= peers.len() > 1;
            for peer in &peers {
                idle.entry(Some(*peer))
                    .or_insert_with(|| goes_without(candidate, Kind::Out(*peer), false));
                silent
                    .entry(*peer)
                    .or_insert_with(|| goes_without(candidate, Kind::Out(*peer), true));
                if peers.len() > 1 {
                    later.entry(*peer).or_insert_with(|| sends_later(supertype, *peer));
                }
            }
        }
        Self { compared, letters: Letters::of(supertype), idle, silent, later, strict }
    }

    /// Whether the supertype hears a single partner in this state.
    pub(super) fn hears_one(&self, there: StateIx) -> bool {
        peers(&self.compared.supertype, there).len() <= 1
    }

    /// Where the comparison begins.
    pub(super) fn start() -> Standing {
        let (here, there) = (StateIx::INITIAL, There::At(StateIx::INITIAL));
        Standing { here, there, owed: Owed::default(), exact: true }
    }

    /// SUB-8: something that is owed and that the candidate may put off for ever, by sending other
    /// things. What stands behind a guess is only owed if that comes true, and is not looked at.
    pub(super) fn put_off(&self, standing: &Standing) -> Option<Fault> {
        let items = standing.owed.items();
        let receives = items.iter().take_while(|item| matches!(item.kind, Kind::In(_))).count();
        let guess = match &items[receives..] {
            [guess, rest @ ..] if !rest.first().is_some_and(|next| next.groups_with(guess)) => 1,
            _ => 0,
        };
        let idle = |kind| match kind {
            Kind::In(_) => self.idle[&None][standing.here.index()],
            Kind::Out(peer) => self.idle[&Some(peer)][standing.here.index()],
        };
        let item = items[..receives + guess].iter().find(|item| idle(item.kind))?;
        let letter = item.word.front().expect("what is owed is not empty");
        Some(self.fault(standing, Mismatch::PutsOff(self.action(letter))))
    }

    /// Everything that may happen next.
    pub(super) fn moves(
        &self,
        standing: &Standing,
        precision: Precision,
        passed_max: usize,
    ) -> Moves {
        let candidate = &self.compared.candidate;
        let mut moves = Moves { passed_max, ..Moves::default() };
        match candidate.direction(standing.here) {
            None => {
                let ended = match standing.there {
                    There::At(state) => self.compared.supertype.is_end(state),
                    There::Lost(..) => false,
                };
                if !ended || !standing.owed.is_empty() {
                    moves.faults.push(self.fault(standing, Mismatch::Ends));
                }
            }
            Some(Direction::Send) => {
                for taken in candidate.moves(standing.here) {
                    self.send(standing, taken, precision, &mut moves);
                }
            }
            Some(Direction::Receive) => self.receive(standing, precision, &mut moves),
        }
        moves
    }

    fn send(
        &self,
        standing: &Standing,
        taken: &Transition,
        precision: Precision,
        moves: &mut Moves,
    ) {
        let kind = Kind::Out(taken.peer);
        let mut step = |to| moves.steps.push(Step { kind, message: taken.message, to });
        let Some(place) = standing.owed.first(kind) else {
            return match standing.there {
                There::Lost(..) => step(Standing { here: taken.next, ..standing.clone() }),
                There::At(there) => self.anticipate(standing, there, taken, precision, moves),
            };
        };
        let letter = standing.owed.items()[place].word.front().expect("an item is not empty");
        let guess = self.letters.meaning(letter);
        if !guess.is(taken.message) {
            // The guess was another one; but if there was none like this, nobody made it.
            if !guess.offered.contains(&taken.message) {
                let sent = self.compared.table.taken(Direction::Send, taken);
                moves.faults.push(self.fault(standing, Mismatch::Sends(sent)));
            }
            return;
        }
        for owed in standing.owed.without(place, precision) {
            match standing.there {
                There::Lost(there, peer, message) if !owed.has_sends() => {
                    let sent = self.compared.table.action(Direction::Send, peer, message);
                    let (mismatch, exact) = (Mismatch::Sends(sent), standing.exact);
                    moves.faults.push(Fault { mismatch, there, owed, exact });
                }
                there => {
                    let to = Standing { here: taken.next, there, owed, exact: standing.exact };
                    moves.steps.push(Step { kind, message: taken.message, to });
                }
            }
        }
    }

    /// SUB-6: the supertype goes on from `there` until it does the same send.
    fn anticipate(
        &self,
        standing: &Standing,
        there: StateIx,
        taken: &Transition,
        precision: Precision,
        moves: &mut Moves,
    ) {
        let supertype = &self.compared.supertype;
        let sent = self.compared.table.taken(Direction::Send, taken);
        let (owed, exact) = (standing.owed.clone(), standing.exact);
        let mut stack =
            vec![Ahead { there, owed, exact, guesses: BTreeMap::new(), seen: Vec::new() }];
        while let Some(mut ahead) = stack.pop() {
            if !moves.pass() {
                return;
            }
            let found = supertype.send(ahead.there, taken.peer, taken.label);
            if let Some(found) = found.filter(|found| found.message == taken.message) {
                // A send to somebody else could have come first, and this one behind it.
                let other = supertype.moves(ahead.there).iter().any(|other| {
                    other.peer != taken.peer && self.later[&taken.peer][other.next.index()]
                });
                let (there, exact) = (There::At(found.next), ahead.exact && !other);
                let to = Standing { here: taken.next, there, owed: ahead.owed, exact };
                let (kind, message) = (Kind::Out(taken.peer), taken.message);
                moves.steps.push(Step { kind, message, to });
                continue;
            }
            let key = (ahead.there, ahead.guesses.clone());
            if ahead.seen.contains(&key) {
                // Guesses that the candidate may not be able to make true prove nothing.
                ahead.exact &= ahead.guesses.is_empty();
                self.lost(ahead, taken, Mismatch::Never(sent.clone()), moves);
                continue;
            }
            ahead.seen.push(key);
            let receives = supertype.direction(ahead.there) == Some(Direction::Receive);
            if receives && !self.hears_one(ahead.there) {
                // SUB-9: what is sent early may let another partner be heard first.
                let (mismatch, there, owed) =
                    (Mismatch::Sends(sent.clone()), ahead.there, ahead.owed);
                moves.faults.push(Fault { mismatch, there, owed, exact: false });
                continue;
            }
            let groups = self.letters.groups(ahead.there);
            let groups = groups.iter().filter(|group| receives || group.peer != taken.peer);
            let groups: Vec<&Group> = groups.collect();
            if groups.is_empty() {
                self.lost(ahead, taken, Mismatch::Sends(sent.clone()), moves);
                continue;
            }
            let before = stack.len();
            for group in groups.iter().rev() {
                stack.extend(self.past(&ahead, group, taken.next, precision));
            }
            if stack.len() == before {
                // The candidate will send something that is not offered: wrong when it does.
                let meaning = self.letters.meaning(groups[0].letter);
                let kind = Kind::of(meaning.direction, meaning.peer);
                ahead.owed.push(kind, groups[0].letter, precision);
                self.lost(ahead, taken, Mismatch::Sends(sent.clone()), moves);
            }
        }
    }

    /// The supertype behind one more of its moves, which is put off; nothing if it is a guess that
    /// cannot come true.
    fn past(
        &self,
        ahead: &Ahead,
        group: &Group,
        here: StateIx,
        precision: Precision,
    ) -> Option<Ahead> {
        let meaning = self.letters.meaning(group.letter);
        let kind = Kind::of(meaning.direction, group.peer);
        let mut guesses = ahead.guesses.clone();
        let mut exact = ahead.exact;
        if meaning.direction == Direction::Send {
            guesses.insert(group.peer, self.guess(ahead, group, here)?);
            exact &= peers(&self.compared.supertype, ahead.there).len() == 1;
        }
        let mut owed = ahead.owed.clone();
        owed.push(kind, group.letter, precision);
        Some(Ahead { there: group.next, owed, exact, guesses, seen: ahead.seen.clone() })
    }

    /// Where the candidate may be when it has sent what it owes this partner and then this; nothing
    /// if it must send it something else. Empty if that is not known.
    fn guess(&self, ahead: &Ahead, group: &Group, here: StateIx) -> Option<Vec<StateIx>> {
        let mut places = match ahead.guesses.get(&group.peer) {
            Some(places) => places.clone(),
            None => vec![here],
        };
        if !ahead.guesses.contains_key(&group.peer) {
            let sends = |kind| kind == Kind::Out(group.peer);
            for item in ahead.owed.items().iter().filter(|item| sends(item.kind)) {
                let Some(letters) = item.word.letters() else { return Some(Vec::new()) };
                for letter in letters {
                    places = self.behind(&places, group.peer, *letter);
                }
            }
        }
        let next = self.behind(&places, group.peer, group.letter);
        let silent = &self.silent[&group.peer];
        let must = !places.is_empty() && !places.iter().any(|place| silent[place.index()]);
        if next.is_empty() && must { None } else { Some(next) }
    }

    /// Where the candidate may be behind its next send to `peer`, if that is `letter`.
    fn behind(&self, places: &[StateIx], peer: RoleIx, letter: Letter) -> Vec<StateIx> {
        let candidate = &self.compared.candidate;
        let wanted = self.letters.meaning(letter);
        let mut ahead = places.to_vec();
        let mut known = vec![false; candidate.len()];
        ahead.iter().for_each(|place| known[place.index()] = true);
        let mut behind = Vec::new();
        while let Some(place) = ahead.pop() {
            let sends = candidate.direction(place) == Some(Direction::Send);
            for taken in candidate.moves(place) {
                if sends && taken.peer == peer {
                    if wanted.is(taken.message) {
                        behind.push(taken.next);
                    }
                } else if !core::mem::replace(&mut known[taken.next.index()], true) {
                    ahead.push(taken.next);
                }
            }
        }
        behind.sort();
        behind.dedup();
        behind
    }

    /// The supertype does not do the send: wrong at once, or if guesses come true.
    fn lost(&self, ahead: Ahead, taken: &Transition, mismatch: Mismatch, moves: &mut Moves) {
        let Ahead { there, owed, exact, .. } = ahead;
        if owed.has_sends() {
            let there = There::Lost(there, taken.peer, taken.message);
            let to = Standing { here: taken.next, there, owed, exact };
            let (kind, message) = (Kind::Out(taken.peer), taken.message);
            moves.steps.push(Step { kind, message, to });
        } else {
            moves.faults.push(Fault { mismatch, there, owed, exact });
        }
    }

    /// A fault where both are.
    pub(super) fn fault(&self, standing: &Standing, mismatch: Mismatch) -> Fault {
        let (there, owed, exact) = (standing.there.state(), standing.owed.clone(), standing.exact);
        Fault { mismatch, there, owed, exact }
    }

    /// A letter in words: the first of its messages.
    pub(super) fn action(&self, letter: Letter) -> crate::types::subtype::Action {
        let meaning = self.letters.meaning(letter);
        self.compared.table.action(meaning.direction, meaning.peer, meaning.messages[0].1)
    }
}
