//! What a replica is told once, before its first step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_types::members::Facts;
use halcyon_types::topology::Region;
use halcyon_types::{ActorId, BootId, Hlc, KeyspaceId, RegionId, Seq, VersionVector};
use halcyon_wire::ChainHash;

/// Who this replica is, and among whom.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its own region.
    pub region: RegionId,
    /// The regions that `regions.toml` lists, this one among them. Who else is a member, and who no more, is in
    /// [`Start::facts`].
    pub regions: Vec<Region>,
    /// BLAKE3 of [`halcyon_types::topology::Topology::agreement`]; peers with another one are refused.
    pub agreement: [u8; 32],
    /// This start of the process: random, never used before.
    pub boot: BootId,
    /// Seeds the jitter of reconnects, the only randomness here. Two replicas with one seed dial in step.
    pub seed: u64,
    /// The keyspaces that exist; requests for others are refused.
    pub keyspaces: BTreeSet<KeyspaceId>,
    /// Bytes of logs past which the oldest records are dropped, and, if none may be, new writes refused. The logs are looked
    /// at every [`TRUNCATE_EVERY`](halcyon_types::limits::TRUNCATE_EVERY): in between they can outgrow it.
    pub log_bytes_max: u64,
    /// How old, by its stamp, a record must be before it may be dropped although a region lacks it.
    pub retention: Duration,
}

/// What the store recovered: the only way to begin.
#[derive(Debug, Clone)]
pub struct Start {
    /// The actor this node writes as.
    pub actor: ActorId,
    /// The synced version vector.
    pub vv: VersionVector,
    /// The last record of each actor in `vv`.
    pub heads: BTreeMap<ActorId, Head>,
    /// The hybrid logical clock: no later record of this node carries a lower stamp.
    pub hlc: Hlc,
    /// Up to where records have been dropped from each log.
    pub floors: VersionVector,
    /// Who has joined and who is retired, by what is committed.
    pub facts: Facts,
}

/// Where an actor's log stands: what its next record is decoded against, and what the log's bytes add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last record.
    pub seq: Seq,
    /// Its deps.
    pub deps: VersionVector,
    /// The hash chain, that record included.
    pub hash: ChainHash,
}
