//! What must never happen: placeholder until the invariants stand.

use crate::world::{Observation, World};

/// One thing that must hold.
pub trait Invariant {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Of which promise it is part: `P1` to `P10`.
    fn promise(&self) -> &'static str;

    /// Sees what happens.
    ///
    /// # Errors
    /// What is wrong.
    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String>;

    /// Judges the end.
    ///
    /// # Errors
    /// What is wrong.
    fn end(&mut self, _world: &World) -> Result<(), String> {
        Ok(())
    }

    /// How often it had something to judge.
    fn judged(&self) -> u64 {
        0
    }
}

/// Each of them, new.
pub fn all() -> Vec<Box<dyn Invariant>> {
    Vec::new()
}
