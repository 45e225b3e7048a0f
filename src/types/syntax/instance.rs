//! Messages and calls of a protocol with its parameters replaced by what a call gives for them.

use alloc::vec::Vec;

use super::ast::{Act, Argument, Kind, Modules, Parameter, Placed, Role};
use super::names::{Names, Scope};
use super::position::Call;
use super::reader::sort_of;
use crate::types::name::Name;
use crate::types::sort::{Payload, Sort, SortBuilder, SortNode};

/// The largest payload type that replacing parameters may make, in nodes.
pub(super) const SORT_NODES_MAX: usize = 1_000;

/// A payload type grew beyond [`SORT_NODES_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Looks up parameters.
pub(super) struct Instance<'a> {
    pub(super) parameters: &'a [Parameter],
    pub(super) call: &'a Call,
    modules: &'a Modules,
    /// What the names of its module mean.
    scope: &'a Scope,
}

impl<'a> Instance<'a> {
    pub(super) fn new(modules: &'a Modules, call: &'a Call, names: &'a Names) -> Self {
        let protocol = &modules.protocols[call.protocol as usize];
        let (parameters, scope) = (&protocol.head.parameters[..], names.of(protocol.module));
        Self { parameters, call, modules, scope }
    }

    fn argument(&self, name: &Name, kind: Kind) -> Option<&'a Argument> {
        let known = |p: &Parameter| p.name.value == *name && p.kind == kind;
        self.call.arguments.get(self.parameters.iter().position(known)?)
    }

    /// Label and payload of a message.
    pub(super) fn message(
        &self,
        label: &Name,
        payload: Option<&Payload>,
    ) -> Result<(Name, Payload), TooLarge> {
        if let Some(payload) = payload {
            return Ok((label.clone(), self.payload(payload)?));
        }
        match self.argument(label, Kind::Message) {
            Some(Argument::Message(label, payload)) => Ok((label.clone(), payload.clone())),
            Some(Argument::Sort(sort)) => match sort.top() {
                SortNode::Named(name) => Ok((name.clone(), Payload::none())),
                _ => Ok((label.clone(), Payload::one(sort.clone()))),
            },
            None => Ok(self.signature(label).unwrap_or_else(|| (label.clone(), Payload::none()))),
        }
    }

    /// A message that was declared by `sig` carries a payload of its name.
    fn signature(&self, name: &Name) -> Option<(Name, Payload)> {
        let name = self.scope.message(name)?;
        Some((name.clone(), Payload::one(sort_of(name))))
    }

    fn payload(&self, payload: &Payload) -> Result<Payload, TooLarge> {
        if self.is_plain() {
            return Ok(payload.clone());
        }
        let args = payload.args().iter().map(|(name, sort)| Ok((name.clone(), self.sort(sort)?)));
        Ok(Payload::new(args.collect::<Result<Vec<_>, TooLarge>>()?))
    }

    /// Every name stands for itself.
    fn is_plain(&self) -> bool {
        self.parameters.is_empty() && !self.scope.renames()
    }

    fn sort(&self, sort: &Sort) -> Result<Sort, TooLarge> {
        let replaced = |node: &SortNode| match node {
            SortNode::Named(name) => match self.argument(name, Kind::Sort) {
                Some(Argument::Sort(sort)) => Some(sort),
                Some(Argument::Message(..)) => None,
                None => self.scope.renamed(name),
            },
            _ => None,
        };
        if self.is_plain() || sort.nodes().iter().all(|node| replaced(node).is_none()) {
            return Ok(sort.clone());
        }
        let mut builder = SortBuilder::default();
        let mut places: Vec<u32> = Vec::with_capacity(sort.nodes().len());
        let mut size = 0;
        for node in sort.nodes() {
            let part = |index: &u32| places[*index as usize];
            let place = match (replaced(node), node) {
                (Some(sort), _) => {
                    size += sort.nodes().len();
                    if size > SORT_NODES_MAX {
                        return Err(TooLarge);
                    }
                    builder.embed(sort)
                }
                (None, SortNode::List(item)) => builder.push(SortNode::List(part(item))),
                (None, SortNode::Optional(item)) => builder.push(SortNode::Optional(part(item))),
                (None, SortNode::Record(fields)) => {
                    let fields = fields.iter().map(|(name, index)| (name.clone(), part(index)));
                    builder.push(SortNode::Record(fields.collect()))
                }
                (None, leaf) => builder.push(leaf.clone()),
            };
            size += 1;
            places.push(place);
        }
        if size > SORT_NODES_MAX { Err(TooLarge) } else { Ok(builder.finish()) }
    }

    /// The call that a statement makes from here.
    pub(super) fn call(
        &self,
        protocol: u32,
        arguments: &[Placed<Argument>],
        roles: &[Role],
    ) -> Result<Call, TooLarge> {
        let wanted = &self.modules.protocols[protocol as usize].head.parameters;
        let argument = |(index, given): (usize, &Placed<Argument>)| match &given.value {
            Argument::Sort(sort) => match sort.top() {
                // The name of a message goes on as what the caller was given for it, or as what it
                // means where the caller stands.
                SortNode::Named(name) => match self.argument(name, Kind::Message) {
                    Some(message) => Ok(message.clone()),
                    None => match self.signature(name) {
                        Some((label, payload)) if wanted[index].kind == Kind::Message => {
                            Ok(Argument::Message(label, payload))
                        }
                        _ => Ok(Argument::Sort(self.sort(sort)?)),
                    },
                },
                _ => Ok(Argument::Sort(self.sort(sort)?)),
            },
            Argument::Message(label, payload) => {
                Ok(Argument::Message(label.clone(), self.payload(payload)?))
            }
        };
        let arguments =
            arguments.iter().enumerate().map(argument).collect::<Result<_, TooLarge>>()?;
        let roles = roles.iter().map(|role| self.role(role)).collect();
        Ok(Call { protocol, roles, arguments })
    }

    /// The outermost protocol's role that plays this one.
    pub(super) fn role(&self, role: &Role) -> u16 {
        self.call.roles[role.index as usize]
    }
}

/// How much a statement costs: messages and arguments that are copied.
pub(super) fn cost(act: &Act) -> usize {
    match act {
        Act::Transfer { payload, to, .. } => {
            let arguments = payload.as_ref().map_or(0, |payload| payload.args().len());
            (1 + arguments) * to.len()
        }
        Act::Decide { blocks, .. } => blocks.len(),
        Act::Recursion { .. } => 1,
        Act::Again { up, .. } => 1 + *up as usize,
        Act::Call { arguments, roles, .. } => 1 + arguments.len() + roles.len(),
    }
}
