//! A committer on a disk of its own, without a network: for questions about it alone.

use std::collections::BTreeMap;
use std::path::Path;

use halcyon_crdt::Update;
use halcyon_store::{Claim, Committed, Committer, Reader, RocksBackend, RocksSettings, Settings, WriteJob};
use halcyon_types::{ActorId, ClusterName, NodeId, RegionId, RegionName, RequestId, UnixMs, VersionVector};
use halcyon_wire::{Record, Seen, Session, StoredRecord, Write};

use crate::site::float;

/// Requests that a millisecond of its clock brings: some hundred thousand a second.
const REQUESTS_PER_MS: u64 = 128;

/// A committer, and a clock that goes on with its requests.
pub struct Solo {
    committer: Committer<RocksBackend>,
    backend: RocksBackend,
    actor: ActorId,
    requests: u64,
    /// What the last record from elsewhere depended on: records are read against it.
    heard: VersionVector,
}

impl std::fmt::Debug for Solo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solo").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl Solo {
    const BEGIN: UnixMs = UnixMs(1_800_000_000_000);

    /// The first region's, on the database in `dir`, which is made if it is not there.
    pub fn open(dir: &Path) -> Self {
        Self::of_region(1, dir, RocksSettings::default(), Settings::default())
    }

    /// Any region's, with settings.
    pub fn of_region(number: u16, dir: &Path, rocks: RocksSettings, settings: Settings) -> Self {
        let claim = Claim {
            cluster: "bench".parse::<ClusterName>().expect("a name"),
            region: RegionId::try_from(u64::from(number)).expect("an id"),
            region_name: format!("region-{number}").parse::<RegionName>().expect("a name"),
            now: Self::BEGIN,
            node: NodeId(uuid::Uuid::from_u128(number.into())),
        };
        let backend = RocksBackend::open_with(dir, rocks).expect("a database");
        let (committer, recovered) = Committer::open_with(backend.clone(), &claim, settings).expect("a committer");
        Self { committer, backend, actor: recovered.actor, requests: 0, heard: VersionVector::new() }
    }

    /// The name of its log.
    pub const fn actor(&self) -> ActorId {
        self.actor
    }

    /// Its database.
    pub const fn backend(&self) -> &RocksBackend {
        &self.backend
    }

    /// Reads what is committed.
    pub fn reader(&self) -> Reader<RocksBackend> {
        self.committer.reader()
    }

    /// Takes the next record of another's log, from its bytes on, as a node does that has received it.
    pub fn receive(&mut self, actor: ActorId, stored: &StoredRecord) {
        let record = Record::decode(&stored.bytes, actor, &self.heard).expect("a record");
        self.committer.stage_record(Self::BEGIN, &record, stored).expect("a record in its place");
        self.heard = record.deps;
    }

    /// Takes a write of these updates, as one record.
    pub fn stage(&mut self, updates: Vec<Update>) {
        self.requests += 1;
        let now = UnixMs(Self::BEGIN.0 + self.requests / REQUESTS_PER_MS);
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(self.requests.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()) {
            *to = from;
        }
        let request = RequestId::mint(now, &random);
        let write = Write { request, session: Session::default(), seen: Seen::Present, updates };
        let actors = BTreeMap::new();
        let job = WriteJob { now, real: now, write: &write, snapshot: None, actors: &actors, refusal: None };
        self.committer.stage_write(job).expect("a write");
    }

    /// Makes what was staged durable.
    pub fn commit(&mut self) -> Committed {
        self.committer.commit().expect("a commit")
    }

    /// Bytes of the record of one such update as it stands in a log: of the second of two that are alike, whose deps have hardly
    /// changed.
    pub fn record_bytes(&mut self, update: &Update) -> f64 {
        for _ in 0..2 {
            self.stage(vec![update.clone()]);
        }
        let own = self.commit().own;
        float(own.last().expect("a record").bytes.len() as u64)
    }
}
