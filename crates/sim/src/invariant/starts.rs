//! A node starts from what its disk has (P1), whatever crash, failed sync or stop went before: nothing that it wrote itself
//! keeps it out. (A clock that is dead may; its operator sets it, and tries again.)

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Starts {
    judged: u64,
}

impl Starts {
    fn hears(&mut self, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Unopened { region, why } => Err(format!("region {region}: {why}")),
            Observation::Started { .. } => {
                self.judged += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Invariant for Starts {
    fn name(&self) -> &'static str {
        "a_node_starts"
    }

    fn promise(&self) -> &'static str {
        "P1"
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
    use super::*;
    use crate::invariant::exchange::fixture::region;

    #[test]
    fn a_node_that_does_not_start_is_noticed() {
        let unopened = Observation::Unopened { region: region(1), why: "the log has a gap" };
        assert!(Starts::default().hears(&unopened).is_err());
        assert_eq!(Starts::default().hears(&Observation::Healed), Ok(()));
    }
}
