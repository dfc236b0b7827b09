//! A log is truncated only by what every region has on its disk (P6): nobody is left who lacks a record that is gone.

use std::collections::BTreeMap;

use halcyon_types::{RegionId, VersionVector};

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Truncated {
    /// What each region has on its disk, at least.
    durable: BTreeMap<RegionId, VersionVector>,
    /// The floors that were found good.
    floors: BTreeMap<RegionId, VersionVector>,
    judged: u64,
}

impl Truncated {
    fn stands(&mut self, region: RegionId, floors: &VersionVector, regions: &[RegionId]) -> Result<(), String> {
        if self.floors.get(&region).is_some_and(|seen| seen == floors) || floors.is_empty() {
            return Ok(());
        }
        self.judged += 1;
        let lacks = |other: &&RegionId| !self.durable.get(other).is_some_and(|durable| floors.le(durable));
        if let Some(other) = regions.iter().find(lacks) {
            let durable = self.durable.get(other);
            return Err(format!("region {region} dropped its logs up to {floors:?}; region {other} has {durable:?}"));
        }
        self.floors.insert(region, floors.clone());
        Ok(())
    }
}

impl Invariant for Truncated {
    fn name(&self) -> &'static str {
        "only_what_every_region_has_is_truncated"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Applied { region, vv, .. } => {
                self.durable.entry(*region).or_default().join(vv);
                Ok(())
            }
            Observation::Started { region, recovered } => {
                self.durable.entry(*region).or_default().join(&recovered.vv);
                Ok(())
            }
            Observation::Stepped { region } => {
                let Some(node) = world.node(*region) else { return Ok(()) };
                let regions: Vec<_> = world.regions().collect();
                self.stands(*region, node.replica().floors(), &regions)
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
    use crate::invariant::exchange::fixture::{region, vv};

    #[test]
    fn a_log_dropped_before_somebody_has_it_is_noticed() {
        let (mut truncated, regions) = (Truncated::default(), [region(1), region(2)]);
        truncated.durable.insert(region(1), vv(&[(1, 5)]));
        truncated.durable.insert(region(2), vv(&[(1, 3)]));
        assert_eq!(truncated.stands(region(1), &vv(&[]), &regions), Ok(()));
        assert_eq!(truncated.stands(region(1), &vv(&[(1, 3)]), &regions), Ok(()));
        assert!(truncated.stands(region(1), &vv(&[(1, 4)]), &regions).is_err());
        assert_eq!(truncated.judged(), 2);
    }
}
