//! The types an object can have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The types an object can have. The byte stands in row keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Never below a bound: rights to decrement are held by regions.
    BoundedCounter,
    /// Sum of increments.
    Counter,
    /// Enable wins.
    Flag,
    /// How many distinct elements, estimated.
    HyperLogLog,
    /// Elements in an order of their own.
    List,
    /// Every concurrent value.
    MvRegister,
    /// Last writer wins.
    Register,
    /// Add wins.
    Set,
    /// When the key ends. Not a type of its own, but a property of a key.
    Deadline,
    /// Members ordered by a score.
    SortedSet,
    /// Fields that hold objects.
    Map,
}

impl Kind {
    /// Every kind, in the order of their bytes.
    pub const ALL: [Self; 11] = [
        Self::BoundedCounter,
        Self::Counter,
        Self::Flag,
        Self::HyperLogLog,
        Self::List,
        Self::MvRegister,
        Self::Register,
        Self::Set,
        Self::Deadline,
        Self::SortedSet,
        Self::Map,
    ];

    /// Its byte in row keys.
    pub const fn byte(self) -> u8 {
        match self {
            Self::BoundedCounter => b'B',
            Self::Counter => b'C',
            Self::Flag => b'E',
            Self::HyperLogLog => b'H',
            Self::List => b'L',
            Self::MvRegister => b'M',
            Self::Register => b'R',
            Self::Set => b'S',
            Self::Deadline => b'T',
            Self::SortedSet => b'Z',
            Self::Map => b'm',
        }
    }

    /// The kind of a row key's byte.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'B' => Self::BoundedCounter,
            b'C' => Self::Counter,
            b'E' => Self::Flag,
            b'H' => Self::HyperLogLog,
            b'L' => Self::List,
            b'M' => Self::MvRegister,
            b'R' => Self::Register,
            b'S' => Self::Set,
            b'T' => Self::Deadline,
            b'Z' => Self::SortedSet,
            b'm' => Self::Map,
            _ => return None,
        })
    }

    /// Whether an object of this kind has rows without end: one per element, member, position or field.
    pub const fn is_collection(self) -> bool {
        matches!(self, Self::List | Self::Set | Self::SortedSet | Self::Map)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BoundedCounter => "bounded counter",
            Self::Counter => "counter",
            Self::Flag => "flag",
            Self::HyperLogLog => "HyperLogLog",
            Self::List => "list",
            Self::MvRegister => "multi-value register",
            Self::Register => "register",
            Self::Set => "set",
            Self::Deadline => "deadline",
            Self::SortedSet => "sorted set",
            Self::Map => "map",
        })
    }
}

/// What the rows of an object hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Writes that nothing has covered yet.
    Entries,
    /// One actor's running sum, in whole numbers.
    Whole,
    /// One actor's running sum, in floating point.
    Float,
    /// One generation's `HyperLogLog` registers.
    Registers,
    /// One owner's rights and spending, in one generation.
    Escrow,
}
