//! How much of each kind a run must have brought: a blow that never struck proves nothing.

use std::fmt;

use crate::tally::Tally;

/// A run that goes by the clock must bring one of each kind in so many cycles; the dice bring three or more.
const CYCLES_PER_BLOW: u64 = 20;

/// So many of each, or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Floors {
    /// Moments at which nodes were killed.
    pub(crate) kills: u64,
    /// Moments at which nodes lost their power.
    pub(crate) power_cuts: u64,
    /// Nodes that stopped because a sync failed.
    pub(crate) sync_failures: u64,
    /// Unsynced tails left in disorder.
    pub(crate) garbled: u64,
}

impl Floors {
    /// Of a run that has had so many cycles, however many that was to be.
    pub(crate) const fn of_cycles(cycles: u64) -> Self {
        let each = 1 + cycles / CYCLES_PER_BLOW;
        Self { kills: each, power_cuts: each, sync_failures: each, garbled: each }
    }

    /// What is still missing.
    pub(crate) const fn left(&self, so_far: &Tally) -> Self {
        Self {
            kills: self.kills.saturating_sub(so_far.kills),
            power_cuts: self.power_cuts.saturating_sub(so_far.power_cuts),
            sync_failures: self.sync_failures.saturating_sub(so_far.sync_failures),
            garbled: self.garbled.saturating_sub(so_far.garbled),
        }
    }

    /// Whether that is nothing.
    pub(crate) const fn are_none(&self) -> bool {
        self.kills == 0 && self.power_cuts == 0 && self.sync_failures == 0 && self.garbled == 0
    }

    /// Cycles by which all of it has come, unless something keeps it from coming: a cycle brings one of each, or nearly.
    pub(crate) const fn cycles_max(&self) -> u64 {
        10 + 2 * (self.kills + self.power_cuts + self.sync_failures + self.garbled)
    }
}

impl fmt::Display for Floors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, power_cuts, sync_failures, garbled } = self;
        write!(f, "{kills} kills, {power_cuts} power cuts, {sync_failures} sync failures, {garbled} garbled tails")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_one_kind_of_blow_lacks_something_however_much_it_had_of_the_others() {
        let all = Tally { kills: 50, power_cuts: 50, sync_failures: 50, garbled: 50, ..Tally::default() };
        let floors = Floors::of_cycles(700);
        assert!(floors.left(&all).are_none());
        let lacking = [
            Tally { kills: 0, ..all.clone() },
            Tally { power_cuts: 0, ..all.clone() },
            Tally { sync_failures: 0, ..all.clone() },
            Tally { garbled: 0, ..all.clone() },
        ];
        for tally in lacking {
            assert!(!floors.left(&tally).are_none(), "{tally:?}");
            assert!(!Floors::of_cycles(0).left(&tally).are_none(), "{tally:?} of the shortest run");
        }
    }
}
