//! Whether this node may go on with its actor's log, and whether it may answer at all.
//!
//! A log must have one writer and one history (promise P2). A directory that is opened again may be an older copy of itself,
//! so its log is gone on with only once a majority of the members has been heard and none of them knows more of it. If one
//! does, or too few are heard in time and a client wants to write, a new log is begun instead: that is always safe.
//!
//! A directory that was begun with this start has a log that nobody can know, but it has no data either: before it answers,
//! it catches up with whoever it hears.

use std::time::Duration;

use halcyon_types::VersionVector;

#[derive(Debug)]
pub(crate) enum Standing {
    /// An old directory; too few have been heard to know whether it is the newest.
    Resuming { until: Duration },
    /// A new directory; what the others have shown of theirs is being fetched.
    Joining { until: Duration, target: VersionVector },
    /// A new log is being begun.
    Minting,
    /// Reads and writes are answered.
    Serving,
}

impl Standing {
    /// Whether own records may be made.
    pub(crate) const fn writes(&self) -> bool {
        matches!(self, Self::Serving)
    }

    /// Whether rows may be shown.
    pub(crate) const fn reads(&self) -> bool {
        !matches!(self, Self::Joining { .. })
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Resuming { .. } => "resuming",
            Self::Joining { .. } => "joining",
            Self::Minting => "minting",
            Self::Serving => "serving",
        }
    }
}
