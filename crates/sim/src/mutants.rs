//! The hunt: every bug that can be planted is planted, and seeds are run until an invariant objects.
//!
//! A simulator that misses one would miss its like. Each bug meets the same seeds in the same order, so that what is told of
//! it, after how many it was caught, can be had again. Where a seed fails, it is run once more with nothing planted: unless it
//! passes then, it has proved nothing. One bug is planted in one thread at a time.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

use halcyon_sim::world::{Failure, Program, hear_panics, run};
use halcyon_types::mutant::{Mutant, plant};

use crate::workers::each;

/// What became of a planted bug.
#[derive(Debug)]
pub(crate) enum Hunted {
    /// An invariant has objected.
    Caught {
        /// The seed with which it did, and so how many were needed: they begin with 1.
        seed: u64,
        /// Its objection.
        failure: Failure,
    },
    /// All seeds have passed as if nothing were wrong.
    Missed,
}

/// A hunt, and how far it goes.
#[derive(Debug)]
pub(crate) struct Hunt {
    /// Seeds, after which a bug counts as missed.
    seeds: u64,
    /// Operations of each.
    ops: u64,
    /// What came of seeds with nothing planted.
    clean: Mutex<BTreeMap<u64, Option<Failure>>>,
}

impl Hunt {
    /// With so many seeds at most, of so many operations each.
    pub(crate) const fn new(seeds: u64, ops: u64) -> Self {
        Self { seeds, ops, clean: Mutex::new(BTreeMap::new()) }
    }

    /// Hunts for each of `mutants`, prints what becomes of it, and says whether all were caught, and by what they had done.
    pub(crate) fn all(&self, mutants: &[Mutant]) -> bool {
        hear_panics();
        let mut caught = 0;
        let hunt = |index| mutants.get(index).map(|mutant| (*mutant, self.hunt(*mutant)));
        each(threads(), mutants.len(), hunt, |hunted| match hunted {
            Some((mutant, Hunted::Caught { seed, failure })) => {
                caught += 1;
                let Failure { invariant, promise, message, .. } = failure;
                println!("caught  {mutant} after {seed} seeds by {invariant} ({promise}): {}", brief(&message));
            }
            Some((mutant, Hunted::Missed)) => {
                println!("MISSED  {mutant} in {} seeds of {} operations: {}", self.seeds, self.ops, mutant.sentence());
            }
            None => {}
        });
        let sound = self.is_sound();
        println!("mutants: {} planted, {caught} caught", mutants.len());
        sound && caught == mutants.len()
    }

    /// Runs seeds with a bug planted, until one fails that passes without it.
    fn hunt(&self, mutant: Mutant) -> Hunted {
        for seed in 1..=self.seeds {
            plant(Some(mutant));
            let failure = self.run(seed);
            plant(None);
            if let Some(failure) = failure
                && self.is_clean(seed)
            {
                return Hunted::Caught { seed, failure };
            }
        }
        Hunted::Missed
    }

    /// Whether a seed passes with nothing planted.
    fn is_clean(&self, seed: u64) -> bool {
        let known = || self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = known().get(&seed) {
            return failure.is_none();
        }
        let failure = self.run(seed);
        let clean = failure.is_none();
        known().insert(seed, failure);
        clean
    }

    /// Whether all the seeds that have failed with a bug passed without it.
    fn is_sound(&self) -> bool {
        let clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
        let failed: Vec<_> = clean.iter().filter_map(|(seed, failure)| Some((seed, failure.as_ref()?))).collect();
        for (seed, failure) in &failed {
            println!("FAILED  seed {seed} with nothing planted: {failure}");
        }
        println!("the {} seeds that failed, with nothing planted: {} failed", clean.len(), failed.len());
        failed.is_empty()
    }

    fn run(&self, seed: u64) -> Option<Failure> {
        run(&Program::draw(seed, self.ops)).failure
    }
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// A message in one line, and no more of it than a screen's line or two.
fn brief(message: &str) -> String {
    const MOST: usize = 160;
    let line = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
