//! What the grammar does: puts sorts, local types and statements into flat arrays.

use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashSet;
use lalrpop_util::ErrorRecovery;

use super::ast::*;
use super::lexer::{Notation, Pulse, Stop};
use super::local::{Field, Labelled, Locals, Message, Prefix};
use super::module::ModulePath;
use super::token::Token;
use super::{FIELDS_MAX, words};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::draft::DraftBranch;
use crate::types::local::{Direction, LocalType};
use crate::types::name::Name;
use crate::types::protocol::ROLES_MAX;
use crate::types::sort::{CHAN_DEPTH_MAX, Payload, Sort, SortBuilder, SortNode};

/// Where everything that is read goes.
pub(crate) struct Reader<'t, 'p> {
    text: &'t str,
    /// Where the text begins among all texts of the reading.
    base: usize,
    pub(super) notation: Notation,
    pub(crate) pulse: &'p Pulse,
    pub(crate) locals: Locals,
    pub(super) sorts: SortBuilder,
    pub(super) declared: Vec<(Name, Span, LocalType)>,
    /// The modules that were read before, and behind them this one.
    pub(super) modules: Modules,
    pub(super) calls: Vec<Called>,
    /// The role of the local protocol that is being read.
    pub(super) own: Option<Placed<Name>>,
    /// Something was reported since the last declaration began.
    pub(super) broken: bool,
    roles: usize,
    pub(super) found: Diagnostics,
}

impl<'t, 'p> Reader<'t, 'p> {
    pub(super) fn new(text: &'t str, notation: Notation, pulse: &'p Pulse) -> Self {
        Self::behind(Modules::default(), text, 0, notation, pulse)
    }

    /// For a module that is read after others.
    pub(super) fn behind(
        mut modules: Modules,
        text: &'t str,
        base: usize,
        notation: Notation,
        pulse: &'p Pulse,
    ) -> Self {
        modules.list.push(Module::default());
        Self {
            text,
            base,
            notation,
            pulse,
            locals: Locals::default(),
            sorts: SortBuilder::default(),
            declared: Vec::new(),
            modules,
            calls: Vec::new(),
            own: None,
            broken: false,
            roles: 0,
            found: Diagnostics::default(),
        }
    }
}

/// Errors, names.
impl Reader<'_, '_> {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.broken = true;
        self.found.push(diagnostic);
    }

    pub(crate) fn syntax_error(&mut self, error: ErrorRecovery<usize, Token<'_>, Stop>) {
        self.pulse.beat();
        self.pulse.error();
        self.broken = true;
        if let Some(diagnostic) = words::unexpected(&error.error, self.notation) {
            self.found.push(diagnostic);
        }
    }

    /// A declaration could not be read.
    pub(crate) fn lost(&mut self, error: ErrorRecovery<usize, Token<'_>, Stop>) {
        self.syntax_error(error);
        self.module().incomplete = true;
        self.broken = false;
        self.calls.clear();
        self.own = None;
    }

    /// TYPE-16: unsupported is not invalid.
    pub(crate) fn unsupported(&mut self, what: &str, start: usize, end: usize) {
        let text = format!("{what} is not supported");
        let remedy = "it is Scribble, but has no meaning here: leave it out, or say it with messages, `choice`, `rec` and `do`";
        let span = Span::new(start, end);
        self.report(Diagnostic::new(Code::Unsupported, span, text).remedy(remedy));
    }

    pub(crate) fn unsupported_at<T>(&mut self, place: &Placed<T>, what: &str) {
        self.unsupported(what, place.span.start as usize, place.span.end as usize);
    }

    /// A declaration that is not supported; what stands in it belongs to no other.
    pub(crate) fn unsupported_item(&mut self, what: &str, start: usize, end: usize) {
        self.unsupported(what, start, end);
        self.broken = false;
        self.calls.clear();
    }

    pub(crate) fn name(&mut self, word: &str) -> Name {
        self.pulse.beat();
        Name::new(word).expect("the lexer makes words that are names")
    }

    /// A keyword that stands for a name.
    pub(crate) fn keyword(&mut self, start: usize, end: usize) -> Name {
        let text = self.written(start, end);
        self.name(if text.is_ascii() { text } else { "mu" })
    }
}

