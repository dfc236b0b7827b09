//! Running seeds: what failed, cut down to a few steps, and what the seeds went through. Some are run twice: what a seed shows
//! must be had again.

use std::io::{IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use halcyon_sim::invariant::twice;
use halcyon_sim::world::{Failure, Figures, Program, Report, run, run_in_words, shrink};

use crate::args::Run;
use crate::coverage::Coverage;
use crate::workers::each;

/// Failing seeds that are cut down; the others are only named.
const SHRUNK_MAX: usize = 3;

/// The seeds that this divides are run twice.
const TWICE_EVERY: u64 = 50;

/// What came of one seed.
struct Outcome {
    seed: u64,
    figures: Figures,
    twice: bool,
    failure: Option<(Failure, Option<Program>)>,
}

pub(crate) fn run_seeds(args: &Run) -> ExitCode {
    halcyon_sim::world::hear_panics();
    if let (Some(seed), true) = (args.seed, args.trace) {
        let (report, words) = run_in_words(&Program::draw(seed, args.ops));
        print!("{words}");
        if let Some(failure) = &report.failure {
            println!("{failure}");
        }
        println!("trace {}", report.trace);
    }
    let (first, count) = args.seed.map_or((args.first, args.seeds), |seed| (seed, 1));
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let (mut coverage, mut failed, mut twice) = (Coverage::default(), 0_u64, 0_u64);
    let shrunk = AtomicUsize::new(0);
    let mut progress = Progress::new(count);
    let seeds = usize::try_from(count).unwrap_or(usize::MAX);
    each(
        jobs,
        seeds,
        |index| one(first + index as u64, args.ops, &shrunk),
        |outcome| {
            coverage.take(&outcome.figures);
            twice += u64::from(outcome.twice);
            if let Some((failure, program)) = &outcome.failure {
                failed += 1;
                tell(outcome.seed, args.ops, failure, program.as_ref());
            }
            progress.step(failed);
        },
    );
    let holes = coverage.print();
    println!("sim: {count} seeds, {failed} failed, {twice} run twice, {holes} rows missing");
    if failed == 0 && holes == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, ops: u64, shrunk: &AtomicUsize) -> Outcome {
    let program = Program::draw(seed, ops);
    let report = run(&program);
    let twice = seed.is_multiple_of(TWICE_EVERY);
    // A seed that is not the same twice has no steps to which it could be cut down.
    let parted = if twice { twice::run_again(&program, &report).err() } else { None };
    let Report { failure, figures, .. } = report;
    let failed = failure.map(|failure| {
        let short = parted.is_none() && shrunk.fetch_add(1, Ordering::Relaxed) < SHRUNK_MAX;
        let short = short.then(|| shrink(&program, &failure));
        (failure, short)
    });
    Outcome { seed, figures, twice, failure: parted.map(|parted| (parted, None)).or(failed) }
}

fn tell(seed: u64, ops: u64, failure: &Failure, short: Option<&Program>) {
    println!("FAILED  seed {seed}: {failure}");
    if let Some(short) = short {
        println!("cut down to:\n{short}");
        if let Some(failure) = run(short).failure {
            println!("which fails as: {failure}");
        }
    }
    println!("replay with: make sim SEED={seed} OPS={ops}");
}

/// How far it is: one line that is written over at a terminal, a line now and then elsewhere.
struct Progress {
    done: u64,
    count: u64,
    terminal: bool,
}

impl Progress {
    fn new(count: u64) -> Self {
        Self { done: 0, count, terminal: std::io::stderr().is_terminal() }
    }

    fn step(&mut self, failed: u64) {
        self.done += 1;
        let Self { done, count, terminal } = *self;
        if terminal {
            let end = if done == count { "\n" } else { "" };
            eprint!("\r{done} of {count} seeds, {failed} failed{end}");
            let _ = std::io::stderr().flush();
        } else if done.is_multiple_of(100) && done < count {
            eprintln!("{done} of {count} seeds, {failed} failed");
        }
    }
}
