//! The machine does exactly what the naive one does, whatever it is told.
#![cfg(feature = "syntax")]

use std::sync::Arc;

use crate::reference::model::{self, Model};
use crate::reference::script::{self, Stage, Step};
use crate::strategies::cases;
use antiphon::machine::*;
use antiphon::types::Protocol;
use proptest::collection::vec;
use proptest::prelude::*;

/// Runs a script on both, and compares them after every step.
fn compare(protocols: Vec<Arc<Protocol>>, steps: &[Step]) -> Result<(), TestCaseError> {
    // Sometimes so small that a script makes it forget.
    let archive = steps.len() % 3;
    let (mut machine, mut model) = (Machine::observed(), Model::new(&protocols));
    if archive > 0 {
        (machine, model.archive) = (machine.with_archive(archive), archive);
    }
    for protocol in &protocols {
        machine.register(protocol);
    }
    let mut stage = Stage::new(protocols);
    for (index, step) in steps.iter().enumerate() {
        let input = stage.input(&machine, step);
        let now = stage.now;
        // Time passes first; what is refused changes nothing from then on.
        machine.handle(Tick(now), Input::Tick).unwrap();
        model.handle(now, &Input::Tick).unwrap();
        let before = machine.digest();
        let verdict = machine.handle(Tick(now), input.clone());
        let wanted = model.handle(now, &input);
        let protocol = input.session().and_then(|id| machine.protocol_of(id));
        let shown = match &verdict {
            Ok(accepted) => Ok(model::shown(protocol.map(Arc::as_ref), accepted)),
            Err(refusal) => Err(refusal.code()),
        };
        prop_assert_eq!(&shown, &wanted, "step {}: {:?}", index, input);
        if let Err(refusal) = &verdict {
            prop_assert_eq!(machine.digest(), before, "step {}: {} {:?}", index, refusal, input);
        }
        machine.check_invariants().map_err(|e| TestCaseError::fail(e.to_string()))?;
        same(&machine, &model).map_err(|e| TestCaseError::fail(format!("step {index}: {e}")))?;
        if step.seal {
            drain(&mut machine, now);
            model.persist();
        }
    }
    Ok(())
}

fn drain(machine: &mut Machine, now: u64) {
    machine.seal();
    while let Some(output) = machine.poll() {
        if let Output::Persist(batch) = output {
            let upto = batch.first + u64::from(batch.count);
            machine.handle(Tick(now), Input::Persisted { session: batch.session, upto }).unwrap();
        }
    }
}

