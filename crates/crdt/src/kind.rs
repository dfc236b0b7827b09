//! The types an object can have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The types an object can have. The byte stands in row keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Last writer wins.
    Register,
    /// Sum of increments.
    Counter,
    /// Add wins.
    Set,
    /// Fields that hold objects.
    Map,
}

impl Kind {
    /// Every kind, in key order.
    pub const ALL: [Self; 4] = [Self::Counter, Self::Register, Self::Set, Self::Map];

    /// Its byte in row keys.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Register => b'R',
            Self::Counter => b'C',
            Self::Set => b'S',
            Self::Map => b'm',
        }
    }

    /// The kind of a row key's byte.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'R' => Some(Self::Register),
            b'C' => Some(Self::Counter),
            b'S' => Some(Self::Set),
            b'm' => Some(Self::Map),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Register => "register",
            Self::Counter => "counter",
            Self::Set => "set",
            Self::Map => "map",
        })
    }
}
