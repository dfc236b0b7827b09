//! What can go wrong with a backup: what is left, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use halcyon_store::OpenError;
use halcyon_store::copy::{FillError, RebuildError};
use halcyon_types::{ClusterName, RegionName};

/// Why a backup was not written, or is none.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A new backup begins with nothing. Nothing was changed.
    #[error("{} is not empty; give a new or an empty directory for the backup", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// It was cut short, or never was one. It holds nothing that can be relied on.
    #[error(
        "{} has no manifest.json: the backup was cut short, or this is none. Nothing can be restored from it; use another \
         backup, or take a new one into a new directory", dir.display()
    )]
    Unfinished {
        /// The directory.
        dir: PathBuf,
    },
    /// A newer Halcyon wrote it.
    #[error("{} has format {found}; this binary reads format {expected}. Use the newer binary that wrote it", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The format found.
        found: u64,
        /// The format this binary reads.
        expected: u64,
    },
    /// What is there is not what was written.
    #[error("{} is damaged: {reason}. Nothing of this backup can be relied on; use another one", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The region sent what is no page of a copy.
    #[error(
        "the region sent a page of a copy that is none: a defect, please report it. The backup is not finished; delete it"
    )]
    Page,
    /// The disk or the system said no. A backup that was being written is not finished.
    #[error("{}: {source}; see to the disk (free space, permissions), then begin again with a new directory", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BackupError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }

    pub(super) fn damaged(file: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), reason: reason.into() }
    }
}

/// Why a data directory was not restored. None was made.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The backup cannot be used.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The backup is of another cluster.
    #[error(
        "the backup is of cluster {found}, and regions.toml describes {expected}; give the backup or the file of the same cluster"
    )]
    OtherCluster {
        /// The backup's.
        found: ClusterName,
        /// The file's.
        expected: ClusterName,
    },
    /// The region is not in `regions.toml`.
    #[error("{region} is not a region of this cluster; use one of: {known}")]
    UnknownRegion {
        /// What was asked for.
        region: RegionName,
        /// What there is.
        known: String,
    },
    /// A restored directory begins with nothing: what is there may be worth more than the backup.
    #[error("{} is not a new or empty directory; move it away first (keep it: it may hold writes that the backup lacks)", data.display())]
    NotEmpty {
        /// The directory.
        data: PathBuf,
    },
    /// An earlier restore was cut short.
    #[error("{} is there: a restore was cut short, and what it left is of no use. Delete it, then restore again", dir.display())]
    Leftover {
        /// The directory.
        dir: PathBuf,
    },
    /// A new log is named by the time at which it begins: with a clock behind the backup it could be given an old name.
    #[error(
        "this machine's clock is {behind_s} s behind the time at which the backup was taken; set the clock, then restore again"
    )]
    ClockBehind {
        /// By how much.
        behind_s: u64,
    },
    /// What the backup holds makes no database, though no checksum is wrong: a defect.
    #[error("the backup cannot be taken in: {0}. Use another one, and report this one")]
    Fill(#[from] FillError),
    /// What is to be salvaged cannot be read to its end.
    #[error(
        "what is whole of the directory cannot be taken over: {0}. Restore a backup, or start the node with a new directory: it \
         fetches what the other regions have"
    )]
    Salvage(#[from] RebuildError),
    /// What was made cannot be opened, or cannot be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The backup holds something else than its manifest says, though no checksum is wrong: a defect.
    #[error("the backup does not hold what its manifest says ({what}); use another one, and report this one")]
    Otherwise {
        /// What is different.
        what: String,
    },
    /// The system said no.
    #[error("{}: {source}; see to the disk (free space, permissions), then restore again", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl RestoreError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}
