//! What can be wrong with a protocol, and where: codes, spans, causes, remedies. Drawing them with
//! the source underlined is `types::syntax`'s work.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The most diagnostics that one reading reports; what would come after them is only counted.
pub const DIAGNOSTICS_MAX: usize = 100;

/// A range of bytes in a source text. `Span::NONE` belongs to what was built in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// No place in any text.
    pub const NONE: Self = Self { start: 0, end: 0 };

    /// The bytes from `start` up to `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The protocol is accepted, and probably not what was meant.
    Warning,
    /// The protocol is refused.
    Error,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The kind of a diagnostic. Stable: a code keeps its name and meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, as shown between brackets.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The bytes are not UTF-8.
    InvalidUtf8 = "invalid_utf8",
    /// A character that no token starts with.
    UnexpectedCharacter = "unexpected_character",
    /// A block comment without its end.
    UnterminatedComment = "unterminated_comment",
    /// A quoted text without its end.
    UnterminatedString = "unterminated_string",
    /// A token where the grammar wants another one.
    UnexpectedToken = "unexpected_token",
    /// A name that is longer than a name may be.
    NameTooLong = "name_too_long",
    /// A role or a recursion variable called like a keyword of local types.
    ReservedName = "reserved_name",
    /// Nested deeper than the limit.
    TooDeep = "too_deep",
    /// More bytes, nodes, roles or fields than the limit.
    TooLarge = "too_large",
    /// The text declares no protocol.
    NoProtocol = "no_protocol",
    /// A construct of Scribble that has no meaning here.
    Unsupported = "unsupported",
    /// Two roles of one name.
    DuplicateRole = "duplicate_role",
    /// A role that is not declared.
    UnknownRole = "unknown_role",
    /// A declared role that performs no action (a warning).
    RoleNeverActs = "role_never_acts",
    /// Two protocols of one name.
    DuplicateProtocol = "duplicate_protocol",
    /// A call of a protocol that is not declared.
    UnknownProtocol = "unknown_protocol",
    /// A module that is imported and not there, or named and not imported.
    UnknownModule = "unknown_module",
    /// Something that is named with its module, and that the module does not declare.
    UnknownMember = "unknown_member",
    /// Two imports under one name, or one under the name of something declared.
    DuplicateImport = "duplicate_import",
    /// A module that imports itself, at once or through others.
    ImportCycle = "import_cycle",
    /// A module that calls itself otherwise than it is imported.
    ModuleMismatch = "module_mismatch",
    /// A role without a local protocol, where the others have one.
    MissingLocal = "missing_local",
    /// Local protocols of one name that list different roles.
    RoleMismatch = "role_mismatch",
    /// A call with the wrong number of roles.
    RoleArity = "role_arity",
    /// A call with the wrong number of payload arguments.
    ArgumentArity = "argument_arity",
    /// A call that gives one role twice.
    DuplicateArgument = "duplicate_argument",
    /// Two payload types of one name.
    DuplicateType = "duplicate_type",
    /// Two payload parameters of one name.
    DuplicateParameter = "duplicate_parameter",
    /// A recursion variable without a binder around it.
    UnboundVariable = "unbound_variable",
    /// A recursion without an action between the binder and its variable.
    UnguardedRecursion = "unguarded_recursion",
    /// Two branches of one choice with the same receiver (or sender) and label.
    DuplicateBranch = "duplicate_branch",
    /// A choice without branches.
    EmptyChoice = "empty_choice",
    /// A choice between sending and receiving.
    MixedChoice = "mixed_choice",
    /// A message from a role to itself.
    SelfMessage = "self_message",
    /// A branch of `choice at A` that starts with an action of another role.
    WrongChooser = "wrong_chooser",
    /// A recursive call with something behind it.
    NonTailRecursion = "non_tail_recursion",
    /// Something that can never be reached.
    UnreachableCode = "unreachable_code",
    /// Two fields or arguments of one name.
    DuplicateField = "duplicate_field",
    /// JSON that is not JSON, or not of the schema.
    JsonShape = "json_shape",
    /// An automaton without an initial state, or with two.
    InitialState = "initial_state",
    /// A state of an automaton that nothing leads to (a warning).
    UnreachableState = "unreachable_state",
    /// The classic projection fails: a role cannot know which branch was taken.
    Unmergeable = "unmergeable",
    /// No projection exists: a role cannot know what to do.
    Unimplementable = "unimplementable",
    /// A role waits for a message and another one comes.
    UnexpectedMessage = "unexpected_message",
    /// Every role has ended and a message is left.
    OrphanMessage = "orphan_message",
    /// Nobody can move, and somebody has not ended.
    Deadlock = "deadlock",
    /// A role or a message that is never served again.
    NotLive = "not_live",
    /// Safe at some capacities and not at others (a warning).
    CapacityMatters = "capacity_matters",
    /// The search for what is wrong ended at its limit.
    CompositionUnknown = "composition_unknown",
}

impl Code {
    /// Whether a diagnostic of this code refuses the protocol.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::RoleNeverActs | Self::UnreachableState | Self::CapacityMatters => {
                Severity::Warning
            }
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong, with its place, its cause and, where there is one, its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of thing is wrong.
    pub code: Code,
    /// Where.
    pub span: Span,
    /// The cause, in one sentence: lower case, no full stop, user data in backticks.
    pub message: String,
    /// Other places that belong to it, each with a few words.
    pub notes: Vec<(Span, String)>,
    /// What to do about it.
    pub remedy: Option<Cow<'static, str>>,
}

impl Diagnostic {
    /// A diagnostic without notes and remedy.
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), notes: Vec::new(), remedy: None }
    }

    /// Adds another place that belongs to it.
    #[must_use]
    pub fn note(mut self, span: Span, text: impl Into<String>) -> Self {
        self.notes.push((span, text.into()));
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = Some(text.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.code.severity() {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, " (help: {remedy})"),
            None => Ok(()),
        }
    }
}

/// TYPE-14: everything that one reading found, in the order of the text; at most
/// [`DIAGNOSTICS_MAX`] are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    suppressed: usize,
}

impl Diagnostics {
    /// Adds one; beyond the limit it is only counted, but an error takes the place of a warning.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < DIAGNOSTICS_MAX {
            self.list.push(diagnostic);
            return;
        }
        self.suppressed += 1;
        let warning = |kept: &&mut Diagnostic| kept.code.severity() == Severity::Warning;
        if diagnostic.code.severity() == Severity::Error
            && let Some(place) = self.list.iter_mut().rev().find(warning)
        {
            *place = diagnostic;
        }
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Self) {
        self.suppressed += other.suppressed;
        other.list.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    /// Puts them into the order of the text.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    }

    /// Whether one of them refuses the protocol.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|d| d.code.severity() == Severity::Error)
    }

    /// The diagnostics that were kept.
    #[must_use]
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// How many more there were.
    #[must_use]
    pub fn suppressed(&self) -> usize {
        self.suppressed
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: alloc::vec![diagnostic], suppressed: 0 }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        match self.suppressed {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl core::error::Error for Diagnostics {}
