//! Automata: what a local type denotes, as dense tables.
//!
//! A state is a subterm of the type up to unfolding and up to equal behaviour; the table is the
//! minimal deterministic one, numbered breadth first, so that two local types denote the same
//! behaviour exactly when their tables are equal. (Communicating finite-state machines: Brand &
//! Zafiropulo, JACM 1983; derivatives: Brzozowski, JACM 1964.)
//!
//! Clauses: AUTO-1 to AUTO-3. Lean twin: `Types/Automaton.lean`.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::draft::{Draft, DraftBranch, DraftId};
use super::kind::Kind;
use super::local::{Direction, LocalType};
use super::minimise::minimise;
use super::tree::{Branch, NODES_MAX, Node, NodeId};

/// A role by its place in its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleIx(pub u16);

/// A label by its place in its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelIx(pub u16);

/// A label together with a sort, by its place in its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageIx(pub u16);

/// A directed pair of roles, by its place in its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeIx(pub u16);

/// A state of one automaton; 0 is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateIx(pub u32);

impl RoleIx {
    /// A role that the protocol does not have: what the door makes of an unknown name.
    pub const UNKNOWN: Self = Self(u16::MAX);

    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0.into()
    }
}

impl LabelIx {
    /// A label that the protocol does not have: what the door makes of an unknown name.
    pub const UNKNOWN: Self = Self(u16::MAX);

    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0.into()
    }
}

impl MessageIx {
    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0.into()
    }
}

impl EdgeIx {
    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0.into()
    }
}

impl StateIx {
    /// Where every automaton starts.
    pub const INITIAL: Self = Self(0);

    /// As an index.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One legal move: a message to or from a partner, and the state behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transition {
    /// The partner.
    pub peer: RoleIx,
    /// The message's label.
    pub label: LabelIx,
    /// The label with its sort.
    pub message: MessageIx,
    /// The edge it goes over.
    pub edge: EdgeIx,
    /// The state behind it.
    pub next: StateIx,
    /// What the values of its sort are at a glance: spares the path of a message a look-up.
    pub(crate) kind: Kind,
    /// Whether nothing more happens behind it.
    pub(crate) ends: bool,
}

// Aligned so that none of them is in two cache lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(32))]
struct State {
    direction: Direction,
    first: u32,
    count: u32,
    /// The first of its transitions once more: mostly it is the only one, or the one that is asked
    /// for, and then nothing else of the table is looked at.
    head: Option<Transition>,
}

/// What one role may do, as a table. Transitions of a state are sorted by partner and label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Automaton {
    states: Box<[State]>,
    transitions: Box<[Transition]>,
}

impl Automaton {
    /// The minimal automaton of `local`; `symbol` gives the numbers of a branch's names.
    pub(super) fn of(
        local: &LocalType,
        symbol: impl Fn(Direction, &Branch) -> (RoleIx, LabelIx, MessageIx, EdgeIx),
    ) -> Self {
        let tree = local.tree();
        // Naive states: the choices, and one end.
        let mut number = vec![0_u32; tree.nodes().len()];
        let mut rows: Vec<(Direction, Vec<Transition>)> = vec![(Direction::Receive, Vec::new())];
        for (index, node) in tree.nodes().iter().enumerate() {
            if let Node::Choice(direction, _) = node {
                number[index] = u32::try_from(rows.len()).expect("NODES_MAX fits");
                rows.push((*direction, Vec::new()));
            }
        }
        let state_of = |id: NodeId| StateIx(number[tree.unfold(id).index()]);
        for (index, node) in tree.nodes().iter().enumerate() {
            if let Node::Choice(direction, range) = node {
                let row = tree.branches_of(range).iter().map(|branch| {
                    let (peer, label, message, edge) = symbol(*direction, branch);
                    let (next, kind) = (state_of(branch.next), Kind::of(branch.payload.sort()));
                    Transition { peer, label, message, edge, next, kind, ends: false }
                });
                let mut row: Vec<Transition> = row.collect();
                row.sort_by_key(|transition| (transition.peer, transition.label));
                rows[number[index] as usize].1 = row;
            }
        }
        let initial = state_of(NodeId::ROOT);
        Self::canonical(&rows, initial)
    }

