//! A data directory around the database: whose it is, before RocksDB touches anything.
//!
//! The mark says "begun" before the database is made and "format 1" once it is. So a first start that was cut short is
//! simply repeated, and a finished database whose files have vanished is damage: RocksDB itself would take one without
//! `CURRENT` for a new one, and one without its newest log for an older one, whose seqs would then be used again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// The format of everything in a data directory. A newer one is refused.
const FORMAT: u64 = 1;
const FINISHED: &str = "halcyon data, format ";
const BEGUN: &str = "halcyon data, begun";

/// How far a directory has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There may be a database, but nobody has ever relied on it.
    Begun,
    /// There is a database.
    Finished,
}

fn mark_of(dir: &Path) -> PathBuf {
    dir.join("HALCYON")
}

fn next_mark_of(dir: &Path) -> PathBuf {
    dir.join("HALCYON.new")
}

/// Where RocksDB lives.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("db")
}

/// Makes sure that `dir` is a Halcyon data directory of this format, marking it as begun if it is new or empty.
pub(super) fn prepare(dir: &Path) -> Result<State, OpenError> {
    let text = match fs::read_to_string(mark_of(dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            check_empty(dir)?;
            mark(dir, BEGUN)?;
            return Ok(State::Begun);
        }
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(not_ours(dir)),
        Err(error) => return Err(io(dir, &error)),
    };
    if text.trim_end() == BEGUN {
        return Ok(State::Begun);
    }
    let format = text.trim_end().strip_prefix(FINISHED);
    match format.and_then(|format| format.parse().ok()) {
        Some(FORMAT) => check_database(dir).map(|()| State::Finished),
        Some(found) => Err(OpenError::Format { found, expected: FORMAT }),
        None => Err(not_ours(dir)),
    }
}

/// The database is there to stay.
pub(super) fn finish(dir: &Path) -> Result<(), OpenError> {
    mark(dir, &format!("{FINISHED}{FORMAT}"))
}

fn check_empty(dir: &Path) -> Result<(), OpenError> {
    let io = |error| io(dir, &error);
    fs::create_dir_all(dir).map_err(io)?;
    for entry in fs::read_dir(dir).map_err(io)? {
        // What an earlier start left that was cut short while marking.
        if entry.map_err(io)?.path() != next_mark_of(dir) {
            return Err(not_ours(dir));
        }
    }
    Ok(())
}

fn mark(dir: &Path, text: &str) -> Result<(), OpenError> {
    let io = |error| io(dir, &error);
    let mut file = File::create(next_mark_of(dir)).map_err(io)?;
    writeln!(file, "{text}").map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::rename(next_mark_of(dir), mark_of(dir)).map_err(io)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)
}

/// A running database always has these, and a killed one leaves them.
fn check_database(dir: &Path) -> Result<(), OpenError> {
    let path = database(dir);
    let missing = |what: &str| Err(OpenError::Damaged { reason: format!("{} has lost its {what}", path.display()) });
    if !path.join("CURRENT").exists() {
        return missing("file CURRENT");
    }
    for entry in fs::read_dir(&path).map_err(|error| io(dir, &error))? {
        let file = entry.map_err(|error| io(dir, &error))?.path();
        if file.extension().is_some_and(|kind| kind == "log") {
            return Ok(());
        }
    }
    missing("newest write ahead log")
}

/// Why RocksDB did not open.
pub(super) fn open_error(dir: &Path, error: &rocksdb::Error) -> OpenError {
    let reason = error.to_string();
    // RocksDB has no kind of its own for a lock: the first is another process's, the second this very one's.
    let locked = reason.contains("While lock file") || reason.contains("lock hold by current process");
    match error.kind() {
        rocksdb::ErrorKind::Corruption => OpenError::Damaged { reason },
        rocksdb::ErrorKind::IOError if locked => OpenError::InUse { dir: dir.to_owned() },
        _ => OpenError::Io { reason: format!("{}: {reason}", dir.display()) },
    }
}

fn not_ours(dir: &Path) -> OpenError {
    OpenError::NotOurs { dir: dir.to_owned() }
}

fn io(dir: &Path, error: &std::io::Error) -> OpenError {
    OpenError::Io { reason: format!("{}: {error}", dir.display()) }
}
