//! A node: a replica, its disk, and what came out.

use std::collections::BTreeSet;

use halcyon_core::{Alarm, Config, Job, PeerError, Replica, SessionId};
use halcyon_crdt::Object;
use halcyon_types::limits::RETENTION_DEFAULT;
use halcyon_types::topology::Region;
use halcyon_types::{BootId, Now, RegionId, RegionName};
use halcyon_wire::{Body, Response, TransactionId};
use uuid::Uuid;

use super::{Disk, keyspace, ms};

pub(crate) struct Node {
    pub(crate) replica: Replica,
    pub(crate) disk: Disk,
    pub(crate) life: u64,
    /// How long a sync takes.
    pub(crate) sync: std::time::Duration,
    pub(crate) jobs: Vec<Job>,
    /// What the sync under way will make durable.
    pub(crate) group: Vec<Job>,
    pub(crate) replies: Vec<(SessionId, Response)>,
    pub(crate) reads: Vec<(u64, Body)>,
    /// The snapshots held, of which transaction.
    pub(crate) held: BTreeSet<(SessionId, TransactionId)>,
    /// The snapshots that the writes so far came with.
    pub(crate) committed: Vec<Option<(SessionId, TransactionId)>>,
    /// Whom it asked for rights, of what, and for how many.
    pub(crate) asks: Vec<(RegionId, Object, u64)>,
    /// Pages of the copy that is to take the place of the disk.
    pub(crate) filled: Option<u64>,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) errors: Vec<PeerError>,
}

/// A region as a `regions.toml` describes it.
pub(crate) fn member(id: RegionId) -> Region {
    let address = |port: u16| format!("127.0.0.1:{}", port + id.get()).try_into().unwrap();
    let name = format!("region-{id}").parse().unwrap();
    Region { id, name, peer: address(7100), client: address(7200), admin: address(7400) }
}

/// What a hello says of the regions where so many are in the file.
pub(crate) fn seed(regions: u64) -> Vec<(RegionId, RegionName)> {
    (1..=regions).map(|n| member(super::region(n))).map(|region| (region.id, region.name)).collect()
}

pub(crate) fn config(region: RegionId, regions: &[RegionId], life: u64) -> Config {
    Config {
        region,
        regions: regions.iter().map(|region| member(*region)).collect(),
        agreement: [7; 32],
        boot: BootId(Uuid::from_u64_pair(region.get().into(), life)),
        seed: u64::from(region.get()) * 1000 + life,
        keyspaces: BTreeSet::from([keyspace()]),
        log_bytes_max: u64::MAX,
        retention: RETENTION_DEFAULT,
    }
}

impl Node {
    /// Nothing happens in it unless a test asks for it.
    pub(crate) fn new(region: RegionId, regions: &[RegionId], disk: Disk, life: u64, now: Now) -> Self {
        let Disk { log_bytes_max, retention, .. } = disk;
        let config = Config { log_bytes_max, retention, ..config(region, regions, life) };
        let mut replica = Replica::new(config, disk.start(), now);
        replica.set_background(now, false);
        Self {
            replica,
            disk,
            life,
            sync: ms(1),
            jobs: Vec::new(),
            group: Vec::new(),
            replies: Vec::new(),
            reads: Vec::new(),
            held: BTreeSet::new(),
            committed: Vec::new(),
            asks: Vec::new(),
            filled: None,
            alarms: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.group.is_empty()
    }
}
