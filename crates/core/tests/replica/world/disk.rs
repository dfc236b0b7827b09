//! A node's log, and the committer that writes it: records in order, deps first, nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use halcyon_core::{Committed, Head, Job, JobResult, Logs, Start};
use halcyon_crdt::{Effect, Object, Op, Shortage};
use halcyon_types::limits::RETENTION_DEFAULT;
use halcyon_types::members::{Facts, Retired};
use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, RegionId, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{ChainHash, Fact, Range, Record, Refusal, StoredRecord, Write};

/// What each record takes in a log, whatever it is.
pub(crate) const RECORD_BYTES: u64 = 100;

fn stamp(record: &StoredRecord) -> UnixMs {
    Record::stamp_of(&record.bytes).unwrap().wall()
}

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
    pub(crate) log_bytes_max: u64,
    pub(crate) retention: Duration,
    /// Up to where the logs are dropped.
    pub(crate) floors: VersionVector,
    /// Who has joined, and who is retired.
    pub(crate) facts: Facts,
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
            log_bytes_max: u64::MAX,
            retention: RETENTION_DEFAULT,
            floors: VersionVector::new(),
            facts: Facts::default(),
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
            facts: self.facts.clone(),
        }
    }

    /// One group commit. `before` sees each record with the vector it is applied at.
    pub(crate) fn commit(&mut self, jobs: Vec<Job>, mut before: impl FnMut(&Record)) -> Committed {
        let mut results = Vec::new();
        let (old, known) = (self.vv.clone(), self.facts.clone());
        for job in jobs {
            match job {
                Job::Write { ticket, refusal: Some(refusal), .. } => {
                    results.push((ticket, JobResult::Refused(refusal)));
                }
                Job::Write { ticket, write, .. } if write.updates.is_empty() => {
                    let reason = "empty".to_owned();
                    results.push((ticket, JobResult::Refused(Refusal::InvalidArgument { reason })));
                }
                Job::Write { ticket, .. } if !self.refusals.is_empty() => {
                    results.push((ticket, JobResult::Refused(self.refusals.remove(0))));
                }
                Job::Write { ticket, wall, write, .. } => {
                    let (dot, shortages) = (self.write(wall, &write), std::mem::take(&mut self.shortages));
                    results.push((ticket, JobResult::Written { dot, shortages }));
                }
                Job::Grant { ticket, wall, counter, to, amount, .. } => {
                    self.grants.push((to, counter, amount));
                    let dot = self.append_own(wall, None, Vec::new());
                    results.push((ticket, JobResult::Done(Some(dot))));
                }
                Job::Sweep { ticket, wall, upto, keys } => {
                    self.sweeps.push((upto, keys));
                    let some = keys && self.to_sweep > 0;
                    self.to_sweep -= u32::from(some);
                    let dot = some.then(|| self.append_own(wall, None, Vec::new()));
                    results.push((ticket, JobResult::Done(dot)));
                }
                Job::Mint { ticket, .. } => {
                    let region = self.actor.region().unwrap();
                    self.actor = ActorId::mint(region, UnixMs(self.actor.minted_at().0 + 1));
                    results.push((ticket, JobResult::Minted(self.actor)));
                }
                Job::Truncate { ticket, upto, older_than, bytes_max } => {
                    if bytes_max < u64::MAX {
                        self.truncate(&upto, older_than);
                    }
                    results.push((ticket, JobResult::Truncated(self.stand(&upto))));
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
            facts: (self.facts != known).then(|| self.facts.clone()),
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

    /// As much as it may, but for the last record of each log.
    fn truncate(&mut self, upto: &VersionVector, older_than: Option<UnixMs>) {
        for (actor, log) in &mut self.logs {
            let last = self.vv.get(*actor).previous().min(upto.get(*actor));
            let goes =
                |record: &StoredRecord| record.seq <= last && older_than.is_none_or(|before| stamp(record) < before);
            let gone = log.iter().take_while(|record| goes(record)).count();
            if let Some(last) = log.drain(..gone).last() {
                self.floors.set(*actor, last.seq);
            }
        }
    }

    /// Each record counts as [`RECORD_BYTES`].
    fn stand(&self, upto: &VersionVector) -> Logs {
        let records: usize = self.logs.values().map(Vec::len).sum();
        let behind = self.logs.iter().filter_map(|(actor, log)| {
            let first = log.iter().find(|record| record.seq > upto.get(*actor))?;
            Some((Dot { actor: *actor, seq: first.seq }, stamp(first)))
        });
        let next = behind.min_by_key(|(_, stamp)| *stamp);
        Logs { floors: self.floors.clone(), bytes: records as u64 * RECORD_BYTES, next }
    }

    pub(crate) fn write(&mut self, wall: UnixMs, write: &Write) -> Dot {
        let effect = |update: &halcyon_crdt::Update| Effect::Assign {
            row: update.object.register(),
            expiry: None,
            payload: match &update.op {
                Op::Set { value, .. } => value.clone(),
                _ => Bytes::new(),
            },
        };
        self.append_own(wall, Some(write.request), write.updates.iter().map(effect).collect())
    }

    fn append_own(&mut self, wall: UnixMs, request: Option<RequestId>, effects: Vec<Effect>) -> Dot {
        let seq = self.vv.get(self.actor).next().unwrap();
        let dot = Dot { actor: self.actor, seq };
        let hlc = Hlc::from_parts(wall, 0).unwrap();
        let record = Record { dot, hlc, deps: self.vv.clone(), ctx: None, request, effects };
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
        self.note(record);
        self.logs.entry(actor).or_default().push(stored);
        self.vv.set(actor, seq);
    }

    /// What a record says of the members.
    fn note(&mut self, record: &Record) {
        for effect in &record.effects {
            let Effect::Assign { row, payload, .. } = effect else { continue };
            let Some(object) = Object::root_of(row.as_bytes()).filter(|o| o.keyspace == KeyspaceId::SYSTEM) else {
                continue;
            };
            match Fact::of(&object.key, payload) {
                Some(Fact::Joined(region)) => drop(self.facts.joined.insert(region.id, region)),
                Some(Fact::Retired(region)) => {
                    let retired = self.facts.retired.entry(region.id);
                    let retired = retired.or_insert_with(|| Retired { region, records: Vec::new() });
                    retired.records.push(record.dot);
                }
                None => {}
            }
        }
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
