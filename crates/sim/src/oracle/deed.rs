//! What one transaction comes to: its last words.

use halcyon_types::{Dot, Hlc, Seq, UnixMs, VersionVector};

use super::place::{Place, Reach};
use super::rights::RightsMove;

/// What one transaction comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deed {
    /// The writes that its own later words let stand.
    pub writes: Vec<Write>,
    /// Its removals, of what others wrote before.
    pub removals: Vec<Reach>,
}

/// A write.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Where.
    pub place: Place,
    /// What.
    pub what: Written,
}

/// What is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Written {
    /// A value of a register, multi-value register or list.
    Value {
        /// The value.
        text: String,
        /// From when on it takes no part.
        until: Option<UnixMs>,
    },
    /// An element, or a flag.
    Presence,
    /// A sorted set's score.
    Score(f64),
    /// An increment of a counter.
    Amount {
        /// By how much.
        amount: i128,
        /// The increment of the same actor before it that still counted where this one was made.
        since: Option<Seq>,
        /// What the actor's increments came to since the last time none of them counted.
        total: i128,
    },
    /// An increment of a member's score.
    Points {
        /// By how much.
        amount: f64,
        /// As of an amount.
        since: Option<Seq>,
    },
    /// When the key ends; absent for never.
    Deadline(Option<UnixMs>),
    /// Elements that a `HyperLogLog` observed.
    Observed {
        /// The record that began the generation.
        generation: Dot,
        /// The elements.
        elements: Vec<String>,
    },
    /// Rights of a bounded counter that were made, moved or used.
    Rights {
        /// The record that began the generation.
        generation: Dot,
        /// What was done with them.
        what: RightsMove,
    },
}

impl Written {
    /// Whether others of its kind stand beside it instead of replacing it.
    pub const fn adds_up(&self) -> bool {
        matches!(self, Self::Amount { .. } | Self::Points { .. } | Self::Observed { .. } | Self::Rights { .. })
    }

    /// The generation it lives and dies with, if it has one.
    pub const fn generation(&self) -> Option<Dot> {
        match self {
            Self::Observed { generation, .. } | Self::Rights { generation, .. } => Some(*generation),
            _ => None,
        }
    }

    /// The increment before it in the same life.
    pub(super) const fn since(&self) -> Option<Seq> {
        match self {
            Self::Amount { since, .. } | Self::Points { since, .. } => *since,
            _ => None,
        }
    }
}

impl Deed {
    /// The next word is a write.
    pub(super) fn write(&mut self, place: Place, what: Written) {
        if !what.adds_up() {
            self.writes.retain(|earlier| earlier.place != place);
        }
        self.writes.push(Write { place, what });
    }

    /// The next word is a removal.
    pub(super) fn remove(&mut self, reach: Reach) {
        self.writes.retain(|earlier| !reach.reaches(&earlier.place));
        self.removals.push(reach);
    }

    /// Whether it removes what others wrote at a place.
    pub fn removes(&self, place: &Place) -> bool {
        self.removals.iter().any(|reach| reach.reaches(place))
    }

    /// The keys that it names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let writes = self.writes.iter().map(|write| write.place.object.key.as_str());
        writes.chain(self.removals.iter().map(Reach::key))
    }

    /// Whether it writes there itself.
    pub fn writes_to(&self, place: &Place) -> bool {
        self.writes.iter().any(|write| write.place == *place)
    }
}

/// A record, as the oracle knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its name.
    pub dot: Dot,
    /// Its stamp.
    pub hlc: Hlc,
    /// What it saw.
    pub ctx: VersionVector,
    /// What it came to.
    pub deed: Deed,
}
