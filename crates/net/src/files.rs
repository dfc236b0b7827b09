//! The directory of certificates, file by file.
//!
//! A key is created for its owner alone and never written over, and one that others can read is not used: whoever has
//! read it can be that region.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The authority's certificate.
pub(crate) const CA_CERTIFICATE: &str = "ca.pem";
/// The authority's key; only the machine that issues certificates needs it.
pub(crate) const CA_KEY: &str = "ca.key";

/// A PEM file is a few KiB; whatever is larger is something else.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Certificates.
    Everyone,
    /// Keys.
    Owner,
}

/// Creates a file, synced; fails with `AlreadyExists` rather than write over one.
pub(crate) fn create(path: &Path, contents: &str, access: Access) -> io::Result<()> {
    let mode = match access {
        Access::Everyone => 0o644,
        Access::Owner => 0o600,
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(contents.as_bytes())?;
    file.sync_all()
}

/// A file's bytes and its mode, of the very file that was opened.
pub(crate) fn read(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.mode();
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok((bytes, mode))
}

/// Whether a file of this mode can be read or changed by anyone but its owner.
pub(crate) fn is_shared(mode: u32) -> bool {
    mode & 0o077 != 0
}
