//! What a node counts as stable is (P4): whatever comes of a peer from then on follows what that peer was said to have.
//!
//! It is what a log may be truncated by, and what a sweep goes by: were it told too early, a record that is still under way
//! would meet a region that has forgotten what it needs.

use std::collections::BTreeMap;

use halcyon_types::{RegionId, VersionVector};
use halcyon_wire::Record;

use super::Invariant;
use crate::world::{Observation, World};

/// How many steps of a region between two looks.
const LOOK_EVERY: u32 = 4;

/// See above.
#[derive(Debug, Default)]
pub(super) struct Stable {
    /// Of which region, and by whom: what is counted as stable.
    counted: BTreeMap<(RegionId, RegionId), VersionVector>,
    steps: u32,
    judged: u64,
}

impl Stable {
    fn comes(&mut self, at: RegionId, record: &Record) -> Result<(), String> {
        let Some(from) = record.dot.actor.region() else { return Ok(()) };
        let Some(counted) = self.counted.get(&(from, at)) else { return Ok(()) };
        self.judged += 1;
        if counted.le(&record.deps) {
            return Ok(());
        }
        let (dot, deps) = (record.dot, &record.deps);
        Err(format!("region {at} counts {counted:?} as stable at region {from}, and then takes {dot}, behind {deps:?}"))
    }
}

impl Invariant for Stable {
    fn name(&self) -> &'static str {
        "what_counts_as_stable_is"
    }

    fn promise(&self) -> &'static str {
        "P4"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Applied { region, records, .. } => {
                records.iter().try_for_each(|(record, _)| self.comes(*region, record))
            }
            Observation::Crashed { region } => {
                self.counted.retain(|(_, by), _| by != region);
                Ok(())
            }
            Observation::Stepped { region } => {
                self.steps = (self.steps + 1) % LOOK_EVERY;
                if self.steps == 0
                    && let (Some(node), Some(now)) = (world.node(*region), world.clocks(*region))
                {
                    for peer in node.replica().status(now).peers {
                        // What a peer has acknowledged can be taken back with its actor, never with a restart of it.
                        self.counted.insert((peer.region, *region), peer.stable);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::{record, region, vv};

    #[test]
    fn a_record_that_comes_behind_less_than_was_counted_is_noticed() {
        let mut stable = Stable::default();
        stable.counted.insert((region(2), region(1)), vv(&[(1, 3), (2, 1)]));
        assert_eq!(stable.comes(region(1), &record(2, 2, &[(1, 3)]).0), Ok(()));
        assert!(stable.comes(region(1), &record(2, 3, &[(1, 2)]).0).is_err());
        assert_eq!(stable.comes(region(1), &record(3, 1, &[]).0), Ok(()), "nothing was counted of it");
    }
}
