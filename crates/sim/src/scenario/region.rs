//! The three regions of a scenario.

use std::fmt;

/// A region of a scenario: the first, second or third of the world that runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Region {
    /// The first.
    A,
    /// The second.
    B,
    /// The third.
    C,
}

impl Region {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    /// The region of this letter.
    pub fn of_letter(word: &str) -> Option<Self> {
        match word {
            "A" => Some(Self::A),
            "B" => Some(Self::B),
            "C" => Some(Self::C),
            _ => None,
        }
    }

    /// Its place in [`Region::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Where an expectation holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regions {
    /// At every region: `*`.
    Every,
    /// At one.
    One(Region),
}

impl Regions {
    /// The regions meant, in order.
    pub fn iter(self) -> impl Iterator<Item = Region> {
        Region::ALL.into_iter().filter(move |region| self == Self::Every || self == Self::One(*region))
    }
}

impl fmt::Display for Regions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("*"),
            Self::One(region) => region.fmt(f),
        }
    }
}
