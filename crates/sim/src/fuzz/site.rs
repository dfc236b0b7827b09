//! A region without a network: a disk in memory, its committer, and whom it hears when it is told to.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::{Answer, Update, keys, read};
use halcyon_store::memory::MemorySnapshot;
use halcyon_store::{
    Backend, Batch, Claim, Committer, Digest, Durability, Family, Head, MemoryBackend, OpenError, Reader, Recovered,
    Settings, Snapshot, StageError, Staged, View, WriteJob,
};
use halcyon_types::{ActorId, ClusterName, Dot, NodeId, RegionId, RegionName, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Record, Seen, Session, StoredRecord, TransactionId, Write};
use uuid::Uuid;

use super::drawn::{T, keyspace, objects, questions, region};

/// Few rows are cached, so that they are dropped and read again.
const SETTINGS: Settings = Settings { row_cache_bytes_max: 4096 };

/// One entry of a disk.
pub(super) type Entry = (Family, Bytes, Bytes);

/// A region.
pub(super) struct Site {
    pub(super) disk: MemoryBackend,
    pub(super) committer: Committer<MemoryBackend>,
    pub(super) actor: ActorId,
    pub(super) heads: BTreeMap<ActorId, Head>,
    pub(super) now: UnixMs,
    transaction: Option<Snapshot<MemorySnapshot>>,
    requests: u64,
}

/// What a node of region `number` says about itself.
pub(super) fn claim(number: u8) -> Claim {
    let named = |name: &str| -> ClusterName { name.parse().unwrap_or_else(|error| panic!("{error}")) };
    let name: RegionName = format!("region-{number}").parse().unwrap_or_else(|error| panic!("{error}"));
    Claim {
        cluster: named("shop"),
        region: region(number),
        region_name: name,
        now: T,
        node: NodeId(Uuid::from_u128(number.into())),
    }
}

/// The present actors of regions 1 to 3.
pub(super) fn actors() -> BTreeMap<RegionId, ActorId> {
    (1..=3).map(|number| (region(number), ActorId::mint(region(number), T))).collect()
}

/// Opens what is on a disk as region `number`'s.
pub(super) fn open(disk: &MemoryBackend, number: u8) -> Result<(Committer<MemoryBackend>, Recovered), OpenError> {
    Committer::open_with(disk.clone(), &claim(number), SETTINGS)
}

/// Everything on a disk, family by family.
pub(super) fn entries(disk: &MemoryBackend) -> Vec<Entry> {
    let mut entries = Vec::new();
    for family in Family::ALL {
        let copy = Bytes::copy_from_slice;
        let seen = disk.scan(family, &[], None, |key, value| {
            entries.push((family, copy(key), copy(value)));
            ControlFlow::Continue(())
        });
        seen.unwrap_or_else(|error| panic!("a disk in memory: {error}"));
    }
    entries
}

/// A disk with so much on it.
pub(super) fn disk_of(entries: &[Entry]) -> MemoryBackend {
    let disk = MemoryBackend::new();
    let mut batch = disk.batch();
    for (family, key, value) in entries {
        batch.put(*family, key, value);
    }
    disk.write(batch, Durability::Synced).unwrap_or_else(|error| panic!("a disk in memory: {error}"));
    disk
}

impl Site {
    /// Region `number`, which has nothing yet.
    pub(super) fn new(number: u8) -> Self {
        Self::on(MemoryBackend::new(), number)
    }

    /// Region `number`, with what a disk that is whole holds.
    pub(super) fn on(disk: MemoryBackend, number: u8) -> Self {
        let (committer, recovered) = open(&disk, number).unwrap_or_else(|error| panic!("a whole disk: {error}"));
        let Recovered { actor, heads, .. } = recovered;
        let now = T.plus(Duration::from_millis(number.into()));
        Self { disk, committer, actor, heads, now, transaction: None, requests: 0 }
    }

    pub(super) fn reader(&self) -> Reader<MemoryBackend> {
        self.committer.reader()
    }

    pub(super) fn vv(&self) -> VersionVector {
        self.reader().snapshot().vv().unwrap_or_else(|error| panic!("a whole disk: {error}"))
    }

    pub(super) fn digest(&self, at: UnixMs) -> Digest {
        self.reader().digest(at).unwrap_or_else(|error| panic!("a whole disk: {error}"))
    }

    fn write(&mut self, seen: Seen, token: VersionVector, updates: Vec<Update>) -> Write {
        self.requests += 1;
        let mut random = [0; 10];
        let unique = self.actor.as_u64().rotate_left(32) ^ self.requests;
        random.iter_mut().zip(unique.to_be_bytes()).for_each(|(to, from)| *to = from);
        let request = RequestId::mint(self.now, &random);
        Write { request, session: Session { token, wait_ms: 0 }, seen, updates }
    }

