//! Fuzzing on a stable toolchain: seeded mutations of the corpora, for so many seconds.
//!
//! ```text
//! cargo run --profile proof -p halcyon-tests --bin fuzz -- --seconds 60
//! cargo run --profile proof -p halcyon-tests --bin fuzz -- --target records --input fuzz/artifacts/records/…
//! ```
//!
//! A failure's input is kept in `fuzz/artifacts/NAME`, and the command that runs it again is printed. Once it is understood
//! it moves to `fuzz/regressions/NAME`, where every test run finds it.

#![expect(clippy::expect_used, reason = "a tool that cannot go on says why by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use halcyon_tests::fuzz::{Campaign, Tally, Target, inputs, keep, targets};

/// Threads, each with a stream of mutations of its own.
const LANES: u64 = 2;
/// How long it is one target's turn: the fast ones get through more.
const TURN: Duration = Duration::from_millis(50);

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
    // A body's panic is caught and told below; one backtrace each would hide the line that matters.
    std::panic::set_hook(Box::new(|_| {}));
    let tallies = campaign(&chosen, &args);
    report(&tallies)
}

/// The corpora as they are, then their mutations.
fn campaign(chosen: &[Target], args: &Args) -> BTreeMap<&'static str, Tally> {
    let end = now() + Duration::from_secs(args.seconds);
    let mut all: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for (name, body) in chosen {
        let tally = all.entry(name).or_default();
        for (_, input) in inputs(name) {
            tally.run(name, *body, input);
        }
    }
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            let mut campaign = Campaign::new(chosen.iter().copied(), args.seed.wrapping_mul(LANES).wrapping_add(lane));
            thread::spawn(move || {
                while now() < end {
                    let mut began = now();
                    campaign.round(|had| {
                        if had == 0 {
                            began = now();
                        }
                        began.elapsed() < TURN
                    });
                }
                campaign.finish()
            })
        })
        .collect();
    for lane in lanes {
        for (name, tally) in lane.join().expect("a lane catches what its bodies throw") {
            all.entry(name).or_default().join(tally);
        }
    }
    all
}

fn report(tallies: &BTreeMap<&'static str, Tally>) -> ExitCode {
    let (mut executions, mut failures) = (0, 0);
    for (name, tally) in tallies {
        println!("{name:<10} {:>9} inputs", tally.executions);
        executions += tally.executions;
        failures += tally.findings.len();
        for finding in &tally.findings {
            let file = keep(finding);
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
