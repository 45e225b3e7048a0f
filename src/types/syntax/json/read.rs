//! Documents and types out of JSON.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};
use serde_json::value::RawValue;

use super::raw::{self, DocumentKind, Header, Index, Kinded, NodeKind, Source, Version, Word};
use super::shape::Shape;
use super::sort::Table;
use super::{SORT_NODES_MAX, VERSION};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::draft::{Draft, DraftBranch, DraftId};
use crate::types::global::GlobalType;
use crate::types::local::{Direction, LocalType, LocalTypes};
use crate::types::name::Name;
use crate::types::protocol::ROLES_MAX;
use crate::types::sort::{Payload, Sort};
use crate::types::syntax::{Declared, Limits};
use crate::types::tree::{Head, NODES_MAX, NodeId, Tree};

/// A type whose nodes could all be read.
struct Whole<H> {
    draft: Draft<H>,
    count: usize,
    root: DraftId,
}

/// Reads one text. What is wrong is collected, and the reading goes on where it can.
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    pub(super) found: Diagnostics,
    /// How many constructors the payloads read so far have, written out.
    sort_nodes: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, limits: &Limits) -> Result<Self, Diagnostics> {
        if text.len() > limits.bytes_max {
            let message = format!("{} bytes; the limit is {}", text.len(), limits.bytes_max);
            return Err(Diagnostic::new(Code::TooLarge, Span::NONE, message).into());
        }
        Ok(Self { source: Source(text), found: Diagnostics::default(), sort_nodes: 0 })
    }

    pub(super) fn document(mut self) -> Result<(Declared, Diagnostics), Diagnostics> {
        let whole = self.source.whole()?;
        let declared = match header(self.source, whole)? {
            DocumentKind::Global => self.globals(whole).map(Declared::Global),
            DocumentKind::Local => self.locals(whole).map(Declared::Local),
            DocumentKind::Automata => self.automata(whole).map(Declared::Local),
        };
        let warnings = self.finish()?;
        Ok((declared.expect("nothing is missing where nothing is wrong"), warnings))
    }

    pub(super) fn local(mut self) -> Result<LocalType, Diagnostics> {
        let whole = self.source.whole()?;
        let local = self.local_type(whole, 0);
        self.finish()?;
        Ok(local.expect("nothing is missing where nothing is wrong"))
    }

    pub(super) fn sort(mut self) -> Result<Sort, Diagnostics> {
        let whole = self.source.whole()?;
        let sort = self.sort_document(whole);
        self.finish()?;
        Ok(sort.expect("nothing is missing where nothing is wrong"))
    }

    /// The warnings, if there is nothing worse.
    fn finish(mut self) -> Result<Diagnostics, Diagnostics> {
        self.found.sort();
        if self.found.has_errors() { Err(self.found) } else { Ok(self.found) }
    }

    fn globals(&mut self, whole: &'a RawValue) -> Option<Vec<GlobalType>> {
        let read = self.source.object(whole);
        let raw::GlobalDocument { protocols, .. } = self.keep(read)?;
        if protocols.0.is_empty() {
            let text = "no protocol is declared";
            let span = self.source.span(whole);
            self.found.push(Diagnostic::new(Code::NoProtocol, span, text));
        }
        let mut known: HashMap<Name, Span> = HashMap::new();
        let mut globals = Vec::new();
        for raw in protocols.0 {
            let Some((global, span)) = self.global(raw) else { continue };
            if let Some(first) = known.insert(global.name().clone(), span) {
                let text = format!("protocol `{}` is declared twice", global.name());
                self.found.push(
                    Diagnostic::new(Code::DuplicateProtocol, span, text)
                        .note(first, "declared here first")
                        .remedy("give each protocol a name of its own"),
                );
            }
            globals.push(global);
        }
        Some(globals)
    }

    fn global(&mut self, raw: &'a RawValue) -> Option<(GlobalType, Span)> {
        let protocol = self.source.object(raw);
        let raw::Protocol { name, roles, sorts, nodes, root } = self.keep(protocol)?;
        let name = self.source.name(name);
        let name = self.keep(name);
        let roles = self.roles(roles.0);
        let whole = self.draft::<Name>(raw::Part { sorts, nodes, root }, 0)?;
        let (name, span) = name?;
        let checked = GlobalType::from_draft(name, roles?, &whole.draft, whole.root);
        let (global, warnings) = self.checked(checked)?;
        self.found.append(warnings);
        self.all_reached(&whole, global.tree());
        Some((global, span))
    }

    /// Names with their places. More than a protocol may have are refused before the rest is looked
    /// at, which takes time by their number.
    pub(super) fn roles(&mut self, list: Vec<&'a RawValue>) -> Option<Vec<(Name, Span)>> {
        if let Some(more) = list.get(ROLES_MAX) {
            let text = format!("a protocol has at most {ROLES_MAX} roles");
            self.found.push(Diagnostic::new(Code::TooLarge, self.source.span(more), text));
            return None;
        }
        let names: Vec<_> = list.into_iter().map(|raw| self.source.name(raw)).collect();
        let names: Vec<_> = names.into_iter().map(|name| self.keep(name)).collect();
        names.into_iter().collect()
    }

    fn locals(&mut self, whole: &'a RawValue) -> Option<LocalTypes> {
        let read = self.source.object(whole);
        let raw::LocalDocument { roles, .. } = self.keep(read)?;
        let objects: Vec<Option<raw::Role<'a>>> = roles
            .0
            .into_iter()
            .take(ROLES_MAX + 1)
            .map(|raw| {
                let role = self.source.object(raw);
                self.keep(role)
            })
            .collect();
        let names = objects.iter().flatten().map(|role| role.name).collect();
        let names = self.roles(names)?;
        let mut locals = Vec::new();
        for (role, (name, span)) in objects.into_iter().flatten().zip(names) {
            let part = raw::Part { sorts: role.sorts, nodes: role.nodes, root: role.root };
            if let Some(local) = self.local_part(part, 0) {
                locals.push((name, span, local));
            }
        }
        if self.found.has_errors() {
            return None;
        }
        let checked = LocalTypes::with_spans(locals);
        let (locals, warnings) = self.checked(checked)?;
        self.found.append(warnings);
        Some(locals)
    }

    /// A local type that stands `depth` deep in `chan`s.
    pub(super) fn local_type(&mut self, raw: &'a RawValue, depth: usize) -> Option<LocalType> {
        let part = self.source.object(raw);
        let part = self.keep(part)?;
        self.local_part(part, depth)
    }

    fn local_part(&mut self, part: raw::Part<'a>, depth: usize) -> Option<LocalType> {
        let whole = self.draft::<Direction>(part, depth)?;
        let checked = LocalType::from_draft(&whole.draft, whole.root);
        let local = self.checked(checked)?;
        self.all_reached(&whole, local.tree());
        Some(local)
    }

    /// The nodes of a type, before they are checked; nothing if one of them could not be read.
    fn draft<H: Shape>(&mut self, part: raw::Part<'a>, depth: usize) -> Option<Whole<H>> {
        let mut table = self.table(part.sorts.0, depth)?;
        let count = part.nodes.0.len();
        let mut draft = Draft::default();
        let mut whole = true;
        for raw in part.nodes.0 {
            whole &= self.node::<H>(raw, count, &mut table, &mut draft).is_some();
            if draft.size() > NODES_MAX {
                let text = format!("the type has more than {NODES_MAX} nodes or branches");
                self.found.push(Diagnostic::new(Code::TooLarge, self.source.span(raw), text));
                return None;
            }
        }
        let root = self.reference(part.root, count, "node")?;
        whole.then_some(Whole { draft, count, root: DraftId::of(root) })
    }

    fn node<H: Shape>(
        &mut self,
        raw: &'a RawValue,
        count: usize,
        table: &mut Table,
        draft: &mut Draft<H>,
    ) -> Option<()> {
        let span = self.source.span(raw);
        let kinded = self.source.object(raw);
        let Kinded { kind } = self.keep(kinded)?;
        match kind {
            NodeKind::End => {
                let bare = self.source.object(raw);
                let raw::Bare { .. } = self.keep(bare)?;
                draft.end(span);
            }
            NodeKind::Var => {
                let var = self.source.object(raw);
                let raw::Var { binder, .. } = self.keep(var)?;
                let binder = self.reference(binder, count, "node")?;
                draft.back(DraftId::of(binder), span);
            }
            NodeKind::Rec => {
                let rec = self.source.object(raw);
                let raw::Rec { name, body, .. } = self.keep(rec)?;
                let body = self.reference(body, count, "node")?;
                draft.rec(name.0, DraftId::of(body), span);
            }
            NodeKind::Choice | NodeKind::Send | NodeKind::Receive => {
                let choice = H::choice(self.source, kind, raw);
                let (head, branches) = self.keep(choice)?;
                let branches = self.branches::<H>(branches.0, count, table)?;
                draft.choice(head, branches, span);
            }
        }
        Some(())
    }

    fn branches<H: Shape>(
        &mut self,
        list: Vec<&'a RawValue>,
        count: usize,
        table: &mut Table,
    ) -> Option<Vec<DraftBranch>> {
        let mut branches = Some(Vec::new());
        for raw in list {
            match (self.branch::<H>(raw, count, table), &mut branches) {
                (Some(branch), Some(branches)) => branches.push(branch),
                _ => branches = None,
            }
        }
        branches
    }

    fn branch<H: Shape>(
        &mut self,
        raw: &'a RawValue,
        count: usize,
        table: &mut Table,
    ) -> Option<DraftBranch> {
        let span = self.source.span(raw);
        let branch = H::branch(self.source, raw);
        let raw::LocalBranch { peer, label, payload, next } = self.keep(branch)?;
        let next = self.reference(next, count, "node");
        let payload = self.payload(payload.0, span, table)?;
        Some(DraftBranch { peer: peer.0, label: label.0, payload, next: DraftId::of(next?), span })
    }

    pub(super) fn payload(
        &mut self,
        list: Vec<&'a RawValue>,
        span: Span,
        table: &mut Table,
    ) -> Option<Payload> {
        let mut args: Vec<(Option<Name>, u32)> = Vec::new();
        let mut names: HashSet<Name> = HashSet::new();
        let several = list.len() > 1;
        for (position, raw) in list.into_iter().enumerate() {
            let argument = self.source.object(raw);
            let raw::Argument { name, sort } = self.keep(argument)?;
            let sort = self.reference(sort, table.len(), "sort")?;
            let name = name.map(|Word(name)| name);
            let field = name.clone().unwrap_or_else(|| Payload::unnamed(position));
            if several && !names.insert(field.clone()) {
                self.field_twice(&field, self.source.span(raw), "arguments");
                return None;
            }
            args.push((name, sort));
        }
        // Before anything is written out: shared parts may stand for very much.
        let more = args.iter().map(|(_, sort)| table.size(*sort)).fold(0, u64::saturating_add);
        self.spend(more, span)?;
        Some(Payload::new(args.into_iter().map(|(name, sort)| (name, table.sort(sort)))))
    }

    /// Counts constructors against the limit of the document.
    pub(super) fn spend(&mut self, more: u64, span: Span) -> Option<()> {
        let before = self.sort_nodes;
        self.sort_nodes = before.saturating_add(more);
        if self.sort_nodes <= SORT_NODES_MAX {
            return Some(());
        }
        if before <= SORT_NODES_MAX {
            let text =
                format!("written out, the payloads have more than {SORT_NODES_MAX} constructors");
            self.found.push(
                Diagnostic::new(Code::TooLarge, span, text)
                    .remedy("share fewer parts between sorts, or give them names"),
            );
        }
        None
    }

    pub(super) fn field_twice(&mut self, name: &Name, span: Span, what: &str) {
        let text = format!("two {what} are called `{name}`");
        self.found.push(
            Diagnostic::new(Code::DuplicateField, span, text).remedy("give each its own name"),
        );
    }

    /// The place of one of `count` entries.
    pub(super) fn reference(&mut self, raw: &'a RawValue, count: usize, what: &str) -> Option<u32> {
        let index = self.source.value(raw);
        let Index(index) = self.keep(index)?;
        if (index as usize) < count {
            return Some(index);
        }
        let text = format!("there is no {what} {index}");
        let remedy: String = match count {
            0 => format!("add it: there are no {what}s here"),
            1 => format!("the only {what} here is 0"),
            _ => format!("the {what}s here are 0 to {}", count - 1),
        };
        let diagnostic = Diagnostic::new(Code::JsonShape, self.source.span(raw), text);
        self.found.push(diagnostic.remedy(remedy));
        None
    }

    /// Refuses nodes that the type does not use: among them may be a cycle, or a slip.
    fn all_reached<H: Head>(&mut self, whole: &Whole<H>, tree: &Tree<H>) {
        if tree.nodes().len() == whole.count {
            return;
        }
        let ids = (0..tree.nodes().len()).map(NodeId::of);
        let reached: HashSet<Span> = ids.map(|id| tree.node_span(id)).collect();
        for index in 0..whole.count {
            let span = whole.draft.span(DraftId::of(u32::try_from(index).expect("NODES_MAX fits")));
            if !reached.contains(&span) {
                let text = format!("node {index} is not reached from the root");
                self.found.push(
                    Diagnostic::new(Code::JsonShape, span, text)
                        .remedy("remove it, or let another node refer to it"),
                );
            }
        }
    }

    /// The value, or nothing and what is wrong collected.
    pub(super) fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.found.push(diagnostic)).ok()
    }

    fn checked<T>(&mut self, result: Result<T, Diagnostics>) -> Option<T> {
        result.map_err(|diagnostics| self.found.append(diagnostics)).ok()
    }
}

fn header<'a>(source: Source<'a>, whole: &'a RawValue) -> Result<DocumentKind, Diagnostic> {
    let Header { antiphon, version } = source.object(whole)?;
    let Version(number) = source.value(version)?;
    if number == u64::from(VERSION) {
        return Ok(antiphon);
    }
    let text = format!("version {number} is not known");
    let remedy = format!("write version {VERSION}, or read it with a newer antiphon");
    Err(Diagnostic::new(Code::JsonShape, source.span(version), text).remedy(remedy))
}
