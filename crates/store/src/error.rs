//! What can go wrong, one enum per operation: whose fault, what state is left, what to do.

use std::path::PathBuf;

use halcyon_types::{Dot, RegionId, Seq, UnixMs};
use halcyon_wire::Refusal;

/// A read that failed. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The disk or the operating system said no. It may pass; look at the disk.
    #[error("the disk could not be read: {reason}")]
    Io {
        /// What the backend said.
        reason: String,
    },
    /// Bytes that this version cannot have written there. Nothing is repaired silently: restore from a backup, or move
    /// the data directory away, so that the node begins anew and fetches what its peers have.
    #[error("{what} is damaged: {reason}. Restore a backup, or move the data directory away and fetch from the peers")]
    Damaged {
        /// What was read.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ReadError {
    pub(crate) fn damaged(what: impl Into<String>, reason: &(impl ToString + ?Sized)) -> Self {
        Self::Damaged { what: what.into(), reason: reason.to_string() }
    }
}

/// A batch that was not written for certain: a later start may or may not find it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// There is no room left. Make room, then start again.
    #[error("the disk is full ({reason}): make room on it")]
    Full {
        /// What the backend said.
        reason: String,
    },
    /// Something that was written before, and is needed now, is wrong. As for [`ReadError::Damaged`].
    #[error(
        "the database is damaged ({reason}): restore a backup, or move the data directory away and fetch from the peers"
    )]
    Damaged {
        /// What the backend said.
        reason: String,
    },
    /// The disk or the operating system said no.
    #[error("the disk could not be written ({reason}): see to it")]
    Io {
        /// What the backend said.
        reason: String,
    },
}

/// Why a data directory cannot be opened. Nothing in it has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process; stop that node first, or give this one its own directory", dir.display())]
    InUse {
        /// Which directory.
        dir: PathBuf,
    },
    /// It holds something else.
    #[error("{} is not empty and not a Halcyon data directory; choose an empty or new one", dir.display())]
    NotOurs {
        /// Which directory.
        dir: PathBuf,
    },
    /// It was written by a newer Halcyon.
    #[error("the data has format {found}; this binary reads format {expected}. Use the newer binary that wrote it")]
    Format {
        /// The format found.
        found: u64,
        /// The format this binary reads.
        expected: u64,
    },
    /// It belongs to another cluster.
    #[error("the data belongs to cluster {found:?}, this node to {expected:?}; give the node its own directory")]
    OtherCluster {
        /// The cluster found.
        found: String,
        /// This node's cluster.
        expected: String,
    },
    /// It belongs to another region of this cluster.
    #[error(
        "the data belongs to region {found} ({found_name}), this node is region {expected}; give it its own directory"
    )]
    OtherRegion {
        /// The region found.
        found: RegionId,
        /// That region's name when the data was begun.
        found_name: String,
        /// This node's region.
        expected: RegionId,
    },
    /// Its parts contradict each other, or bytes are wrong. It is never repaired silently.
    #[error(
        "the data is damaged: {reason}. Nothing was changed. Restore a backup, or move the directory away: the node then \
         begins anew and fetches what its peers have (if they have dropped no records, see `halcyon status`); only writes \
         that no peer has are lost"
    )]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// The node's clock cannot be right.
    #[error("the clock says {now:?} ms since 1970, which is outside 2024 to 2109; set the clock, then start again")]
    DeadClock {
        /// What it says.
        now: UnixMs,
    },
    /// There is no room left.
    #[error("the data could not be opened, as the disk is full ({reason}): make room on it, then start again")]
    Full {
        /// What the backend said.
        reason: String,
    },
    /// The disk or the operating system said no.
    #[error("the data could not be opened: {reason}; see to the disk (free space, permissions), then start again")]
    Io {
        /// What it said.
        reason: String,
    },
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io { reason } => Self::Io { reason },
            ReadError::Damaged { what, reason } => Self::Damaged { reason: format!("{what}: {reason}") },
        }
    }
}

impl From<WriteError> for OpenError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full { reason } => Self::Full { reason },
            WriteError::Damaged { reason } => Self::Damaged { reason },
            WriteError::Io { reason } => Self::Io { reason },
        }
    }
}

/// Why the committer will never take anything again. Stop the process: what was staged is unknown until the next start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fatal {
    /// A record was half applied when a row could not be read.
    #[error("a row could not be read while a record was being applied: {0}")]
    HalfApplied(ReadError),
    /// What follows from a group could not be computed: a row could not be read.
    #[error("a row could not be read while a group was being committed: {0}")]
    Underived(ReadError),
    /// A group is on disk, and what it says of the members cannot be read.
    #[error("who is a member could not be read: {0}")]
    Unread(ReadError),
    /// A group was sealed before the one before it had settled: a defect of the caller.
    #[error("defect: a group was to set out before the one before it was on disk; please report it")]
    Unsettled,
    /// An earlier call failed for good.
    #[error("the committer has stopped after an earlier failure; restart the node")]
    Stopped,
}

/// Why a write was not staged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// It left no trace.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Stop the process.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Why a record from elsewhere was not staged. Only [`Self::Fatal`] stops the committer; after any other it is unchanged,
/// and the caller, who should have checked, has a defect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Records before it are missing.
    #[error("record {dot} does not follow seq {have} of its log")]
    Gap {
        /// The record.
        dot: Dot,
        /// The last one applied.
        have: Seq,
    },
    /// Records of other actors that it depends on are missing.
    #[error("record {dot} depends on records that are not applied yet")]
    Early {
        /// The record.
        dot: Dot,
    },
    /// It claims to be of this node's own log, which nobody else writes.
    #[error(
        "record {dot} is of this node's own log but unknown to it: its data is older than what it once told others"
    )]
    Own {
        /// The record.
        dot: Dot,
    },
    /// The record and its bytes are not of the same place.
    #[error("record {dot} came with the bytes of seq {stored}")]
    Mismatch {
        /// The record.
        dot: Dot,
        /// What its bytes are of.
        stored: Seq,
    },
    /// A request id could not be looked up. Nothing has changed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Stop the process.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

/// Why a group was not committed. Final: whether a later start finds the group is unknown, and no call succeeds any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The batch or its sync failed.
    #[error("{0}, then restart the node. Whether the last group is there shows then")]
    Write(#[from] WriteError),
    /// An earlier call failed for good.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}