    /// AUTO-2: minimal, numbered breadth first from `initial`, the unreachable left out.
    pub(super) fn canonical(rows: &[(Direction, Vec<Transition>)], initial: StateIx) -> Self {
        let class = minimise(rows);
        let mut rank: Vec<Option<u32>> = vec![None; rows.len()];
        let mut order: Vec<usize> = Vec::new();
        let mut visit = |state: StateIx, order: &mut Vec<usize>| {
            let class = class[state.index()];
            StateIx(*rank[class].get_or_insert_with(|| {
                order.push(state.index());
                u32::try_from(order.len() - 1).expect("NODES_MAX fits")
            }))
        };
        visit(initial, &mut order);
        let (mut states, mut transitions) = (Vec::new(), Vec::<Transition>::new());
        while let Some(&row) = order.get(states.len()) {
            let (direction, row) = &rows[row];
            let first = u32::try_from(transitions.len()).expect("NODES_MAX fits");
            for transition in row {
                let ends = rows[transition.next.index()].1.is_empty();
                let next = visit(transition.next, &mut order);
                transitions.push(Transition { next, ends, ..*transition });
            }
            let count = u32::try_from(row.len()).expect("NODES_MAX fits");
            let head = transitions.get(first as usize).copied();
            states.push(State { direction: *direction, first, count, head });
        }
        Self { states: states.into(), transitions: transitions.into() }
    }

