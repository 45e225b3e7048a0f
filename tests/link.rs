//! The states of a link (LINK-1 to LINK-7).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use antiphon::resume::handshake::TRANSITIONS;
use antiphon::resume::{
    Beat, Heartbeat, Lifetime, LifetimeError, LinkEvent, LinkState, LivenessError, Reconnect,
};
use proptest::prelude::*;

/// LINK-1, LINK-2: every state by every event.
#[test]
fn the_whole_matrix() {
    let mut matrix = String::new();
    for state in LinkState::ALL {
        for event in LinkEvent::ALL {
            let shown = state.step(event).map_or("-".to_owned(), |to| format!("{to:?}"));
            writeln!(matrix, "{:<13} {:<12} {shown}", format!("{state:?}"), format!("{event:?}"))
                .unwrap();
        }
    }
    insta::assert_snapshot!(matrix, @r"
    Connecting    Established  Active
    Connecting    Lost         -
    Connecting    Resume       -
    Connecting    Resumed      -
    Connecting    Rejected     -
    Connecting    Expire       Expired
    Active        Established  -
    Active        Lost         Disconnected
    Active        Resume       Resuming
    Active        Resumed      -
    Active        Rejected     -
    Active        Expire       Expired
    Disconnected  Established  -
    Disconnected  Lost         -
    Disconnected  Resume       Resuming
    Disconnected  Resumed      -
    Disconnected  Rejected     -
    Disconnected  Expire       Expired
    Resuming      Established  -
    Resuming      Lost         Disconnected
    Resuming      Resume       Resuming
    Resuming      Resumed      Active
    Resuming      Rejected     Disconnected
    Resuming      Expire       Expired
    Expired       Established  -
    Expired       Lost         -
    Expired       Resume       -
    Expired       Resumed      -
    Expired       Rejected     -
    Expired       Expire       -
    ");
}

/// LINK-1: no two rows say different things of one state and one event.
#[test]
fn each_row_stands_once() {
    let keys: BTreeSet<_> = TRANSITIONS.iter().map(|(from, by, _)| (from, by)).collect();
    assert_eq!(keys.len(), TRANSITIONS.len());
    for (from, by, to) in TRANSITIONS {
        assert_eq!(from.step(*by), Some(*to));
    }
}

/// LINK-3: and from every other state there is a way to the end, and to being active again or not.
#[test]
fn expired_is_the_end() {
    for event in LinkEvent::ALL {
        assert_eq!(LinkState::Expired.step(event), None);
    }
    for state in LinkState::ALL {
        assert_eq!(state.is_terminal(), state == LinkState::Expired);
        if !state.is_terminal() {
            assert_eq!(state.step(LinkEvent::Expire), Some(LinkState::Expired));
        }
    }
}

/// LINK-4.
#[test]
fn a_lifetime_is_checked_when_it_is_made() {
    assert_eq!(Lifetime::new(Duration::ZERO), Err(LifetimeError::Zero));
    let five = Lifetime::new(Duration::from_secs(300)).unwrap();
    assert_eq!(five, Lifetime::INTERACTIVE);
    assert_eq!(five, Lifetime::default());
    let refused = five.within(Duration::from_secs(299)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the whole lifetime is 299s, and that without a connection is 300s: longer"
    );
    let hour = five.within(Duration::from_secs(3600)).unwrap();
    assert_eq!(hour.total(), Some(Duration::from_secs(3600)));
    assert_eq!(hour.detached(), Duration::from_secs(300));
    assert!(Lifetime::EPHEMERAL.detached() < Lifetime::DURABLE.detached());
}

/// LINK-5.
#[test]
fn a_silent_peer_is_dead_after_a_time() {
    let seconds = Duration::from_secs;
    let beat = Heartbeat::default();
    assert_eq!(beat, Heartbeat::new(seconds(30), seconds(90)).unwrap());
    assert_eq!(beat.look(seconds(0), seconds(0)), Beat::Wait(seconds(30)));
    assert_eq!(beat.look(seconds(10), seconds(89)), Beat::Wait(seconds(1)));
    assert_eq!(beat.look(seconds(30), seconds(89)), Beat::Send);
    assert_eq!(beat.look(seconds(0), seconds(90)), Beat::Dead);
    let refused = Heartbeat::new(seconds(30), seconds(30)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a peer shows itself every 30s and counts as dead after 30s; that must be longer"
    );
    let none = Heartbeat::new(Duration::ZERO, seconds(1)).unwrap_err();
    assert!(matches!(none, LivenessError::TooShort { .. }));
}

/// LINK-6.
#[test]
fn pauses_are_settings_that_are_checked() {
    let millis = Duration::from_millis;
    let order = Reconnect::new(millis(20), millis(10)).unwrap_err();
    assert_eq!(order.to_string(), "the longest pause is 10ms, shorter than the first, 20ms");
    assert!(matches!(Reconnect::new(millis(0), millis(1)), Err(LivenessError::TooShort { .. })));
    let twice = Reconnect::new(millis(20), millis(30)).unwrap().attempts(2);
    let all: Vec<_> = (0..4).map(|attempt| twice.pause(attempt, u64::MAX, None)).collect();
    assert!(all[0].unwrap() < millis(20) && all[0].unwrap() > millis(19));
    assert!(all[1].unwrap() < millis(30) && all[1].unwrap() > millis(29));
    assert_eq!(all[2..], [None, None]);
}

proptest! {
    /// LINK-6, LINK-7: never longer than the bound behind what was asked for, for ever; and half of
    /// the numbers lead to the lower half.
    #[test]
    fn pauses_spread_up_to_a_bound(
        first in 1..100_000_u64,
        more in 0..100_000_u64,
        attempt in any::<u32>(),
        random in any::<u64>(),
        after in prop::option::of(0..100_000_u64),
    ) {
        let (first, most) = (Duration::from_millis(first), Duration::from_millis(first + more));
        let reconnect = Reconnect::new(first, most).unwrap();
        let after = after.map(Duration::from_millis);
        let pause = reconnect.pause(attempt, random, after).unwrap();
        let longest = 2_f64.powf(f64::from(attempt)) * first.as_secs_f64();
        let longest = longest.min(most.as_secs_f64());
        let asked = after.unwrap_or_default();
        prop_assert!(pause >= asked);
        let drawn = (pause - asked).as_secs_f64();
        prop_assert!(drawn <= longest);
        let wanted = longest * (random as f64 / 2_f64.powi(64));
        prop_assert!((drawn - wanted).abs() < 1e-6 + longest * 1e-9, "{drawn} {wanted}");
    }
}