/// Says where the two are different.
fn same(machine: &Machine, model: &Model) -> Result<(), String> {
    if machine.sessions_len() != model.sessions.len() {
        return Err("another number of sessions".into());
    }
    let due = model.sessions.iter().filter_map(|session| session.due()).min();
    if machine.poll_timeout() != due.map(Tick) {
        return Err(format!("the next timer at {:?}, not {due:?}", machine.poll_timeout()));
    }
    let archived = machine.archive().map(|closed| closed.id().0);
    if !archived.eq(model.archived.iter().map(|session| session.id)) {
        return Err("another archive".into());
    }
    for session in &model.archived {
        same_closed(machine.archived(SessionId(session.id)).ok_or("it is not found")?, session)?;
    }
    for session in &model.sessions {
        let view = machine.session(SessionId(session.id)).ok_or("a session is not there")?;
        let seen = (view.status().to_string(), view.tick().0, view.is_checked());
        let wanted = (session.status.clone(), session.tick, session.checked);
        if seen != wanted {
            return Err(format!("session {}: {seen:?}, not {wanted:?}", session.id));
        }
        for (at, wanted) in session.fragments.iter().enumerate() {
            let mut held = view.holdings().filter(|held| held.scope.bits() >> at & 1 == 1);
            let only = held.next().filter(|_| held.next().is_none()).ok_or("not one owner")?;
            let seen = (only.owner.as_str(), only.generation.0, only.released);
            if seen != (wanted.owner.as_str(), wanted.generation, wanted.released) {
                return Err(format!("fragment {at}: {seen:?}, not {wanted:?}"));
            }
        }
        let lost = (view.on_lost(), view.cancellation().map(|witness| witness.reason.to_string()));
        let reason =
            session.status.split_once('(').map(|(_, why)| why.trim_end_matches(')').into());
        if lost != (session.on_lost, reason) {
            return Err(format!("{lost:?}, not {:?} {}", session.on_lost, session.status));
        }
        for serials in view.serials() {
            let known = &session.serials[&serials.generation.0];
            let (issued, last) = (known.len() as u64, *known.last().unwrap());
            let confirmed = issued - u64::from(!last);
            if (serials.issued.0, serials.confirmed.0) != (issued, confirmed) {
                return Err(format!("{serials:?}, not {known:?}"));
            }
        }
        if !view.staged().eq(session.staged.iter().map(|staged| &staged.receipt)) {
            return Err(format!("other transfers than {:?}", session.staged));
        }
        let same = view.readiness().eq(session.readiness.iter().map(|(witness, _)| witness))
            && view.timers().eq(session.timers.iter().map(|(timer, _)| timer))
            && view.timeouts().eq(&session.timeouts);
        if !same {
            return Err(format!("other witnesses or timers than {session:?}"));
        }
        let attached = view.endpoints().map(EndpointView::attached);
        let seen = (view.fencing(), view.attachments_made(), attached.collect::<Vec<_>>());
        let attached = (0..session.roles.len()).map(|own| session.attached.get(&own).copied());
        let wanted = (session.fencing, session.attachments, attached.collect::<Vec<_>>());
        if seen != wanted {
            return Err(format!("attached: {seen:?}, not {wanted:?}"));
        }
        for (endpoint, role) in view.endpoints().zip(&session.roles) {
            let mut legal: Vec<String> = endpoint
                .legal_moves()
                .map(|legal| {
                    let symbol = legal.direction.symbol();
                    format!("{}{symbol}{}({})", legal.peer, legal.label, legal.payload.sort())
                })
                .collect();
            legal.sort();
            let seen = (endpoint.position().0, legal, endpoint.has_ended());
            let wanted = (role.position, role.left.legal(), role.left.legal().is_empty());
            if seen != wanted {
                return Err(format!("role {}: {seen:?}, not {wanted:?}", role.name));
            }
        }
        if view.edges().len() != session.edges.len() {
            return Err("another number of edges".into());
        }
        let protocol = view.protocol();
        for (edge, wanted) in view.edges().zip(&session.edges) {
            let ends = edge.edge();
            let seen = (
                protocol.role_name(ends.from).to_string(),
                protocol.role_name(ends.to).to_string(),
            );
            let message = |queued: &Queued| {
                let message = protocol.message(queued.message);
                let label = protocol.label_name(message.label).to_string();
                (label, message.payload.sort().clone(), queued.value.clone())
            };
            let messages: Vec<_> = edge.messages().map(message).collect();
            let handler = wanted.handler.as_ref().or(session.default.as_ref());
            let equal = seen == (wanted.from.clone(), wanted.to.clone())
                && (edge.sent().0, edge.consumed().0) == (wanted.sent, wanted.consumed)
                && (edge.capacity(), edge.policy()) == (wanted.capacity, wanted.policy)
                && edge.capacity_start() == wanted.capacity_start
                && (edge.dropped(), edge.dropped_before())
                    == (wanted.dropped, wanted.dropped_before())
                && edge.seqs().map(|seq| seq.0).eq(wanted.seqs.iter().copied())
                && messages == wanted.queue
                && view.handler(ends).map(ToString::to_string).as_ref() == handler;
            if !equal {
                return Err(format!("{seen:?} with {messages:?}, not {wanted:?}"));
            }
        }
    }
    Ok(())
}

/// Says where what is left of a session is different.
fn same_closed(closed: &ClosedSession, session: &model::Session) -> Result<(), String> {
    let records = session.journal.then_some(session.records as u64);
    let seen = (
        closed.status().to_string(),
        closed.tick().0,
        closed.is_checked(),
        closed.journal().map(|(records, _)| records),
        closed.default_handler().map(ToString::to_string),
    );
    let wanted =
        (session.status.clone(), session.tick, session.checked, records, session.default.clone());
    if seen != wanted {
        return Err(format!("what is left of {}: {seen:?}, not {wanted:?}", session.id));
    }
    for (at, wanted) in session.fragments.iter().enumerate() {
        let mut held = closed.holdings().filter(|held| held.scope.bits() >> at & 1 == 1);
        let only = held.next().filter(|_| held.next().is_none()).ok_or("not one owner")?;
        let seen = (only.owner.as_str(), only.generation.0, only.released);
        if seen != (wanted.owner.as_str(), wanted.generation, wanted.released) {
            return Err(format!("archived fragment {at}: {seen:?}, not {wanted:?}"));
        }
    }
    let positions = closed.endpoints().map(|role| (role.name().to_string(), role.position().0));
    if !positions.eq(session.roles.iter().map(|role| (role.name.clone(), role.position))) {
        return Err(format!("other positions than {:?}", session.roles));
    }
    let edges = closed
        .edges()
        .map(|edge| (edge.sent.0, edge.consumed.0, edge.handler.map(ToString::to_string)));
    let wanted = session.edges.iter().map(|edge| (edge.sent, edge.consumed, edge.handler.clone()));
    if !edges.eq(wanted) {
        return Err(format!("other edges than {:?}", session.edges));
    }
    Ok(())
}

