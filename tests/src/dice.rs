//! Seeded choices: one seed makes one scenario, and a failure prints it.

use std::env;
use std::thread;

/// A stream of numbers (`SplitMix64`: Steele, Lea and Flood, 2014). Dropped while a test fails, it prints its seed.
#[derive(Debug)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// The stream of the number in `HALCYON_SEED`, or else of `seed`.
    pub fn new(seed: u64) -> Self {
        let seed = env::var("HALCYON_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(seed);
        Self { seed, state: seed }
    }

    /// Any number.
    pub const fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not nought.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }
}

impl Drop for Dice {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the seed was {}; HALCYON_SEED={} plays it again", self.seed, self.seed);
        }
    }
}
