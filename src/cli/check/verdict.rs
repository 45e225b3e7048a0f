//! What is known of a file after it was checked.

use std::path::Path;

use crate::cli::{Failure, input};
use crate::types::complete::Ambiguity;
use crate::types::compose::{ComposeLimits, Composition};
use crate::types::syntax::{Each, Report};
use crate::types::{
    Diagnostics, GlobalType, LocalTypes, Name, Node, Origin, ProjectionLimits, Protocol, RoleIx,
    Severity, Unprojectable, project, project_complete,
};

/// A file that was read and checked.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Whether nothing refuses it.
    pub(super) ok: bool,
    /// Its protocols; none if the text is refused as a whole.
    pub(super) protocols: Vec<Checked>,
    /// What was found, warnings included.
    pub(super) report: Report,
}

/// A protocol of a text that was understood.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) name: Name,
    pub(super) origin: Origin,
    pub(super) roles: Vec<CheckedRole>,
    /// Whether each choice of a global type has one receiver.
    pub(super) is_directed: bool,
    /// For each role that cannot know what to do, two runs that show why.
    pub(super) ambiguities: Vec<Ambiguity>,
    /// What sessions would run, and how its roles run together.
    pub(super) compiled: Option<(Protocol, Composition)>,
}

/// A role of such a protocol.
#[derive(Debug)]
pub(super) struct CheckedRole {
    pub(super) name: Name,
    /// How many states its automaton has.
    pub(super) states: Option<usize>,
    /// Whether it has a projection; local types have no need of one.
    pub(super) projectable: Option<Projectable>,
}

/// What is known of the projection onto a role.
#[derive(Debug, Clone, Copy)]
pub(super) struct Projectable {
    /// Whether there is any.
    pub(super) complete: bool,
    /// Whether the classic one with full merge finds it, as other tools would.
    pub(super) classic: bool,
}

/// How far a protocol with so many edges is explored.
pub(super) type LimitsFor<'a> = &'a dyn Fn(usize) -> ComposeLimits;

impl Verdict {
    /// Checks a file.
    pub(super) fn of(file: &Path, limits_for: LimitsFor<'_>) -> Result<Self, Failure> {
        let source = match input::read_source(file)? {
            Ok(source) => source,
            Err(report) => return Ok(Self { ok: false, protocols: Vec::new(), report }),
        };
        let mut found = source.warnings.clone();
        let each = source.declared.each().into_iter().zip(source.names());
        let protocols = each.map(|(each, name)| match each {
            Each::Global(global) => Checked::global(global, limits_for, &mut found),
            Each::Local(_, locals) => Checked::local(name, locals, limits_for, &mut found),
        });
        let protocols = protocols.collect();
        found.sort();
        Ok(Self { ok: !found.has_errors(), protocols, report: source.report(found) })
    }

    /// How many errors there are.
    pub(super) fn errors(&self) -> usize {
        let list = self.report.diagnostics.list().iter();
        let errors = list.filter(|found| found.code.severity() == Severity::Error).count();
        errors + self.report.diagnostics.suppressed()
    }
}

impl Checked {
    fn local(
        name: Name,
        locals: &LocalTypes,
        limits_for: LimitsFor<'_>,
        found: &mut Diagnostics,
    ) -> Self {
        let roles = locals.roles().iter();
        let roles = roles.map(|(name, _)| CheckedRole::of(name, None)).collect();
        let (origin, ambiguities) = (Origin::Local, Vec::new());
        let mut checked =
            Self { name, origin, roles, is_directed: true, ambiguities, compiled: None };
        match Protocol::unchecked(checked.name.clone(), locals.clone()) {
            Ok(protocol) => {
                checked.compose(protocol, limits_for);
                let (protocol, composition) = checked.compiled.as_ref().expect("it was composed");
                composition.diagnostic(protocol).into_iter().for_each(|more| found.push(more));
            }
            Err(more) => found.append(more),
        }
        checked
    }

    fn global(global: &GlobalType, limits_for: LimitsFor<'_>, found: &mut Diagnostics) -> Self {
        let limits = ProjectionLimits::default();
        let protocol = Protocol::from_global_within(global, &limits);
        let (mut roles, mut ambiguities) = (Vec::new(), Vec::new());
        for name in global.roles() {
            let classic = project(global, name).is_ok();
            let complete = protocol.is_ok() || classic || {
                let projected = project_complete(global, name, &limits);
                if let Err(Unprojectable::Ambiguous(ambiguity)) = &projected {
                    ambiguities.push((**ambiguity).clone());
                }
                projected.is_ok()
            };
            roles.push(CheckedRole::of(name, Some(Projectable { complete, classic })));
        }
        let (name, origin) = (global.name().clone(), Origin::Global);
        let tree = global.tree();
        let is_directed = tree.nodes().iter().all(|node| match node {
            Node::Choice(_, range) => {
                tree.branches_of(range).windows(2).all(|pair| pair[0].peer == pair[1].peer)
            }
            _ => true,
        });
        let mut checked = Self { name, origin, roles, is_directed, ambiguities, compiled: None };
        match protocol {
            Ok(protocol) => {
                checked.compose(protocol, limits_for);
                // Projections are safe together. A second look that ends early takes nothing back.
                let (protocol, composition) = checked.compiled.as_ref().expect("it was composed");
                if composition.violation.is_some() {
                    composition.diagnostic(protocol).into_iter().for_each(|more| found.push(more));
                }
            }
            Err(more) => found.append(more),
        }
        checked
    }

    fn compose(&mut self, mut protocol: Protocol, limits_for: LimitsFor<'_>) {
        for (index, role) in self.roles.iter_mut().enumerate() {
            let index = RoleIx(u16::try_from(index).expect("ROLES_MAX fits"));
            role.states = Some(protocol.automaton(index).len());
        }
        let composition = protocol.compose(&limits_for(protocol.edges().len()));
        self.compiled = Some((protocol, composition));
    }

    /// Whether every role has what `which` asks for; `None` for local types.
    pub(super) fn projectable(&self, which: impl Fn(Projectable) -> bool) -> Option<bool> {
        let known: Option<Vec<Projectable>> =
            self.roles.iter().map(|role| role.projectable).collect();
        known.map(|known| known.into_iter().all(which))
    }
}

impl CheckedRole {
    fn of(name: &Name, projectable: Option<Projectable>) -> Self {
        Self { name: name.clone(), states: None, projectable }
    }
}
