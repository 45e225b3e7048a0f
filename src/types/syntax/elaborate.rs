//! Scribble protocols to global and local types: calls inlined, what follows a block appended to
//! its ends, the first messages of the branches of a choice gathered into one choice.
//!
//! All with an explicit stack, and bounded by [`WORK_MAX`] for a text, so that neither depth nor
//! blow-up can do harm. A way back is recognised by its [`Position`]: a `continue` or a recursive
//! call goes back where its position is on the path, and is unrolled where it is not (behind the
//! first message of a choice that a recursion stood before).

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::ast::{Act, Modules};
use super::heads::Gather;
use super::instance::{Instance, SORT_NODES_MAX, TooLarge, cost};
use super::plan::{Branch, Plan};
use super::position::{Call, NONE, Position, Positions};
use super::resolve::Resolved;
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::global::GlobalType;
use crate::types::local::LocalType;
use crate::types::name::Name;
use crate::types::tree::NODES_MAX;

/// The most steps for all protocols of one text.
const WORK_MAX: usize = 4 * NODES_MAX;

/// The type of one protocol of the main module.
pub(super) enum Elaborated {
    Global(GlobalType),
    /// With the index of the local protocol that it is of.
    Local(usize, LocalType),
}

/// The types of the main module's protocols, without the auxiliary global ones.
///
/// A protocol that is not sound is left out: why, was reported before.
pub(super) fn elaborate(modules: &Modules, resolved: &Resolved) -> (Vec<Elaborated>, Diagnostics) {
    let mut found = Diagnostics::default();
    let mut types = Vec::new();
    let mut work = WORK_MAX;
    let mut met = vec![false; modules.protocols.len()];
    // What is there to be called.
    let aux = |index: &usize| {
        let protocol = &modules.protocols[*index];
        protocol.head.aux || protocol.module > 0
    };
    let (auxiliary, public): (Vec<usize>, Vec<usize>) =
        (0..modules.protocols.len()).filter(|index| resolved.sound[*index]).partition(aux);
    for index in public.into_iter().chain(auxiliary) {
        // What an auxiliary protocol does was seen where it is called.
        if aux(&index) && met[index] {
            continue;
        }
        let elaborate = Elaborate::new(modules, resolved, index, &mut work, &mut met);
        let (elaborated, more) = elaborate.run();
        found.append(more);
        types.extend(elaborated.filter(|_| !aux(&index)));
        if work == 0 {
            break;
        }
    }
    (types, found)
}

/// What may lead back to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Entry {
    /// A statement.
    Statement,
    /// The call of a protocol that begins here.
    Call,
}

pub(super) enum Task {
    /// Fill this place of the plan with what happens from this position on.
    Fill(u32, u32),
    /// This way back leads outside from here on.
    Leave(u32, Entry),
}

/// Reported, or out of work: nothing more can be said of this protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopped;

pub(super) struct Elaborate<'a> {
    pub(super) positions: Positions<'a>,
    resolved: &'a Resolved,
    protocol: usize,
    pub(super) plan: Plan,
    path: HashMap<(u32, Entry), u32>,
    pub(super) tasks: Vec<Task>,
    work: &'a mut usize,
    met: &'a mut [bool],
    pub(super) found: Diagnostics,
}

impl<'a> Elaborate<'a> {
    fn new(
        modules: &'a Modules,
        resolved: &'a Resolved,
        protocol: usize,
        work: &'a mut usize,
        met: &'a mut [bool],
    ) -> Self {
        let plan = Plan::default();
        let positions = Positions::new(modules);
        let (path, tasks, found) = Default::default();
        Self { positions, resolved, protocol, plan, path, tasks, work, met, found }
    }

