//! No alarm, and no peer found at fault (P2): in a world of honest nodes, whatever the network and the disks do, nobody finds
//! a fork, a clone, a record that cannot be read, or a broken protocol. Clocks are off here, and logs full: who says so is judged
//! elsewhere.

use halcyon_core::Alarm;

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Calm {
    judged: u64,
}

impl Calm {
    fn hears(&mut self, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Alarmed { alarm: Alarm::ClockSkew { .. } | Alarm::LogFull { .. }, .. } => Ok(()),
            Observation::Alarmed { region, alarm } => Err(format!("region {region}: {alarm}")),
            Observation::Dropped { region, reason } => Err(format!("region {region} drops a link: {reason}")),
            Observation::Spoke { .. } => {
                self.judged += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Invariant for Calm {
    fn name(&self) -> &'static str {
        "nobody_is_alarmed"
    }

    fn promise(&self) -> &'static str {
        "P2"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        self.hears(seen)
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
    use crate::invariant::exchange::fixture::{actor, region};

    #[test]
    fn an_alarm_and_a_dropped_link_are_noticed() {
        let alarm = Alarm::Fork { actor: actor(1), seq: Seq(1) };
        assert!(Calm::default().hears(&Observation::Alarmed { region: region(1), alarm: &alarm }).is_err());
        let full = Alarm::LogFull { bytes: 2, bytes_max: 1, lacking: Vec::new() };
        assert_eq!(Calm::default().hears(&Observation::Alarmed { region: region(1), alarm: &full }), Ok(()));
        let reason = PeerError::Stranger { from: region(2) };
        assert!(Calm::default().hears(&Observation::Dropped { region: region(1), reason: &reason }).is_err());
        assert_eq!(Calm::default().hears(&Observation::Healed), Ok(()));
    }
}
