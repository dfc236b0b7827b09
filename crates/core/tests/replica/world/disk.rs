//! A node's log, and the committer that writes it: records in order, deps first, nothing else.

use std::collections::BTreeMap;

use bytes::Bytes;
use halcyon_core::{Committed, Head, Job, JobResult, Start};
use halcyon_crdt::{Effect, Object, Op, Shortage};
use halcyon_types::{ActorId, Dot, Hlc, RegionId, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{ChainHash, Range, Record, Refusal, StoredRecord, Write};

#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) actor: ActorId,
    pub(crate) vv: VersionVector,
    pub(crate) logs: BTreeMap<ActorId, Vec<StoredRecord>>,
    pub(crate) heads: BTreeMap<ActorId, Head>,
    pub(crate) hlc: Hlc,
    /// What the next write runs low of.
    pub(crate) shortages: Vec<Shortage>,
    /// What the next writes are refused as.
    pub(crate) refusals: Vec<Refusal>,
    /// The grants so far.
    pub(crate) grants: Vec<(RegionId, Object, u64)>,
    /// How many sweeps of keys find something.
    pub(crate) to_sweep: u32,
    /// What its logs may take.
    pub(crate) log_bytes_max: Option<u64>,
    /// Up to where the logs are dropped.
    pub(crate) floors: VersionVector,
    /// The sweeps so far: up to when, and whether of keys.
    pub(crate) sweeps: Vec<(UnixMs, bool)>,
}

impl Disk {
    pub(crate) fn new(actor: ActorId) -> Self {
        Self {
            actor,
            vv: VersionVector::new(),
            logs: BTreeMap::new(),
            heads: BTreeMap::new(),
            hlc: Hlc::ZERO,
            shortages: Vec::new(),
            refusals: Vec::new(),
            grants: Vec::new(),
            to_sweep: 0,
            log_bytes_max: None,
            floors: VersionVector::new(),
            sweeps: Vec::new(),
        }
    }

    pub(crate) fn start(&self) -> Start {
        Start {
            actor: self.actor,
            vv: self.vv.clone(),
            heads: self.heads.clone(),
            hlc: self.hlc,
            floors: self.floors.clone(),
        }
    }

    /// One group commit. `before` sees each record with the vector it is applied at.
    pub(crate) fn commit(&mut self, jobs: Vec<Job>, mut before: impl FnMut(&Record)) -> Committed {
        let mut results = Vec::new();
        let old = self.vv.clone();
        for job in jobs {
            match job {
                Job::Write { ticket, write, .. } if write.updates.is_empty() => {
                    let reason = "empty".to_owned();
                    results.push((ticket, JobResult::Refused(Refusal::InvalidArgument { reason })));
                }
                Job::Write { ticket, .. } if !self.refusals.is_empty() => {
                    results.push((ticket, JobResult::Refused(self.refusals.remove(0))));
                }
                Job::Write { ticket, write, .. } => {
                    let (dot, shortages) = (self.write(&write), std::mem::take(&mut self.shortages));
                    results.push((ticket, JobResult::Written { dot, shortages }));
                }
                Job::Grant { ticket, counter, to, amount, .. } => {
                    self.grants.push((to, counter, amount));
                    let dot = self.append_own(None, Vec::new());
                    results.push((ticket, JobResult::Done(Some(dot))));
                }
                Job::Sweep { ticket, upto, keys, .. } => {
                    self.sweeps.push((upto, keys));
                    let some = keys && self.to_sweep > 0;
                    self.to_sweep -= u32::from(some);
                    let dot = some.then(|| self.append_own(None, Vec::new()));
                    results.push((ticket, JobResult::Done(dot)));
                }
                Job::Mint { ticket, .. } => {
                    let region = self.actor.region().unwrap();
                    self.actor = ActorId::mint(region, UnixMs(self.actor.minted_at().0 + 1));
                    results.push((ticket, JobResult::Minted(self.actor)));
                }
                Job::Truncate { ticket, stable, .. } => {
                    // As much as it may, but for the last record of each log.
                    for (actor, log) in &mut self.logs {
                        let last = self.vv.get(*actor).previous();
                        self.floors.set(*actor, stable.get(*actor).min(last));
                        log.retain(|record| record.seq > self.floors.get(*actor));
                    }
                    results.push((ticket, JobResult::Truncated(self.floors.clone())));
                }
                Job::Record { ticket, record, stored, .. } => {
                    before(&record);
                    self.append(&record, stored);
                    results.push((ticket, JobResult::Applied));
                }
            }
        }
        let grown = self.heads.iter().filter(|(actor, head)| head.seq > old.get(**actor));
        Committed {
            results,
            vv: self.vv.clone(),
            hlc: self.hlc,
            heads: grown.map(|(actor, head)| (*actor, head.hash)).collect(),
        }
    }

