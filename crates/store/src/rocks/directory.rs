//! A data directory around the database: whose it is, before RocksDB touches anything.
//!
//! The mark says "begun" before the database is made and "format 1" once it is. So a first start that was cut short is
//! simply repeated, and a finished database whose files have vanished is damage: RocksDB itself would take one without
//! `CURRENT` for a new one, and one without its newest log for an older one, whose seqs would then be used again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::OpenError;
use crate::files::{self, Format, Opened};

/// The format of everything in a data directory. A newer one is refused.
const FORMAT: u64 = 1;
/// The mark.
const MARK: &str = "HALCYON";
/// What the last start began with.
const OPENED: &str = "OPENED";

/// How far a directory has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There may be a database, but nobody has ever relied on it.
    Begun,
    /// There is a database.
    Finished,
}

fn mark_of(dir: &Path) -> PathBuf {
    dir.join(MARK)
}

fn next_mark_of(dir: &Path) -> PathBuf {
    dir.join(format!("{MARK}.new"))
}

/// Where RocksDB lives.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("db")
}

/// Makes sure that `dir` is a Halcyon data directory of this format, marking it as begun if it is new or empty.
pub(super) fn prepare(dir: &Path) -> Result<State, OpenError> {
    let text = match fs::read(mark_of(dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            check_empty(dir)?;
            mark(dir, Format::Begun)?;
            return Ok(State::Begun);
        }
        Err(error) => return Err(io(dir, &error)),
    };
    match Format::parse(&text) {
        Some(Format::Begun) => Ok(State::Begun),
        Some(Format::Finished(FORMAT)) => check_database(dir).map(|()| State::Finished),
        Some(Format::Finished(found)) if found > FORMAT => Err(OpenError::Format { found, expected: FORMAT }),
        _ if database(dir).join("CURRENT").exists() => {
            let (mark, text) = (mark_of(dir), String::from_utf8_lossy(&text));
            let expected = Format::Finished(FORMAT).to_string();
            Err(OpenError::Damaged { reason: format!("{} says {text:?}, not {expected:?}", mark.display()) })
        }
        _ => Err(not_ours(dir)),
    }
}

/// Whether `dir` is a data directory of this format that has been begun and finished.
pub(super) fn is_finished(dir: &Path) -> Result<bool, OpenError> {
    match fs::read(mark_of(dir)) {
        Ok(text) => match Format::parse(&text) {
            Some(Format::Finished(found)) if found > FORMAT => Err(OpenError::Format { found, expected: FORMAT }),
            format => Ok(format == Some(Format::Finished(FORMAT))),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io(dir, &error)),
    }
}

/// What a first start that was cut short has left of a database that nobody has ever relied on.
pub(super) fn clear(dir: &Path) -> Result<(), OpenError> {
    match fs::remove_dir_all(database(dir)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(dir, &error)),
        _ => Ok(()),
    }
}

/// The manifest that the database goes by.
pub(super) fn manifest(dir: &Path) -> Result<PathBuf, OpenError> {
    let current = database(dir).join("CURRENT");
    let text = fs::read(&current).map_err(|error| io(dir, &error))?;
    let named = files::manifest_named(&text);
    let path = named.map(|name| database(dir).join(name)).filter(|path| path.exists());
    path.ok_or_else(|| {
        let text = String::from_utf8_lossy(&text);
        OpenError::Damaged { reason: format!("{} names no manifest: {text:?}", current.display()) }
    })
}

/// The number of a write ahead log; none if the file is none.
pub(super) fn number_of_log(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".log")?.parse().ok()
}

/// The database is there to stay.
pub(super) fn finish(dir: &Path) -> Result<(), OpenError> {
    mark(dir, Format::Finished(FORMAT))
}

/// Notes what a start has begun with.
pub(super) fn note_opened(dir: &Path, opened: &Opened) -> Result<(), OpenError> {
    replace(dir, OPENED, &opened.to_string()).map_err(|error| io(dir, &error))
}