    fn run(mut self) -> (Option<Elaborated>, Diagnostics) {
        let head = &self.positions.modules.protocols[self.protocol].head;
        let roles = (0..head.roles.len()).map(|index| index as u16).collect();
        // Its own parameters stand for themselves.
        let own = |parameter: &super::ast::Parameter| {
            super::ast::Argument::Sort(super::reader::sort_of(&parameter.name.value))
        };
        let arguments = head.parameters.iter().map(own).collect();
        let call = Call { protocol: self.protocol as u32, roles, arguments };
        let place = self.plan.reserve(head.name.span);
        let done = self.enter(place, call, NONE).and_then(|()| self.drain());
        if done.is_err() || self.found.has_errors() {
            return (None, self.found);
        }
        if let Some(own) = head.own_role() {
            let (draft, root) = self.plan.local(&own.value);
            return match LocalType::from_draft(&draft, root) {
                Ok(local) => (Some(Elaborated::Local(self.protocol, local)), self.found),
                Err(found) => (None, found),
            };
        }
        let (draft, root) = self.plan.global();
        let roles = head.roles.iter().map(|role| (role.value.clone(), role.span)).collect();
        match GlobalType::from_draft(head.name.value.clone(), roles, &draft, root) {
            Ok((global, warnings)) => {
                let aux = head.aux || self.positions.modules.protocols[self.protocol].module > 0;
                let warnings = if aux { Diagnostics::default() } else { warnings };
                (Some(Elaborated::Global(global)), warnings)
            }
            Err(found) => (None, found),
        }
    }

    fn drain(&mut self) -> Result<(), Stopped> {
        while let Some(task) = self.tasks.pop() {
            match task {
                Task::Leave(at, entry) => {
                    self.path.remove(&(at, entry));
                }
                Task::Fill(place, at) => self.fill(place, at)?,
            }
        }
        Ok(())
    }

    fn fill(&mut self, place: u32, at: u32) -> Result<(), Stopped> {
        if at == NONE {
            return Ok(());
        }
        if let Some(&binder) = self.path.get(&(at, Entry::Statement)) {
            self.plan.back(place, binder);
            return Ok(());
        }
        let position = self.positions.position(at);
        let statement = self.positions.statement(position);
        self.charge(cost(&statement.act), statement.span)?;
        match &statement.act {
            Act::Transfer { .. } => {
                let (branch, next) = self.transfer(position)?;
                self.plan.choice(place, vec![branch]);
                self.tasks.push(next);
                Ok(())
            }
            Act::Recursion { name, body } => {
                let inside = self.positions.inside_binder(at, position, *body);
                let span = self.span_at(inside, statement.span);
                let body = self.bind(place, (at, Entry::Statement), name.clone(), true, span);
                self.tasks.push(Task::Fill(body, inside));
                Ok(())
            }
            Act::Again { up, .. } => {
                let binder = self.positions.binder(position, *up);
                self.tasks.push(Task::Fill(place, binder));
                Ok(())
            }
            Act::Call { protocol, .. } => {
                let call = self.called(position, *protocol)?;
                let rest = self.positions.behind(position);
                self.enter(place, call, rest)
            }
            Act::Decide { .. } => {
                let gathered = Gather::run(self, at)?;
                let place = if gathered.unrolled {
                    let name = self.name_of(position);
                    self.bind(place, (at, Entry::Statement), name, false, statement.span)
                } else {
                    place
                };
                self.tasks.extend(gathered.tasks.into_iter().rev());
                self.plan.choice(place, gathered.branches);
                Ok(())
            }
        }
    }

    /// Goes into a called protocol.
    fn enter(&mut self, place: u32, call: Call, rest: u32) -> Result<(), Stopped> {
        let protocol = call.protocol as usize;
        self.met[protocol] = true;
        let at = self.positions.enter(call, rest);
        if !self.resolved.recursive[protocol] || at == rest {
            self.tasks.push(Task::Fill(place, at));
        } else if let Some(&binder) = self.path.get(&(at, Entry::Call)) {
            self.plan.back(place, binder);
        } else {
            let name = self.positions.modules.protocols[protocol].head.name.value.clone();
            let span = self.span_at(at, self.plan.span(place));
            let body = self.bind(place, (at, Entry::Call), name, false, span);
            self.tasks.push(Task::Fill(body, at));
        }
        Ok(())
    }

    /// Makes `place` a binder to which `at` leads back; the place of its body.
    fn bind(
        &mut self,
        place: u32,
        way: (u32, Entry),
        name: Name,
        written: bool,
        body: Span,
    ) -> u32 {
        self.path.insert(way, place);
        self.tasks.push(Task::Leave(way.0, way.1));
        self.plan.bind(place, name, written, body)
    }

