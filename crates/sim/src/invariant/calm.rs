//! No alarm without a cause, and no peer found at fault (P2): in a world of honest nodes, whatever the network and the disks do,
//! nobody finds a clone, a record that cannot be read, or a broken protocol; a fork only where a disk was set back and nobody
//! could prevent it. Who takes a copy, or says that another must, names what is gone; who says that its directory is not what it was,
//! has another. Clocks are off here, and logs full: who says so is judged elsewhere.

use std::collections::BTreeSet;

use halcyon_core::Alarm;
use halcyon_types::{RegionId, VersionVector};
use halcyon_wire::PeerMessage;

use super::Invariant;
use crate::world::{Node, Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Calm {
    /// Whose disk was put back or lost.
    set_back: BTreeSet<RegionId>,
    /// What anybody has said to be gone.
    told: VersionVector,
    judged: u64,
}

impl Calm {
    fn hears(&mut self, seen: &Observation<'_>, dropped: &VersionVector) -> Result<(), String> {
        match seen {
            Observation::Alarmed { region, alarm } if self.has_cause(*region, alarm, dropped) => Ok(()),
            Observation::Alarmed { region, alarm } => Err(format!("region {region}: {alarm}")),
            Observation::Dropped { region, reason } => Err(format!("region {region} drops a link: {reason}")),
            Observation::SetBack { region, .. } => {
                self.set_back.insert(*region);
                Ok(())
            }
            Observation::Spoke { .. } => {
                self.judged += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn has_cause(&self, at: RegionId, alarm: &Alarm, dropped: &VersionVector) -> bool {
        match alarm {
            Alarm::ClockSkew { .. } | Alarm::LogFull { .. } => true,
            Alarm::OldDirectory { .. } | Alarm::NewDirectory { .. } => self.set_back.contains(&at),
            Alarm::Truncated { have, floor, .. } => have.seq < *floor && dropped.get(have.actor) >= *floor,
            Alarm::Rebuilding { .. } => !dropped.is_empty(),
            _ => false,
        }
    }
}

/// What is gone: of whoever says that another lacks it, its own floors; of whoever lacks it, what it lacks of what others have
/// said to be gone.
fn dropped(world: &World, seen: &Observation<'_>, told: &VersionVector) -> VersionVector {
    match seen {
        Observation::Alarmed { region, alarm: Alarm::Truncated { .. } } => {
            world.node(*region).map(|node| node.replica().floors().clone()).unwrap_or_default()
        }
        Observation::Alarmed { region, alarm: Alarm::Rebuilding { .. } } => {
            let lacks = |node: &Node| told.iter().filter(|(actor, floor)| node.vv().get(*actor) < *floor).collect();
            world.node(*region).map(lacks).unwrap_or_default()
        }
        _ => VersionVector::new(),
    }
}

impl Invariant for Calm {
    fn name(&self) -> &'static str {
        "nobody_is_alarmed"
    }

    fn promise(&self) -> &'static str {
        "P2"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        if let Observation::Spoke { message: PeerMessage::Floors(floors), .. } = seen {
            self.told.join(floors);
        }
        self.hears(seen, &dropped(world, seen, &self.told))
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use halcyon_core::PeerError;
    use halcyon_types::Seq;

    use super::*;
    use crate::invariant::exchange::fixture::{actor, dot, region, vv};

    fn alarmed(calm: &mut Calm, alarm: &Alarm, dropped: &VersionVector) -> Result<(), String> {
        calm.hears(&Observation::Alarmed { region: region(1), alarm }, dropped)
    }

    #[test]
    fn an_alarm_and_a_dropped_link_are_noticed() {
        let mut calm = Calm::default();
        assert!(alarmed(&mut calm, &Alarm::Fork { actor: actor(1), seq: Seq(1) }, &vv(&[])).is_err());
        let full = Alarm::LogFull { bytes: 2, bytes_max: 1, lacking: Vec::new() };
        assert_eq!(alarmed(&mut calm, &full, &vv(&[])), Ok(()));
        let reason = PeerError::Stranger { from: region(2) };
        assert!(calm.hears(&Observation::Dropped { region: region(1), reason: &reason }, &vv(&[])).is_err());
        assert_eq!(calm.hears(&Observation::Healed, &vv(&[])), Ok(()));
    }

    #[test]
    fn an_alarm_without_a_cause_is_noticed() {
        let mut calm = Calm::default();
        let old = Alarm::OldDirectory { peer: region(2), was: actor(1), theirs: Seq(2), ours: Seq(1) };
        assert!(alarmed(&mut calm, &old, &vv(&[])).is_err());
        calm.hears(&Observation::SetBack { region: region(1), disk: &vv(&[]), left: &vv(&[]) }, &vv(&[])).unwrap();
        assert_eq!(alarmed(&mut calm, &old, &vv(&[])), Ok(()));
        let truncated = Alarm::Truncated { peer: region(2), have: dot(1, 4), floor: Seq(5) };
        assert_eq!(alarmed(&mut calm, &truncated, &vv(&[(1, 5)])), Ok(()));
        assert!(alarmed(&mut calm, &truncated, &vv(&[(1, 4)])).is_err());
        let rebuilding = Alarm::Rebuilding { from: region(2) };
        assert!(alarmed(&mut calm, &rebuilding, &vv(&[])).is_err());
        assert_eq!(alarmed(&mut calm, &rebuilding, &vv(&[(3, 1)])), Ok(()));
    }
}
