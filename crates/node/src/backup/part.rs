//! The files that hold the rows.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use halcyon_store::copy;
use halcyon_types::limits::FRAME_BYTES_MAX;

use super::error::BackupError;
use super::manifest::Part;

/// The version byte.
const VERSION: u8 = 1;

/// The name of a part, from 0.
pub(super) fn name(number: usize) -> String {
    format!("part-{:06}", number + 1)
}

/// A part that is being written.
pub(super) struct Open {
    path: PathBuf,
    file: BufWriter<File>,
    hash: blake3::Hasher,
    part: Part,
}

impl Open {
    pub(super) fn begin(dir: &Path, number: usize) -> Result<Self, BackupError> {
        let name = name(number);
        let path = dir.join(&name);
        // Backups hold all that anybody has written, and are not encrypted.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = BufWriter::new(file.map_err(BackupError::io(&path))?);
        let part = Part { name, bytes: 0, rows: 0, blake3: String::new() };
        let mut open = Self { path, file, hash: blake3::Hasher::new(), part };
        open.put(&[VERSION])?;
        Ok(open)
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.part.bytes
    }

    pub(super) fn page(&mut self, entries: &[u8], rows: u64) -> Result<(), BackupError> {
        self.put(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes())?;
        self.put(entries)?;
        self.part.rows += rows;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.hash.update(bytes);
        self.part.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(BackupError::io(&self.path))
    }

    /// On disk, whatever happens.
    pub(super) fn finish(mut self) -> Result<Part, BackupError> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(BackupError::io(&self.path))?;
        self.part.blake3 = self.hash.finalize().to_hex().to_string();
        Ok(self.part)
    }
}

/// Reads a part, page by page, and compares it with what the manifest says. What `visit` has seen is to be relied on only if
/// this returns without an error.
pub(super) fn read<E: From<BackupError>>(
    dir: &Path,
    part: &Part,
    mut visit: impl FnMut(&[u8], u64) -> Result<(), E>,
) -> Result<(), E> {
    let path = dir.join(&part.name);
    let damaged = |reason: String| BackupError::damaged(&path, reason);
    let file = File::open(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => damaged("it is missing".to_owned()),
        _ => BackupError::io(&path)(error),
    })?;
    let found = file.metadata().map_err(BackupError::io(&path))?.len();
    if found != part.bytes {
        return Err(damaged(format!("it has {found} bytes, and had {}", part.bytes)).into());
    }
    let mut pages = Pages { file: BufReader::new(file), hash: blake3::Hasher::new(), left: found, path: &path };
    if pages.take(1)? != [VERSION] {
        return Err(damaged("it is of another version".to_owned()).into());
    }
    let mut rows = 0;
    while pages.left > 0 {
        let length = pages.take(4)?;
        let length = length.first_chunk().map_or(usize::MAX, |length| u32::from_be_bytes(*length) as usize);
        let entries = pages.take(length)?;
        let count = copy::count(&entries).ok_or_else(|| damaged("a row in it is cut short".to_owned()))?;
        rows += count;
        visit(&entries, count)?;
    }
    if pages.hash.finalize().to_hex().as_str() != part.blake3 {
        return Err(damaged("its checksum is another".to_owned()).into());
    }
    if rows != part.rows {
        return Err(damaged(format!("it has {rows} rows, and had {}", part.rows)).into());
    }
    Ok(())
}

struct Pages<'a> {
    file: BufReader<File>,
    hash: blake3::Hasher,
    left: u64,
    path: &'a Path,
}

impl Pages<'_> {
    /// The next bytes; a length that cannot be is not believed.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, BackupError> {
        let fits = u64::try_from(length).is_ok_and(|length| length <= self.left) && length <= FRAME_BYTES_MAX;
        if !fits {
            return Err(BackupError::damaged(self.path, "a page in it is cut short"));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes).map_err(BackupError::io(self.path))?;
        self.hash.update(&bytes);
        self.left -= length as u64;
        Ok(bytes)
    }
}
