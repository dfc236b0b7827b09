//! A backend in memory whose power can fail: for tests and simulators.
//!
//! It keeps what was synced apart from what was not, by remembering how to undo every unsynced write. [`crash`] undoes
//! them and cuts every older handle off, as a dead process's are; [`fail_next_write`] makes the disk refuse. Handles of a
//! running process share one disk. Nothing here is durable beyond the process.
//!
//! [`crash`]: MemoryBackend::crash
//! [`fail_next_write`]: MemoryBackend::fail_next_write

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::backend::{Backend, Batch, Durability, Family, View};
use crate::error::{ReadError, WriteError};

type Table = BTreeMap<(Family, Bytes), Bytes>;

/// How a write fails. To its caller both look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFailure {
    /// The changes are gone.
    Lost,
    /// The error came after the changes had reached the disk: the next start finds them.
    Kept,
}

/// A handle to a disk in memory.
#[derive(Debug, Clone)]
pub struct MemoryBackend {
    disk: Arc<RwLock<Disk>>,
    boot: u64,
}

/// One moment of a [`MemoryBackend`].
#[derive(Debug, Clone)]
pub struct MemorySnapshot(Arc<Table>);

#[derive(Debug, Default)]
struct Disk {
    /// What readers see. Copied only if it changes while a snapshot holds it.
    table: Arc<Table>,
    /// What the unsynced writes replaced, oldest first.
    undo: Vec<((Family, Bytes), Option<Bytes>)>,
    fail_next: Option<WriteFailure>,
    /// What a failed write left for the next start.
    kept: Vec<Change>,
    boot: u64,
    writes: u64,
    operations: u64,
    /// Keys that scans have shown.
    visited: AtomicU64,
}

#[derive(Debug)]
enum Change {
    Put((Family, Bytes), Bytes),
    Delete((Family, Bytes)),
    DeleteRange(Family, Bytes, Bytes),
}

/// Changes for a [`MemoryBackend`].
#[derive(Debug, Default)]
pub struct MemoryBatch(Vec<Change>);

impl Default for MemoryBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBackend {
    /// An empty disk.
    pub fn new() -> Self {
        Self { disk: Arc::default(), boot: 0 }
    }

    /// A disk that holds what another did at that moment: an older one that is put back.
    pub fn holding(snapshot: &MemorySnapshot) -> Self {
        let disk = Disk { table: Arc::clone(&snapshot.0), ..Disk::default() };
        Self { disk: Arc::new(RwLock::new(disk)), boot: 0 }
    }

    /// The power fails and comes back: what was not synced is gone, and this handle and its clones are dead. The handle
    /// returned is the next process's.
    #[must_use]
    pub fn crash(&self) -> Self {
        let mut disk = self.disk_mut();
        while let Some((key, old)) = disk.undo.pop() {
            let table = Arc::make_mut(&mut disk.table);
            match old {
                Some(old) => drop(table.insert(key, old)),
                None => drop(table.remove(&key)),
            }
        }
        for change in std::mem::take(&mut disk.kept) {
            disk.make(change, Durability::Synced);
        }
        disk.fail_next = None;
        disk.boot += 1;
        Self { disk: Arc::clone(&self.disk), boot: disk.boot }
    }

    /// Makes the next write fail.
    pub fn fail_next_write(&self, failure: WriteFailure) {
        self.disk_mut().fail_next = Some(failure);
    }

    /// How many writes have succeeded since the disk was made.
    pub fn writes(&self) -> u64 {
        self.disk().writes
    }

    /// How many puts, deletes and range deletes those writes had.
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// How many keys scans have visited, those of snapshots aside.
    pub fn visited(&self) -> u64 {
        self.disk().visited.load(Ordering::Relaxed)
    }

    fn disk(&self) -> RwLockReadGuard<'_, Disk> {
        // A panicked test thread leaves the table whole: every change is one insert or remove.
        self.disk.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk_mut(&self) -> RwLockWriteGuard<'_, Disk> {
        self.disk.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self, disk: &Disk) -> Result<(), ReadError> {
        if disk.boot == self.boot {
            Ok(())
        } else {
            Err(ReadError::Io { reason: "this handle's process has crashed".to_owned() })
        }
    }
}

impl Disk {
    fn make(&mut self, change: Change, durability: Durability) {
        let table = Arc::make_mut(&mut self.table);
        let mut replaced = |key, old| {
            if durability == Durability::Unsynced {
                self.undo.push((key, old));
            }
        };
        match change {
            Change::Put(key, value) => {
                let old = table.insert(key.clone(), value);
                replaced(key, old);
            }
            Change::Delete(key) => {
                let old = table.remove(&key);
                replaced(key, old);
            }
            Change::DeleteRange(family, from, upto) => {
                let range = (Bound::Included((family, from)), Bound::Excluded((family, upto)));
                let keys: Vec<_> = table.range(range).map(|(key, _)| key.clone()).collect();
                for key in keys {
                    let old = table.remove(&key);
                    replaced(key, old);
                }
            }
        }
    }
}

