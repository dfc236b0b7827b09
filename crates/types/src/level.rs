//! Feature levels: how a cluster is upgraded one node after the other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a build can read: the records, rows and messages of its own level and of every level below.
///
/// Raised by one by whatever adds an effect, a kind of row or a peer message that an earlier build cannot read. Nodes tell
/// each other theirs when they meet, and the cluster's is the lowest of its members': what needs a higher one waits until the
/// last node is upgraded. A node that meets a record from above its level stops that log, says so, serves on, and goes on
/// with it after its own upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub u16);

impl Level {
    /// The first.
    pub const FIRST: Self = Self(1);
    /// This build's.
    pub const PRESENT: Self = Self::FIRST;
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
