//! Messages and calls of a protocol with its parameters replaced by what a call gives for them.

use alloc::vec::Vec;

use hashbrown::HashSet;

use super::ast::{Act, Argument, Kind, Module, Parameter, Placed, Role};
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
    pub(super) messages: &'a HashSet<Name>,
}

impl<'a> Instance<'a> {
    pub(super) fn new(module: &'a Module, call: &'a Call, messages: &'a HashSet<Name>) -> Self {
        let parameters = &module.protocols[call.protocol as usize].head.parameters[..];
        Self { parameters, call, messages }
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
                SortNode::Named(name) => Ok((name.clone(), self.signature(name))),
                _ => Ok((label.clone(), Payload::one(sort.clone()))),
            },
            None => Ok((label.clone(), self.signature(label))),
        }
    }

    /// A message that was declared by `sig` carries a payload of its name.
    fn signature(&self, name: &Name) -> Payload {
        if self.messages.contains(name) { Payload::one(sort_of(name)) } else { Payload::none() }
    }

    fn payload(&self, payload: &Payload) -> Result<Payload, TooLarge> {
        if self.parameters.is_empty() {
            return Ok(payload.clone());
        }
        let args = payload.args().iter().map(|(name, sort)| Ok((name.clone(), self.sort(sort)?)));
        Ok(Payload::new(args.collect::<Result<Vec<_>, TooLarge>>()?))
    }

    fn sort(&self, sort: &Sort) -> Result<Sort, TooLarge> {
        let replaced = |node: &SortNode| match node {
            SortNode::Named(name) => match self.argument(name, Kind::Sort) {
                Some(Argument::Sort(sort)) => Some(sort),
                _ => None,
            },
            _ => None,
        };
        if self.parameters.is_empty() || sort.nodes().iter().all(|node| replaced(node).is_none()) {
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
        let argument = |given: &Placed<Argument>| match &given.value {
            Argument::Sort(sort) => match sort.top() {
                // The name of a message goes on as what the caller was given for it.
                SortNode::Named(name) => match self.argument(name, Kind::Message) {
                    Some(message) => Ok(message.clone()),
                    None => Ok(Argument::Sort(self.sort(sort)?)),
                },
                _ => Ok(Argument::Sort(self.sort(sort)?)),
            },
            Argument::Message(label, payload) => {
                Ok(Argument::Message(label.clone(), self.payload(payload)?))
            }
        };
        let arguments = arguments.iter().map(argument).collect::<Result<_, TooLarge>>()?;
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
