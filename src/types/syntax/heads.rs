//! The first messages of a choice: those of its branches, through recursions, calls and choices
//! of the same role.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashSet;

use super::ast::{Act, BlockId};
use super::elaborate::{Elaborate, Stopped, Task};
use super::plan::Branch;
use super::position::NONE;
use crate::types::diagnostics::{Code, Diagnostic, Span};

/// What was gathered of one choice.
pub(super) struct Gathered {
    pub(super) branches: Vec<Branch>,
    /// What is to be filled behind each branch.
    pub(super) tasks: Vec<Task>,
    /// A recursion was entered on the way, so that this choice may come again.
    pub(super) unrolled: bool,
}

enum Step {
    /// Look at a position, in a branch of the choice; the place is the last jump's.
    Look(u32, Span, BlockId),
    Leave(u32),
}

pub(super) struct Gather<'e, 'a> {
    elaborate: &'e mut Elaborate<'a>,
    /// Who chooses, and where that is said.
    chooser: u16,
    choice: Span,
    open: HashSet<u32>,
    stack: Vec<Step>,
    gathered: Gathered,
    failed: bool,
}

impl<'e, 'a> Gather<'e, 'a> {
    /// The first messages of the choice at `at`.
    pub(super) fn run(elaborate: &'e mut Elaborate<'a>, at: u32) -> Result<Gathered, Stopped> {
        let position = elaborate.positions.position(at);
        let choice = elaborate.positions.statement(position).span;
        let (chooser, _) = elaborate.role_at(position);
        let gathered = Gathered { branches: Vec::new(), tasks: Vec::new(), unrolled: false };
        let (open, stack) = (HashSet::new(), vec![Step::Look(at, choice, BlockId(NONE))]);
        let mut gather = Self { elaborate, chooser, choice, open, stack, gathered, failed: false };
        while let Some(step) = gather.stack.pop() {
            match step {
                Step::Leave(at) => {
                    gather.open.remove(&at);
                }
                Step::Look(at, from, branch) => gather.look(at, from, branch)?,
            }
        }
        if gather.failed { Err(Stopped) } else { Ok(gather.gathered) }
    }

    fn look(&mut self, at: u32, from: Span, branch: BlockId) -> Result<(), Stopped> {
        if at == NONE {
            self.silent(branch);
            return Ok(());
        }
        let position = self.elaborate.positions.position(at);
        let statement = self.elaborate.positions.statement(position);
        self.elaborate.charge(super::instance::cost(&statement.act), statement.span)?;
        if let Act::Transfer { .. } = &statement.act {
            if self.chosen(at) {
                let (branch, task) = self.elaborate.transfer(position)?;
                self.gathered.branches.push(branch);
                self.gathered.tasks.push(task);
            }
            return Ok(());
        }
        if !self.open.insert(at) {
            self.circle(from);
            return Ok(());
        }
        self.stack.push(Step::Leave(at));
        match &statement.act {
            Act::Transfer { .. } => {}
            Act::Decide { blocks, .. } => {
                if self.chosen(at) {
                    for block in blocks.iter().rev() {
                        let inside = self.elaborate.positions.inside(position, *block);
                        let branch = if branch.0 == NONE { *block } else { branch };
                        self.stack.push(Step::Look(inside, from, branch));
                    }
                }
            }
            Act::Recursion { body, .. } => {
                self.gathered.unrolled = true;
                let inside = self.elaborate.positions.inside_binder(at, position, *body);
                self.stack.push(Step::Look(inside, from, branch));
            }
            Act::Again { up, .. } => {
                self.gathered.unrolled = true;
                let binder = self.elaborate.positions.binder(position, *up);
                self.stack.push(Step::Look(binder, statement.span, branch));
            }
            Act::Call { protocol, .. } => {
                let call = self.elaborate.called(position, *protocol)?;
                let rest = self.elaborate.positions.behind(position);
                self.gathered.unrolled |= self.elaborate.met(*protocol);
                let inside = self.elaborate.positions.enter(call, rest);
                self.stack.push(Step::Look(inside, statement.span, branch));
            }
        }
        Ok(())
    }

    /// Whether the chooser acts at this message or choice; reports it if not.
    fn chosen(&mut self, at: u32) -> bool {
        let position = self.elaborate.positions.position(at);
        let (role, name) = self.elaborate.role_at(position);
        let span = self.elaborate.positions.statement(position).span;
        let chooser = self.elaborate.role_name(self.chooser);
        let text = match self.elaborate.own() {
            None if role == self.chooser => return true,
            None => format!("this branch begins with `{name}`, but `{chooser}` makes the choice"),
            // TYPE-22: what another role chose is known by what arrives, from whomever.
            Some(own) if (role == own) == (self.chooser == own) => return true,
            Some(own) if role == own => {
                format!("this branch begins with `{name}`, but waits for what `{chooser}` chose")
            }
            Some(_) => format!("this branch begins by waiting, but `{chooser}` makes the choice"),
        };
        self.wrong(span, text);
        false
    }

    /// A branch in which nothing happens.
    fn silent(&mut self, branch: BlockId) {
        let block = self.elaborate.positions.modules.blocks.get(branch.index());
        let span = block.map_or(self.choice, |block| block.span);
        self.wrong(span, "nothing happens in this branch: nobody can know that it was chosen");
    }

    fn wrong(&mut self, span: Span, text: impl Into<alloc::string::String>) {
        self.failed = true;
        self.elaborate.found.push(
            Diagnostic::new(Code::WrongChooser, span, text)
                .note(self.choice, "the choice")
                .remedy("let the role that chooses send the first message of each branch"),
        );
    }

    /// The same place again without a message.
    fn circle(&mut self, from: Span) {
        self.failed = true;
        let text = "this comes back to itself without an action";
        self.elaborate.found.push(
            Diagnostic::new(Code::UnguardedRecursion, from, text)
                .remedy("put a message between the binder and the variable"),
        );
    }
}
