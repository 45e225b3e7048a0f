//! The states of a link (LINK-1 to LINK-4).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use antiphon::resume::handshake::TRANSITIONS;
use antiphon::resume::{Lifetime, LifetimeError, LinkEvent, LinkState};

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
