//! The hunt: every bug that can be planted is planted, and seeds are run until an invariant objects.
//!
//! A simulator that misses one would miss its like. Each bug meets the same seeds in the same order, so that what is told of
//! it, after how many it was caught, can be had again; and the very seeds that caught one must pass with none planted, or
//! they would have proved nothing. One bug is planted in one thread at a time.

use std::num::NonZeroUsize;
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

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hunt {
    /// Seeds, after which a bug counts as missed.
    pub(crate) seeds: u64,
    /// Operations of each.
    pub(crate) ops: u64,
}

impl Hunt {
    /// Hunts for each of `mutants`, prints what becomes of it, and says whether all were caught, and by what they had done.
    pub(crate) fn all(self, mutants: &[Mutant]) -> bool {
        hear_panics();
        let (mut caught, mut used) = (0, 0);
        let hunt = |index| mutants.get(index).map(|mutant| (*mutant, self.hunt(*mutant)));
        each(threads(), mutants.len(), hunt, |hunted| match hunted {
            Some((mutant, Hunted::Caught { seed, failure })) => {
                (caught, used) = (caught + 1, used.max(seed));
                let Failure { invariant, promise, message, .. } = failure;
                println!("caught  {mutant} after {seed} seeds by {invariant} ({promise}): {}", brief(&message));
            }
            Some((mutant, Hunted::Missed)) => {
                println!("MISSED  {mutant} in {} seeds of {} operations: {}", self.seeds, self.ops, mutant.sentence());
            }
            None => {}
        });
        let sound = self.is_sound(used);
        println!("mutants: {} planted, {caught} caught", mutants.len());
        sound && caught == mutants.len()
    }

    /// Runs seeds with a bug planted, until one fails.
    pub(crate) fn hunt(self, mutant: Mutant) -> Hunted {
        plant(Some(mutant));
        let found = (1..=self.seeds).find_map(|seed| Some((seed, self.fails(seed)?)));
        plant(None);
        found.map_or(Hunted::Missed, |(seed, failure)| Hunted::Caught { seed, failure })
    }

    /// Whether the first `seeds` pass where nothing is planted.
    fn is_sound(self, seeds: u64) -> bool {
        let mut failed = 0_u64;
        let run = |index| (index as u64 + 1, self.fails(index as u64 + 1));
        each(threads(), usize::try_from(seeds).unwrap_or(usize::MAX), run, |(seed, failure)| {
            if let Some(failure) = failure {
                failed += 1;
                println!("FAILED  seed {seed} with nothing planted: {failure}");
            }
        });
        println!("the same {seeds} seeds with nothing planted: {failed} failed");
        failed == 0
    }

    fn fails(self, seed: u64) -> Option<Failure> {
        run(&Program::draw(seed, self.ops)).failure
    }
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// The first line of a message, and no more of it than a screen's line or two.
fn brief(message: &str) -> String {
    const MOST: usize = 160;
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
