//! Backups: one region's rows at one moment, in a directory of plain files, and what a data directory is made of again.
//!
//! ```text
//! DIR/part-000001   01 ‖ page*           page = length:u32be ‖ entries, as `halcyon_store::copy` lays them out
//! DIR/part-000002   …
//! DIR/manifest.json what it is of, and of each part its bytes, rows and BLAKE3; written last
//! ```
//!
//! Everything is on disk before the manifest is given its name, so a backup that was cut short has none. Nothing of a backup is
//! believed before its checksum has been compared, and a directory that is being restored has another name until it is whole.

mod error;
mod manifest;
mod part;
mod restore;
mod salvage;
mod write;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use halcyon_store::{Cut, Lost};

pub use error::{BackupError, RestoreError};
pub use manifest::{MANIFEST, Manifest, Part};
pub use restore::{Order, Restored, restore};
pub use salvage::{Salvaged, salvage};
pub use write::Writer;

/// Reads a whole backup and compares it with its manifest. `seen` is told of the rows of each page.
///
/// # Errors
/// [`BackupError`]: what is damaged or missing.
pub fn verify(dir: &Path, mut seen: impl FnMut(u64)) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(dir)?;
    for part in &manifest.parts {
        part::read(dir, part, |_, rows| {
            seen(rows);
            Ok::<_, BackupError>(())
        })?;
    }
    Ok(manifest)
}
