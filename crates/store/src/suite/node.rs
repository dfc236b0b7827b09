//! A node of the suite: a disk, its committer, and what a core would keep.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::query::{Answer, PageRequest, Query};
use halcyon_crdt::{Object, Op, RowPrefix, Update, read};
use halcyon_types::{ActorId, Dot, KeyspaceId, NodeId, RegionId, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Record, Refusal, Seen, Session, Write};
use uuid::Uuid;

use super::Disk;
use crate::backend::{Backend, Family, View};
use crate::layout::ROWS_FROM;
use crate::reader::Snapshot;
use crate::{Claim, Committed, Committer, Digest, Head, Recovered, Settings, StageError, Staged, WriteJob};

pub(super) type SnapshotOf<D> = Snapshot<<<D as Disk>::Backend as Backend>::Snapshot>;

/// A time at which the suite's clocks stand.
pub(crate) const T: UnixMs = UnixMs(1_800_000_000_000);

pub(super) struct Node<D: Disk> {
    pub(super) disk: D,
    pub(super) committer: Committer<D::Backend>,
    pub(super) recovered: Recovered,
    pub(super) heads: BTreeMap<ActorId, Head>,
    pub(super) now: UnixMs,
    region: u16,
    settings: Settings,
    requests: u64,
}

pub(super) fn claim(region: u16, now: UnixMs) -> Claim {
    Claim {
        cluster: "shop".parse().unwrap(),
        region: RegionId::try_from(u64::from(region)).unwrap(),
        region_name: format!("region-{region}").parse().unwrap(),
        now,
        node: NodeId(Uuid::from_u128(region.into())),
    }
}

impl<D: Disk> Node<D> {
    pub(super) fn new(region: u16) -> Self {
        Self::with(region, Settings::default())
    }

    pub(super) fn with(region: u16, settings: Settings) -> Self {
        Self::on(D::new(), region, settings)
    }

    /// On a disk that has something.
    pub(super) fn on(mut disk: D, region: u16, settings: Settings) -> Self {
        let (committer, recovered) = Committer::open_with(disk.start(), &claim(region, T), settings).unwrap();
        Self { disk, committer, heads: recovered.heads.clone(), recovered, now: T, region, settings, requests: 0 }
    }

    /// Dies and starts again.
    pub(super) fn restart(&mut self) {
        let claim = claim(self.region, self.now);
        let (committer, recovered) = Committer::open_with(self.disk.start(), &claim, self.settings).unwrap();
        self.committer = committer;
        self.heads.clone_from(&recovered.heads);
        self.recovered = recovered;
    }

    pub(super) fn actor(&self) -> ActorId {
        self.recovered.actor
    }

