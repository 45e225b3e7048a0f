//! Which shard a session is in.
//!
//! Clause: SHARD-1. The mixing function is the finaliser of SplitMix64 (Steele, Lea and Flood,
//! "Fast splittable pseudorandom number generators", OOPSLA 2014); a number below `shards` is made
//! of its 64 bits by multiplication and not by a remainder (Lemire, "Fast random integer generation
//! in an interval", 2019).

use crate::machine::SessionId;

/// The shard of a session, among `shards` of them: below `shards`.
///
/// `⌊mix(high ^ mix(low)) · shards / 2^64⌋`, where `high` and `low` are the halves of the id. It is
/// the same on every platform and in every release.
///
/// ```
/// use antiphon::driver::shard_of;
/// use antiphon::machine::SessionId;
///
/// assert_eq!(shard_of(SessionId(1), 4), 1);
/// ```
#[must_use]
pub fn shard_of(session: SessionId, shards: usize) -> usize {
    let [high, low] = [session.0 >> 64, session.0].map(|half| half as u64);
    let wide = u128::from(mix(high ^ mix(low))) * shards as u128;
    // Below `shards`, which is a `usize`.
    (wide >> 64) as usize
}

/// One step of SplitMix64 from the state `x`.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::mix;

    /// The first numbers of SplitMix64 with the seed 0 and with the seed 1234567.
    #[test]
    fn mix_is_a_step_of_splitmix64() {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let from = |seed: u64| (0..3).map(move |n| mix(seed.wrapping_add(STEP.wrapping_mul(n))));
        let zero = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
        assert!(from(0).eq(zero));
        let other =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert!(from(1_234_567).eq(other));
    }
}
