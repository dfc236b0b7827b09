//! Fuzzing on a stable toolchain: seeded mutations of the corpora, for so many seconds.
//!
//! ```text
//! cargo run --profile proof -p halcyon-tests --bin fuzz -- --seconds 60
//! cargo run --profile proof -p halcyon-tests --bin fuzz -- --target records --input fuzz/artifacts/records/…
//! ```
//!
//! Each lane is a process of its own, which this one watches: an input that overflows the stack, or comes to no end, is a
//! failure as well. A failure's input is kept in `fuzz/artifacts/NAME`, and the command that runs it again is printed. Once it is understood
//! it moves to `fuzz/regressions/NAME`, where every test run finds it.

#![expect(clippy::expect_used, reason = "a tool that cannot go on says why by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use halcyon_tests::fuzz::{Campaign, Tally, Target, UnderWay, keep, targets, tell, watch};
use tempfile::TempDir;

/// Processes, each with a stream of mutations of its own.
const LANES: u64 = 2;
/// How long it is one target's turn: the fast ones get through more.
const TURN: Duration = Duration::from_millis(50);
/// An input that takes longer is taken to have no end.
const LIMIT: Duration = Duration::from_secs(10);

/// Mutates the corpora and runs every target on what comes of it.
#[derive(Debug, Parser)]
#[command(name = "fuzz")]
struct Args {
    /// For so long.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// This target only.
    #[arg(long)]
    target: Option<String>,
    /// Another stream of mutations.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs one file once, and lets its panic be seen. Needs --target.
    #[arg(long, requires = "target")]
    input: Option<PathBuf>,
    /// Is one of the lanes, and notes its inputs in --under-way.
    #[arg(long, hide = true, requires = "under_way")]
    lane: Option<u64>,
    #[arg(long, hide = true)]
    under_way: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let chosen: Vec<Target> =
        targets().filter(|(name, _)| args.target.as_ref().is_none_or(|target| target == name)).collect();
    let Some((_, first)) = chosen.first() else {
        let known: Vec<_> = targets().map(|(name, _)| name).collect();
        eprintln!("there is no such target; use one of: {}", known.join(", "));
        return ExitCode::FAILURE;
    };
    if let Some(input) = args.input {
        first(&fs::read(&input).expect("the input can be read"));
        println!("{} violates no law", input.display());
        return ExitCode::SUCCESS;
    }
    if let (Some(number), Some(under_way)) = (args.lane, &args.under_way) {
        lane(&chosen, &args, number, UnderWay::create(under_way));
        return ExitCode::SUCCESS;
    }
    report(&campaign())
}

/// The lanes, each told what this process was told.
fn campaign() -> BTreeMap<String, Tally> {
    let dir = TempDir::new().expect("a directory for the inputs under way");
    let program = std::env::current_exe().expect("this program has a path");
    let lanes: Vec<_> = (0..LANES)
        .map(|number| {
            let under_way = dir.path().join(number.to_string());
            let mut lane = Command::new(&program);
            lane.args(std::env::args_os().skip(1)).arg("--lane").arg(number.to_string());
            lane.arg("--under-way").arg(&under_way);
            thread::spawn(move || watch(lane, &under_way, LIMIT))
        })
        .collect();
    let mut all: BTreeMap<String, Tally> = BTreeMap::new();
    for lane in lanes {
        for (name, tally) in lane.join().expect("a lane that has come to an input") {
            all.entry(name).or_default().join(tally);
        }
    }
    all
}

/// One of them: the corpora as they are, if it is the first, and mutations.
fn lane(chosen: &[Target], args: &Args, number: u64, under_way: UnderWay) {
    // A body's panic is caught and told; one backtrace each would hide the line that matters.
    std::panic::set_hook(Box::new(|_| {}));
    let end = now() + Duration::from_secs(args.seconds);
    let seed = args.seed.wrapping_mul(LANES).wrapping_add(number);
    let mut campaign = Campaign::new(chosen.iter().copied(), seed, under_way);
    if number == 0 {
        campaign.corpora(tell);
    }
    while now() < end {
        let mut began = now();
        let goes_on = |had| {
            if had == 0 {
                began = now();
            }
            began.elapsed() < TURN
        };
        campaign.round(goes_on, tell);
    }
}

fn report(tallies: &BTreeMap<String, Tally>) -> ExitCode {
    let (mut executions, mut failures) = (0, 0);
    for (name, tally) in tallies {
        println!("{name:<10} {:>9} inputs", tally.executions);
        executions += tally.executions;
        failures += tally.findings.len();
        for finding in &tally.findings {
            let file = keep(name, finding);
            println!("FAILURE of {name}: {}", finding.message);
            println!(
                "  again: cargo run --profile proof -p halcyon-tests --bin fuzz -- --target {name} --input {}",
                file.display()
            );
        }
    }
    println!("fuzz: {} targets, {executions} inputs, {failures} failures", tallies.len());
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(clippy::disallowed_methods, reason = "a tool is a door: it measures its own time")]
fn now() -> Instant {
    Instant::now()
}