    /// What came before is dropped from the log, whoever may still want it.
    pub(crate) fn drop_log(&mut self, actor: ActorId, upto: Seq) {
        self.floors.set(actor, upto);
        self.logs.entry(actor).or_default().retain(|record| record.seq > upto);
    }

    /// `copy` takes its place, and what only it has is replayed.
    pub(crate) fn rebuild(&mut self, copy: Self) {
        let old = std::mem::replace(self, copy);
        (self.actor, self.log_bytes_max) = (old.actor, old.log_bytes_max);
        self.floors = self.vv.clone();
        self.logs.clear();
        let base = self.vv.clone();
        loop {
            let mut moved = false;
            for (actor, log) in &old.logs {
                for stored in log {
                    if self.vv.get(*actor).next() != Some(stored.seq) {
                        continue;
                    }
                    let deps = self.heads.get(actor).map(|head| head.deps.clone()).unwrap_or_default();
                    let record = Record::decode(&stored.bytes, *actor, &deps).unwrap();
                    if record.deps.le(&self.vv) {
                        self.append(&record, stored.clone());
                        moved = true;
                    }
                }
            }
            if !moved {
                break;
            }
        }
        assert!(old.vv.le(&self.vv), "{:?} is not in {:?} replayed from {base:?}", old.vv, self.vv);
    }

    pub(crate) fn write(&mut self, write: &Write) -> Dot {
        let effect = |update: &halcyon_crdt::Update| Effect::Assign {
            row: update.object.register(),
            expiry: None,
            payload: match &update.op {
                Op::Set { value, .. } => value.clone(),
                _ => Bytes::new(),
            },
        };
        self.append_own(Some(write.request), write.updates.iter().map(effect).collect())
    }

    fn append_own(&mut self, request: Option<RequestId>, effects: Vec<Effect>) -> Dot {
        let seq = self.vv.get(self.actor).next().unwrap();
        let dot = Dot { actor: self.actor, seq };
        let record = Record { dot, hlc: self.hlc, deps: self.vv.clone(), ctx: None, request, effects };
        let previous = self.heads.get(&dot.actor).map(|head| head.deps.clone()).unwrap_or_default();
        self.append(&record, record.encode(&previous));
        dot
    }

    fn append(&mut self, record: &Record, stored: StoredRecord) {
        let Dot { actor, seq } = record.dot;
        assert_eq!(seq, self.vv.get(actor).next().unwrap(), "{actor}: a gap or a repetition");
        assert!(record.deps.le(&self.vv), "{:?}: an effect before its cause", record.dot);
        let before = self.heads.get(&actor).map_or_else(|| ChainHash::genesis(actor), |head| head.hash);
        let head = Head { seq, deps: record.deps.clone(), hash: before.extend(&stored.bytes) };
        self.heads.insert(actor, head);
        self.logs.entry(actor).or_default().push(stored);
        self.vv.set(actor, seq);
    }

    pub(crate) fn range(&self, actor: ActorId, after: Seq, upto: Seq, bytes_max: usize) -> Range {
        assert!(after >= self.floors.get(actor), "{actor}: what was dropped cannot be sent");
        let mut bytes = 0;
        let log = self.logs.get(&actor).map_or(&[][..], Vec::as_slice);
        let wanted = log.iter().filter(|record| record.seq > after && record.seq <= upto);
        let records = wanted.map(|record| record.bytes.clone()).take_while(|record| {
            bytes += record.len();
            bytes <= bytes_max || bytes == record.len()
        });
        Range { actor, first: after.next().unwrap(), records: records.collect() }
    }
}
