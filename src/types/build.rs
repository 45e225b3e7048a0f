//! Types built in code, children first.

use alloc::vec::Vec;

use super::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use super::draft::{Draft, DraftBranch, DraftId};
use super::global::GlobalType;
use super::local::{Direction, LocalType};
use super::name::Name;
use super::sort::Payload;
use super::tree::{Head, Node};

/// Builds a local type in code, children first.
///
/// ```
/// use antiphon::types::{LocalBuilder, Payload, Sort, SortNode};
/// let mut b = LocalBuilder::default();
/// let end = b.end();
/// let pong = b.receive("Server", "pong", Payload::none(), end)?;
/// let ping = b.send("Server", "ping", Payload::one(Sort::leaf(SortNode::Nat)), pong)?;
/// assert_eq!(b.finish(ping)?.to_string(), "Server!ping(nat) . Server?pong . end");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type LocalBuilder = Builder<Direction>;

/// Builds a global type in code, children first.
///
/// ```
/// use antiphon::types::{GlobalBuilder, Payload};
/// let mut b = GlobalBuilder::default();
/// let end = b.end();
/// let pong = b.message("B", "A", "pong", Payload::none(), end)?;
/// let ping = b.message("A", "B", "ping", Payload::none(), pong)?;
/// let global = b.finish("PingPong", ["A", "B"], ping)?;
/// assert_eq!(global.roles().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type GlobalBuilder = Builder<Name>;

/// Builds a type in code: see [`LocalBuilder`] and [`GlobalBuilder`].
#[derive(Debug)]
pub struct Builder<H> {
    draft: Draft<H>,
}

impl<H> Default for Builder<H> {
    fn default() -> Self {
        Self { draft: Draft::default() }
    }
}

impl<H: Head> Builder<H> {
    /// Nothing more.
    pub fn end(&mut self) -> DraftId {
        self.draft.end(Span::NONE)
    }

    /// Goes back to the innermost binder of this name.
    ///
    /// # Errors
    /// `unexpected_token` if `name` is not a name.
    pub fn var(&mut self, name: &str) -> Result<DraftId, Diagnostics> {
        Ok(self.draft.var(named(name)?, Span::NONE))
    }

    /// `rec name . body`.
    ///
    /// # Errors
    /// `unexpected_token` if `name` is not a name.
    pub fn rec(&mut self, name: &str, body: DraftId) -> Result<DraftId, Diagnostics> {
        Ok(self.draft.rec(named(name)?, body, Span::NONE))
    }

    fn choose<'a>(
        &mut self,
        head: H,
        branches: impl IntoIterator<Item = (&'a str, &'a str, Payload, DraftId)>,
    ) -> Result<DraftId, Diagnostics> {
        let branch = |(peer, label, payload, next)| {
            let (peer, label) = (named(peer)?, named(label)?);
            Ok(DraftBranch { peer, label, payload, next, span: Span::NONE })
        };
        let branches: Vec<DraftBranch> =
            branches.into_iter().map(branch).collect::<Result<_, Diagnostics>>()?;
        Ok(self.draft.choice(head, branches, Span::NONE))
    }
}

impl Builder<Direction> {
    /// `to!label(payload) . next`.
    ///
    /// # Errors
    /// `unexpected_token` if a name is not a name.
    pub fn send(
        &mut self,
        to: &str,
        label: &str,
        payload: Payload,
        next: DraftId,
    ) -> Result<DraftId, Diagnostics> {
        self.choice(Direction::Send, [(to, label, payload, next)])
    }

    /// `from?label(payload) . next`.
    ///
    /// # Errors
    /// `unexpected_token` if a name is not a name.
    pub fn receive(
        &mut self,
        from: &str,
        label: &str,
        payload: Payload,
        next: DraftId,
    ) -> Result<DraftId, Diagnostics> {
        self.choice(Direction::Receive, [(from, label, payload, next)])
    }

    /// A choice of partner, label, payload and what follows.
    ///
    /// # Errors
    /// `unexpected_token` if a name is not a name.
    pub fn choice<'a>(
        &mut self,
        direction: Direction,
        branches: impl IntoIterator<Item = (&'a str, &'a str, Payload, DraftId)>,
    ) -> Result<DraftId, Diagnostics> {
        self.choose(direction, branches)
    }

    /// Checks what was built.
    ///
    /// # Errors
    /// What [`Draft::check`] finds.
    pub fn finish(self, root: DraftId) -> Result<LocalType, Diagnostics> {
        LocalType::from_draft(&self.draft, root)
    }

    /// Adds a copy of a finished type with its directions mapped.
    pub(super) fn copy(
        &mut self,
        local: &LocalType,
        map: impl Fn(Direction) -> Direction,
    ) -> DraftId {
        let tree = local.tree();
        let places: Vec<DraftId> =
            tree.nodes().iter().map(|_| self.draft.reserve(Span::NONE)).collect();
        for (node, place) in tree.nodes().iter().zip(&places) {
            match node {
                Node::End => {}
                Node::Var(binder) => self.draft.set_back(*place, places[binder.index()]),
                Node::Rec(name, body) => {
                    self.draft.set_rec(*place, name.clone(), places[body.index()]);
                }
                Node::Choice(direction, range) => {
                    let branches = tree.branches_of(range).iter().map(|branch| DraftBranch {
                        peer: branch.peer.clone(),
                        label: branch.label.clone(),
                        payload: branch.payload.clone(),
                        next: places[branch.next.index()],
                        span: Span::NONE,
                    });
                    self.draft.set_choice(*place, map(*direction), branches.collect());
                }
            }
        }
        places[0]
    }
}

impl Builder<Name> {
    /// `from -> to : label(payload) . next`.
    ///
    /// # Errors
    /// `unexpected_token` if a name is not a name.
    pub fn message(
        &mut self,
        from: &str,
        to: &str,
        label: &str,
        payload: Payload,
        next: DraftId,
    ) -> Result<DraftId, Diagnostics> {
        self.choice(from, [(to, label, payload, next)])
    }

    /// `from` picks one of receiver, label, payload and what follows.
    ///
    /// # Errors
    /// `unexpected_token` if a name is not a name.
    pub fn choice<'a>(
        &mut self,
        from: &str,
        branches: impl IntoIterator<Item = (&'a str, &'a str, Payload, DraftId)>,
    ) -> Result<DraftId, Diagnostics> {
        self.choose(named(from)?, branches)
    }

    /// Checks what was built.
    ///
    /// # Errors
    /// What [`GlobalType::from_draft`] finds.
    pub fn finish<'a>(
        self,
        name: &str,
        roles: impl IntoIterator<Item = &'a str>,
        root: DraftId,
    ) -> Result<GlobalType, Diagnostics> {
        let role = |role| Ok((named(role)?, Span::NONE));
        let roles = roles.into_iter().map(role).collect::<Result<_, Diagnostics>>()?;
        Ok(GlobalType::from_draft(named(name)?, roles, &self.draft, root)?.0)
    }
}

fn named(text: &str) -> Result<Name, Diagnostics> {
    Name::new(text).map_err(|error| {
        let message = alloc::string::ToString::to_string(&error);
        Diagnostic::new(Code::UnexpectedToken, Span::NONE, message).into()
    })
}
