//! What is lost is told (P1): where a disk was put back or lost, and another region has more of what this one had written than
//! that disk has now, its operator hears of it by the time that all agree.

use std::collections::BTreeMap;

use halcyon_core::Alarm;
use halcyon_types::{Dot, RegionId, VersionVector};

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Whose operator is to hear what he has not heard, and what that region's disk was left with.
    untold: BTreeMap<RegionId, VersionVector>,
    judged: u64,
}

/// Of the logs of a region, the last of which somebody has more than its disk was left with.
fn more(at: RegionId, disk: &VersionVector, left: &VersionVector) -> Option<Dot> {
    let own = left.iter().filter(|(actor, _)| actor.region() == Some(at));
    own.filter(|(actor, known)| disk.get(*actor) < *known).last().map(|(actor, seq)| Dot { actor, seq })
}

impl Losses {
    fn set_back(&mut self, at: RegionId, disk: &VersionVector, left: &VersionVector) {
        self.untold.insert(at, disk.clone());
        // What nobody has any more nobody can tell of.
        self.untold.retain(|at, disk| more(*at, disk, left).is_some());
    }

    fn told(&mut self, at: RegionId, alarm: &Alarm) {
        if let Alarm::OldDirectory { .. } | Alarm::NewDirectory { .. } = alarm {
            self.judged += 1;
            self.untold.remove(&at);
        }
    }

    fn all_told(&self) -> Result<(), String> {
        match self.untold.first_key_value() {
            Some((at, disk)) => {
                Err(format!("others had more of what region {at} wrote than {disk:?}; nobody was told"))
            }
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
        let mut gone = losses.untold.clone();
        losses.told(region(1), &Alarm::NewDirectory { was: actor(1), known: Seq(6) });
        assert_eq!(losses.all_told(), Ok(()));
        std::mem::swap(&mut losses.untold, &mut gone);
        losses.set_back(region(2), &vv(&[]), &vv(&[(1, 5)]));
        assert_eq!(losses.all_told(), Ok(()), "whoever knew has lost it, too");
    }
}
