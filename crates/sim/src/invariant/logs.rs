//! A log is read (P1), whole and in an order of causes and effects: what is on disk can be sent, and told of after a crash.

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Logs {
    judged: u64,
}

impl Logs {
    fn hears(&mut self, seen: &Observation<'_>) -> Result<(), String> {
        let Observation::LogRead { region, result } = seen else { return Ok(()) };
        self.judged += 1;
        result.map_err(|error| format!("region {region}: {error}"))
    }
}

impl Invariant for Logs {
    fn name(&self) -> &'static str {
        "logs_are_read"
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
    use std::fmt;

    use super::*;
    use crate::invariant::exchange::fixture::region;

    #[test]
    fn a_log_that_cannot_be_read_is_noticed() {
        let mut logs = Logs::default();
        assert_eq!(logs.hears(&Observation::LogRead { region: region(1), result: Ok(()) }), Ok(()));
        assert!(logs.hears(&Observation::LogRead { region: region(1), result: Err(&fmt::Error) }).is_err());
    }
}
