//! How far the database has been on disk, in a file of its own: `DIR/SYNCED`.
//!
//! Written after every sync and never synced itself, so it costs a group a microsecond and no second sync. What can be
//! read of it is therefore a lower bound: exact after a kill (the kernel keeps what a process wrote), and some seconds old
//! at worst after a power loss. A database that is opened and ends below it has lost what was acknowledged, whoever lost
//! it, and is refused. The file is locked for as long as the database is open, before anything in the directory is touched.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::directory;
use crate::error::OpenError;
use crate::files;

/// The file, open and locked.
#[derive(Debug)]
pub(super) struct HighWater(File);

impl HighWater {
    /// Opens the file of `dir`, or makes it, and locks it.
    pub(super) fn open(dir: &Path) -> Result<Self, OpenError> {
        let path = path_of(dir);
        let io = |error: io::Error| directory::io(&path, &error);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
            // A file system without such locks: the database's own lock is left.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(Self(file)),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    /// The last change that was on disk for certain; none if the file is new, or was torn itself.
    pub(super) fn read(&mut self) -> Result<Option<u64>, OpenError> {
        let mut bytes = Vec::new();
        let read = (&self.0).take(256).read_to_end(&mut bytes);
        read.map_err(|error| OpenError::Io { reason: format!("SYNCED: {error}") })?;
        let found = files::synced(&bytes);
        if found.is_none() && bytes.iter().any(|byte| *byte != 0) {
            tracing::warn!("the file SYNCED cannot be read and is begun anew; it only guards against lost logs");
        }
        Ok(found)
    }

    /// Says that every change up to `last` is on disk. That this was not written is no reason to stop: what stands there
    /// stays true.
    pub(super) fn raise(&self, last: u64) {
        if let Err(error) = self.0.write_all_at(files::synced_text(last).as_bytes(), 0) {
            tracing::debug!(%error, "SYNCED was not written");
        }
    }
}

/// A node that was told to stop leaves the mark on disk.
impl Drop for HighWater {
    fn drop(&mut self) {
        if let Err(error) = self.0.sync_data() {
            tracing::debug!(%error, "SYNCED was not synced");
        }
    }
}

fn path_of(dir: &Path) -> PathBuf {
    dir.join("SYNCED")
}
