//! Writing a backup: parts as pages come, then the manifest.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use halcyon_store::copy;

use super::error::BackupError;
use super::manifest::{MANIFEST, Manifest};
use super::part::Open;

/// Bytes past which a part ends: a file that is easily copied, and whose damage is told apart from others'.
const PART_BYTES: u64 = 64 * 1024 * 1024;

/// A backup that is being written. Dropped before its end, it stays without a manifest, and is none.
pub struct Writer {
    dir: PathBuf,
    manifest: Manifest,
    open: Option<Open>,
    part_bytes: u64,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Writer {
    /// Begins a backup in a new or empty directory, which is readable by its owner only if it is new. `manifest` says what it
    /// is of, and has no parts yet.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn begin(dir: &Path, manifest: Manifest) -> Result<Self, BackupError> {
        let io = BackupError::io;
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io(dir))?;
        if fs::read_dir(dir).map_err(io(dir))?.next().is_some() {
            return Err(BackupError::NotEmpty { dir: dir.to_owned() });
        }
        sync_above(dir).map_err(io(dir))?;
        Ok(Self { dir: dir.to_owned(), manifest, open: None, part_bytes: PART_BYTES })
    }

    #[cfg(test)]
    pub(super) const fn parts_of(mut self, bytes: u64) -> Self {
        self.part_bytes = bytes;
        self
    }

    /// Takes the next page of the copy.
    ///
    /// # Errors
    /// [`BackupError`]; the backup will not be finished.
    pub fn page(&mut self, entries: &[u8]) -> Result<(), BackupError> {
        let rows = copy::count(entries).ok_or(BackupError::Page)?;
        if self.open.as_ref().is_some_and(|open| open.bytes() + entries.len() as u64 > self.part_bytes) {
            self.close()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::begin(&self.dir, self.manifest.parts.len())?),
        };
        open.page(entries, rows)
    }

    /// All pages have come: everything is synced, and then the manifest is written.
    ///
    /// # Errors
    /// [`BackupError`]; there is no manifest.
    pub fn finish(mut self) -> Result<Manifest, BackupError> {
        self.close()?;
        let (file, unfinished) = (self.dir.join(MANIFEST), self.dir.join(format!("{MANIFEST}.new")));
        let written = || {
            File::open(&self.dir)?.sync_all()?;
            let mut text = File::create(&unfinished)?;
            text.write_all(&self.manifest.encode())?;
            text.sync_all()?;
            fs::rename(&unfinished, &file)?;
            File::open(&self.dir)?.sync_all()
        };
        written().map_err(BackupError::io(&file))?;
        Ok(self.manifest)
    }

    fn close(&mut self) -> Result<(), BackupError> {
        if let Some(open) = self.open.take() {
            self.manifest.parts.push(open.finish()?);
        }
        Ok(())
    }
}

/// Makes sure that a power cut leaves a directory's own entry: all above it that can be opened are synced.
pub(super) fn sync_above(dir: &Path) -> io::Result<()> {
    let above = dir.ancestors().skip(1).map(|above| if above.as_os_str().is_empty() { Path::new(".") } else { above });
    above.map_while(|above| File::open(above).ok()).try_for_each(|above| above.sync_all())
}
