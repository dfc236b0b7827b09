//! A node: a replica and its committer, and what the driver and the committer's threads of a real node hold between them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use halcyon_core::{Job, JobResult, Replica, SessionId, Ticket};
use halcyon_store::memory::MemorySnapshot;
use halcyon_store::{Committed, Committer, MemoryBackend, Reader, Sealed, Snapshot};
use halcyon_types::{ActorId, RegionId, VersionVector};
use halcyon_wire::{Record, StoredRecord, TransactionId};

use super::copying::{Copying, Filling};

/// A job, and the snapshot of the transaction that it commits.
pub(super) struct Work {
    pub(super) job: Job,
    pub(super) snapshot: Option<Snapshot<MemorySnapshot>>,
}

/// What has been staged, and is then synced.
#[derive(Default)]
pub(super) struct Group {
    /// On its way to the disk.
    pub(super) sealed: Option<Sealed<MemoryBackend>>,
    pub(super) results: Vec<(Ticket, JobResult)>,
    /// The records of others in it, as they came.
    pub(super) foreign: BTreeMap<Ticket, (Record, StoredRecord)>,
    /// Grants and sweeps in it that made a record.
    pub(super) grants: u64,
    pub(super) sweeps: u64,
    /// Truncations in it that dropped something.
    pub(super) truncations: u64,
    /// What came of it, if it was told before its sync: only where that bug is planted.
    pub(super) early: Option<Committed>,
}

/// One process of a region.
pub struct Node {
    pub(super) region: RegionId,
    /// Counts the processes of the region.
    pub(super) life: u64,
    pub(super) replica: Replica,
    pub(super) committer: Committer<MemoryBackend>,
    pub(super) reader: Reader<MemoryBackend>,
    pub(super) queue: VecDeque<Work>,
    /// What is being staged.
    pub(super) staged: Option<Group>,
    /// What is being synced, meanwhile.
    pub(super) group: Option<Group>,
    /// Copies that others take of it.
    pub(super) copying: BTreeMap<RegionId, Copying>,
    /// The one that it takes.
    pub(super) filling: Option<Filling>,
    /// And that is to take its place once nothing is under way.
    pub(super) switching: Option<Filling>,
    pub(super) snapshots: BTreeMap<(SessionId, TransactionId), Snapshot<MemorySnapshot>>,
    /// When its process began.
    pub(super) began: Duration,
    /// It ends once nothing is under way, and is down for so long.
    pub(super) stopping: Option<Duration>,
    /// It stands still until then.
    pub(super) paused: Duration,
}

impl Node {
    /// Its replica.
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Reads what is on its disk.
    pub const fn reader(&self) -> &Reader<MemoryBackend> {
        &self.reader
    }

    /// What it has synced, and been told so.
    pub const fn vv(&self) -> &VersionVector {
        self.replica.vv()
    }

    /// Whom it writes as.
    pub const fn actor(&self) -> ActorId {
        self.replica.actor()
    }

    /// When its process began.
    pub const fn began(&self) -> Duration {
        self.began
    }

    /// Its region.
    pub const fn region(&self) -> RegionId {
        self.region
    }

    /// Until when it stands still: whatever comes waits, timers too.
    pub const fn stands_still_until(&self) -> Duration {
        self.paused
    }

    /// Whether its committer has nothing to do.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.staged.is_none() && self.group.is_none()
    }
}