/// What the last start began with, as far as is known.
pub(super) fn opened(dir: &Path) -> Option<Opened> {
    Opened::parse(&fs::read(dir.join(OPENED)).ok()?)
}

fn check_empty(dir: &Path) -> Result<(), OpenError> {
    let io = |error| io(dir, &error);
    create(dir).map_err(io)?;
    for entry in fs::read_dir(dir).map_err(io)? {
        // What an earlier start left that was cut short while marking.
        if entry.map_err(io)?.path() != next_mark_of(dir) {
            return Err(not_ours(dir));
        }
    }
    Ok(())
}

/// Makes the directory so that a power cut leaves it: whatever is synced within is lost with an entry that is not. An
/// earlier start may have been cut short in between, so all above it are synced; what cannot be opened was there before.
fn create(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let above = dir.ancestors().skip(1).map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
    above.map_while(|above| File::open(above).ok()).try_for_each(|above| above.sync_all())
}

fn mark(dir: &Path, format: Format) -> Result<(), OpenError> {
    replace(dir, MARK, &format.to_string()).map_err(|error| io(dir, &error))
}

/// Writes a small file so that a power cut leaves the old one or the new one.
pub(super) fn replace(dir: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let unfinished = dir.join(format!("{name}.new"));
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&unfinished, dir.join(name))?;
    File::open(dir)?.sync_all()
}

/// A running database always has these, and a killed one leaves them.
fn check_database(dir: &Path) -> Result<(), OpenError> {
    let path = database(dir);
    let missing = |what: &str| Err(OpenError::Damaged { reason: format!("{} has lost its {what}", path.display()) });
    if !path.join("CURRENT").exists() {
        return missing("file CURRENT");
    }
    for entry in fs::read_dir(&path).map_err(|error| io(dir, &error))? {
        if number_of_log(&entry.map_err(|error| io(dir, &error))?.path()).is_some() {
            return Ok(());
        }
    }
    missing("newest write ahead log")
}

/// Whether an error of RocksDB, which has no kind of its own for that, is about a full disk.
pub(super) fn is_about_room(reason: &str) -> bool {
    reason.contains("No space left on device") || reason.contains("Disk quota exceeded")
}

/// Whether an error of RocksDB is about a file that the database goes by and that is gone.
pub(super) fn is_about_a_lost_file(reason: &str) -> bool {
    reason.contains("No such file or directory")
}

/// Why RocksDB did not open.
pub(super) fn open_error(dir: &Path, error: &rocksdb::Error) -> OpenError {
    let reason = error.to_string();
    // RocksDB has no kind of its own for a lock: the first is another process's, the second this very one's.
    let locked = reason.contains("While lock file") || reason.contains("lock hold by current process");
    match error.kind() {
        _ if is_about_room(&reason) => OpenError::Full { reason },
        rocksdb::ErrorKind::Corruption => OpenError::Damaged { reason },
        _ if is_about_a_lost_file(&reason) => OpenError::Damaged { reason },
        rocksdb::ErrorKind::IOError if locked => OpenError::InUse { dir: dir.to_owned() },
        _ => OpenError::Io { reason: format!("{}: {reason}", dir.display()) },
    }
}

/// The database has opened, and ends before what was on disk once.
pub(super) fn rolled_back(dir: &Path, last: u64, synced: u64) -> OpenError {
    let reason = format!(
        "{} ends with change {last}, though {synced} was on disk: its newest writes are lost",
        database(dir).display()
    );
    OpenError::Damaged { reason }
}

pub(super) fn not_ours(dir: &Path) -> OpenError {
    OpenError::NotOurs { dir: dir.to_owned() }
}

/// Why a file could not be used.
pub(super) fn io(path: &Path, error: &std::io::Error) -> OpenError {
    let reason = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => OpenError::Full { reason },
        _ => OpenError::Io { reason },
    }
}
