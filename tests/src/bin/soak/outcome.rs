//! What one cycle has brought, and its line.

use std::sync::{Arc, Mutex, PoisonError};

use halcyon_tests::power::Cut;
use tokio::time::Instant;

use crate::audit::Failure;
use crate::ledger::Ledger;
use crate::plan::{Blow, Plan};
use crate::tally::Tally;

/// What happened, in order; kept outside of the cycle, so that it can be told even of one that panicked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    /// Adds to it.
    pub(crate) fn tell(&self, event: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    /// All of it.
    pub(crate) fn events(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A cycle that is over.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What it adds up to.
    pub(crate) tally: Tally,
    /// Whether all is well.
    pub(crate) verdict: Result<(), Failure>,
    regions: usize,
    what: String,
    began: Instant,
    took: f64,
}

impl Outcome {
    /// Of a cycle that begins.
    pub(crate) fn new(regions: usize, plan: &Plan) -> Self {
        let what = match (plan.fresh, &plan.sync_failure) {
            (true, _) => "new disk, ".to_owned(),
            (_, Some((at, ..))) => format!("sync {at} fails, "),
            _ => String::new(),
        };
        let (tally, began) = (Tally::default(), Instant::now());
        Self { tally, verdict: Ok(()), regions, what, began, took: 0.0 }
    }

    /// Nodes were struck.
    pub(crate) fn struck(&mut self, blow: Blow, nodes: usize) {
        if nodes == 0 {
            return;
        }
        match blow {
            Blow::Kill => self.tally.kills += 1,
            Blow::PowerCut(_) => self.tally.power_cuts += 1,
        }
        self.tally.nodes += nodes as u64;
    }

    /// A disk was cut.
    pub(crate) fn cut(&mut self, cut: &Cut) {
        self.tally.garbled += cut.garbled;
    }

    /// The writers have settled.
    pub(crate) fn count(&mut self, ledger: &Ledger) {
        self.tally.acked += ledger.acked();
        self.tally.unknown += ledger.now().iter().flatten().map(|account| account.unknown).sum::<u64>();
    }

    /// The cycle is over.
    pub(crate) fn close(&mut self, verdict: Result<(), Failure>) {
        self.tally.lost = verdict.as_ref().err().map_or(0, |failure| failure.lost);
        self.verdict = verdict;
        self.took = self.began.elapsed().as_secs_f64();
    }

    /// For a reader who watches.
    pub(crate) fn line(&self) -> String {
        let Tally { kills, power_cuts, nodes, garbled, acked, lost, longest_restart, .. } = &self.tally;
        let (who, what) = (if self.regions == 1 { "alone" } else { "three" }, &self.what);
        let up = longest_restart.as_secs_f64();
        format!(
            "{who}  {what}{kills} kills, {power_cuts} cuts of {nodes} nodes, {garbled} garbled; up in {up:.1} s; \
             {acked} acked, {lost} lost; {:.1} s",
            self.took
        )
    }
}
