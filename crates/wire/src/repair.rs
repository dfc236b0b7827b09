//! What an operator is told of a region's rows before and while a peer's state takes their place.

use bytes::Bytes;
use halcyon_types::{BootId, RegionId};
use serde::{Deserialize, Serialize};

/// How a region's rows are, as far as its audits have seen, and what is done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairState {
    /// This life of the node: it has another once a copy has taken its state's place, and after a restart.
    pub life: BootId,
    /// How this life began.
    pub began: Began,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Whose state would be taken, or is being; none if no region can give its own now.
    pub from: Option<RegionId>,
    /// Pages of it stored so far; none while none is taken.
    pub pages: Option<u64>,
}

/// How a life of a node began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Began {
    /// From what its directory held.
    #[default]
    #[serde(rename = "o")]
    Opened,
    /// From a copy of a peer's state, which has just taken the place of its own.
    #[serde(rename = "c")]
    Copied,
    /// From its own state, as a copy could not take its place.
    #[serde(rename = "f")]
    Failed {
        /// Why not.
        reason: String,
    },
}

/// A range of rows that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// From whose rows it differs; none if it cannot be read here.
    pub peer: Option<RegionId>,
    /// The first row key that may be in it.
    pub from: Bytes,
    /// The first behind it.
    pub upto: Bytes,
    /// In words, keyspace and keys included.
    pub what: String,
}
