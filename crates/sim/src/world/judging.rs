//! Where the world and its invariants meet: they are shown what happens, and the first that objects ends the run. The world
//! judges nothing itself.

use std::error::Error;

use halcyon_types::RegionId;
use halcyon_wire::codec;
use serde::de::DeserializeOwned;

use super::World;
use super::observation::{Between, Observation};
use super::report::Failure;
use crate::invariant::{self, Invariant};

impl World {
    /// Shows the invariants what happens.
    pub(super) fn observe(&mut self, seen: &Observation<'_>) {
        self.ask_each(|invariant, world| invariant.see(world, seen));
    }

    /// Lets them judge the end.
    pub(super) fn judge_the_end(&mut self) {
        self.ask_each(|invariant, world| invariant.end(world));
    }

    /// A panic ends the run. One within an invariant has taken them all along: new ones hear of it.
    pub(super) fn panicked(&mut self, words: &str) {
        if self.invariants.is_empty() {
            self.invariants = invariant::all();
        }
        self.observe(&Observation::Panicked { words });
    }

    /// What a message says, if it can be read.
    pub(super) fn read_message<T: DeserializeOwned>(&mut self, between: Between, bytes: &[u8]) -> Option<T> {
        let read = codec::decode(bytes);
        self.observe(&Observation::MessageRead { between, result: went(&read) });
        read.ok()
    }

    /// What a log was read for, if it could be.
    pub(super) fn log_read<T, E: Error>(&mut self, region: RegionId, read: Result<T, E>) -> Option<T> {
        self.observe(&Observation::LogRead { region, result: went(&read) });
        read.ok()
    }

    fn ask_each(&mut self, judge: impl Fn(&mut dyn Invariant, &Self) -> Result<(), String>) {
        if self.failure.is_some() {
            return;
        }
        let mut invariants = std::mem::take(&mut self.invariants);
        let at = self.now;
        self.failure = invariants.iter_mut().find_map(|invariant| {
            if self.fork.is_some() && !invariant.judges_forks() {
                return None;
            }
            let message = judge(invariant.as_mut(), self).err()?;
            Some(Failure { invariant: invariant.name(), promise: invariant.promise(), at, message })
        });
        self.invariants = invariants;
    }
}

/// How something went, whatever came of it.
pub(super) fn went<T, E: Error>(result: &Result<T, E>) -> Result<(), &dyn Error> {
    result.as_ref().map(|_| ()).map_err(|error| error as &dyn Error)
}
