//! Whatever a node or a client of this version says, the other of this version can read (P10): within the limits of a frame, of a
//! list, of a document.

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Messages {
    judged: u64,
}

impl Messages {
    fn hears(&mut self, seen: &Observation<'_>) -> Result<(), String> {
        let Observation::MessageRead { between, result } = seen else { return Ok(()) };
        self.judged += 1;
        result.map_err(|error| format!("{between:?}: {error}"))
    }
}

impl Invariant for Messages {
    fn name(&self) -> &'static str {
        "messages_are_read"
    }

    fn promise(&self) -> &'static str {
        "P10"
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
    use crate::world::Between;

    #[test]
    fn a_message_that_cannot_be_read_is_noticed() {
        let between = Between::Nodes(region(1), region(2));
        let mut messages = Messages::default();
        assert_eq!(messages.hears(&Observation::MessageRead { between, result: Ok(()) }), Ok(()));
        assert!(messages.hears(&Observation::MessageRead { between, result: Err(&fmt::Error) }).is_err());
    }
}
