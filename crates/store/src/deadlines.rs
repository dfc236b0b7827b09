//! Whether any key has a deadline: where none has, nobody needs to look for one.
//!
//! Every read and every write asks first whether its key has ended, and hardly any key ever does. What says so is raised
//! before the batch that brings the first deadline, and never lowered while the process lives: whoever sees that batch sees
//! this too, if he looks at the rows first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use halcyon_crdt::{Kind, RowKey};

/// Shared by the committer and its readers.
#[derive(Debug, Clone)]
pub(crate) struct Deadlines(Arc<AtomicBool>);

impl Deadlines {
    /// As the database says.
    pub(crate) fn new(any: bool) -> Self {
        Self(Arc::new(AtomicBool::new(any)))
    }

    /// There will be one.
    pub(crate) fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether there may be one.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Whether the row at `key` would say when a key ends, and there is none that does.
    pub(crate) fn rule_out(&self, key: &RowKey) -> bool {
        is_deadline(key) && !self.any()
    }
}

/// Whether the row at `key` says when a key ends.
pub(crate) fn is_deadline(key: &RowKey) -> bool {
    // An actor's number may end with the same byte.
    key.as_bytes().last() == Some(&Kind::Deadline.byte()) && key.kind() == Ok(Kind::Deadline)
}
