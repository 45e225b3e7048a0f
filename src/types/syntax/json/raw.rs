//! What stands in the text, before it means anything: objects with exactly their fields, each with
//! its place.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use crate::types::diagnostics::{Code, Diagnostic, Span};
use crate::types::name::Name;
use crate::types::tree::NODES_MAX;

/// The longest message that is taken over from the JSON library, in characters.
const MESSAGE_CHARS_MAX: usize = 240;

/// The text that everything is borrowed from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a>(pub(super) &'a str);

impl<'a> Source<'a> {
    /// The whole text as one value: from here on it is known to be JSON.
    pub(super) fn whole(self) -> Result<&'a RawValue, Diagnostic> {
        serde_json::from_str(self.0).map_err(|error| fault(0, self.0, &error))
    }

    /// The object `raw`, read as `T`.
    pub(super) fn object<T: Deserialize<'a>>(self, raw: &'a RawValue) -> Result<T, Diagnostic> {
        // A derived reader would take an array of the values as well.
        if raw.get().starts_with('{') {
            self.value(raw)
        } else {
            let text = "this has to be an object";
            Err(Diagnostic::new(Code::JsonShape, self.span(raw), text).remedy("write `{ … }`"))
        }
    }

    /// The value `raw`, read as `T`.
    pub(super) fn value<T: Deserialize<'a>>(self, raw: &'a RawValue) -> Result<T, Diagnostic> {
        let base = self.offset(raw);
        serde_json::from_str(raw.get()).map_err(|error| fault(base, raw.get(), &error))
    }

    /// A name, with its place.
    pub(super) fn name(self, raw: &'a RawValue) -> Result<(Name, Span), Diagnostic> {
        let Word(name) = self.value(raw)?;
        Ok((name, self.span(raw)))
    }

    /// Where `raw` stands.
    pub(super) fn span(self, raw: &RawValue) -> Span {
        let start = self.offset(raw);
        Span::new(start, start + raw.get().len())
    }

    /// `raw` is a slice of the text, so the distance of their first bytes is its place.
    fn offset(self, raw: &RawValue) -> usize {
        raw.get().as_ptr().addr() - self.0.as_ptr().addr()
    }
}

/// What the JSON library says of `fragment`, which stands at `base`.
fn fault(base: usize, fragment: &str, error: &serde_json::Error) -> Diagnostic {
    let before = error.line().saturating_sub(1);
    let line: usize = fragment.split_inclusive('\n').take(before).map(str::len).sum();
    // Columns count bytes from 1; the last byte that was read ends what is wrong.
    let at = (line + error.column().saturating_sub(1)).min(fragment.len());
    let at = (0..=at).rev().find(|at| fragment.is_char_boundary(*at)).unwrap_or(0);
    let end = at + fragment[at..].chars().next().map_or(0, char::len_utf8);
    let start = if error.is_data() { token_start(fragment.as_bytes(), at) } else { at };
    let shown = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let cause = shown.strip_suffix(&place).unwrap_or(&shown);
    let mut message: String = cause.chars().take(MESSAGE_CHARS_MAX).collect();
    if message.len() < cause.len() {
        message.push('…');
    }
    let message = message.replace(char::is_control, "\u{FFFD}");
    Diagnostic::new(Code::JsonShape, Span::new(base + start, base + end), message)
}

/// Where the text or the number begins that ends at `last`.
fn token_start(bytes: &[u8], last: usize) -> usize {
    let quote = |at: &usize| bytes[*at] == b'"' && (*at == 0 || bytes[*at - 1] != b'\\');
    let word = |at: &usize| bytes[*at].is_ascii_alphanumeric() || b"+-.".contains(&bytes[*at]);
    match bytes.get(last) {
        Some(b'"') => (0..last).rev().find(quote).unwrap_or(last),
        Some(_) => (0..=last).rev().take_while(word).last().unwrap_or(last),
        None => last,
    }
}

/// An array; of one that is longer than [`NODES_MAX`], one entry more than that is kept.
#[derive(Default)]
pub(super) struct List<'a>(pub(super) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for List<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vec<&'de RawValue>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while entries.len() <= NODES_MAX {
                    match seq.next_element()? {
                        Some(entry) => entries.push(entry),
                        None => return Ok(entries),
                    }
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(entries)
            }
        }
        deserializer.deserialize_seq(Entries).map(Self)
    }
}

/// A [`Name`].
pub(super) struct Word(pub(super) Name);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Word, E> {
                Name::new(text).map(Word).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The place of an entry in its array.
#[derive(Clone, Copy)]
pub(super) struct Index(pub(super) u32);

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Index;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the place of an entry in its array, counted from 0")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Index, E> {
                let unexpected = Unexpected::Unsigned(number);
                u32::try_from(number).map(Index).map_err(|_| E::invalid_value(unexpected, &self))
            }
        }
        deserializer.deserialize_u32(Number)
    }
}

