//! A sync ends as its disk says (P1): one that the disk failed is told as failed, and no other is.

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Syncs {
    judged: u64,
}

impl Syncs {
    fn hears(&mut self, seen: &Observation<'_>) -> Result<(), String> {
        let Observation::SyncEnded { region, fails, result } = seen else { return Ok(()) };
        self.judged += 1;
        match result {
            Ok(()) if *fails => Err(format!("region {region}: a sync has failed, and nobody noticed")),
            Err(error) if !fails => Err(format!("region {region}: {error}")),
            _ => Ok(()),
        }
    }
}

impl Invariant for Syncs {
    fn name(&self) -> &'static str {
        "syncs_end_as_the_disk_says"
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
    use std::error::Error;
    use std::fmt;

    use super::*;
    use crate::invariant::exchange::fixture::region;

    fn hears(fails: bool, result: Result<(), &dyn Error>) -> Result<(), String> {
        Syncs::default().hears(&Observation::SyncEnded { region: region(1), fails, result })
    }

    #[test]
    fn a_sync_that_ends_otherwise_than_its_disk_says_is_noticed() {
        assert_eq!(hears(false, Ok(())), Ok(()));
        assert_eq!(hears(true, Err(&fmt::Error)), Ok(()));
        assert!(hears(true, Ok(())).is_err());
        assert!(hears(false, Err(&fmt::Error)).is_err());
    }
}
