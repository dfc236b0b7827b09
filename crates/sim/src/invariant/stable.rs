//! What a node counts as stable is (P4): whatever comes of a peer from then on follows what that peer was said to have.
//!
//! It is what a log may be truncated by, and what a sweep goes by: were it told too early, a record that is still under way
//! would meet a region that has forgotten what it needs.

use std::collections::BTreeMap;

use halcyon_types::{ActorId, RegionId, VersionVector};
use halcyon_wire::Record;

use super::Invariant;
use crate::world::{Observation, World};

/// How many steps of a region between two looks.
const LOOK_EVERY: u32 = 4;

/// See above.
#[derive(Debug, Default)]
pub(super) struct Stable {
    /// Of which region, and by whom: what is counted as stable, of which log.
    counted: BTreeMap<(RegionId, RegionId), (ActorId, VersionVector)>,
    /// How often each region's process has begun, and up to which of those its disk was another.
    lives: BTreeMap<RegionId, u64>,
    gone: BTreeMap<RegionId, u64>,
    steps: u32,
    judged: u64,
}

impl Stable {
    fn comes(&mut self, at: RegionId, record: &Record) -> Result<(), String> {
        let Some(from) = record.dot.actor.region() else { return Ok(()) };
        let Some((actor, counted)) = self.counted.get(&(from, at)) else { return Ok(()) };
        if *actor != record.dot.actor {
            return Ok(());
        }
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
            Observation::Started { region, .. } => {
                *self.lives.entry(*region).or_default() += 1;
                Ok(())
            }
            Observation::SetBack { region, .. } => {
                self.gone.insert(*region, self.lives.get(region).copied().unwrap_or_default());
                self.counted.retain(|(of, _), _| of != region);
                Ok(())
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
                        // What a peer has acknowledged can be taken back with its actor or its disk, never with a restart of it.
                        // Of another disk nobody knows before it has said something.
                        let gone = self.gone.get(&peer.region).copied().unwrap_or_default();
                        let present = peer.boot.is_some_and(|boot| boot.0.as_u64_pair().1 > gone);
                        if let Some(actor) = peer.actor.filter(|_| present) {
                            self.counted.insert((peer.region, *region), (actor, peer.stable));
                        }
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
    use crate::invariant::exchange::fixture::{actor, record, region, vv};

    #[test]
    fn a_record_that_comes_behind_less_than_was_counted_is_noticed() {
        let mut stable = Stable::default();
        stable.counted.insert((region(2), region(1)), (actor(2), vv(&[(1, 3), (2, 1)])));
        assert_eq!(stable.comes(region(1), &record(2, 2, &[(1, 3)]).0), Ok(()));
        assert!(stable.comes(region(1), &record(2, 3, &[(1, 2)]).0).is_err());
        assert_eq!(stable.comes(region(1), &record(3, 1, &[]).0), Ok(()), "nothing was counted of it");
    }
}
