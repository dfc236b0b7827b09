//! What is lost is told (P1): where a disk was put back or lost, and another region has more of what this one had written than
//! that disk has now, its operator hears of it by the time that all agree.

use std::collections::BTreeMap;

use halcyon_core::Alarm;
use halcyon_types::{RegionId, VersionVector};

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Whose operator is to hear what he has not heard.
    untold: BTreeMap<RegionId, String>,
    judged: u64,
}

impl Losses {
    fn set_back(&mut self, at: RegionId, disk: &VersionVector, left: &VersionVector) {
        let own = left.iter().filter(|(actor, _)| actor.region() == Some(at));
        let lost = own.filter(|(actor, known)| disk.get(*actor) < *known).last();
        self.untold.remove(&at);
        if let Some((actor, known)) = lost {
            let has = disk.get(actor);
            self.untold
                .insert(at, format!("others have {actor} up to {known}, and the disk of region {at} up to {has}"));
        }
    }

    fn told(&mut self, at: RegionId, alarm: &Alarm) {
        if let Alarm::OldDirectory { .. } | Alarm::NewDirectory { .. } = alarm {
            self.judged += 1;
            self.untold.remove(&at);
        }
    }

    fn all_told(&self) -> Result<(), String> {
        match self.untold.values().next() {
            Some(lost) => Err(format!("{lost}; nobody was told")),
            None => Ok(()),
        }
    }
}

impl Invariant for Losses {
    fn name(&self) -> &'static str {
        "what_is_lost_is_told"
    }

    fn promise(&self) -> &'static str {
        "P1"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::SetBack { region, disk, left } => self.set_back(*region, disk, left),
            Observation::Alarmed { region, alarm } => self.told(*region, alarm),
            Observation::Converged => return self.all_told(),
            _ => {}
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::Seq;

    use super::*;
    use crate::invariant::exchange::fixture::{actor, region, vv};

    #[test]
    fn a_loss_that_nobody_is_told_of_is_noticed_where_others_know() {
        let mut losses = Losses::default();
        losses.set_back(region(1), &vv(&[(1, 5), (2, 1)]), &vv(&[(1, 5), (2, 9)]));
        assert_eq!(losses.all_told(), Ok(()), "of its own log all is there, or gone for everybody");
        losses.set_back(region(1), &vv(&[(1, 5)]), &vv(&[(1, 6)]));
        assert!(losses.all_told().is_err());
        losses.told(region(2), &Alarm::NewDirectory { was: actor(2), known: Seq(6) });
        assert!(losses.all_told().is_err(), "of another loss");
        losses.told(region(1), &Alarm::NewDirectory { was: actor(1), known: Seq(6) });
        assert_eq!(losses.all_told(), Ok(()));
    }
}
