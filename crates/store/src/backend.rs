//! What the store asks of a database: ordered bytes in five families, atomic batches, snapshots.
//!
//! Small on purpose: whatever two backends could do differently is a place where the simulator would lie. Reads lend the
//! bytes to a closure, so that no backend has to copy them out. Nothing here knows what the bytes mean.

use std::ops::ControlFlow;

use crate::error::{ReadError, WriteError};

/// Which bytes live together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Rows, version vector, heads of logs: what equal vectors make equal. With the requests, all that a snapshot ships.
    State,
    /// Records as first encoded, of every actor.
    Log,
    /// What never leaves this directory: identity and clock ceiling.
    Local,
    /// What can be computed from rows and never leaves this directory: summaries, the order of scores, what ends when.
    Derived,
    /// Which record each request became. Apart from the rows, as they come in the order of their keys, go in that order and
    /// are many: among the rows they would be merged with them over and over.
    Requests,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 5] = [Self::State, Self::Log, Self::Local, Self::Derived, Self::Requests];

    /// Its name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Log => "log",
            Self::Local => "local",
            Self::Derived => "derived",
            Self::Requests => "requests",
        }
    }
}

/// Whether a write must have reached the disk before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It survives whatever happens next.
    Synced,
    /// A crash may take it back, together with every unsynced write after it.
    Unsynced,
}

/// Something to read: the present, or a snapshot.
pub trait View {
    /// Lends the value at `key`, if there is one, to `look`.
    ///
    /// # Errors
    /// [`ReadError`]; `look` was not called.
    fn with<T>(&self, family: Family, key: &[u8], look: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, ReadError>;

    /// Visits keys and values in key order, from `from` on and below `upto` (to the end if absent), until `visit` breaks.
    ///
    /// # Errors
    /// [`ReadError`]; what was visited before it is good.
    fn scan(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError>;

    /// As [`Self::scan`], in descending key order: from the last key below `upto` down to `from`, which is included.
    ///
    /// # Errors
    /// [`ReadError`]; what was visited before it is good.
    fn scan_back(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError>;
}

/// Changes that happen together or not at all. Later ones win.
pub trait Batch {
    /// Sets `key`.
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]);

    /// Removes `key`, whether or not it is there.
    fn delete(&mut self, family: Family, key: &[u8]);

    /// Removes every key from `from` on and below `upto`.
    fn delete_range(&mut self, family: Family, from: &[u8], upto: &[u8]);
}

/// A database. Clones are handles to the same one.
pub trait Backend: View + Clone + Send + Sync + 'static {
    /// Its way of gathering changes.
    type Batch: Batch + Send;
    /// One moment of it, for as long as it is kept.
    type Snapshot: View + Send + 'static;

    /// An empty batch.
    fn batch(&self) -> Self::Batch;

    /// Makes the changes of `batch`, atomically.
    ///
    /// # Errors
    /// [`WriteError`]: nobody knows whether a later start will find the changes; no view shows them until then.
    fn write(&self, batch: Self::Batch, durability: Durability) -> Result<(), WriteError>;

    /// Whether nothing has failed since of what it does by itself, behind the writes.
    ///
    /// # Errors
    /// [`WriteError`]: something has, for good; it takes no more writes.
    fn probe(&self) -> Result<(), WriteError>;

    /// About how many bytes the keys from `from` on and below `upto` take on disk; what has not got beyond the write ahead log
    /// need not count.
    fn bytes(&self, family: Family, from: &[u8], upto: &[u8]) -> u64;

    /// Gives back at once what it can of the room of keys from `first` to `last`, both included, all of which have been
    /// removed. What it leaves goes with time.
    ///
    /// # Errors
    /// [`WriteError`]; nothing else is lost.
    fn reclaim(&self, family: Family, first: &[u8], last: &[u8]) -> Result<(), WriteError>;

    /// The present, held.
    fn snapshot(&self) -> Self::Snapshot;
}
