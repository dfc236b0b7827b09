//! Whether this node may go on with its actor's log, and whether it may answer at all.
//!
//! A log must have one writer and one history (promise P2). A directory that is opened again may be an older copy of itself,
//! so its log is gone on with only once a majority of the members has been heard and none of them knows more of it. If one
//! does, or too few are heard in time and a client wants to write, a new log is begun instead: that is always safe.
//!
//! A directory whose log has not begun is new, or has been restored from a backup, or has only ever been read: before it
//! answers, it catches up with whoever it hears.

use std::time::Duration;

use halcyon_types::VersionVector;

#[derive(Debug)]
pub(crate) enum Standing {
    /// An old directory; too few have been heard to know whether it is the newest.
    Resuming { until: Duration },
    /// A log that has not begun, and no end of time is waited for while others do not admit this region; what the others have shown of theirs is being fetched. `had` is what was here at the start.
    Joining { until: Duration, target: VersionVector, had: VersionVector },
    /// A new log is being begun.
    Minting,
    /// Reads and writes are answered.
    Serving,
    /// This region was retired: reads are answered still, from what is here, and nothing else.
    Retired,
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

    /// Whether requests are answered at once: who has waited in vain to resume needs only be asked to write.
    pub(crate) fn answers(&self, now: Duration) -> bool {
        match self {
            Self::Serving => true,
            Self::Resuming { until } => *until <= now,
            Self::Joining { .. } | Self::Minting | Self::Retired => false,
        }
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Resuming { .. } => "resuming",
            Self::Joining { .. } => "joining",
            Self::Minting => "minting",
            Self::Serving => "serving",
            Self::Retired => "retired",
        }
    }
}
