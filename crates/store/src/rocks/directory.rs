//! A data directory around the database: whose it is, before RocksDB touches anything.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// The format of everything in a data directory. A newer one is refused.
const FORMAT: u64 = 1;
const MARK: &str = "halcyon data, format ";

fn mark(dir: &Path) -> PathBuf {
    dir.join("HALCYON")
}

fn unfinished_mark(dir: &Path) -> PathBuf {
    dir.join("HALCYON.new")
}

/// Where RocksDB lives.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("db")
}

/// Makes sure that `dir` is a Halcyon data directory of this format, marking it as one if it is new or empty.
pub(super) fn prepare(dir: &Path) -> Result<(), OpenError> {
    match fs::read_to_string(mark(dir)) {
        Ok(text) => check_mark(dir, &text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => begin(dir)?,
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(not_ours(dir)),
        Err(error) => return Err(io(dir, &error)),
    }
    check_database(dir)
}

fn check_mark(dir: &Path, text: &str) -> Result<(), OpenError> {
    let format = text
        .trim_end()
        .strip_prefix(MARK)
        .and_then(|format| format.parse().ok());
    match format {
        Some(FORMAT) => Ok(()),
        Some(found) => Err(OpenError::Format {
            found,
            expected: FORMAT,
        }),
        None => Err(not_ours(dir)),
    }
}

fn begin(dir: &Path) -> Result<(), OpenError> {
    let io = |error| io(dir, &error);
    fs::create_dir_all(dir).map_err(io)?;
    for entry in fs::read_dir(dir).map_err(io)? {
        // What an earlier start left that was cut short while marking.
        if entry.map_err(io)?.path() != unfinished_mark(dir) {
            return Err(not_ours(dir));
        }
    }
    let mut file = File::create(unfinished_mark(dir)).map_err(io)?;
    writeln!(file, "{MARK}{FORMAT}").map_err(io)?;
    file.sync_all().map_err(io)?;
    fs::rename(unfinished_mark(dir), mark(dir)).map_err(io)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)
}

/// RocksDB would take a database without its `CURRENT` file for a new one and begin beside the old data.
fn check_database(dir: &Path) -> Result<(), OpenError> {
    let path = database(dir);
    if path.join("CURRENT").exists() || !path.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(&path).map_err(|error| io(dir, &error))? {
        let file = entry.map_err(|error| io(dir, &error))?.path();
        if file.extension().is_some_and(|kind| kind == "sst" || kind == "log") {
            return Err(OpenError::Damaged {
                reason: format!("{} holds data but no file CURRENT", path.display()),
            });
        }
    }
    Ok(())
}

/// Why RocksDB did not open.
pub(super) fn open_error(dir: &Path, error: &rocksdb::Error) -> OpenError {
    let reason = error.to_string();
    // RocksDB has no kind of its own for a lock: the first is another process's, the second this very one's.
    let locked = reason.contains("While lock file") || reason.contains("lock hold by current process");
    match error.kind() {
        rocksdb::ErrorKind::Corruption => OpenError::Damaged { reason },
        rocksdb::ErrorKind::IOError if locked => OpenError::InUse { dir: dir.to_owned() },
        _ => OpenError::Io {
            reason: format!("{}: {reason}", dir.display()),
        },
    }
}

fn not_ours(dir: &Path) -> OpenError {
    OpenError::NotOurs { dir: dir.to_owned() }
}

fn io(dir: &Path, error: &std::io::Error) -> OpenError {
    OpenError::Io {
        reason: format!("{}: {error}", dir.display()),
    }
}
