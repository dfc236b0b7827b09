//! What a region is known to have applied: by it, what a restart brings to light is found, and records are read.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use halcyon_store::{MemoryBackend, ReadError, Reader};
use halcyon_types::{ActorId, Dot, Seq, VersionVector};
use halcyon_wire::{Record, RecordError, StoredRecord};

/// Every record that was ever on a disk, as it was first.
#[derive(Debug, Default)]
pub(super) struct Archive(BTreeMap<Dot, (Record, StoredRecord)>);

impl Archive {
    pub(super) fn keep(&mut self, records: &[(Record, StoredRecord)]) {
        for (record, stored) in records {
            self.0.entry(record.dot).or_insert_with(|| (record.clone(), stored.clone()));
        }
    }

    pub(super) fn has(&self, dot: Dot) -> bool {
        self.0.contains_key(&dot)
    }

    /// Whether a record was another before.
    pub(super) fn differs(&self, dot: Dot, stored: &StoredRecord) -> bool {
        self.0.get(&dot).is_some_and(|(_, first)| first.bytes != stored.bytes)
    }

    /// How many of them lie above a vector.
    pub(super) fn above(&self, vv: &VersionVector) -> u64 {
        self.0.keys().filter(|dot| !vv.covers(**dot)).count() as u64
    }

    fn between(&self, actor: ActorId, after: Seq, upto: Seq) -> Vec<(Record, StoredRecord)> {
        let [from, to] = [after, upto].map(|seq| Dot { actor, seq });
        let range = (Bound::Excluded(from), Bound::Included(to));
        if after < upto { self.0.range(range).map(|(_, known)| known.clone()).collect() } else { Vec::new() }
    }
}

/// A vector, and the deps that each log's next record is read against.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) vv: VersionVector,
    deps: BTreeMap<ActorId, VersionVector>,
}

/// Why a log does not tell what is in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(transparent)]
    Disk(#[from] ReadError),
    #[error("record {0} cannot be read: {1}")]
    Record(Dot, RecordError),
    #[error("what is applied beyond {0:?} has no order in which it could have been")]
    Uncaused(VersionVector),
}

impl Known {
    pub(super) fn take(&mut self, record: &Record) {
        self.vv.observe(record.dot);
        self.deps.insert(record.dot.actor, record.deps.clone());
    }

    /// Reads the next record of a log.
    pub(super) fn read(&self, actor: ActorId, stored: &StoredRecord) -> Result<Record, Unreadable> {
        let none = VersionVector::new();
        let dot = Dot { actor, seq: stored.seq };
        Record::decode(&stored.bytes, actor, self.deps.get(&actor).unwrap_or(&none))
            .map_err(|error| Unreadable::Record(dot, error))
    }

    /// Takes what lies between this and `vv`, in an order of causes and effects: from what was shown before of any region, for
    /// the log may begin behind it, and from the log what never was.
    pub(super) fn catch_up(
        &mut self,
        archive: &Archive,
        reader: &Reader<MemoryBackend>,
        vv: &VersionVector,
    ) -> Result<Vec<(Record, StoredRecord)>, Unreadable> {
        let mut waiting = BTreeMap::new();
        for (actor, upto) in vv.iter() {
            let shown = archive.between(actor, self.vv.get(actor), upto);
            let behind = shown.last().map_or_else(|| self.vv.get(actor), |(record, _)| record.dot.seq);
            let log = reader.log(actor, behind, upto, usize::MAX)?;
            let shown = shown.into_iter().map(|(record, stored)| (Some(record), stored));
            let all: VecDeque<_> = shown.chain(log.into_iter().map(|stored| (None, stored))).collect();
            if !all.is_empty() {
                waiting.insert(actor, all);
            }
        }
        let mut found = Vec::new();
        while !waiting.is_empty() {
            let before = found.len();
            for (actor, log) in &mut waiting {
                while let Some((record, stored)) = log.pop_front() {
                    let record = record.map_or_else(|| self.read(*actor, &stored), Ok)?;
                    if !record.deps.le(&self.vv) {
                        log.push_front((Some(record), stored));
                        break;
                    }
                    self.take(&record);
                    found.push((record, stored));
                }
            }
            waiting.retain(|_, log| !log.is_empty());
            if found.len() == before && !waiting.is_empty() {
                return Err(Unreadable::Uncaused(self.vv.clone()));
            }
        }
        Ok(found)
    }
}
