//! A run from its beginning to its end, whatever it ends with.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use halcyon_types::RegionId;

use super::World;
use super::event::Event;
use super::known::Archive;
use super::link::Link;
use super::panics::words;
use super::program::Program;
use super::report::{Figures, Report};
use super::seat::Seat;
use super::trace::Trace;
use crate::invariant;
use crate::workload::Clients;

/// Runs a program.
pub fn run(program: &Program) -> Report {
    finish(&mut World::new(program, Trace::default()))
}

/// Runs a program, and tells all that happened.
pub fn run_in_words(program: &Program) -> (Report, String) {
    let mut world = World::new(program, Trace::in_words());
    let report = finish(&mut world);
    (report, world.trace.take_words())
}

/// A panic is a failure like any other: the core checks its whole state after each step.
fn finish(world: &mut World) -> Report {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| world.play())) {
        world.panicked(&words(&*panic));
    }
    let mut figures = std::mem::take(&mut world.figures);
    figures.lived = world.now;
    figures.judged = world.invariants.iter().map(|invariant| (invariant.name(), invariant.judged())).collect();
    Report { failure: world.failure.take(), trace: world.trace.hash(), figures }
}

impl World {
    pub(super) fn new(program: &Program, trace: Trace) -> Self {
        let regions: Vec<_> = (1..=program.regions).filter_map(|n| RegionId::try_from(u64::from(n)).ok()).collect();
        let mut links = BTreeMap::new();
        for from in &regions {
            for to in regions.iter().filter(|to| *to != from) {
                links.insert((*from, *to), Link::new(program.seed, *from, *to));
            }
        }
        let mut world = Self {
            seed: program.seed,
            now: Duration::ZERO,
            seats: regions.iter().map(|region| (*region, Seat::new(program.seed, *region))).collect(),
            links,
            clients: Clients::new(program.seed, program.regions),
            connections: BTreeMap::new(),
            steps: program.steps.clone(),
            events: BTreeMap::new(),
            count: 0,
            invariants: invariant::all(),
            archive: Archive::default(),
            fork: None,
            trace,
            figures: Figures::default(),
            failure: None,
        };
        for region in regions {
            world.schedule(Duration::ZERO, Event::Start { region, life: 1 });
        }
        for index in 0..world.steps.len() {
            let at = world.steps.get(index).map_or(Duration::ZERO, |step| step.at);
            world.schedule(at, Event::Step(index));
        }
        world
    }
}
