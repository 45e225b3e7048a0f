//! `kill -9` of hosts and players in a loop, over real sockets.

use crate::processes::{number, play};

/// Law 4, PLAY-2, PLAY-3: whoever is killed, whenever: each role receives every message once and in
/// order, and the journal holds.
#[test]
fn whoever_is_killed_the_game_goes_on() {
    let kills = number("ANTIPHON_KILLS", 12);
    // Under TLS half as often: what differs is how a connection begins and ends.
    for (scheme, kills, seed) in
        [("ws", kills, 1), ("tcp", kills, 2), ("wss", kills / 2, 3), ("tls", kills / 2, 4)]
    {
        let done = play(&format!("kills-{scheme}"), scheme, 20 * kills, kills, seed);
        println!(
            "{scheme}: {} hosts and {} players were killed; {} messages were printed once more",
            done.hosts, done.players, done.again
        );
        assert!(
            done.hosts > 0 && done.players > 0,
            "{} hosts, {} players",
            done.hosts,
            done.players
        );
    }
}
