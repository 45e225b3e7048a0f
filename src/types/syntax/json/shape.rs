//! Where the nodes of global and of local types differ.

use alloc::format;

use serde_json::value::RawValue;

use super::raw::{self, List, NodeKind, Source};
use crate::types::diagnostics::{Code, Diagnostic};
use crate::types::local::Direction;
use crate::types::name::Name;
use crate::types::tree::Head;

/// How choices with this head stand in JSON.
pub(super) trait Shape: Head {
    /// The field of a branch that names the other role.
    const PEER: &'static str;

    /// The `kind` of a choice.
    fn kind(&self) -> &'static str;

    /// The head of a choice and its branches.
    fn choice<'a>(
        source: Source<'a>,
        kind: NodeKind,
        raw: &'a RawValue,
    ) -> Result<(Self, List<'a>), Diagnostic>;

    /// One branch; the other role is called `peer` from here on.
    fn branch<'a>(
        source: Source<'a>,
        raw: &'a RawValue,
    ) -> Result<raw::LocalBranch<'a>, Diagnostic>;
}

impl Shape for Name {
    const PEER: &'static str = "to";

    fn kind(&self) -> &'static str {
        "choice"
    }

    fn choice<'a>(
        source: Source<'a>,
        kind: NodeKind,
        raw: &'a RawValue,
    ) -> Result<(Self, List<'a>), Diagnostic> {
        match kind {
            NodeKind::Choice => {
                let raw::GlobalChoice { from, branches, .. } = source.object(raw)?;
                Ok((from.0, branches))
            }
            _ => Err(stray(source, raw, "global", "`choice`, with the sender in `from`")),
        }
    }

    fn branch<'a>(
        source: Source<'a>,
        raw: &'a RawValue,
    ) -> Result<raw::LocalBranch<'a>, Diagnostic> {
        let raw::GlobalBranch { to, label, payload, next } = source.object(raw)?;
        Ok(raw::LocalBranch { peer: to, label, payload, next })
    }
}

impl Shape for Direction {
    const PEER: &'static str = "peer";

    fn kind(&self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
        }
    }

    fn choice<'a>(
        source: Source<'a>,
        kind: NodeKind,
        raw: &'a RawValue,
    ) -> Result<(Self, List<'a>), Diagnostic> {
        let direction = match kind {
            NodeKind::Send => Self::Send,
            NodeKind::Receive => Self::Receive,
            _ => return Err(stray(source, raw, "local", "`send` or `receive`")),
        };
        let raw::LocalChoice { branches, .. } = source.object(raw)?;
        Ok((direction, branches))
    }

    fn branch<'a>(
        source: Source<'a>,
        raw: &'a RawValue,
    ) -> Result<raw::LocalBranch<'a>, Diagnostic> {
        source.object(raw)
    }
}

/// A choice of the other family.
fn stray(source: Source<'_>, raw: &RawValue, family: &str, right: &str) -> Diagnostic {
    let text = format!("a {family} type has no node of this kind");
    Diagnostic::new(Code::JsonShape, source.span(raw), text).remedy(format!("write {right}"))
}
