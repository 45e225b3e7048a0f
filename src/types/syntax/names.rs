//! What names mean in each module: its own protocols and types, and those that it imports.
//! Clauses: TYPE-18, TYPE-19.

use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::ast::{DeclaredType, Import, Kind, Modules, Placed, Target};
use super::module::ModulePath;
use super::reader::sort_of;
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::name::Name;
use crate::types::protocol::ROLES_MAX;
use crate::types::sort::Sort;

/// A module as another one names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    One(usize),
    /// Several imported modules end in this name.
    Several,
    /// It could not be read; why, was reported.
    Lost,
}

/// The names of one module.
#[derive(Debug, Default)]
pub(super) struct Scope {
    globals: HashMap<Name, usize>,
    /// One for each role.
    locals: HashMap<Name, Vec<usize>>,
    types: HashMap<Name, Span>,
    /// What was imported by name: the module and the name there.
    members: HashMap<Name, (usize, Name)>,
    modules: HashMap<ModulePath, Known>,
    /// The messages of `sig`, with their names where they are declared.
    messages: HashMap<Name, Name>,
    /// Imported payload types with a name of their own here.
    renamed: HashMap<Name, Sort>,
}

impl Scope {
    /// The message that was declared by `sig`.
    pub(super) fn message(&self, name: &Name) -> Option<&Name> {
        self.messages.get(name)
    }

    /// What an imported payload type is called where it is declared.
    pub(super) fn renamed(&self, name: &Name) -> Option<&Sort> {
        self.renamed.get(name)
    }

    /// Whether there are such types.
    pub(super) fn renames(&self) -> bool {
        !self.renamed.is_empty()
    }

    /// The first protocol of this name.
    fn protocol(&self, name: &Name) -> Option<usize> {
        let local = || self.locals.get(name).map(|locals| locals[0]);
        self.globals.get(name).copied().or_else(local)
    }
}

/// Why a call goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nowhere {
    /// Something was reported that may be the cause.
    Lost,
    /// No module of this name is imported.
    NoModule,
    /// Several are.
    SeveralModules,
    /// No such protocol is declared.
    NoProtocol,
    /// A local protocol calls a global one, or the other way round.
    OtherKind,
    /// The local protocols of this name are those of other roles.
    OtherRole,
}

/// The names of all modules.
#[derive(Debug)]
pub(super) struct Names(Vec<Scope>);

impl Names {
    /// Finds out, and reports what is declared or imported twice or not at all.
    pub(super) fn new(modules: &Modules, found: &mut Diagnostics) -> Self {
        let mut names = Self(modules.list.iter().map(|_| Scope::default()).collect());
        names.protocols(modules);
        names.types(modules, found);
        for (index, module) in modules.list.iter().enumerate() {
            if let Some(path) = &module.path {
                names.0[index].modules.insert(path.value.clone(), Known::One(index));
            }
            names.modules(index, &module.imports, found);
            for import in &module.imports {
                names.member(modules, index, import, found);
            }
            for (path, name) in &module.qualified {
                names.qualified(modules, index, path, name, found);
            }
        }
        names
    }

    pub(super) fn of(&self, module: usize) -> &Scope {
        &self.0[module]
    }

