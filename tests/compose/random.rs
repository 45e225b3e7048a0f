//! Random systems, compared with the reference.

use antiphon::types::compose::{
    Bound, Capacities, ComposeLimits, Composition, Determinacy, Exhaustivity, Kind, Run, Starved,
    Violation, compose,
};
use antiphon::types::{Direction, Evidence, Protocol, RoleIx};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::mutation::{Shown, system};
use crate::reference::compose::{Class, Config, Space};
use crate::strategies::cases;

/// Systems with more configurations are left out: the reference looks at all pairs of them.
const CONFIGS_MAX: usize = 120;

fn limits(capacities: &[u32], reduction: bool) -> ComposeLimits {
    let capacities = Capacities::Fixed(capacities.into());
    ComposeLimits { capacities, reduction, bound_configurations: 0, ..ComposeLimits::default() }
}

/// As a user would ask, with less time for bounds.
fn rising() -> ComposeLimits {
    ComposeLimits {
        configurations: 20_000,
        bound_configurations: 300,
        capacities: Capacities::Rising(4),
        ..ComposeLimits::default()
    }
}

/// Capacities for up to six edges of three roles.
fn capacities() -> impl Strategy<Value = Vec<u32>> {
    prop_oneof![(1..=3u32).prop_map(|k| vec![k; 6]), vec(1..=3u32, 6)]
}

fn of(protocol: &Protocol, capacities: &[u32]) -> Vec<u32> {
    capacities.iter().copied().cycle().take(protocol.edges().len()).collect()
}

fn replay(space: &Space<'_>, run: &Run) -> Config {
    let mut config = Config::initial(space.protocol);
    for step in &run.steps {
        let next = config.after(space.protocol, &space.capacities, step);
        config = next.unwrap_or_else(|| panic!("{step:?} cannot be done in {config:?}"));
    }
    assert_eq!(config.said(), run.ends);
    config
}

/// The run is real, ends in what it says, and waits for what it says.
fn shows(space: &Space<'_>, violation: &Violation) {
    let (protocol, capacities) = (space.protocol, space.capacities.as_slice());
    let end = replay(space, &violation.run);
    let waiting: Vec<RoleIx> = violation.run.waiting.iter().map(|waiting| waiting.role).collect();
    let moves = end.moves(protocol, capacities);
    for role in (0..).map(RoleIx).take(protocol.roles().len()) {
        let unexpected = end.unexpected(protocol, capacities);
        let receiver = unexpected.iter().any(|edge| protocol.edges()[edge.index()].to == role);
        let can = moves.iter().any(|(step, ..)| step.role == role);
        if !receiver {
            let waits = !end.has_ended(protocol, role) && !can;
            assert_eq!(waiting.contains(&role), waits, "{role:?}");
        }
    }
    match violation.kind {
        Kind::UnexpectedMessage(edge) => {
            assert!(end.unexpected(protocol, capacities).contains(&edge));
        }
        Kind::OrphanMessage(edge) => {
            assert!(end.all_ended(protocol) && !end.queues[edge.index()].is_empty());
        }
        Kind::Deadlock => {
            assert!(moves.is_empty() && !end.all_ended(protocol));
            assert!(!violation.for_room || !end.blocked(protocol, capacities).is_empty());
        }
        Kind::NotLive(starved) => {
            assert!(space.starving_at(&end).contains(&starved));
            let mut config = end.clone();
            for step in &violation.cycle {
                config = config.after(protocol, capacities, step).expect("the loop can be run");
                match starved {
                    Starved::Role(role) => assert_ne!(step.role, role),
                    Starved::Message(edge) => {
                        assert_eq!(config.queues[edge.index()][0], end.queues[edge.index()][0]);
                    }
                }
            }
            assert_eq!(config, end, "the loop comes back");
        }
    }
}

fn class(violation: &Violation) -> Class {
    match violation.kind {
        Kind::Deadlock if violation.for_room => Class::Stuck,
        Kind::Deadlock => {
            let mut waiting = violation.run.waiting.iter();
            let full = waiting.any(|waiting| waiting.direction == Direction::Send);
            if full { Class::Halted } else { Class::Broken }
        }
        Kind::NotLive(Starved::Role(role)) if violation.for_room => {
            let mut waiting = violation.run.waiting.iter();
            let sends = waiting.any(|w| w.role == role && w.direction == Direction::Send);
            if sends { Class::Blocked } else { Class::ForRoom }
        }
        Kind::NotLive(_) if violation.for_room => Class::ForRoom,
        Kind::NotLive(_) => Class::Starved,
        _ => Class::Broken,
    }
}

