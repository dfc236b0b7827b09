//! A group that has been staged whole: what is to be written, and what may be told once it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use halcyon_types::mutant::{Mutant, planted};

use crate::backend::{Backend, Durability};
use crate::error::{CommitError, Fatal};
use crate::facts;
use crate::outcome::Committed;

/// Whether something has failed for good: known to the committer, and to the group that is on its way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stopped(Arc<AtomicBool>);

impl Stopped {
    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A group on its way to the disk. Whoever writes it tells the committer ([`crate::Committer::settle`]).
#[must_use = "what was staged is not on disk before it is written"]
pub struct Sealed<B: Backend> {
    pub(crate) backend: B,
    /// None if there is nothing to write.
    pub(crate) batch: Option<B::Batch>,
    /// Whether it changes who is a member.
    pub(crate) facts: bool,
    pub(crate) committed: Committed,
    pub(crate) stopped: Stopped,
}

impl<B: Backend> Sealed<B> {
    /// Whether there is anything to write.
    pub const fn writes(&self) -> bool {
        self.batch.is_some()
    }

    /// Makes the group durable, with one synced write; none if there is nothing to write. What it answers may be told.
    ///
    /// # Errors
    /// [`CommitError`]: final. Whether the group survives is unknown; the process must stop.
    pub fn write(mut self) -> Result<Committed, CommitError> {
        if let Some(batch) = self.batch {
            let told_early = planted(Mutant::AckBeforeSync) || planted(Mutant::ShipBeforeSync);
            let unsynced = told_early || planted(Mutant::NeverSynced);
            let written = self.backend.write(batch, if unsynced { Durability::Unsynced } else { Durability::Synced });
            if written.is_err() {
                self.stopped.stop();
            }
            written?;
        }
        if self.facts {
            let read = facts::read(&self.backend);
            if read.is_err() {
                self.stopped.stop();
            }
            self.committed.facts = Some(read.map_err(Fatal::Unread)?);
        }
        Ok(self.committed)
    }
}

impl<B: Backend> std::fmt::Debug for Sealed<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").field("vv", &self.committed.vv).finish_non_exhaustive()
    }
}
