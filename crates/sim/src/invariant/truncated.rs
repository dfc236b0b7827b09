//! A log is truncated only by what every region has on its disk, or by what is older than the retention and most regions have
//! (P6): whoever lacks a record that is gone can get what it did from any majority; and while somebody takes a copy, what comes
//! behind that stays. A region that has had a record on its disk counts even if that disk has been put back since: nobody else
//! can know.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_types::{Dot, RegionId, UnixMs, VersionVector};

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Truncated {
    /// What each region has on its disk, at least.
    durable: BTreeMap<RegionId, VersionVector>,
    /// When each record was made, by its stamp.
    made: BTreeMap<Dot, UnixMs>,
    /// The latest that each region's clock has shown: it may have been set back since it was looked at.
    latest: BTreeMap<RegionId, UnixMs>,
    /// The floors that were found good.
    floors: BTreeMap<RegionId, VersionVector>,
    judged: u64,
}

impl Truncated {
    fn stands(
        &mut self,
        region: RegionId,
        floors: &VersionVector,
        retention: Duration,
        regions: &[RegionId],
    ) -> Result<(), String> {
        if self.floors.get(&region).is_some_and(|seen| seen == floors) || floors.is_empty() {
            return Ok(());
        }
        self.judged += 1;
        let good = self.floors.entry(region).or_default().clone();
        for (actor, seq) in floors.iter().filter(|(actor, seq)| *seq > good.get(*actor)) {
            let last = Dot { actor, seq };
            let has = |other: &&RegionId| self.durable.get(other).is_some_and(|durable| durable.covers(last));
            let have = regions.iter().filter(has).count();
            // Stamps rise along a log: the last that was dropped is the youngest.
            if have == regions.len() || (have * 2 > regions.len() && self.is_old(region, last, retention)) {
                continue;
            }
            let of = regions.len();
            return Err(format!("region {region} dropped the log up to {last}, which {have} of {of} regions have"));
        }
        self.floors.entry(region).or_default().join(floors);
        Ok(())
    }

    fn is_old(&self, at: RegionId, dot: Dot, retention: Duration) -> bool {
        let (Some(made), Some(now)) = (self.made.get(&dot), self.latest.get(&at)) else { return false };
        *made < now.minus(retention)
    }
}

/// Whoever takes a copy goes on from the records behind it.
fn kept_for(region: RegionId, peer: RegionId, floors: &VersionVector, copy: &VersionVector) -> Result<(), String> {
    if floors.le(copy) {
        return Ok(());
    }
    Err(format!("region {region} dropped its logs up to {floors:?}; region {peer} takes a copy of {copy:?}"))
}

impl Invariant for Truncated {
    fn name(&self) -> &'static str {
        "only_what_all_or_the_old_that_most_have_is_truncated"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Applied { region, vv, records } => {
                self.durable.entry(*region).or_default().join(vv);
                self.made.extend(records.iter().map(|(record, _)| (record.dot, record.hlc.wall())));
                Ok(())
            }
            Observation::Started { region, recovered } => {
                self.durable.entry(*region).or_default().join(&recovered.vv);
                Ok(())
            }
            // Its logs begin behind the copy.
            Observation::Replaced { region, recovered } => {
                self.floors.entry(*region).or_default().join(&recovered.floors);
                Ok(())
            }
            Observation::Stepped { region } => {
                let (Some(node), Some(now)) = (world.node(*region), world.clocks(*region)) else { return Ok(()) };
                let latest = self.latest.entry(*region).or_default();
                *latest = now.wall.max(*latest);
                let regions: Vec<_> = world.regions().collect();
                let floors = node.replica().floors();
                self.stands(*region, floors, world.retention(*region), &regions)?;
                node.copies().try_for_each(|(peer, copy)| kept_for(*region, peer, floors, copy))
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
    use crate::invariant::exchange::fixture::{dot, hlc, region, vv};

    #[test]
    fn a_log_dropped_before_somebody_has_it_is_noticed() {
        let (mut truncated, regions) = (Truncated::default(), [region(1), region(2)]);
        truncated.durable.insert(region(1), vv(&[(1, 5)]));
        truncated.durable.insert(region(2), vv(&[(1, 3)]));
        let mut stands = |floors: &[(u64, u64)]| truncated.stands(region(1), &vv(floors), Duration::ZERO, &regions);
        assert_eq!(stands(&[]), Ok(()));
        assert_eq!(stands(&[(1, 3)]), Ok(()));
        assert!(stands(&[(1, 4)]).is_err());
        assert_eq!(truncated.judged(), 2);
    }

    #[test]
    fn a_log_dropped_under_whoever_takes_a_copy_is_noticed() {
        let kept = |floors: &[(u64, u64)]| kept_for(region(1), region(2), &vv(floors), &vv(&[(1, 5)]));
        assert_eq!(kept(&[(1, 5)]), Ok(()));
        assert!(kept(&[(1, 6)]).is_err() && kept(&[(2, 1)]).is_err());
    }

    #[test]
    fn a_log_dropped_while_it_is_young_or_few_have_it_is_noticed() {
        let regions = [region(1), region(2), region(3)];
        for (retention_ms, others, fine) in [(49, 5, true), (50, 5, false), (49, 4, false)] {
            let mut truncated = Truncated::default();
            truncated.durable.insert(region(1), vv(&[(1, 5)]));
            truncated.durable.insert(region(2), vv(&[(1, others)]));
            truncated.made.insert(dot(1, 5), hlc(0).wall());
            truncated.latest.insert(region(1), hlc(50).wall());
            let retention = Duration::from_millis(retention_ms);
            assert_eq!(truncated.stands(region(1), &vv(&[(1, 5)]), retention, &regions).is_ok(), fine);
        }
    }
}
