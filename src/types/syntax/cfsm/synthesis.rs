//! Local types out of tables: the checks on an automaton, and its runs written out as a type.
//!
//! A type is a tree. A state that is reached on several ways is written out on each of them, and a
//! way that comes back to a state it has passed ends in a variable. What this may cost has a limit
//! for all roles together ([`WRITTEN_MAX`]). Every pass is a loop: a table may be as large as a
//! text.
//!
//! Clauses: CFSM-1, CFSM-5 to CFSM-8, CFSM-10.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::table::{Message, System, Table, Transition};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::draft::{Draft, DraftBranch, DraftId};
use crate::types::local::{Direction, LocalType, LocalTypes};
use crate::types::name::Name;
use crate::types::protocol::ROLES_MAX;
use crate::types::tree::NODES_MAX;

/// The most places, arguments and constructors of sorts of all types of one text, written out.
const WRITTEN_MAX: usize = 4 * NODES_MAX;

/// The local types of all automata, if nothing is wrong with them. `found` is what reading found;
/// beside the result stand warnings.
pub(in crate::types::syntax) fn locals(
    system: System,
    mut found: Diagnostics,
) -> Result<(LocalTypes, Diagnostics), Diagnostics> {
    let System { tables, messages } = system;
    if let Some(more) = tables.get(ROLES_MAX) {
        let text = format!("a protocol has at most {ROLES_MAX} roles");
        found.push(Diagnostic::new(Code::TooLarge, more.span, text));
        return Err(sorted(found));
    }
    // Where a transition could not be read, what it leads to is not lost.
    let whole = !found.has_errors();
    let names: Vec<Name> = tables.iter().map(|table| table.role.clone()).collect();
    let mut budget = WRITTEN_MAX;
    let mut declared = Vec::with_capacity(tables.len());
    for (own, table) in tables.into_iter().enumerate() {
        if table.transitions.len() > NODES_MAX {
            let text = format!("the automaton has more than {NODES_MAX} transitions");
            found.push(Diagnostic::new(Code::TooLarge, table.span, text));
            continue;
        }
        let rows = Rows::of(&table);
        let reached = rows.reached();
        if whole {
            unreachable_states(&table, &rows, &reached, &mut found);
        }
        let synthesis =
            Synthesis { table: &table, rows: &rows, names: &names, messages: &messages };
        synthesis.check(own, &reached, &mut found);
        if found.has_errors() {
            continue;
        }
        match synthesis.local_type(&mut budget) {
            Ok(local) => declared.push((table.role, table.span, local)),
            Err(more) => found.append(more),
        }
    }
    if found.has_errors() {
        return Err(sorted(found));
    }
    let (locals, warnings) = LocalTypes::with_spans(declared)?;
    found.append(warnings);
    Ok((locals, sorted(found)))
}

fn sorted(mut found: Diagnostics) -> Diagnostics {
    found.sort();
    found
}

/// The transitions of a table by the state that they leave, those of a state in the order of the
/// text.
struct Rows {
    initial: u32,
    starts: Vec<u32>,
    transitions: Vec<Transition>,
}

impl Rows {
    fn of(table: &Table) -> Self {
        let mut starts = vec![0_u32; table.states.len() + 1];
        for transition in &table.transitions {
            starts[transition.from as usize + 1] += 1;
        }
        for state in 1..starts.len() {
            starts[state] += starts[state - 1];
        }
        let mut transitions = table.transitions.clone();
        transitions.sort_by_key(|transition| transition.from);
        Self { initial: table.initial, starts, transitions }
    }

    fn row(&self, state: u32) -> &[Transition] {
        let (first, past) = (self.starts[state as usize], self.starts[state as usize + 1]);
        &self.transitions[first as usize..past as usize]
    }

    /// The states that can be reached, in the order of a search in breadth.
    fn reached(&self) -> Vec<u32> {
        let states = self.starts.len() - 1;
        let mut seen = vec![false; states];
        let mut order = Vec::new();
        if states > 0 {
            seen[self.initial as usize] = true;
            order.push(self.initial);
        }
        let mut next = 0;
        while let Some(&state) = order.get(next) {
            for transition in self.row(state) {
                if !core::mem::replace(&mut seen[transition.to as usize], true) {
                    order.push(transition.to);
                }
            }
            next += 1;
        }
        order
    }
}

