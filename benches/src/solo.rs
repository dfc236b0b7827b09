//! A committer on a disk of its own, without a network: for questions about it alone.

use std::collections::BTreeMap;
use std::path::Path;

use halcyon_crdt::Update;
use halcyon_store::{Claim, Committed, Committer, RocksBackend, WriteJob};
use halcyon_types::{ClusterName, NodeId, RegionId, RegionName, RequestId, UnixMs};
use halcyon_wire::{Seen, Session, Write};

/// Requests that a millisecond of its clock brings: some hundred thousand a second.
const REQUESTS_PER_MS: u64 = 128;

/// A committer, and a clock that goes on with its requests.
pub struct Solo {
    committer: Committer<RocksBackend>,
    requests: u64,
}

impl std::fmt::Debug for Solo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solo").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl Solo {
    const BEGIN: UnixMs = UnixMs(1_800_000_000_000);

    /// On a new database in `dir`.
    pub fn open(dir: &Path) -> Self {
        let claim = Claim {
            cluster: "bench".parse::<ClusterName>().expect("a name"),
            region: RegionId::try_from(1).expect("an id"),
            region_name: "here".parse::<RegionName>().expect("a name"),
            now: Self::BEGIN,
            node: NodeId(uuid::Uuid::from_u128(1)),
        };
        let backend = RocksBackend::open(dir).expect("a database");
        let (committer, _) = Committer::open(backend, &claim).expect("a committer");
        Self { committer, requests: 0 }
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
        let job = WriteJob { now, real: now, write: &write, snapshot: None, actors: &actors };
        self.committer.stage_write(job).expect("a write");
    }

    /// Makes what was staged durable.
    pub fn commit(&mut self) -> Committed {
        self.committer.commit().expect("a commit")
    }
}
