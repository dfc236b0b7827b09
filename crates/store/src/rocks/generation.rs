//! Which database of a data directory is the present one. A copy that is to take the place of a state is filled into a
//! directory of its own within the data directory; then one small file, replaced in one step, says that it counts.
//!
//! ```text
//! DIR/GENERATION   "gen-N": everything is in DIR/gen-N; without this file it is in DIR itself
//! DIR/gen-N/       a data directory by itself
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::directory::{io, replace};
use crate::error::OpenError;

const POINTER: &str = "GENERATION";
const PREFIX: &str = "gen-";
/// What a data directory consists of that has been left for a generation within it.
const LEFT: [&str; 4] = ["db", "torn", "SYNCED", "OPENED"];

/// The number of the present generation: 0 is the directory itself.
fn present(dir: &Path) -> Result<u64, OpenError> {
    let path = dir.join(POINTER);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(io(&path, &error)),
    };
    let number =
        text.trim_end().strip_prefix(PREFIX).and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| OpenError::Damaged { reason: format!("{} says {text:?}, not gen-N", path.display()) })
}

fn place(dir: &Path, number: u64) -> PathBuf {
    if number == 0 { dir.to_owned() } else { dir.join(format!("{PREFIX}{number}")) }
}

/// Where everything is.
pub(super) fn root(dir: &Path) -> Result<PathBuf, OpenError> {
    let root = place(dir, present(dir)?);
    if root.is_dir() || root == dir {
        return Ok(root);
    }
    Err(OpenError::Damaged { reason: format!("{} is missing, though {POINTER} names it", root.display()) })
}

/// An empty place for the next generation.
pub(super) fn next(dir: &Path) -> Result<PathBuf, OpenError> {
    let next = place(dir, present(dir)? + 1);
    match fs::remove_dir_all(&next) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(&next, &error)),
        _ => Ok(next),
    }
}

/// The next generation is whole, and counts from here on.
pub(super) fn switch(dir: &Path) -> Result<(), OpenError> {
    let next = present(dir)? + 1;
    replace(dir, POINTER, &format!("{PREFIX}{next}")).map_err(|error| io(dir, &error))
}

/// Drops what does not count: former generations, and those that have never come to count. The present one is open.
pub(super) fn clear_others(dir: &Path, root: &Path) {
    let inner = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.strip_prefix(PREFIX).is_some_and(|number| number.parse::<u64>().is_ok()))
    };
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut gone: Vec<_> = entries.filter(|path| inner(path) && path != root).collect();
    if root != dir {
        gone.extend(LEFT.map(|name| dir.join(name)));
    }
    for path in gone {
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "what a former state has left takes room");
        }
    }
}
