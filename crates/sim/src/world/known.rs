//! What a region is known to have applied: by it, what a restart brings to light is found, and records are read.

use std::collections::BTreeMap;

use halcyon_store::{MemoryBackend, ReadError, Reader};
use halcyon_types::{ActorId, Dot, VersionVector};
use halcyon_wire::{Record, RecordError, StoredRecord};

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

    /// Takes from the logs what lies between this and `vv`, in an order of causes and effects.
    pub(super) fn catch_up(
        &mut self,
        reader: &Reader<MemoryBackend>,
        vv: &VersionVector,
    ) -> Result<Vec<(Record, StoredRecord)>, Unreadable> {
        let mut waiting = BTreeMap::new();
        for (actor, upto) in vv.iter() {
            let log = reader.log(actor, self.vv.get(actor), upto, usize::MAX)?;
            if !log.is_empty() {
                waiting.insert(actor, log.into_iter().peekable());
            }
        }
        let mut found = Vec::new();
        while !waiting.is_empty() {
            let before = found.len();
            for (actor, log) in &mut waiting {
                while let Some(stored) = log.peek() {
                    let record = self.read(*actor, stored)?;
                    if !record.deps.le(&self.vv) {
                        break;
                    }
                    self.take(&record);
                    found.extend(log.next().map(|stored| (record, stored)));
                }
            }
            waiting.retain(|_, log| log.peek().is_some());
            if found.len() == before && !waiting.is_empty() {
                return Err(Unreadable::Uncaused(self.vv.clone()));
            }
        }
        Ok(found)
    }
}