    /// The message at `position` and what is to be done behind it.
    pub(super) fn transfer(&mut self, position: Position) -> Result<(Branch, Task), Stopped> {
        let statement = self.positions.statement(position);
        let Act::Transfer { label, payload, from, to } = &statement.act else {
            unreachable!("asked for at messages only");
        };
        let instance = self.instance(position);
        let message = instance.message(&label.value, payload.as_ref());
        let name = |index: u16| self.role_name(index);
        let sender = name(instance.role(from));
        let receivers: Vec<Name> = to.iter().map(|role| name(instance.role(role))).collect();
        let (label, payload) = message.map_err(|TooLarge| self.too_large(statement.span))?;
        let behind = self.positions.behind(position);
        let after = self.span_at(behind, statement.span);

        let mut places: Vec<u32> = Vec::with_capacity(receivers.len());
        for rank in 1..=receivers.len() {
            let span = if rank == receivers.len() { after } else { statement.span };
            places.push(self.plan.reserve(span));
        }
        let mut branches = receivers.into_iter().zip(&places).map(|(peer, next)| {
            let (label, payload) = (label.clone(), payload.clone());
            let from = sender.clone();
            Branch { from, peer, label, payload, next: *next, span: statement.span }
        });
        let first = branches.next().expect("a message has a receiver");
        let others: Vec<_> = branches.collect();
        for (branch, place) in others.into_iter().zip(&places) {
            self.plan.choice(*place, vec![branch]);
        }
        let last = places[places.len() - 1];
        Ok((first, Task::Fill(last, behind)))
    }

    /// The call that is made at `position`.
    pub(super) fn called(&mut self, position: Position, protocol: u32) -> Result<Call, Stopped> {
        let statement = self.positions.statement(position);
        let Act::Call { arguments, roles, .. } = &statement.act else {
            unreachable!("asked for at calls only");
        };
        let call = self.instance(position).call(protocol, arguments, roles);
        call.map_err(|TooLarge| self.too_large(statement.span))
    }

    pub(super) fn met(&mut self, protocol: u32) -> bool {
        self.met[protocol as usize] = true;
        self.resolved.recursive[protocol as usize]
    }

    /// The chooser or sender of the statement at `position`, among the outermost roles.
    pub(super) fn role_at(&self, position: Position) -> (u16, Name) {
        let (Act::Decide { at: role, .. } | Act::Transfer { from: role, .. }) =
            &self.positions.statement(position).act
        else {
            unreachable!("asked for at messages and choices only");
        };
        let index = self.instance(position).role(role);
        (index, self.role_name(index))
    }

    fn instance(&self, position: Position) -> Instance<'_> {
        let call = self.positions.call(position);
        Instance::new(self.positions.modules, call, &self.resolved.names)
    }

    /// The role whose local protocol this is.
    pub(super) fn own(&self) -> Option<u16> {
        self.positions.modules.protocols[self.protocol].head.own.map(|own| own.index)
    }

    pub(super) fn role_name(&self, index: u16) -> Name {
        let head = &self.positions.modules.protocols[self.protocol].head;
        head.roles[index as usize].value.clone()
    }

    fn name_of(&self, position: Position) -> Name {
        let protocol = self.positions.call(position).protocol as usize;
        self.positions.modules.protocols[protocol].head.name.value.clone()
    }

    fn span_at(&self, at: u32, otherwise: Span) -> Span {
        if at == NONE {
            return otherwise;
        }
        self.positions.statement(self.positions.position(at)).span
    }

    /// Takes steps from what may be done.
    pub(super) fn charge(&mut self, steps: usize, span: Span) -> Result<(), Stopped> {
        *self.work = self.work.saturating_sub(steps);
        let text = if self.plan.size() > NODES_MAX {
            format!("written out, the protocol has more than {NODES_MAX} nodes")
        } else if *self.work == 0 {
            format!("written out, the protocols of this text take more than {WORK_MAX} steps")
        } else {
            return Ok(());
        };
        self.found.push(
            Diagnostic::new(Code::TooLarge, span, text)
                .remedy("what follows a choice is repeated in each branch; write a recursion"),
        );
        Err(Stopped)
    }

    fn too_large(&mut self, span: Span) -> Stopped {
        let text = format!("a payload type of more than {SORT_NODES_MAX} parts");
        self.found.push(Diagnostic::new(Code::TooLarge, span, text));
        Stopped
    }
}