fn agrees(space: &Space<'_>, found: &Composition) {
    assert!(!found.explored.limited);
    let wrong = space.wrong();
    let shown = found.violation.as_ref().map(|v| (class(v), v.run.steps.len()));
    assert_eq!(shown, wrong);
    assert_eq!(wrong.is_none(), found.is_safe());
    match &found.violation {
        None => {
            assert!(space.is_live());
            let several = matches!(found.determinacy, Determinacy::Several(..));
            assert_eq!(several, space.several());
            assert!(several || found.determinacy == Determinacy::Determinate);
        }
        Some(violation) => {
            assert!(violation.known_shortest);
            shows(space, violation);
            let end = space.place(&replay(space, &violation.run)).unwrap();
            assert_eq!(space.class(end), Some(class(violation)));
        }
    }
    if let Determinacy::Several(role, run) = &found.determinacy {
        let end = replay(space, run);
        let receives = end.moves(space.protocol, &space.capacities).into_iter();
        let own = receives.filter(|(step, ..)| step.role == *role);
        assert!(own.filter(|(step, ..)| step.direction == Direction::Receive).count() > 1);
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn verdicts_are_those_of_looking_at_every_configuration(
        Shown(protocol) in system(),
        capacities in capacities(),
    ) {
        let capacities = of(&protocol, &capacities);
        let Some(space) = Space::of(&protocol, &capacities, CONFIGS_MAX) else { return Ok(()) };
        let whole = compose(&protocol, &limits(&capacities, false));
        agrees(&space, &whole);
        let reduced = compose(&protocol, &limits(&capacities, true));
        agrees(&space, &reduced);
        if whole.is_safe() {
            prop_assert_eq!(whole.explored.configurations, space.configs.len());
        }
        prop_assert!(reduced.explored.configurations <= space.configs.len());

        let missing = space.not_exhaustive();
        match whole.exhaustivity {
            Exhaustivity::From(_) => prop_assert!(missing.is_empty()),
            Exhaustivity::NotUpTo(_, role, edge) => {
                let end = replay(&space, &whole.violation.unwrap().run);
                let at = space.configs.iter().position(|config| *config == end).unwrap();
                prop_assert!(missing.contains(&(at, role, edge)));
            }
            Exhaustivity::NotDirected | Exhaustivity::Unknown => {}
        }
    }

    #[test]
    fn evidence_holds_at_the_capacities_that_it_covers(
        Shown(protocol) in system(),
        capacities in capacities(),
    ) {
        let found = compose(&protocol, &rising());
        // Of several reasons each is tried by itself.
        let part = match found.evidence() {
            Evidence::Any(parts) => parts[(capacities[0] as usize) % parts.len()].clone(),
            single => single,
        };
        let more: Vec<u32> = match part {
            Evidence::None => return Ok(()),
            Evidence::From(least) => {
                of(&protocol, &capacities).iter().map(|more| least - 1 + more).collect()
            }
            Evidence::Bounds(bounds) => {
                let more = of(&protocol, &capacities);
                bounds.iter().zip(more).map(|(least, more)| least + more - 1).collect()
            }
            Evidence::Exactly(vectors) => vectors.last().unwrap().to_vec(),
            Evidence::Any(_) => unreachable!("a part has no parts"),
            Evidence::Every => unreachable!("nobody said that these are projections"),
        };
        prop_assert!(found.evidence().covers(more.iter().copied()));
        if let Some(space) = Space::of(&protocol, &more, CONFIGS_MAX) {
            prop_assert_eq!(space.wrong(), None, "at {:?}", more);
        }
    }

    #[test]
    fn bounds_are_never_passed_and_growth_goes_on(Shown(protocol) in system()) {
        let found = compose(&protocol, &rising());
        let edges = protocol.edges().len();
        let most = found.bounds.iter().filter_map(Bound::most).max().unwrap_or(0);
        let capacities = vec![(most + 1).min(3); edges];
        let space = Space::of(&protocol, &capacities, 1_000);
        for (edge, bound) in found.bounds.iter().enumerate() {
            match bound {
                Bound::Finite { most, exact } => {
                    let Some(space) = &space else { continue };
                    prop_assert!(space.most(edge) <= *most as usize);
                    if *exact && space.never_blocked() {
                        prop_assert_eq!(space.most(edge), *most as usize);
                    }
                }
                Bound::Unknown { seen } => {
                    let Some(space) = &space else { continue };
                    prop_assert!(!found.is_safe() || !space.never_blocked(), "seen {}", seen);
                }
                Bound::Unbounded(growth) => {
                    let roomy = vec![u32::MAX; edges];
                    let mut config = Config::initial(&protocol);
                    for step in &growth.run {
                        config = config.after(&protocol, &roomy, step).unwrap();
                    }
                    for _ in 0..5 {
                        let before = config.queues[edge].len();
                        for step in &growth.cycle {
                            config = config.after(&protocol, &roomy, step).unwrap();
                        }
                        prop_assert!(config.queues[edge].len() > before);
                    }
                }
            }
        }
    }
}

/// That a good part of the systems is safe, and that every class of what is wrong is met.
#[test]
fn random_systems_are_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..600 {
        let Shown(protocol) = system().new_tree(&mut runner).unwrap().current();
        let found = compose(&protocol, &rising());
        let kind = match &found.violation {
            None if found.safe.is_empty() => "unknown".into(),
            None => "safe".into(),
            Some(violation) => {
                let room = if violation.for_room { " for room" } else { "" };
                format!("{}{room}", violation.kind.as_str())
            }
        };
        *seen.entry(kind).or_default() += 1;
        *seen.entry(format!("{:?}", found.exhaustivity)).or_default() += 1;
    }
    let count = |kind: &str| seen.get(kind).copied().unwrap_or(0);
    assert!(count("safe") > 150 && count("safe") < 400, "{seen:?}");
    for kind in ["unexpected message", "orphan message", "deadlock", "not live"] {
        assert!(count(kind) > 3, "{kind}: {seen:?}");
    }
    assert!(count("deadlock for room") + count("not live for room") > 3, "{seen:?}");
}
