//! Taking a copy of a peer's state in the place of this node's own: records that it lacks have been dropped everywhere.

use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_types::limits::COPY_WINDOW_MAX;
use halcyon_wire::CopyId;

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fetching {
    pub(crate) from: RegionId,
    pub(crate) copy: CopyId,
    /// Pages received, all of them handed on.
    pub(crate) received: u64,
    /// And stored.
    pub(crate) stored: u64,
    /// Pages asked for.
    asked: u64,
    /// The last page has been received.
    pub(crate) whole: bool,
    /// When something last came.
    pub(crate) progress: Duration,
    /// An operator wants this one, and no other in its place.
    pub(crate) wanted: bool,
}

#[derive(Debug, Default)]
pub(crate) enum Rebuild {
    /// There is no need.
    #[default]
    Idle,
    Fetching(Fetching),
    /// The copy is whole: the node is about to begin anew from it.
    Switching,
}

impl Fetching {
    pub(crate) const fn new(from: RegionId, copy: CopyId, now: Duration, wanted: bool) -> Self {
        Self { from, copy, received: 0, stored: 0, asked: 0, whole: false, progress: now, wanted }
    }

    /// The pages to ask for now: so many are under way, or here and not stored.
    pub(crate) fn ask(&mut self) -> std::ops::Range<u64> {
        let upto = if self.whole { self.asked } else { self.stored + COPY_WINDOW_MAX as u64 };
        let first = self.asked;
        self.asked = first.max(upto);
        first..self.asked
    }

    /// What was asked for and has not come is lost.
    pub(crate) const fn lost(&mut self) {
        self.asked = self.received;
    }
}
