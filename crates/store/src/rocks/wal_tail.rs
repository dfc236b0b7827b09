//! Before the database is opened: are its logs whole, but for what a crash may leave?
//!
//! RocksDB's own replay is both too strict and too lax. It refuses a last record that a power loss has garbled, though that
//! was never synced and nobody was told of it; and a bit that flips in the wrong place makes it leave out every record
//! behind it, or the whole file, without a word, or never return. So every log is read here first (`files/log_end.rs`):
//!
//! * A torn end is cut off. What was cut is kept in `DIR/torn/`, and the log of this program says so.
//! * Anything else that is wrong is refused, and nothing is touched. Nothing is ever repaired by leaving a record out.
//!
//! The manifest, which names the database's files, is written in the same format, synced record by record too, and treated
//! the same way, but that a torn end of it can be told from a damaged one by what has become of the logs (`files/manifest.rs`).
//! Where several of its records shared the sync that a crash cut short and a later one is whole, it is refused: that errs on
//! the side of asking.
//!
//! Whoever calls this holds the directory's lock: the end of a log that another process writes looks torn, too.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::directory;
use crate::error::OpenError;
use crate::files::{self, End, Log, Opened, Records};

/// Torn ends that are kept, the latest.
const KEPT_MAX: usize = 8;
/// Bytes of one of them that are kept, from its beginning.
const KEPT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Checks the logs of the database in `dir`, and cuts off what a crash has torn. `synced` is the last change that was once
/// on disk, as far as is known.
pub(super) fn mend(dir: &Path, synced: Option<u64>) -> Result<(), OpenError> {
    let manifest = directory::manifest(dir)?;
    let edits = read(&manifest, Records::Edits).map_err(|error| directory::io(&manifest, &error))?;
    if let End::Damaged { at, how } = edits.end {
        return Err(damaged(&manifest, at, how));
    }
    let logs = write_ahead_logs(dir)?;
    let is_there = |log: u64| logs.iter().any(|(number, _)| *number == log);
    let opened = directory::opened(dir).filter(|opened| manifest.ends_with(&opened.manifest));
    let begun = opened.filter(|opened| opened.whole <= edits.whole).map(|opened| opened.log);
    if edits.end == End::Torn && ![edits.last, begun].into_iter().flatten().any(is_there) {
        return Err(damaged(&manifest, edits.whole, "its last record is lost, and logs that it went by are gone"));
    }
    let mut torn: Vec<(PathBuf, Log)> = Vec::new();
    let (mut last, mut ends) = (None, None);
    for (_, path) in logs {
        let log = read(&path, Records::Numbered(last)).map_err(|error| directory::io(&path, &error))?;
        if let End::Damaged { at, how } = log.end {
            return Err(damaged(&path, at, how));
        }
        // A crash tears one record: were the later log's torn too, the earlier one had been synced.
        let goes_on = log.last.is_some() || log.end == End::Torn;
        if let Some((earlier, end)) = torn.last().filter(|_| goes_on) {
            return Err(damaged(earlier, end.whole, "a later log goes on"));
        }
        last = log.last.or(last);
        ends = log.last.map(|last| (path.clone(), log.whole, last));
        if log.end == End::Torn {
            torn.push((path, log));
        }
    }
    // Where the newest log has no record, the database itself tells once it is open.
    if let (Some((path, whole, last)), Some(synced)) = (ends, synced)
        && last < synced
    {
        return Err(damaged(&path, whole, &format!("it ends with change {last}, though {synced} was on disk")));
    }
    if edits.end == End::Torn {
        torn.push((manifest, edits));
    }
    torn.iter().try_for_each(|(path, log)| cut(dir, path, log).map_err(|error| directory::io(path, &error)))
}

fn read(path: &Path, records: Records) -> io::Result<Log> {
    files::read_log(File::open(path)?, records)
}

/// The numbered logs, in order.
fn write_ahead_logs(dir: &Path) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let db = directory::database(dir);
    let mut logs = Vec::new();
    for entry in fs::read_dir(&db).map_err(|error| directory::io(&db, &error))? {
        let path = entry.map_err(|error| directory::io(&db, &error))?.path();
        if let Some(number) = directory::number_of_log(&path) {
            logs.push((number, path));
        }
    }
    logs.sort_unstable();
    Ok(logs)
}

/// Notes what the database, which has just been opened, has on disk for certain.
pub(super) fn note(dir: &Path) -> Result<(), OpenError> {
    let Some((log, _)) = write_ahead_logs(dir)?.pop() else { return Ok(()) };
    let manifest = directory::manifest(dir)?;
    let whole = fs::metadata(&manifest).map_err(|error| directory::io(&manifest, &error))?.len();
    let manifest = manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
    directory::note_opened(dir, &Opened { log, manifest, whole })
}

/// Cuts off the torn end of a log, once it is kept elsewhere.
fn cut(dir: &Path, path: &Path, log: &Log) -> io::Result<()> {
    let kept = keep(dir, path, log);
    let file = File::options().read(true).write(true).open(path)?;
    file.set_len(log.whole)?;
    file.sync_all()?;
    File::open(directory::database(dir))?.sync_all()?;
    let (log_file, cut) = (path.display(), log.bytes - log.whole);
    match kept {
        Ok(kept) => tracing::warn!(
            log = %log_file, whole = log.whole, cut, kept = %kept.display(),
            "the log ended in a write that a crash had torn before its sync; it was cut off, nothing acknowledged is lost"
        ),
        Err(error) => tracing::warn!(
            log = %log_file, whole = log.whole, cut, %error,
            "the log ended in a write that a crash had torn before its sync; it was cut off, and could not be kept aside"
        ),
    }
    Ok(())
}

/// Copies the torn end of a log to where it does no harm.
fn keep(dir: &Path, path: &Path, log: &Log) -> io::Result<PathBuf> {
    let torn = dir.join("torn");
    fs::create_dir_all(&torn)?;
    let mut older = Vec::new();
    for entry in fs::read_dir(&torn)? {
        older.push(entry?.path());
    }
    older.sort_unstable();
    for path in older.iter().rev().skip(KEPT_MAX - 1) {
        fs::remove_file(path)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kept = torn.join(format!("{name}.{}", log.whole));
    let mut from = File::open(path)?;
    from.seek(SeekFrom::Start(log.whole))?;
    let mut to = File::create(&kept)?;
    io::copy(&mut from.take(KEPT_BYTES_MAX), &mut to)?;
    to.flush()?;
    to.sync_all()?;
    File::open(&torn)?.sync_all()?;
    Ok(kept)
}

pub(super) fn damaged(path: &Path, at: u64, how: &str) -> OpenError {
    OpenError::Damaged { reason: format!("{} is damaged at byte {at}: {how}", path.display()) }
}
