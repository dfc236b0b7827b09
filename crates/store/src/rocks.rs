//! RocksDB as the backend of real nodes.
//!
//! ```text
//! DIR/HALCYON     "halcyon data, begun", then, once the database is made, "halcyon data, format 1"
//! DIR/SYNCED      how far the database has been on disk (`high_water.rs`); locked while it is open
//! DIR/db/         RocksDB: families state, log, local, derived, requests
//! DIR/OPENED      what the last start began with (`files/manifest.rs`)
//! DIR/GENERATION  which of several databases counts, once a copy has taken the place of a state (`generation.rs`)
//! DIR/torn/       ends of logs that crashes had torn, cut off at a start: evidence, free to be deleted
//! ```
//!
//! One batch covers all families, and the write ahead log is synced before a write returns. Before RocksDB replays its
//! logs they are read here (`wal_tail.rs`): what a crash has torn off their end is cut, anything else is refused. Its own
//! recovery would forget synced writes at some flipped bits, in any mode. The database's own row cache stays off (it breaks
//! range deletes); the committer has one.

mod background;
mod directory;
mod footprint;
mod generation;
mod high_water;
mod options;
mod salvage;
mod wal_tail;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{ColumnFamily, DB, DBPinnableSlice, DBRawIteratorWithThreadMode, ReadOptions, WriteBatch, WriteOptions};
use self_cell::self_cell;

use crate::backend::{Backend, Batch, Durability, Family, View};
use crate::error::{OpenError, ReadError, WriteError};
use high_water::HighWater;
pub use options::RocksSettings;
pub use salvage::{Cut, Lost};

/// A handle to a data directory. The directory stays in use until every handle, reader and snapshot of it is dropped.
#[derive(Clone)]
pub struct RocksBackend {
    open: Arc<Open>,
}

/// A data directory in use.
struct Open {
    db: DB,
    // After the database, whose lock it is: fields are dropped in order.
    high_water: HighWater,
}

/// Changes for a [`RocksBackend`].
pub struct RocksBatch {
    batch: WriteBatch,
    open: Arc<Open>,
}

/// What a batch begins with, so that a usual group is not copied as it grows.
const BATCH_BYTES: usize = 64 * 1024;

type Borrowed<'a> = rocksdb::SnapshotWithThreadMode<'a, DB>;

self_cell!(
    struct Held {
        owner: Arc<Open>,
        #[covariant]
        dependent: Borrowed,
    }
);

/// One moment of a [`RocksBackend`]. Files it can see are kept: do not hold it for long.
pub struct RocksSnapshot(Held);

impl RocksBackend {
    /// Opens the data directory `dir`, or begins it if it is new or empty.
    ///
    /// # Errors
    /// [`OpenError`]; nothing has changed.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_with(dir, RocksSettings::default())
    }

    /// As [`Self::open`], with settings.
    ///
    /// # Errors
    /// [`OpenError`]; nothing has changed.
    pub fn open_with(dir: &Path, settings: RocksSettings) -> Result<Self, OpenError> {
        let root = generation::root(dir)?;
        let backend = Self::open_in(&root, settings)?;
        generation::clear_others(dir, &root);
        Ok(backend)
    }

    /// An empty database within the data directory `dir`, to be filled with what is to take the place of the present one.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of the present one has changed.
    pub fn open_next(dir: &Path) -> Result<Self, OpenError> {
        Self::open_in(&generation::next(dir)?, RocksSettings::default())
    }

    /// From the next start on, what [`Self::open_next`] has begun is the database of `dir`. It must be whole, and closed.
    ///
    /// # Errors
    /// [`OpenError`]; the present one stays.
    pub fn switch(dir: &Path) -> Result<(), OpenError> {
        generation::switch(dir)
    }

    fn open_in(dir: &Path, settings: RocksSettings) -> Result<Self, OpenError> {
        let state = directory::prepare(dir)?;
        let mut high_water = HighWater::open(dir)?;
        let synced = match state {
            directory::State::Begun => directory::clear(dir).map(|()| None)?,
            directory::State::Finished => high_water.read()?,
        };
        if state == directory::State::Finished {
            wal_tail::mend(dir, synced)?;
        }
        let families = Family::ALL.map(|family| options::family(family, settings));
        let db = DB::open_cf_descriptors(&options::database(settings), directory::database(dir), families)
            .map_err(|error| directory::open_error(dir, &error))?;
        let last = db.latest_sequence_number();
        if let Some(synced) = synced.filter(|synced| *synced > last) {
            return Err(directory::rolled_back(dir, last, synced));
        }
        if state == directory::State::Begun {
            directory::finish(dir)?;
        }
        wal_tail::note(dir)?;
        high_water.raise(last);
        Ok(Self { open: Arc::new(Open { db, high_water }) })
    }
}

#[expect(clippy::expect_used, reason = "`open` has opened or created every family")]
fn handle(db: &DB, family: Family) -> &ColumnFamily {
    db.cf_handle(family.name()).expect("a family that open has opened")
}

fn read_error(error: &rocksdb::Error) -> ReadError {
    match error.kind() {
        rocksdb::ErrorKind::Corruption => ReadError::damaged("the database", &error),
        _ if directory::is_about_a_lost_file(error.as_ref()) => ReadError::damaged("the database", &error),
        _ => ReadError::Io { reason: error.to_string() },
    }
}

