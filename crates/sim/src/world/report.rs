//! What came of a run.

use std::collections::BTreeMap;
use std::time::Duration;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The first thing that went wrong.
    pub failure: Option<Failure>,
    /// BLAKE3 of every event: equal for two runs of one program.
    pub trace: blake3::Hash,
    /// What the run went through.
    pub figures: Figures,
}

/// Something that must not happen, and did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{promise} {invariant}, at {:.6} s: {message}", at.as_secs_f64())]
pub struct Failure {
    /// Which invariant.
    pub invariant: &'static str,
    /// Of which promise.
    pub promise: &'static str,
    /// When.
    pub at: Duration,
    /// In words.
    pub message: String,
}

/// What a run went through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Counts, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// How often each invariant had something to judge.
    pub judged: BTreeMap<&'static str, u64>,
    /// Virtual time.
    pub lived: Duration,
    /// From the heal until all agreed.
    pub converged_in: Duration,
}

impl Figures {
    /// Counts one more.
    pub(super) fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    /// Counts so many more.
    pub(super) fn add(&mut self, what: &'static str, more: u64) {
        *self.counts.entry(what).or_default() += more;
    }
}
