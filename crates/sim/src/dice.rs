//! Random numbers that are a function of a seed: the only ones in the simulator.

use std::time::Duration;

/// A stream of numbers (`SplitMix64`, Steele, Lea and Flood 2014). Streams of different names do not disturb each other: what
/// one part of the world draws more or less of leaves the others as they were, so that shrinking a program changes little
/// else.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream of the same seed, by a name.
    #[must_use]
    pub fn stream(seed: u64, name: &str, number: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes()).update(&number.to_le_bytes()).update(name.as_bytes());
        let mut first = [0; 8];
        hasher.finalize_xof().fill(&mut first);
        Self(u64::from_le_bytes(first))
    }

    /// Any number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `end`; 0 if there is nothing below.
    pub const fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.roll() % end }
    }

    /// From `first` to `last`, both included.
    pub const fn from_to(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first).saturating_add(1))
    }

    /// Yes, in so many of 1,000 cases.
    pub const fn per_mille(&mut self, cases: u64) -> bool {
        self.below(1000) < cases
    }

    /// Yes, in so many of 100 cases.
    pub const fn percent(&mut self, cases: u64) -> bool {
        self.below(100) < cases
    }

    /// A span from `first` to `last`, in microseconds.
    pub fn span(&mut self, first: Duration, last: Duration) -> Duration {
        let us = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.from_to(us(first), us(last)))
    }

    /// One of them, if there is any.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let index = self.below(of.len() as u64);
        of.get(usize::try_from(index).unwrap_or_default())
    }

    /// Below `end`, as an index; 0 if there is nothing below.
    pub fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or_default()
    }

    /// Yes, in one of `cases` cases.
    pub const fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }

    /// One of them.
    pub fn of<'a, T, const N: usize>(&mut self, all: &'a [T; N]) -> &'a T {
        const { assert!(N > 0, "there is something to choose from") };
        #[expect(clippy::indexing_slicing, reason = "an index below the length of an array that is not empty")]
        &all[self.index(N)]
    }

    /// One of these words.
    pub fn word<const N: usize>(&mut self, all: &[&str; N]) -> String {
        (*self.of(all)).to_owned()
    }
}