impl<'t> Reader<'t, '_> {
    /// What stands between two places.
    pub(super) fn written(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start - self.base..end - self.base).unwrap_or_default()
    }
}

/// Sorts and payloads.
impl Reader<'_, '_> {
    pub(crate) fn unit(&mut self) -> u32 {
        self.sorts.push(SortNode::Unit)
    }

    pub(crate) fn named_sort(&mut self, name: Name) -> u32 {
        let node = builtin(&name).unwrap_or(SortNode::Named(name));
        self.sorts.push(node)
    }

    /// TYPE-18: the sort that another module declares.
    pub(crate) fn qualified_sort(&mut self, mut path: Vec<Placed<Name>>) -> u32 {
        let name = path.pop().expect("it has a name behind a dot");
        let span = path.iter().map(|name| name.span).reduce(Span::join).unwrap_or(name.span);
        let module = ModulePath::new(path.into_iter().map(|name| name.value).collect());
        let node = SortNode::Named(name.value.clone());
        self.module().qualified.push((Placed { value: module, span }, name));
        self.sorts.push(node)
    }

    pub(crate) fn list(&mut self, item: u32) -> u32 {
        self.pulse.beat();
        self.sorts.push(SortNode::List(item))
    }

    pub(crate) fn optional(&mut self, item: u32) -> u32 {
        self.pulse.beat();
        self.sorts.push(SortNode::Optional(item))
    }

    pub(crate) fn record(&mut self, mut fields: Vec<(Placed<Name>, u32)>) -> u32 {
        self.pulse.beat();
        self.distinct(fields.iter().map(|(name, _)| (name.value.clone(), name.span)));
        fields.truncate(FIELDS_MAX);
        let fields = fields.into_iter().map(|(name, sort)| (name.value, sort));
        self.sorts.push(SortNode::Record(fields.collect()))
    }

    /// `chan(T)`; the nodes of `T` stand behind `mark`.
    pub(crate) fn chan(&mut self, mark: usize, local: u32, start: usize, end: usize) -> u32 {
        self.pulse.beat();
        let (draft, root) = self.locals.take(mark, local);
        let local = match LocalType::from_draft(&draft, root) {
            Ok(local) => local,
            Err(found) => {
                self.broken = true;
                self.found.append(found);
                return self.unit();
            }
        };
        // Refused here already, so that no value ever nests deeper than may be dropped.
        if local.chan_depth() >= CHAN_DEPTH_MAX {
            let text = format!("`chan` stands more than {CHAN_DEPTH_MAX} deep inside `chan`");
            self.report(Diagnostic::new(Code::TooDeep, Span::new(start, end), text));
            return self.unit();
        }
        self.sorts.push(SortNode::Chan(local.into()))
    }

    pub(crate) fn payload(&mut self, mut fields: Vec<Field>) -> Payload {
        let several = fields.len() > 1;
        let places = fields.iter().enumerate().map(|(index, field)| match &field.name {
            Some(name) => (name.value.clone(), name.span),
            None => (Payload::unnamed(index), Span::NONE),
        });
        if several {
            let places: Vec<(Name, Span)> = places.collect();
            self.distinct(places.into_iter());
        }
        fields.truncate(FIELDS_MAX);
        let sorts = &self.sorts;
        Payload::new(
            fields.into_iter().map(|f| (f.name.map(|name| name.value), sorts.finish_at(f.sort))),
        )
    }

    /// Reports fields of one name, and too many fields.
    fn distinct(&mut self, fields: impl Iterator<Item = (Name, Span)>) {
        let mut known = HashSet::new();
        for (count, (name, span)) in fields.enumerate() {
            if count == FIELDS_MAX {
                let text = format!("more than {FIELDS_MAX} fields");
                self.report(Diagnostic::new(Code::TooLarge, span, text));
                return;
            }
            if !known.insert(name.clone()) {
                let text = format!("two fields are called `{name}`");
                self.report(
                    Diagnostic::new(Code::DuplicateField, span, text)
                        .remedy("give each field a name of its own"),
                );
            }
        }
    }
}