    /// The protocol that a call means: the global one of this name, or the local one of the role
    /// that the caller's own role plays.
    pub(super) fn callee<'r>(
        &self,
        modules: &Modules,
        caller: usize,
        target: &Target,
        roles: impl Iterator<Item = &'r Name> + Clone,
    ) -> Result<usize, Nowhere> {
        let caller = &modules.protocols[caller];
        let (module, name) = self.place(modules, caller.module, target)?;
        let scope = self.of(module);
        let own = caller.head.own_role().map(|own| &own.value);
        let lost = modules.list[module].incomplete;
        let unknown = if lost { Nowhere::Lost } else { Nowhere::NoProtocol };
        let Some(own) = own else {
            let other = scope.locals.contains_key(name);
            let nowhere = if other { Nowhere::OtherKind } else { unknown };
            return scope.globals.get(name).copied().ok_or(nowhere);
        };
        let Some(candidates) = scope.locals.get(name) else {
            let other = scope.globals.contains_key(name);
            return Err(if other { Nowhere::OtherKind } else { unknown });
        };
        let head = |index: &usize| &modules.protocols[*index].head;
        let ours = |index: &&usize| {
            let at = head(index).own.map_or(0, |own| own.index as usize);
            roles.clone().nth(at) == Some(own)
        };
        let first = &candidates[0];
        // More than a protocol has roles are refused elsewhere.
        match candidates.iter().take(ROLES_MAX).find(ours) {
            Some(callee) => Ok(*callee),
            None if head(first).roles.len() != roles.count() => Ok(*first),
            None => Err(if lost { Nowhere::Lost } else { Nowhere::OtherRole }),
        }
    }

    /// The module that a target stands in, and its name there.
    fn place<'t>(
        &'t self,
        modules: &Modules,
        from: usize,
        target: &'t Target,
    ) -> Result<(usize, &'t Name), Nowhere> {
        let (scope, name) = (self.of(from), &target.name.value);
        match &target.module {
            Some(path) => Ok((self.find(modules, from, &path.value)?, name)),
            None if scope.protocol(name).is_some() => Ok((from, name)),
            None => match scope.members.get(name) {
                Some((module, name)) => Ok((*module, name)),
                None if modules.list[from].incomplete => Err(Nowhere::Lost),
                None => Err(Nowhere::NoProtocol),
            },
        }
    }

    fn find(&self, modules: &Modules, from: usize, path: &ModulePath) -> Result<usize, Nowhere> {
        match self.of(from).modules.get(path) {
            Some(Known::One(module)) => Ok(*module),
            Some(Known::Several) => Err(Nowhere::SeveralModules),
            Some(Known::Lost) => Err(Nowhere::Lost),
            // Its import may be what could not be read.
            None if modules.list[from].incomplete => Err(Nowhere::Lost),
            None => Err(Nowhere::NoModule),
        }
    }

    fn protocols(&mut self, modules: &Modules) {
        for (index, protocol) in modules.protocols.iter().enumerate() {
            let (scope, name) = (&mut self.0[protocol.module], protocol.head.name.value.clone());
            match protocol.head.own {
                Some(_) => scope.locals.entry(name).or_default().push(index),
                // Of two of one name, the first one is meant.
                None => {
                    scope.globals.entry(name).or_insert(index);
                }
            }
        }
    }

    /// TYPE-19: a type has one meaning in all modules of a reading.
    fn types(&mut self, modules: &Modules, found: &mut Diagnostics) {
        let mut all: HashMap<&Name, &DeclaredType> = HashMap::new();
        for declared in &modules.types {
            let DeclaredType { name, kind, what, module } = declared;
            let scope = &mut self.0[*module];
            if let Some(first) = scope.types.insert(name.value.clone(), name.span) {
                found.push(twice(Code::DuplicateType, "type", name, first));
            }
            if *kind == Kind::Message {
                scope.messages.insert(name.value.clone(), name.value.clone());
            }
            let first = *all.entry(&name.value).or_insert(declared);
            if first.module != *module && (first.kind, &first.what) != (*kind, what) {
                let text = format!("type `{}` is another one in another module", name.value);
                found.push(
                    Diagnostic::new(Code::DuplicateType, name.span, text)
                        .note(first.name.span, "declared here as something else")
                        .remedy("give each a name of its own"),
                );
            }
        }
    }

    /// The modules that a module names.
    fn modules(&mut self, index: usize, imports: &[Import], found: &mut Diagnostics) {
        let mut aliases: HashMap<&Name, (&Import, Span)> = HashMap::new();
        let scope = &mut self.0[index].modules;
        let known = |import: &Import| import.module.map_or(Known::Lost, Known::One);
        for import in imports {
            scope.insert(import.path.value.clone(), known(import));
        }
        let whole = || imports.iter().filter(|import| import.member.is_none());
        for import in whole() {
            let Some(alias) = &import.alias else { continue };
            match aliases.insert(&alias.value, (import, alias.span)) {
                Some((first, at)) if first.path.value != import.path.value => {
                    found.push(twice(Code::DuplicateImport, "module", alias, at));
                }
                _ => {}
            }
            scope.insert(ModulePath::new([alias.value.clone()].into()), known(import));
        }
        for import in whole().filter(|import| import.alias.is_none()) {
            let last = import.path.value.last();
            if aliases.contains_key(last) {
                continue;
            }
            let means = scope.entry(ModulePath::new([last.clone()].into()));
            let means = means.or_insert(known(import));
            if *means != known(import) {
                *means = Known::Several;
            }
        }
    }

    fn member(&mut self, modules: &Modules, at: usize, import: &Import, found: &mut Diagnostics) {
        let (Some(member), Some(known)) = (&import.member, import.known_as()) else { return };
        let Some(module) = import.module else { return };
        let there = self.of(module);
        let message = there.messages.get(&member.value).cloned();
        let is_type = there.types.contains_key(&member.value);
        if !is_type && there.protocol(&member.value).is_none() {
            if !modules.list[module].incomplete {
                let text = format!("module `{}` declares no `{}`", import.path.value, member.value);
                let remedy = "correct the name, or declare it there";
                let found_here = Diagnostic::new(Code::UnknownMember, member.span, text);
                found.push(found_here.remedy(remedy));
            }
            return;
        }
        let scope = &mut self.0[at];
        let own = scope.protocol(&known.value);
        let own = own.map(|index| modules.protocols[index].head.name.span);
        let own = own.or_else(|| scope.types.get(&known.value).copied());
        let here = (module, member.value.clone());
        let first = scope.members.insert(known.value.clone(), here.clone());
        if own.is_some() || first.is_some_and(|first| first != here) {
            let text = format!("`{}` means something else in this module", known.value);
            let mut wrong = Diagnostic::new(Code::DuplicateImport, known.span, text);
            if let Some(own) = own {
                wrong = wrong.note(own, "declared here");
            }
            found.push(wrong.remedy("give it another name behind `as`"));
        }
        if let Some(message) = message {
            scope.messages.insert(known.value.clone(), message);
        }
        if is_type && known.value != member.value {
            scope.renamed.insert(known.value.clone(), sort_of(&member.value));
        }
    }

    /// Checks a payload type that is named with its module.
    fn qualified(
        &self,
        modules: &Modules,
        at: usize,
        path: &Placed<ModulePath>,
        name: &Placed<Name>,
        found: &mut Diagnostics,
    ) {
        match self.find(modules, at, &path.value) {
            Ok(module) => {
                let declared = self.of(module).types.contains_key(&name.value);
                if !declared && !modules.list[module].incomplete {
                    let text = format!("module `{}` declares no type `{}`", path.value, name.value);
                    found.push(
                        Diagnostic::new(Code::UnknownMember, name.span, text)
                            .remedy("correct the name, or declare it there with `type`"),
                    );
                }
            }
            Err(nowhere) => found_no_module(nowhere, path, found),
        }
    }
}

/// What is said of a module that a name stands in and that is not known.
pub(super) fn found_no_module(
    nowhere: Nowhere,
    path: &Placed<ModulePath>,
    found: &mut Diagnostics,
) {
    let module = &path.value;
    let (text, remedy) = match nowhere {
        Nowhere::NoModule => (
            format!("no module `{module}` is imported here"),
            format!("write `import {module};`, or correct the name"),
        ),
        Nowhere::SeveralModules => (
            format!("several imported modules are called `{module}`"),
            "write the full name, or give the module another one behind `as`".into(),
        ),
        _ => return,
    };
    found.push(Diagnostic::new(Code::UnknownModule, path.span, text).remedy(remedy));
}

/// Something that is declared twice.
pub(super) fn twice(code: Code, what: &str, name: &Placed<Name>, first: Span) -> Diagnostic {
    let text = format!("{what} `{}` is declared twice", name.value);
    Diagnostic::new(code, name.span, text)
        .note(first, "declared here first")
        .remedy("give each a name of its own")
}