    /// A write with a request id of its own.
    pub(super) fn write(&mut self, updates: Vec<Update>) -> Write {
        self.requests += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&(u64::from(self.region) << 48 | self.requests).to_be_bytes());
        plain(RequestId::mint(self.now, &random), updates)
    }

    /// Stages `write` at `now`.
    pub(super) fn take(&mut self, now: UnixMs, write: &Write) -> Result<Staged, StageError> {
        self.take_within(now, write, None)
    }

    /// Stages `write` at `now`, as the end of the transaction that began with `snapshot`.
    pub(super) fn take_within(
        &mut self,
        now: UnixMs,
        write: &Write,
        snapshot: Option<SnapshotOf<D>>,
    ) -> Result<Staged, StageError> {
        self.committer.stage_write(WriteJob { now, real: now, write, snapshot, actors: &actors(), refusal: None })
    }

    /// Stages `write` as a node does whose log is full.
    pub(super) fn take_full(&mut self, write: &Write, full: Refusal) -> Result<Staged, StageError> {
        let (now, actors) = (self.now, actors());
        let refusal = Some(full);
        self.committer.stage_write(WriteJob { now, real: now, write, snapshot: None, actors: &actors, refusal })
    }

    pub(super) fn stage(&mut self, updates: Vec<Update>) -> Result<Staged, StageError> {
        let write = self.write(updates);
        self.take(self.now, &write)
    }

    /// Sweeps what has expired by now.
    pub(super) fn sweep(&mut self, keys: bool) -> Option<Dot> {
        self.committer.stage_sweep(self.now, self.now, self.now, keys).unwrap()
    }

    /// Every row of a family, as committed; of the state, only what is not the system's own.
    pub(super) fn rows(&self, family: Family) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = Vec::new();
        let from = if family == Family::State { &ROWS_FROM[..] } else { &[] };
        self.committer
            .reader()
            .backend()
            .scan(family, from, None, |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })
            .unwrap();
        rows
    }

    /// The keys of the rows below a prefix, as committed.
    pub(super) fn rows_below(&self, prefix: &RowPrefix) -> Vec<Vec<u8>> {
        let rows = self.rows(Family::State).into_iter().map(|(key, _)| key);
        rows.filter(|key| prefix.contains(key)).collect()
    }

    pub(super) fn commit(&mut self) -> Committed {
        let committed = self.committer.commit().unwrap();
        self.heads.extend(committed.heads.clone());
        committed
    }

    /// Stages and commits one write.
    pub(super) fn put(&mut self, updates: Vec<Update>) -> Dot {
        let Ok(Staged::Fresh { dot, .. }) = self.stage(updates) else { panic!("a plain write is taken") };
        self.commit();
        dot
    }

    pub(super) fn vv(&self) -> VersionVector {
        self.committer.reader().snapshot().vv().unwrap()
    }

    pub(super) fn digest(&self) -> Digest {
        self.committer.reader().digest(self.now).unwrap()
    }

    /// Takes up to `most` records of `actor` from what `from` has committed, as far as they may be delivered, and commits
    /// them. Says how many.
    pub(super) fn pull(&mut self, from: &Self, actor: ActorId, most: u64) -> usize {
        let have = self.vv().get(actor);
        let upto = Seq(from.vv().get(actor).0.min(have.0 + most));
        let range = from.committer.reader().log(actor, have, upto, usize::MAX).unwrap();
        let mut head = self.heads.get(&actor).cloned().unwrap_or_else(|| Head::genesis(actor));
        let mut vv = self.vv();
        let mut taken = 0;
        for stored in range {
            let record = Record::decode(&stored.bytes, actor, &head.deps).unwrap();
            if !record.deps.le(&vv) {
                break;
            }
            head.deps = record.deps.clone();
            vv.observe(record.dot);
            self.committer.stage_record(self.now, &record, &stored).unwrap();
            taken += 1;
        }
        self.commit();
        taken
    }

    pub(super) fn read(&self, object: &Object, query: &Query) -> Answer {
        read(&mut self.committer.reader().snapshot(), object, query, self.now).unwrap()
    }

    pub(super) fn sum(&self, object: &Object) -> i128 {
        match self.read(object, &Query::Sum) {
            Answer::Sum(sum) => sum.unwrap_or(0),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn value(&self, object: &Object) -> Option<Bytes> {
        match self.read(object, &Query::Get) {
            Answer::Value(value) => value,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn elements(&self, object: &Object) -> Vec<Bytes> {
        let page = PageRequest { after: None, items_max: 1000 };
        match self.read(object, &Query::Elements(page)) {
            Answer::Page(page) => page.items,
            other => panic!("{other:?}"),
        }
    }
}

/// A write that sees the present.
pub(super) fn plain(request: RequestId, updates: Vec<Update>) -> Write {
    Write { request, session: Session::default(), seen: Seen::Present, updates }
}

/// The actors of regions 1 to 3, as the suite's nodes have them.
pub(crate) fn actors() -> BTreeMap<RegionId, ActorId> {
    (1..=3).map(|region| RegionId::try_from(region).unwrap()).map(|id| (id, ActorId::mint(id, T))).collect()
}

pub(super) fn object(key: &str) -> Object {
    Object::new(KeyspaceId::try_from(10).unwrap(), key.to_owned())
}

pub(super) fn add(key: &str, amount: i64) -> Update {
    update(object(key), Op::Add { amount })
}

pub(super) fn set(key: &str, value: &str) -> Update {
    let value = value.to_owned().into();
    update(object(key), Op::Set { value, ttl_ms: None })
}

pub(super) fn insert(key: &str, element: &str) -> Update {
    let element = element.to_owned().into();
    update(object(key), Op::Insert { element })
}

pub(super) fn update(object: Object, op: Op) -> Update {
    Update { object, op }
}
