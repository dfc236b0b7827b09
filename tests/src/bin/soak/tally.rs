//! What has happened so far.

use std::fmt;
use std::time::Duration;

/// Sums over cycles.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Moments at which nodes were killed.
    pub(crate) kills: u64,
    /// Moments at which nodes lost their power.
    pub(crate) power_cuts: u64,
    /// Syncs that failed, and were noticed.
    pub(crate) sync_failures: u64,
    /// Nodes struck, by whatever.
    pub(crate) nodes: u64,
    /// Blows to a node that was starting up.
    pub(crate) early: u64,
    /// Unsynced tails left in disorder.
    pub(crate) garbled: u64,
    /// Writes acked.
    pub(crate) acked: u64,
    /// Writes whose outcome was unknown for a while.
    pub(crate) unknown: u64,
    /// Acked writes that were not there.
    pub(crate) lost: u64,
    /// From the start of a process to the moment it serves.
    pub(crate) longest_restart: Duration,
}

impl Tally {
    /// Adds what one cycle brought.
    pub(crate) fn add(&mut self, more: &Self) {
        self.kills += more.kills;
        self.power_cuts += more.power_cuts;
        self.sync_failures += more.sync_failures;
        self.nodes += more.nodes;
        self.early += more.early;
        self.garbled += more.garbled;
        self.acked += more.acked;
        self.unknown += more.unknown;
        self.lost += more.lost;
        self.longest_restart = self.longest_restart.max(more.longest_restart);
    }

    /// What the closing line has no room for.
    pub(crate) fn details(&self) -> String {
        let Self { sync_failures, nodes, early, garbled, unknown, longest_restart, .. } = self;
        format!(
            "soak: {nodes} nodes struck, {early} blows while starting up, {sync_failures} sync failures, {garbled} garbled \
             tails, {unknown} outcomes unknown for a while, longest restart {:.1} s",
            longest_restart.as_secs_f64()
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, power_cuts, acked, lost, .. } = self;
        write!(f, "soak: {kills} kills, {power_cuts} power cuts, {acked} acked, {lost} lost")
    }
}