    /// How many states there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether it does nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transitions.is_empty()
    }

    /// The moves that are legal in `state`.
    #[must_use]
    pub fn moves(&self, state: StateIx) -> &[Transition] {
        let State { first, count, .. } = self.states[state.index()];
        &self.transitions[first as usize..(first + count) as usize]
    }

    /// Whether the moves of `state` are sends or receives; `None` at the end.
    #[must_use]
    pub fn direction(&self, state: StateIx) -> Option<Direction> {
        let State { direction, count, .. } = self.states[state.index()];
        (count > 0).then_some(direction)
    }

    /// Whether nothing more happens in `state`.
    #[must_use]
    #[inline]
    pub fn is_end(&self, state: StateIx) -> bool {
        self.states[state.index()].count == 0
    }

    /// The send of `label` to `peer`, if it is legal in `state`.
    #[must_use]
    #[inline]
    pub fn send(&self, state: StateIx, peer: RoleIx, label: LabelIx) -> Option<&Transition> {
        let head = self.head(state, Direction::Send)?;
        if head.peer == peer && head.label == label {
            return Some(head);
        }
        self.send_behind(state, peer, label)
    }

    #[inline(never)]
    fn send_behind(&self, state: StateIx, peer: RoleIx, label: LabelIx) -> Option<&Transition> {
        find(self.moves(state), peer, label)
    }

    /// The receive of `message` from `peer`, if it is legal in `state`.
    #[must_use]
    #[inline]
    pub fn receive(
        &self,
        state: StateIx,
        peer: RoleIx,
        label: LabelIx,
        message: MessageIx,
    ) -> Option<&Transition> {
        let row = self.row(state, Direction::Receive)?;
        find(row, peer, label).filter(|found| found.message == message)
    }

    /// The first receive from `peer` that is legal in `state`.
    #[must_use]
    #[inline]
    pub fn receive_from(&self, state: StateIx, peer: RoleIx) -> Option<&Transition> {
        let head = self.head(state, Direction::Receive)?;
        if head.peer == peer { Some(head) } else { self.receive_behind(state, peer) }
    }

    #[inline(never)]
    fn receive_behind(&self, state: StateIx, peer: RoleIx) -> Option<&Transition> {
        self.moves(state).iter().find(|transition| transition.peer == peer)
    }

    /// Whether `state` waits for messages from `peer`.
    #[must_use]
    pub fn waits_for(&self, state: StateIx, peer: RoleIx) -> bool {
        self.receive_from(state, peer).is_some()
    }

    /// The receives that are legal in `state`.
    #[must_use]
    #[inline]
    pub fn receives(&self, state: StateIx) -> &[Transition] {
        self.row(state, Direction::Receive).unwrap_or(&[])
    }

    /// The first transition of `state`, if they are of this direction.
    #[inline(always)]
    fn head(&self, state: StateIx, direction: Direction) -> Option<&Transition> {
        let found = &self.states[state.index()];
        if found.direction == direction { found.head.as_ref() } else { None }
    }

    #[inline(always)]
    fn row(&self, state: StateIx, direction: Direction) -> Option<&[Transition]> {
        let found = self.states[state.index()];
        let range = found.first as usize..(found.first + found.count) as usize;
        (found.direction == direction).then(|| &self.transitions[range])
    }

    /// AUTO-3: the local type of what follows from `state`; `branch` gives the names of a
    /// transition.
    ///
    /// # Errors
    /// `too_large` if the type, which shares nothing, has more than [`NODES_MAX`] nodes.
    pub(super) fn local_type(
        &self,
        state: StateIx,
        branch: impl Fn(&Transition) -> DraftBranch,
    ) -> Result<LocalType, Diagnostics> {
        let places = self.expand(state)?;
        let mut draft: Draft<Direction> = Draft::default();
        let reserved: Vec<DraftId> = places.iter().map(|_| draft.reserve(Span::NONE)).collect();
        let mut entry = reserved.clone();
        for (index, place) in places.iter().enumerate().rev() {
            match place {
                Place::Back(binder) => draft.set_back(reserved[index], reserved[*binder]),
                Place::State { state, used, next } => {
                    let row = self.moves(*state);
                    let Some(direction) = self.direction(*state) else { continue };
                    let branches = row.iter().zip(next).map(|(transition, next)| DraftBranch {
                        next: entry[*next],
                        ..branch(transition)
                    });
                    let branches = branches.collect();
                    if *used {
                        let body = draft.choice(direction, branches, Span::NONE);
                        let name = super::name::Name::new("X").expect("`X` is a name");
                        draft.set_rec(reserved[index], name, body);
                    } else {
                        draft.set_choice(reserved[index], direction, branches);
                    }
                    entry[index] = reserved[index];
                }
            }
        }
        LocalType::from_draft(&draft, entry[0])
    }

    /// The tree of runs from `state`, cut where a run comes back to a state of its own path.
    fn expand(&self, state: StateIx) -> Result<Vec<Place>, Diagnostics> {
        enum Step {
            Enter(StateIx, Option<usize>),
            Leave(StateIx),
        }
        let mut places: Vec<Place> = Vec::new();
        let mut on_path: Vec<Option<usize>> = vec![None; self.states.len()];
        let mut stack = vec![Step::Enter(state, None)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Leave(state) => on_path[state.index()] = None,
                Step::Enter(state, parent) => {
                    let index = places.len();
                    if let Some(Place::State { next, .. }) = parent.map(|p| &mut places[p]) {
                        next.push(index);
                    }
                    if index > NODES_MAX {
                        let text = "the type has too many nodes when written out";
                        return Err(Diagnostic::new(Code::TooLarge, Span::NONE, text).into());
                    }
                    if let Some(binder) = on_path[state.index()] {
                        if let Place::State { used, .. } = &mut places[binder] {
                            *used = true;
                        }
                        places.push(Place::Back(binder));
                        continue;
                    }
                    places.push(Place::State { state, used: false, next: Vec::new() });
                    on_path[state.index()] = Some(index);
                    stack.push(Step::Leave(state));
                    let row = self.moves(state).iter().rev();
                    stack.extend(row.map(|move_| Step::Enter(move_.next, Some(index))));
                }
            }
        }
        Ok(places)
    }
}

enum Place {
    State { state: StateIx, used: bool, next: Vec<usize> },
    Back(usize),
}

/// The transition of a sorted row with this partner and label.
#[inline(always)]
fn find(row: &[Transition], peer: RoleIx, label: LabelIx) -> Option<&Transition> {
    const SCANNED_MAX: usize = 8;
    if row.len() <= SCANNED_MAX {
        row.iter().find(|transition| transition.peer == peer && transition.label == label)
    } else {
        let key = |transition: &Transition| (transition.peer, transition.label);
        row.binary_search_by_key(&(peer, label), key).ok().map(|index| &row[index])
    }
}
