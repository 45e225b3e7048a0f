//! The complete projection: a local type for each role of a global type, whenever there is one
//! (Li, Stutz, Wies, Zufferey, "Complete Multiparty Session Type Projection with Automata",
//! CAV 2023), and two runs that show why where there is none.
//!
//! For a role `r`, a message of the global type is an *event* if `r` sends or receives it, and
//! silent (ε) otherwise. The words of events along all runs are what `r` can see. Determining the
//! automaton of these words by the subset construction gives the only candidate: a state stands for
//! all nodes at which the run may be after `r` has seen one word. Such a state has *leaves*, the
//! events that are next after any silent messages, and *nothing* among them if one of its nodes
//! leads to no event at all. The candidate is right exactly if each state is:
//!
//! - **Send Validity**: if `r` may send, each leaf is a choice of `r` with the same messages, and
//!   nothing is not among them. If not, `r` can send in the run of one leaf what nobody expects in
//!   the run of another: both runs look the same to it. If so, a send of `r` is one of every run
//!   that `r` takes to be possible, so whatever the others did fits one of them.
//! - **Receive Validity**: if `r` may receive `m` from `p` in one run and must receive `n` from
//!   `q` in another, `m` cannot be first on its edge in the other run while `n` is not received
//!   yet. If it can, `r` takes `m` for what it is not. If not, what `r` finds tells it which runs
//!   are still possible. (A message that was on the way before needs no care of its own: in the
//!   order of the run `r` has received all that was sent to it before, so that the first message
//!   of `p` in what follows is the first on its edge.) See `available.rs`.
//! - **End Validity** (ours, PROJ-10): if `r` may receive, nothing is not among the leaves. In the
//!   paper a state may be final and receive; a local type cannot say "end, or receive", and `r`
//!   would wait for a message that in some run never comes.
//!
//! Each condition speaks of two leaves (or a leaf and nothing) of one state. Two such leaves are
//! two runs in which `r` sees the same: they are the explanation, and are found without any subsets
//! by a search over pairs of nodes (`explain.rs`).
//!
//! In the worst case there are exponentially many states, and availability is hard, too; both have
//! limits. Where each state has one leaf, the whole takes time by the size of the global type.
//!
//! A local type that is not the projection can stand for a role all the same: `refine.rs`.
//!
//! Clauses: PROJ-6 to PROJ-11.

mod available;
mod explain;
mod graph;
mod limits;
mod mismatch;
mod refine;
mod report;
mod subset;
mod table;
mod view;

pub use limits::{Exceeded, ProjectionLimits, What};
pub use mismatch::{Condition, LocalMove, Mismatch, Refinement};
pub use refine::{implements, refines};
pub use report::{Ambiguity, Cause, Continuation, Step, Trace, Unprojectable};

use alloc::vec::Vec;

use super::diagnostics::Diagnostics;
use super::global::GlobalType;
use super::local::{LocalType, LocalTypes};
use super::name::Name;
use super::project::project;
use graph::{Graph, RoleNo};
use subset::{Stopped, subsets};
use table::Table;
use view::View;

/// The local type of `role` in `global`, if there is any that does its part: `end` for a role that
/// the global type does not have. The type is that of the minimal automaton, written out.
///
#[cfg_attr(feature = "syntax", doc = "```")]
#[cfg_attr(not(feature = "syntax"), doc = "```ignore")]
/// use antiphon::types::{GlobalType, ProjectionLimits, project, project_complete};
/// // `C` hears of the choice from different roles; the classic projection cannot join that.
/// let global: GlobalType = "global protocol P(role A, role B, role C) {
///     choice at A { left() from A to B; go() from B to C; } or { right() from A to C; }
/// }".parse()?;
/// let role = &global.roles()[2];
/// assert!(project(&global, role).is_err());
/// let local = project_complete(&global, role, &ProjectionLimits::default())?;
/// assert_eq!(local.to_string(), "&{ A?right . end, B?go . end }");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Unprojectable::Ambiguous`] with two runs that the role cannot tell apart;
/// [`Unprojectable::TooLarge`] when a limit is passed.
pub fn project_complete(
    global: &GlobalType,
    role: &Name,
    limits: &ProjectionLimits,
) -> Result<LocalType, Unprojectable> {
    let graph = Graph::of(global);
    let Some(number) = graph.role(role) else { return Ok(LocalType::end()) };
    let table = table(&graph, number, limits)?;
    table.local_type().map_err(|exceeded| Unprojectable::TooLarge { role: role.clone(), exceeded })
}

/// A local type of `role`: the classic projection where it says the same as the complete one, which
/// is in the words of the global type; otherwise the complete one. (Merging two loops, the classic
/// projection may say more: one loop that receives what either of them does, also mixed.)
///
/// # Errors
/// As [`project_complete`], unless the limit was passed and there is a classic projection.
pub fn project_role(
    global: &GlobalType,
    role: &Name,
    limits: &ProjectionLimits,
) -> Result<LocalType, Unprojectable> {
    of_role(&Graph::of(global), role, limits)
}

/// [`project_role`] of every role.
///
/// # Errors
/// `unimplementable` or `too_large` for each role that has no projection.
pub fn project_roles(
    global: &GlobalType,
    limits: &ProjectionLimits,
) -> Result<LocalTypes, Diagnostics> {
    let graph = Graph::of(global);
    let mut found = Diagnostics::default();
    let mut locals = Vec::with_capacity(global.roles().len());
    for role in global.roles() {
        match of_role(&graph, role, limits) {
            Ok(local) => locals.push((role.clone(), local)),
            Err(error) => found.push(error.into()),
        }
    }
    if found.has_errors() {
        return Err(found);
    }
    Ok(LocalTypes::new(locals)?.0)
}

/// PROJ-11: what sessions run.
fn of_role(
    graph: &Graph<'_>,
    role: &Name,
    limits: &ProjectionLimits,
) -> Result<LocalType, Unprojectable> {
    // What the classic projection finds wrong does not matter: it knows some ways only.
    let classic = project(graph.global, role).ok();
    let Some(number) = graph.role(role) else { return Ok(LocalType::end()) };
    let too_large = |exceeded| Unprojectable::TooLarge { role: role.clone(), exceeded };
    match (table(graph, number, limits), classic) {
        (Ok(table), Some(classic)) if table.is_of(&classic) => Ok(classic),
        (Ok(table), _) => table.local_type().map_err(too_large),
        (Err(Unprojectable::TooLarge { .. }), Some(classic)) => Ok(classic),
        (Err(error), _) => Err(error),
    }
}

/// The automaton of a role, or why there is none.
fn table<'g, 'a>(
    graph: &'g Graph<'a>,
    role: RoleNo,
    limits: &ProjectionLimits,
) -> Result<Table<'g, 'a>, Unprojectable> {
    let mut view = View::of(graph, role);
    let too_large = |exceeded| Unprojectable::TooLarge { role: graph.name(role).clone(), exceeded };
    match subsets(&mut view, limits) {
        Ok(subsets) => Table::of(graph, &subsets).map_err(too_large),
        Err(Stopped::Exceeded(exceeded)) => Err(too_large(exceeded)),
        Err(Stopped::Conflict(subsets, state, conflict)) => {
            let runs = explain::explain(&view, &subsets, (state, conflict), limits);
            Err(Unprojectable::ambiguous(&view, &runs))
        }
    }
}