/// CFSM-8: one warning for all the states of an automaton that nothing leads to.
fn unreachable_states(table: &Table, rows: &Rows, reached: &[u32], found: &mut Diagnostics) {
    let mut seen = vec![false; table.states.len()];
    reached.iter().for_each(|state| seen[*state as usize] = true);
    let count = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    let idle = |state: &u32| !seen[*state as usize] && !table.states.is_marker(*state);
    let mut lost = (0..count).filter(idle);
    let Some(first) = lost.next() else { return };
    let more = lost.count();
    let place = rows.row(first).first().map(|transition| transition.span);
    let shown = table.states.shown(first);
    let text = match more {
        0 => format!("nothing leads to state {shown} of `{}`", table.role),
        more => format!("nothing leads to state {shown} of `{}`, and to {more} more", table.role),
    };
    found.push(
        Diagnostic::new(
            Code::UnreachableState,
            table.states.span(first).or(place).unwrap_or(table.span),
            text,
        )
        .remedy("it is left out: remove it, or let a transition lead to it"),
    );
}

/// One automaton while it becomes a type.
struct Synthesis<'a> {
    table: &'a Table,
    rows: &'a Rows,
    names: &'a [Name],
    messages: &'a [Message],
}

impl Synthesis<'_> {
    /// CFSM-5 to CFSM-7: the checks on the states that are reached.
    fn check(&self, own: usize, reached: &[u32], found: &mut Diagnostics) {
        for &state in reached {
            let row = self.rows.row(state);
            self.directions(state, row, found);
            self.selves(own, row, found);
            self.twins(state, row, found);
        }
    }

    fn label(&self, transition: &Transition) -> &Name {
        &self.messages[transition.message as usize].label
    }

    fn directions(&self, state: u32, row: &[Transition], found: &mut Diagnostics) {
        let Some(first) = row.first() else { return };
        let Some(other) = row.iter().find(|other| other.direction != first.direction) else {
            return;
        };
        let (does, differs) = match first.direction {
            Direction::Send => ("sends", "receives"),
            Direction::Receive => ("receives", "sends"),
        };
        let text = format!(
            "state {} of `{}` {does} `{}` and {differs} `{}`",
            self.table.states.shown(state),
            self.table.role,
            self.label(first),
            self.label(other),
        );
        found.push(
            Diagnostic::new(Code::MixedChoice, other.span, text)
                .note(first.span, format!("it {does} here"))
                .remedy("let one role decide: a state only sends, or only receives"),
        );
    }

    fn selves(&self, own: usize, row: &[Transition], found: &mut Diagnostics) {
        for transition in row.iter().filter(|transition| transition.peer as usize == own) {
            let (role, label) = (&self.table.role, self.label(transition));
            let text = format!("`{role}` exchanges `{label}` with itself");
            found.push(
                Diagnostic::new(Code::SelfMessage, transition.span, text)
                    .remedy("name another role: a message goes from one role to another"),
            );
        }
    }

    fn twins(&self, state: u32, row: &[Transition], found: &mut Diagnostics) {
        let mut order: Vec<&Transition> = row.iter().collect();
        let key = |transition: &&Transition| {
            (transition.direction, transition.peer, self.label(transition))
        };
        order.sort_by(|one, two| key(one).cmp(&key(two)));
        for pair in order.windows(2) {
            if key(&pair[0]) != key(&pair[1]) {
                continue;
            }
            let text = format!(
                "two transitions of state {} of `{}` have the label `{}` and the partner `{}`",
                self.table.states.shown(state),
                self.table.role,
                self.label(pair[1]),
                self.names[pair[1].peer as usize],
            );
            found.push(
                Diagnostic::new(Code::DuplicateBranch, pair[1].span, text)
                    .note(pair[0].span, "the first one")
                    .remedy("give each its own label, or make the automaton deterministic"),
            );
        }
    }

    /// The type of what follows from the initial state.
    fn local_type(&self, budget: &mut usize) -> Result<LocalType, Diagnostics> {
        let places = self.written_out(budget)?;
        let mut draft: Draft<Direction> = Draft::default();
        let reserved: Vec<DraftId> =
            places.iter().map(|place| draft.reserve(place.span())).collect();
        let variable = Name::new("X").expect("`X` is a name");
        for (place, id) in places.iter().zip(&reserved).rev() {
            match place {
                Place::Back { binder, .. } => draft.set_back(*id, reserved[*binder]),
                Place::State { state, next, again, span } => {
                    let row = self.rows.row(*state);
                    let Some(direction) = row.first().map(|first| first.direction) else {
                        continue;
                    };
                    let branches = row.iter().zip(next);
                    let branches = branches.map(|(t, next)| self.branch(t, reserved[*next]));
                    let branches = branches.collect();
                    if *again {
                        let body = draft.choice(direction, branches, *span);
                        draft.set_rec(*id, variable.clone(), body);
                    } else {
                        draft.set_choice(*id, direction, branches);
                    }
                }
            }
        }
        LocalType::from_draft(&draft, reserved[0])
    }

    fn branch(&self, transition: &Transition, next: DraftId) -> DraftBranch {
        let message = &self.messages[transition.message as usize];
        DraftBranch {
            peer: self.names[transition.peer as usize].clone(),
            label: message.label.clone(),
            payload: message.payload.clone(),
            next,
            span: transition.span,
        }
    }

    /// The tree of runs, cut where a run comes back to a state that it has passed.
    fn written_out(&self, budget: &mut usize) -> Result<Vec<Place>, Diagnostics> {
        enum Step {
            Enter { state: u32, parent: Option<usize>, span: Span },
            Leave(u32),
        }
        let mut places: Vec<Place> = Vec::new();
        let mut on_path: Vec<Option<usize>> = vec![None; self.table.states.len()];
        let begin = self.table.states.span(self.rows.initial).unwrap_or(self.table.span);
        let mut stack = vec![Step::Enter { state: self.rows.initial, parent: None, span: begin }];
        while let Some(step) = stack.pop() {
            let (state, parent, span) = match step {
                Step::Enter { state, parent, span } => (state, parent, span),
                Step::Leave(state) => {
                    on_path[state as usize] = None;
                    continue;
                }
            };
            let index = places.len();
            if let Some(Place::State { next, .. }) = parent.map(|parent| &mut places[parent]) {
                next.push(index);
            }
            if let Some(binder) = on_path[state as usize] {
                if let Place::State { again, .. } = &mut places[binder] {
                    *again = true;
                }
                self.charge(budget, index, 1)?;
                places.push(Place::Back { binder, span });
                continue;
            }
            let row = self.rows.row(state);
            let weight = |t: &Transition| self.messages[t.message as usize].weight;
            let cost = row.iter().map(weight).fold(1, usize::saturating_add);
            self.charge(budget, index, cost)?;
            places.push(Place::State {
                state,
                next: Vec::with_capacity(row.len()),
                again: false,
                span,
            });
            on_path[state as usize] = Some(index);
            stack.push(Step::Leave(state));
            stack.extend(row.iter().rev().map(|transition| Step::Enter {
                state: transition.to,
                parent: Some(index),
                span: transition.span,
            }));
        }
        Ok(places)
    }

    /// CFSM-10: takes from what may be written out; `places` are there already.
    fn charge(&self, budget: &mut usize, places: usize, cost: usize) -> Result<(), Diagnostics> {
        if places < NODES_MAX && cost <= *budget {
            *budget -= cost;
            return Ok(());
        }
        let role = &self.table.role;
        let text = if places < NODES_MAX {
            format!("written out, the types of this text have more than {WRITTEN_MAX} parts")
        } else {
            format!("written out, the type of `{role}` has more than {NODES_MAX} nodes")
        };
        let remedy = "a type shares nothing: what follows a state is repeated on every way that \
                      leads to it, so that a small automaton can be a large type; let ways that \
                      meet again be one way";
        Err(Diagnostic::new(Code::TooLarge, self.table.span, text).remedy(remedy).into())
    }
}

/// One place of the tree of runs.
enum Place {
    /// A state: where its transitions lead, and whether a variable comes back to it.
    State { state: u32, next: Vec<usize>, again: bool, span: Span },
    /// A way back.
    Back { binder: usize, span: Span },
}

impl Place {
    fn span(&self) -> Span {
        match self {
            Self::State { span, .. } | Self::Back { span, .. } => *span,
        }
    }
}
