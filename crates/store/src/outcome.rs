//! What goes into a committer besides writes and records, and what comes out.

use std::collections::BTreeMap;

use halcyon_crdt::Shortage;
use halcyon_types::limits::ROW_CACHE_BYTES_MAX;
use halcyon_types::members::Facts;
use halcyon_types::{ActorId, Dot, Hlc, UnixMs, VersionVector};
use halcyon_wire::{ChainHash, StoredRecord};

use crate::layout::Head;

/// What an operator may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of rows kept decoded. Too few: every change reads the database. Too many: memory that the database's block
    /// cache would use better. Default [`ROW_CACHE_BYTES_MAX`].
    pub row_cache_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { row_cache_bytes_max: ROW_CACHE_BYTES_MAX }
    }
}

/// What a staged write has become, once its group is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staged {
    /// A new record.
    Fresh {
        /// Its name.
        dot: Dot,
        /// Bounded counters of which this region's rights run low by it.
        shortages: Vec<Shortage>,
    },
    /// Nothing new: the request is this record already, of this region's log or another's. It may stand in the very
    /// group that is not committed yet, so it is answered after the commit like any other.
    Duplicate(Dot),
}

/// How the logs stand once a staged truncation is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logs {
    /// Up to where they have been dropped.
    pub floors: VersionVector,
    /// About how many bytes they take, all together.
    pub bytes: u64,
    /// Of the first record of each log behind what might be dropped, the one with the lowest stamp, and that.
    pub next: Option<(Dot, UnixMs)>,
}

/// A group that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// What is applied and synced.
    pub vv: VersionVector,
    /// The clock. No stamp of a record committed here is above it, records from the far future aside.
    pub hlc: Hlc,
    /// The new records of this node's own log, in order.
    pub own: Vec<StoredRecord>,
    /// The chain hash of this node's own log.
    pub head: ChainHash,
    /// The new ends of the logs that have grown.
    pub heads: BTreeMap<ActorId, Head>,
    /// Who is a member by what is committed, if the group has changed that.
    pub facts: Option<Facts>,
}
