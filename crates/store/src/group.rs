//! What has been staged and waits for the commit, rows and request ids aside.

use std::collections::BTreeSet;

use halcyon_types::{ActorId, Hlc, Seq, UnixMs};
use halcyon_wire::StoredRecord;

use crate::identity::Identity;

#[derive(Debug, Default)]
pub(crate) struct Group {
    /// New log entries, in the order they were staged.
    pub(crate) records: Vec<(ActorId, StoredRecord)>,
    /// Their bytes.
    pub(crate) bytes: usize,
    /// Whose logs they are of.
    pub(crate) actors: BTreeSet<ActorId>,
    /// The highest stamp of records from elsewhere that the clock has not heard yet.
    pub(crate) heard: Option<Hlc>,
    /// The latest time that a caller brought.
    pub(crate) now: UnixMs,
    /// Keys of the derived index of endings that name nothing any more.
    pub(crate) stale: Vec<Vec<u8>>,
    /// Whose directory this is from now on: it writes as a new actor.
    pub(crate) identity: Option<Identity>,
    /// Whether some of its records change who is a member.
    pub(crate) facts: bool,
    /// What is dropped of the logs, both ends included.
    pub(crate) truncated: Vec<(ActorId, Seq, Seq)>,
}

impl Group {
    pub(crate) fn push(&mut self, now: UnixMs, actor: ActorId, record: StoredRecord) {
        self.bytes += record.bytes.len();
        self.actors.insert(actor);
        self.records.push((actor, record));
        self.now = now;
    }

    /// Whether there is nothing to write, rows aside.
    pub(crate) const fn is_empty(&self) -> bool {
        self.records.is_empty() && self.identity.is_none() && self.stale.is_empty() && self.truncated.is_empty()
    }

    /// Forgets everything, keeping the allocation.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.actors.clear();
        self.stale.clear();
        self.truncated.clear();
        self.identity = None;
        self.facts = false;
        self.bytes = 0;
    }
}