fn write_error(error: &rocksdb::Error) -> WriteError {
    let reason = error.to_string();
    match error.kind() {
        _ if directory::is_about_room(&reason) => WriteError::Full { reason },
        rocksdb::ErrorKind::Corruption => WriteError::Damaged { reason },
        _ => WriteError::Io { reason },
    }
}

fn look_at<T>(
    found: Result<Option<DBPinnableSlice<'_>>, rocksdb::Error>,
    look: impl FnOnce(Option<&[u8]>) -> T,
) -> Result<T, ReadError> {
    let value = found.map_err(|error| read_error(&error))?;
    Ok(look(value.as_deref()))
}

fn walk(
    mut cursor: DBRawIteratorWithThreadMode<'_, DB>,
    from: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    cursor.seek(from);
    while let Some((key, value)) = cursor.item() {
        if visit(key, value).is_break() {
            return Ok(());
        }
        cursor.next();
    }
    cursor.status().map_err(|error| read_error(&error))
}

fn walk_back(
    mut cursor: DBRawIteratorWithThreadMode<'_, DB>,
    mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    cursor.seek_to_last();
    while let Some((key, value)) = cursor.item() {
        if visit(key, value).is_break() {
            return Ok(());
        }
        cursor.prev();
    }
    cursor.status().map_err(|error| read_error(&error))
}

fn between(from: &[u8], upto: Option<&[u8]>) -> ReadOptions {
    let mut options = bounded(upto);
    options.set_iterate_lower_bound(from);
    options
}

fn bounded(upto: Option<&[u8]>) -> ReadOptions {
    let mut options = ReadOptions::default();
    if let Some(upto) = upto {
        options.set_iterate_upper_bound(upto);
    }
    options
}

impl View for RocksBackend {
    fn with<T>(&self, family: Family, key: &[u8], look: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, ReadError> {
        look_at(self.open.db.get_pinned_cf(handle(&self.open.db, family), key), look)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let cursor = self.open.db.raw_iterator_cf_opt(handle(&self.open.db, family), bounded(upto));
        walk(cursor, from, visit)
    }

    fn scan_back(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        if upto.is_some_and(|upto| upto <= from) {
            return Ok(());
        }
        walk_back(self.open.db.raw_iterator_cf_opt(handle(&self.open.db, family), between(from, upto)), visit)
    }
}

impl View for RocksSnapshot {
    fn with<T>(&self, family: Family, key: &[u8], look: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, ReadError> {
        let (db, snapshot) = (&self.0.borrow_owner().db, self.0.borrow_dependent());
        look_at(snapshot.get_pinned_cf(handle(db, family), key), look)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let (db, snapshot) = (&self.0.borrow_owner().db, self.0.borrow_dependent());
        let cursor = snapshot.raw_iterator_cf_opt(handle(db, family), bounded(upto));
        walk(cursor, from, visit)
    }

    fn scan_back(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        if upto.is_some_and(|upto| upto <= from) {
            return Ok(());
        }
        let (db, snapshot) = (&self.0.borrow_owner().db, self.0.borrow_dependent());
        walk_back(snapshot.raw_iterator_cf_opt(handle(db, family), between(from, upto)), visit)
    }
}

impl Batch for RocksBatch {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.batch.put_cf(handle(&self.open.db, family), key, value);
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.batch.delete_cf(handle(&self.open.db, family), key);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], upto: &[u8]) {
        if from < upto {
            self.batch.delete_range_cf(handle(&self.open.db, family), from, upto);
        }
    }
}

impl Backend for RocksBackend {
    type Batch = RocksBatch;
    type Snapshot = RocksSnapshot;

    fn batch(&self) -> RocksBatch {
        RocksBatch { batch: WriteBatch::with_capacity_bytes(BATCH_BYTES), open: Arc::clone(&self.open) }
    }

    fn write(&self, batch: RocksBatch, durability: Durability) -> Result<(), WriteError> {
        let mut options = WriteOptions::default();
        options.set_sync(durability == Durability::Synced);
        self.open.db.write_opt(batch.batch, &options).map_err(|error| write_error(&error))?;
        if durability == Durability::Synced {
            self.open.high_water.raise(self.open.db.latest_sequence_number());
        }
        Ok(())
    }

    fn probe(&self) -> Result<(), WriteError> {
        background::probe(&self.open.db)
    }

    fn bytes(&self, family: Family, from: &[u8], upto: &[u8]) -> u64 {
        let range = rocksdb::Range::new(from, upto);
        let sizes = self.open.db.get_approximate_sizes_cf(handle(&self.open.db, family), &[range]);
        sizes.into_iter().sum()
    }

    fn reclaim(&self, family: Family, first: &[u8], last: &[u8]) -> Result<(), WriteError> {
        // Whole files go, and without a word to any batch: both ends count as inside.
        let reclaimed = self.open.db.delete_file_in_range_cf(handle(&self.open.db, family), first, last);
        reclaimed.map_err(|error| write_error(&error))
    }

    fn snapshot(&self) -> RocksSnapshot {
        RocksSnapshot(Held::new(Arc::clone(&self.open), |open| open.db.snapshot()))
    }
}

impl std::fmt::Debug for RocksBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RocksBackend").field(&self.open.db.path()).finish()
    }
}

impl std::fmt::Debug for RocksSnapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RocksSnapshot").field(&self.0.borrow_owner().db.path()).finish()
    }
}