fn look_up<T>(table: &Table, family: Family, key: &[u8], look: impl FnOnce(Option<&[u8]>) -> T) -> T {
    look(table.get(&(family, Bytes::copy_from_slice(key))).map(|value| &value[..]))
}

fn walk(
    table: &Table,
    family: Family,
    from: &[u8],
    upto: Option<&[u8]>,
    mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) {
    let from = (family, Bytes::copy_from_slice(from));
    for ((of, key), value) in table.range(from..) {
        if *of != family || upto.is_some_and(|upto| &key[..] >= upto) || visit(key, value).is_break() {
            break;
        }
    }
}

fn walk_back(
    table: &Table,
    family: Family,
    from: &[u8],
    upto: Option<&[u8]>,
    mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
) {
    if upto.is_some_and(|upto| upto <= from) {
        return;
    }
    let end = match upto {
        Some(upto) => Some((family, Bytes::copy_from_slice(upto))),
        None => Family::ALL.into_iter().filter(|other| *other > family).min().map(|next| (next, Bytes::new())),
    };
    let from = Bound::Included((family, Bytes::copy_from_slice(from)));
    for ((_, key), value) in table.range((from, end.map_or(Bound::Unbounded, Bound::Excluded))).rev() {
        if visit(key, value).is_break() {
            break;
        }
    }
}

impl View for MemoryBackend {
    fn with<T>(&self, family: Family, key: &[u8], look: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, ReadError> {
        let disk = self.disk();
        self.alive(&disk)?;
        Ok(look_up(&disk.table, family, key, look))
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let disk = self.disk();
        self.alive(&disk)?;
        walk(&disk.table, family, from, upto, |key, value| {
            disk.visited.fetch_add(1, Ordering::Relaxed);
            visit(key, value)
        });
        Ok(())
    }

    fn scan_back(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let disk = self.disk();
        self.alive(&disk)?;
        walk_back(&disk.table, family, from, upto, |key, value| {
            disk.visited.fetch_add(1, Ordering::Relaxed);
            visit(key, value)
        });
        Ok(())
    }
}

impl View for MemorySnapshot {
    fn with<T>(&self, family: Family, key: &[u8], look: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, ReadError> {
        Ok(look_up(&self.0, family, key, look))
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        walk(&self.0, family, from, upto, visit);
        Ok(())
    }

    fn scan_back(
        &self,
        family: Family,
        from: &[u8],
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        walk_back(&self.0, family, from, upto, visit);
        Ok(())
    }
}

impl Batch for MemoryBatch {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        let key = (family, Bytes::copy_from_slice(key));
        self.0.push(Change::Put(key, Bytes::copy_from_slice(value)));
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.0.push(Change::Delete((family, Bytes::copy_from_slice(key))));
    }

    fn delete_range(&mut self, family: Family, from: &[u8], upto: &[u8]) {
        let (from, upto) = (Bytes::copy_from_slice(from), Bytes::copy_from_slice(upto));
        if from < upto {
            self.0.push(Change::DeleteRange(family, from, upto));
        }
    }
}

impl Backend for MemoryBackend {
    type Batch = MemoryBatch;
    type Snapshot = MemorySnapshot;

    fn batch(&self) -> MemoryBatch {
        MemoryBatch::default()
    }

    fn write(&self, batch: MemoryBatch, durability: Durability) -> Result<(), WriteError> {
        let mut disk = self.disk_mut();
        let failed = |reason: &str| Err(WriteError::Io { reason: reason.to_owned() });
        if self.alive(&disk).is_err() {
            return failed("this handle's process has crashed");
        }
        if let Some(failure) = disk.fail_next.take() {
            if failure == WriteFailure::Kept {
                disk.kept = batch.0;
            }
            return failed("a failure was asked for");
        }
        disk.operations += batch.0.len() as u64;
        for change in batch.0 {
            disk.make(change, durability);
        }
        if durability == Durability::Synced {
            disk.undo.clear();
        }
        disk.writes += 1;
        Ok(())
    }

    /// Nothing is done behind the writes.
    fn probe(&self) -> Result<(), WriteError> {
        Ok(())
    }

    fn bytes(&self, family: Family, from: &[u8], upto: &[u8]) -> u64 {
        let mut bytes = 0;
        walk(&self.disk().table, family, from, Some(upto), |key, value| {
            bytes += (key.len() + value.len()) as u64;
            ControlFlow::Continue(())
        });
        bytes
    }

    /// What is removed is gone.
    fn reclaim(&self, _family: Family, _first: &[u8], _last: &[u8]) -> Result<(), WriteError> {
        Ok(())
    }

    fn snapshot(&self) -> MemorySnapshot {
        MemorySnapshot(Arc::clone(&self.disk().table))
    }
}

#[cfg(test)]
mod tests;