    fn stage(&mut self, write: &Write, snapshot: Option<Snapshot<MemorySnapshot>>) -> Option<Dot> {
        let job = WriteJob { now: self.now, real: self.now, write, snapshot, actors: &actors(), refusal: None };
        match self.committer.stage_write(job) {
            Ok(Staged::Fresh { dot, .. } | Staged::Duplicate(dot)) => Some(dot),
            Err(StageError::Refused(refusal)) => {
                let _ = refusal.to_string();
                None
            }
            Err(StageError::Fatal(fatal)) => panic!("a whole disk: {fatal}"),
        }
    }

    /// A write that sees what is here.
    pub(super) fn put(&mut self, updates: Vec<Update>) -> Option<Dot> {
        let write = self.write(Seen::Present, VersionVector::new(), updates);
        let dot = self.stage(&write, None);
        // Every retry of it is the same record.
        assert_eq!(dot.is_some(), dot.is_some() && self.stage(&write, None) == dot, "a retry is another record");
        dot
    }

    /// A write that sees what its session has seen, and no more.
    pub(super) fn put_behind(&mut self, token: VersionVector, updates: Vec<Update>) {
        let write = self.write(Seen::Session, token, updates);
        self.stage(&write, None);
    }

    /// Begins a transaction; or commits the one that has begun.
    pub(super) fn transact(&mut self, updates: Vec<Update>) {
        let Some(snapshot) = self.transaction.take() else {
            self.commit();
            self.transaction = Some(self.reader().snapshot());
            return;
        };
        let seen = Seen::Transaction { transaction: TransactionId(1), checks: Vec::new() };
        let write = self.write(seen, VersionVector::new(), updates);
        self.stage(&write, Some(snapshot));
    }

    /// Sweeps what has expired.
    pub(super) fn sweep(&mut self, keys: bool) {
        let swept = self.committer.stage_sweep(self.now, self.now, self.now, keys);
        swept.unwrap_or_else(|fatal| panic!("a whole disk: {fatal}"));
    }

    /// Makes what was staged durable.
    pub(super) fn commit(&mut self) {
        let committed = self.committer.commit().unwrap_or_else(|error| panic!("a whole disk: {error}"));
        self.heads.extend(committed.heads);
    }

    /// Its records of one log.
    pub(super) fn log(&self, actor: ActorId, after: Seq, bytes_max: usize) -> Vec<StoredRecord> {
        let upto = self.vv().get(actor);
        let records = self.reader().log(actor, after, upto, bytes_max);
        records.unwrap_or_else(|error| panic!("a whole log: {error}"))
    }

    /// Takes and commits the next record of `actor` that `from` has, if it has one and all that comes before it is here.
    pub(super) fn hear(&mut self, from: &Self, actor: ActorId) -> bool {
        let before = self.heads.get(&actor).cloned().unwrap_or_else(|| Head::genesis(actor));
        let stored = from.log(actor, before.seq, 1).into_iter().next();
        stored.is_some_and(|stored| self.take(actor, &before, &stored))
    }

    fn take(&mut self, actor: ActorId, before: &Head, stored: &StoredRecord) -> bool {
        let read = || Record::decode(&stored.bytes, actor, &before.deps);
        let record = read().unwrap_or_else(|error| panic!("what an origin has written: {error}"));
        assert_eq!(read().as_ref(), Ok(&record), "read twice, read differently");
        if !record.deps.le(&self.vv()) {
            return false;
        }
        let staged = self.committer.stage_record(self.now, &record, stored);
        staged.unwrap_or_else(|error| panic!("what can be delivered: {error}"));
        self.commit();
        true
    }

    /// Takes what `from` has, as far as it can.
    pub(super) fn hear_all(&mut self, from: &Self) {
        while from.vv().iter().any(|(actor, _)| actor != self.actor && self.hear(from, actor)) {}
    }

    /// Every answer to every question about everything, and every key.
    pub(super) fn answers(&self, now: UnixMs) -> Vec<Result<Answer, String>> {
        let mut rows = self.reader().snapshot();
        let page = halcyon_crdt::PageRequest { after: None, items_max: 100 };
        let there =
            keys(&mut rows, keyspace(), b"", &page, now).unwrap_or_else(|error| panic!("a whole disk: {error}"));
        let mut answers = Vec::new();
        for info in there.items {
            answers.push(Ok(Answer::Kinds(info.kinds)));
        }
        for object in objects() {
            let told = questions().into_iter().map(|query| read(&mut rows, &object, &query, now));
            answers.extend(told.map(|answer| answer.map_err(|error| error.to_string())));
        }
        answers
    }
}