/// The sort that a word means everywhere.
pub(super) fn builtin(name: &Name) -> Option<SortNode> {
    Some(match name.as_str() {
        "unit" => SortNode::Unit,
        "bool" => SortNode::Bool,
        "int" => SortNode::Int,
        "nat" => SortNode::Nat,
        "float" => SortNode::Float,
        "string" => SortNode::String,
        "bytes" => SortNode::Bytes,
        _ => return None,
    })
}

/// Local types.
impl Reader<'_, '_> {
    pub(crate) fn message(
        &mut self,
        peer: Name,
        direction: Direction,
        label: Name,
        fields: Vec<Field>,
        start: usize,
        end: usize,
    ) -> Message {
        let payload = self.payload(fields);
        Message { peer, direction, label, payload, span: Span::new(start, end) }
    }

    pub(crate) fn local_end(&mut self, start: usize, end: usize) -> u32 {
        self.pulse.beat();
        self.locals.end(Span::new(start, end))
    }

    pub(crate) fn local_variable(&mut self, name: Placed<Name>) -> u32 {
        self.locals.variable(name)
    }

    pub(crate) fn chain(&mut self, prefixes: Vec<Prefix>, tail: u32) -> u32 {
        self.pulse.beat();
        self.locals.chain(prefixes, tail)
    }

    pub(crate) fn directed(
        &mut self,
        peer: Name,
        direction: Direction,
        branches: Vec<Option<Labelled>>,
        start: usize,
        end: usize,
    ) -> u32 {
        let mut list: Vec<DraftBranch> = Vec::with_capacity(branches.len());
        for Labelled { label, fields, next } in branches.into_iter().flatten() {
            let payload = self.payload(fields);
            let (peer, span) = (peer.clone(), label.span);
            let message = Message { peer, direction, label: label.value, payload, span };
            list.push(message.branch(next));
        }
        self.locals.choice(direction, list, Span::new(start, end))
    }

    pub(crate) fn choice(
        &mut self,
        direction: Direction,
        branches: Vec<Option<(Message, u32)>>,
        start: usize,
        end: usize,
    ) -> u32 {
        let mut list: Vec<DraftBranch> = Vec::with_capacity(branches.len());
        for (message, next) in branches.into_iter().flatten() {
            if message.direction != direction {
                let (does, other) = match direction {
                    Direction::Send => ("sends", "receives"),
                    Direction::Receive => ("receives", "sends"),
                };
                let label = &message.label;
                let text = format!("this choice {does}, but its branch `{label}` {other}");
                self.report(
                    // TYPE-15: a choice is between sends only or between receives only.
                    Diagnostic::new(Code::MixedChoice, message.span, text)
                        .note(Span::new(start, start + 1), "the choice")
                        .remedy("let one role decide: only send in `+{}`, only receive in `&{}`"),
                );
            }
            list.push(message.branch(next));
        }
        self.locals.choice(direction, list, Span::new(start, end))
    }

    pub(crate) fn declare_local(&mut self, name: Placed<Name>, local: u32) {
        let (draft, root) = self.locals.take(0, local);
        self.roles += 1;
        if core::mem::take(&mut self.broken) {
            return;
        }
        if self.roles > ROLES_MAX + 1 {
            return;
        }
        match LocalType::from_draft(&draft, root) {
            Ok(local) => self.declared.push((name.value, name.span, local)),
            Err(found) => self.found.append(found),
        }
    }

    /// How many roles were declared, well or not.
    pub(super) fn roles(&self) -> usize {
        self.roles
    }
}

/// The sort of a name that stands for itself.
pub(super) fn sort_of(name: &Name) -> Sort {
    Sort::leaf(builtin(name).unwrap_or_else(|| SortNode::Named(name.clone())))
}