/// A field that may be left out, but not be `null`.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The head of every document; what else there is depends on it.
#[derive(serde::Deserialize)]
pub(super) struct Header<'a> {
    pub(super) antiphon: DocumentKind,
    #[serde(borrow)]
    pub(super) version: &'a RawValue,
}

#[derive(serde::Deserialize)]
pub(super) struct Version(pub(super) u64);

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DocumentKind {
    Global,
    Local,
    Automata,
}

/// Which way a message of a transition goes.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sense {
    Send,
    Receive,
}

/// How many there are.
#[derive(serde::Deserialize)]
pub(super) struct Count(pub(super) u32);

/// The kinds of nodes, of global and of local types.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum NodeKind {
    End,
    Var,
    Rec,
    Choice,
    Send,
    Receive,
}

/// The kinds of sorts.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SortKind {
    Unit,
    Bool,
    Int,
    Nat,
    Float,
    String,
    Bytes,
    List,
    Record,
    Optional,
    Named,
    Chan,
}

/// The `kind` of a node or a sort; its other fields depend on it.
#[derive(serde::Deserialize)]
pub(super) struct Kinded<K> {
    pub(super) kind: K,
}

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? {
        $($(#[$attr:meta])* $field:ident: $type:ty,)*
    })*) => {
        $($(#[$doc])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name $(<$life>)? {
            $($(#[$attr])* pub(super) $field: $type,)*
        })*
    };
}

objects! {
    GlobalDocument<'a> {
        #[serde(rename = "antiphon")]
        _antiphon: IgnoredAny,
        #[serde(rename = "version")]
        _version: IgnoredAny,
        #[serde(borrow)]
        protocols: List<'a>,
    }
    LocalDocument<'a> {
        #[serde(rename = "antiphon")]
        _antiphon: IgnoredAny,
        #[serde(rename = "version")]
        _version: IgnoredAny,
        #[serde(borrow)]
        roles: List<'a>,
    }
    AutomataDocument<'a> {
        #[serde(rename = "antiphon")]
        _antiphon: IgnoredAny,
        #[serde(rename = "version")]
        _version: IgnoredAny,
        #[serde(borrow)]
        automata: List<'a>,
    }
    Automaton<'a> {
        #[serde(borrow)]
        role: &'a RawValue,
        initial: &'a RawValue,
        states: &'a RawValue,
        #[serde(default)]
        sorts: List<'a>,
        transitions: List<'a>,
    }
    Transition<'a> {
        #[serde(borrow)]
        from: &'a RawValue,
        to: &'a RawValue,
        direction: Sense,
        peer: Word,
        label: Word,
        #[serde(default)]
        payload: List<'a>,
    }
    Protocol<'a> {
        #[serde(borrow)]
        name: &'a RawValue,
        roles: List<'a>,
        #[serde(default)]
        sorts: List<'a>,
        nodes: List<'a>,
        root: &'a RawValue,
    }
    Role<'a> {
        #[serde(borrow)]
        name: &'a RawValue,
        #[serde(default)]
        sorts: List<'a>,
        nodes: List<'a>,
        root: &'a RawValue,
    }
    /// A local type by itself, or in a `chan`.
    Part<'a> {
        #[serde(default, borrow)]
        sorts: List<'a>,
        nodes: List<'a>,
        root: &'a RawValue,
    }
    SortDocument<'a> {
        #[serde(borrow)]
        sorts: List<'a>,
        root: &'a RawValue,
    }
    /// `end` as a node; a sort without parts.
    Bare {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
    }
    Var<'a> {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        #[serde(borrow)]
        binder: &'a RawValue,
    }
    Rec<'a> {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        name: Word,
        #[serde(borrow)]
        body: &'a RawValue,
    }
    GlobalChoice<'a> {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        from: Word,
        #[serde(borrow)]
        branches: List<'a>,
    }
    LocalChoice<'a> {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        #[serde(borrow)]
        branches: List<'a>,
    }
    GlobalBranch<'a> {
        to: Word,
        label: Word,
        #[serde(default, borrow)]
        payload: List<'a>,
        next: &'a RawValue,
    }
    LocalBranch<'a> {
        peer: Word,
        label: Word,
        #[serde(default, borrow)]
        payload: List<'a>,
        next: &'a RawValue,
    }
    Argument<'a> {
        #[serde(default, deserialize_with = "present")]
        name: Option<Word>,
        #[serde(borrow)]
        sort: &'a RawValue,
    }
    /// `list` and `optional`.
    Wrapping<'a> {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        #[serde(borrow)]
        item: &'a RawValue,
    }
    Record<'a> {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        #[serde(borrow)]
        fields: List<'a>,
    }
    Field<'a> {
        name: Word,
        #[serde(borrow)]
        sort: &'a RawValue,
    }
    Named {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        name: Word,
    }
    Chan<'a> {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
        #[serde(rename = "type", borrow)]
        local: &'a RawValue,
    }
}
