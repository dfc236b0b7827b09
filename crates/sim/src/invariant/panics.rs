//! Nothing panics (P10), at any step: no index beyond its list, no sum beyond its type, no assertion of the core's that fails when
//! it checks its whole state after each step.

use super::Invariant;
use crate::world::{Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Panics {
    judged: u64,
}

impl Panics {
    fn hears(&mut self, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Panicked { words } => Err((*words).to_owned()),
            Observation::Stepped { .. } => {
                self.judged += 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Invariant for Panics {
    fn name(&self) -> &'static str {
        "no_panic"
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
    use super::*;

    #[test]
    fn a_panic_is_noticed() {
        assert!(Panics::default().hears(&Observation::Panicked { words: "index out of bounds" }).is_err());
        assert_eq!(Panics::default().hears(&Observation::Healed), Ok(()));
    }
}
