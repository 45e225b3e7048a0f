//! What the grammar does with a Scribble text: puts declarations and statements into flat arrays.

use alloc::format;
use alloc::vec::Vec;

use super::ast::*;
use super::local::Field;
use super::module::ModulePath;
use super::reader::Reader;
use crate::types::diagnostics::{Code, Diagnostic, Span};
use crate::types::name::Name;

/// A role as the header of a local protocol lists it.
#[derive(Debug)]
pub(crate) struct RoleListed {
    pub(crate) name: Placed<Name>,
    /// `self A`
    pub(crate) own: bool,
}

/// What stands in front of the body of a local protocol.
#[derive(Debug)]
pub(crate) struct Heading {
    head: Declaration,
    /// Whose it is is not said, or said twice.
    broken: bool,
}

/// Scribble.
impl Reader<'_, '_> {
    /// The module that is being read.
    pub(super) fn module(&mut self) -> &mut Module {
        self.modules.list.last_mut().expect("a reader begins with a module")
    }

    pub(crate) fn module_name(&mut self, path: Placed<ModulePath>) {
        self.module().path = Some(path);
    }

    pub(crate) fn import(
        &mut self,
        path: Placed<ModulePath>,
        member: Option<Placed<Name>>,
        alias: Option<Placed<Name>>,
    ) {
        self.module().imports.push(Import { path, member, alias, module: None });
    }

    pub(crate) fn declare_type(
        &mut self,
        kind: Kind,
        name: Placed<Name>,
        start: usize,
        end: usize,
    ) {
        let module = self.modules.list.len() - 1;
        let what = self.written(start, end).into();
        self.modules.types.push(DeclaredType { name, kind, what, module });
    }

    pub(crate) fn protocol(&mut self, head: Declaration, body: BlockId) {
        let broken = core::mem::take(&mut self.broken);
        let calls = core::mem::take(&mut self.calls);
        let module = self.modules.list.len() - 1;
        self.modules.protocols.push(Protocol { head, body, calls, module, broken });
    }

    /// TYPE-21: whose protocol a local one is: `at A`, or `self A` among its roles.
    pub(crate) fn heading(
        &mut self,
        name: Placed<Name>,
        aux: bool,
        parameters: Vec<Parameter>,
        at: Option<Placed<Name>>,
        roles: Vec<RoleListed>,
    ) -> Heading {
        let mut said = at.iter().chain(roles.iter().filter(|r| r.own).map(|r| &r.name));
        let first = said.next().cloned();
        let second = said.find(|name| Some(&name.value) != first.as_ref().map(|f| &f.value));
        let wrong = match (&first, second) {
            (None, _) => {
                let text = format!("local protocol `{}` does not say whose it is", name.value);
                Some(Diagnostic::new(Code::UnexpectedToken, name.span, text))
            }
            (Some(first), Some(second)) => {
                let text = format!("local protocol `{}` is of two roles", name.value);
                let found = Diagnostic::new(Code::UnexpectedToken, second.span, text);
                Some(found.note(first.span, "the first one"))
            }
            _ => None,
        };
        let broken = wrong.is_some();
        if let Some(wrong) = wrong {
            let remedy = format!("write `local protocol {} at Role(role Role, …)`", name.value);
            self.report(wrong.remedy(remedy));
        }
        let own = first.unwrap_or_else(|| name.clone());
        let mut roles: Vec<Placed<Name>> = roles.into_iter().map(|role| role.name).collect();
        let index = roles.iter().position(|role| role.value == own.value);
        if index.is_none() {
            roles.insert(0, own.clone());
        }
        let listed = index.is_some();
        let index = u16::try_from(index.unwrap_or(0)).unwrap_or(0);
        self.own = Some(own);
        let own = Some(Own { index, listed });
        Heading { head: Declaration { name, aux, parameters, roles, own }, broken }
    }