/// Protocols that are printed as one writes them.
#[derive(Clone)]
struct Protocols(Vec<Arc<Protocol>>);

impl std::fmt::Debug for Protocols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|protocol| write!(f, "\n{}", protocol.locals()))
    }
}

fn protocols() -> impl Strategy<Value = Protocols> {
    vec(script::protocol(), 1..=2).prop_map(Protocols)
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn mostly_legal_runs_are_those_of_the_naive_machine(
        protocols in protocols(),
        steps in script::legal_script(false),
    ) {
        compare(protocols.0, &steps)?;
    }

    #[test]
    fn wild_runs_are_those_of_the_naive_machine(
        protocols in protocols(),
        steps in script::wild_script(false),
    ) {
        compare(protocols.0, &steps)?;
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn runs_about_authority_are_those_of_the_naive_machine(
        protocols in protocols(),
        steps in script::authority_script(false),
    ) {
        compare(protocols.0, &steps)?;
    }
}

/// Scripts that never get anywhere test nothing: most kinds of verdicts are reached.
#[test]
fn the_scripts_reach_every_kind_of_verdict() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let mut reached = std::collections::BTreeMap::<String, usize>::new();
    let (mut deepest, mut dropped, mut grown) = (0, 0, 0);
    for index in 0..1_000 {
        let protocols = protocols().new_tree(&mut runner).unwrap().current();
        let script = match index % 4 {
            0 | 2 => script::legal_script(false),
            1 => script::wild_script(false),
            _ => script::authority_script(false),
        };
        let steps = script.new_tree(&mut runner).unwrap().current();
        let (mut machine, mut stage) = (Machine::new(), Stage::new(protocols.0));
        for protocol in &stage.protocols {
            machine.register(protocol);
        }
        for step in &steps {
            let input = stage.input(&machine, step);
            let verdict = match machine.handle(Tick(stage.now), input) {
                Ok(accepted) => {
                    format!("{accepted:?}").split([' ', '(']).next().unwrap().to_owned()
                }
                Err(refusal) => refusal.code().to_owned(),
            };
            *reached.entry(verdict).or_default() += 1;
            if step.seal {
                drain(&mut machine, stage.now);
            }
        }
        for edge in machine.sessions().flat_map(SessionView::edges) {
            dropped += edge.dropped();
            grown += u64::from(edge.capacity() - edge.capacity_start());
        }
        *reached.entry("archived".into()).or_default() += machine.archive().len();
        let positions = machine
            .session(script::session_id(0))
            .map(|view| view.endpoints().map(|endpoint| endpoint.position().0).sum::<u64>());
        deepest = deepest.max(positions.unwrap_or(0));
    }
    let wanted = [
        "Opened",
        "Sent",
        "Received",
        "Duplicate",
        "Acknowledged",
        "Issued",
        "Staged",
        "Done",
        "Serial",
        "unknown_owner",
        "host_only",
        "token_spent",
        "token_unknown",
        "Witness",
        "Timer",
        "Attached",
        "stale_attachment",
        "stale_fencing",
        "predicate_false",
        "invalid_witness",
        "witness_spent",
        "timer_not_armed",
        "unclaimed",
        "already_claimed",
        "transfer_pending",
        "transfer_not_pending",
        "receipt_mismatch",
        "receipt_spent",
        "unknown_session",
        "session_exists",
        "unknown_protocol",
        "bad_capacity",
        "capacity_unchecked",
        "unknown_role",
        "stale_capability",
        "scope_violation",
        "position_conflict",
        "too_old",
        "ahead",
        "ambiguous_receive",
        "terminal",
        "draining",
        "not_allowed",
        "wrong_sort",
        "edge_full",
        "edge_empty",
        "unknown_edge",
        "bad_policy",
        "not_terminal",
        "not_durable",
        "archived",
    ];
    for verdict in wanted {
        assert!(reached.get(verdict).is_some_and(|count| *count >= 2), "{verdict}: {reached:?}");
    }
    assert!(dropped > 20 && grown > 50, "{dropped} messages were dropped, edges grew by {grown}");
    assert!(deepest > 50, "the longest run has {deepest} actions");
}
