//! The committer takes all that its core gives it (P5): what a client asked was checked before, and what a peer sent is next in
//! its log and has what it depends on. It may refuse a client, and is none the worse; it may not break.

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Staged {
    judged: u64,
}

impl Staged {
    fn hears(&mut self, seen: &Observation<'_>) -> Result<(), String> {
        let Observation::Staged { region, result } = seen else { return Ok(()) };
        self.judged += 1;
        result.map_err(|error| format!("region {region}: {error}"))
    }
}

impl Invariant for Staged {
    fn name(&self) -> &'static str {
        "the_committer_takes_all"
    }

    fn promise(&self) -> &'static str {
        "P5"
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
    use std::fmt;

    use super::*;
    use crate::invariant::exchange::fixture::region;

    #[test]
    fn a_group_that_is_not_taken_is_noticed() {
        let mut staged = Staged::default();
        assert_eq!(staged.hears(&Observation::Staged { region: region(1), result: Ok(()) }), Ok(()));
        assert!(staged.hears(&Observation::Staged { region: region(1), result: Err(&fmt::Error) }).is_err());
    }
}