    pub(crate) fn local_protocol(&mut self, heading: Heading, body: BlockId) {
        self.own = None;
        if heading.broken {
            // What it does is not known, and that nobody may call it is a consequence.
            self.module().incomplete = true;
        }
        self.protocol(heading.head, body);
    }

    pub(crate) fn block(
        &mut self,
        statements: Vec<Statement>,
        start: usize,
        end: usize,
    ) -> BlockId {
        self.pulse.beat();
        self.modules.blocks.push(Block { statements, span: Span::new(start, end) });
        BlockId(u32::try_from(self.modules.blocks.len() - 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn transfer(
        &mut self,
        label: Placed<Name>,
        fields: Option<Vec<Field>>,
        from: Placed<Name>,
        to: Vec<Placed<Name>>,
        start: usize,
        end: usize,
    ) -> Statement {
        let payload = fields.map(|fields| self.payload(fields));
        let (from, to) = (role(from), to.into_iter().map(role).collect());
        let act = Act::Transfer { label, payload, from, to };
        Statement { act, span: Span::new(start, end) }
    }

    /// A message from the own role of a local protocol.
    pub(crate) fn send(
        &mut self,
        label: Placed<Name>,
        fields: Option<Vec<Field>>,
        to: Vec<Placed<Name>>,
        start: usize,
        end: usize,
    ) -> Statement {
        let own = self.own_role(&label);
        self.transfer(label, fields, own, to, start, end)
    }

    /// A message to the own role of a local protocol.
    pub(crate) fn receive(
        &mut self,
        label: Placed<Name>,
        fields: Option<Vec<Field>>,
        from: Placed<Name>,
        start: usize,
        end: usize,
    ) -> Statement {
        let own = self.own_role(&label);
        self.transfer(label, fields, from, Vec::from([own]), start, end)
    }

    /// The own role, at a place in the body. Behind a header that could not be read it does not
    /// matter which.
    fn own_role(&self, at: &Placed<Name>) -> Placed<Name> {
        let value = self.own.as_ref().map_or(&at.value, |own| &own.value).clone();
        Placed { value, span: at.span }
    }

    pub(crate) fn decide(
        &mut self,
        at: Placed<Name>,
        blocks: Vec<BlockId>,
        start: usize,
        end: usize,
    ) -> Statement {
        let act = Act::Decide { at: role(at), blocks };
        Statement { act, span: Span::new(start, end) }
    }

    pub(crate) fn recursion(
        &mut self,
        name: Placed<Name>,
        body: BlockId,
        start: usize,
        end: usize,
    ) -> Statement {
        let act = Act::Recursion { name: name.value, body };
        Statement { act, span: Span::new(start, end) }
    }

    pub(crate) fn again(&mut self, name: Placed<Name>, start: usize, end: usize) -> Statement {
        Statement { act: Act::Again { name: name.value, up: 0 }, span: Span::new(start, end) }
    }

    pub(crate) fn call(
        &mut self,
        target: Placed<Vec<Name>>,
        arguments: Vec<Placed<Argument>>,
        roles: Vec<Placed<Name>>,
        start: usize,
        end: usize,
    ) -> Statement {
        let Placed { value: mut names, span } = target;
        let name = Placed { value: names.pop().expect("a path has a name"), span };
        let module = (!names.is_empty()).then(|| Placed { value: ModulePath::new(names), span });
        let target = Target { module, name };
        let given = roles.iter().map(|role| role.value.clone()).collect();
        self.calls.push(Called { target: target.clone(), roles: given });
        let roles = roles.into_iter().map(role).collect();
        let act = Act::Call { target, protocol: 0, arguments, roles };
        Statement { act, span: Span::new(start, end) }
    }

    pub(crate) fn sort_argument(&mut self, sort: u32) -> Argument {
        Argument::Sort(self.sorts.finish_at(sort))
    }

    pub(crate) fn message_argument(&mut self, label: Name, fields: Vec<Field>) -> Argument {
        Argument::Message(label, self.payload(fields))
    }
}

fn role(name: Placed<Name>) -> Role {
    Role { name, index: 0 }
}
