//! The nemesis: three real processes, clients that write down all they do over every type, and everything going wrong at
//! once: cables cut one way and both, flapping and slow, regions isolated, relays withheld, processes killed, told to stop
//! and put to sleep, clocks put forward and back. Then everything is healed, and checkers judge the history.
//!
//! The checkers know what was asked and what was answered, and nothing else: no code of the nodes, no oracle. What they
//! want is in [`check`], what they take for certain in [`facts`].
//!
//! ```text
//! HALCYON_BIN=target/release/halcyon nemesis --minutes 2            a run; its seed is printed
//! nemesis --judge history.jsonl                                     a history that was kept, judged again
//! ```

#![expect(clippy::expect_used, reason = "a harness that cannot go on fails the run, by panicking")]

mod cells;
mod check;
mod compare;
mod facts;
mod faults;
mod history;
mod op;
mod recorder;
mod report;
mod run;
mod shrink;
mod vector;
mod workload;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use halcyon_client::now;

use crate::check::Verdict;
use crate::faults::schedule::KINDS;
use crate::history::History;

/// Three real nodes under a recorded load, while links, processes and clocks fail; then the history is judged.
#[derive(Debug, Parser)]
#[command(name = "nemesis")]
struct Args {
    /// For how long things go wrong. Less than half a minute gives the checkers too little to judge.
    #[arg(long, default_value_t = 2.0, value_parser = minutes)]
    minutes: f64,
    /// What the load and the faults are drawn from; as it happens, if absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Keep the history and the nodes' files, whatever comes of it.
    #[arg(long)]
    keep: bool,
    /// Judge this history instead of running anything.
    #[arg(long, value_name = "FILE")]
    judge: Option<PathBuf>,
    /// With --judge: put the smallest parts of it that show what is wrong into this directory.
    #[arg(long, value_name = "DIR", requires = "judge")]
    excerpts: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if minutes > 0.0 && minutes <= 10_000.0 {
        Ok(minutes)
    } else {
        Err("say how many minutes, above nought".to_owned())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    match &args.judge {
        Some(file) => match History::load(file) {
            Ok(history) => judge(&history, args.excerpts.as_deref()),
            Err(why) => {
                eprintln!("{why}");
                ExitCode::from(2)
            }
        },
        None => play(&args).await,
    }
}

async fn play(args: &Args) -> ExitCode {
    let seed = args.seed.unwrap_or_else(|| now().0 % 1_000_000);
    let dir = tempfile::Builder::new().prefix(&format!("nemesis-{seed}-")).tempdir().expect("a directory");
    // Kept until the end is known to be good, however the run ends.
    let dir = dir.keep();
    println!("nemesis: seed {seed}, {} min, in {}", args.minutes, dir.display());
    let file = dir.join("history.jsonl");
    let run = run::run(seed, args.minutes, &dir, &file).await;
    let (history, mut injector) = (run.history, run.injector);
    let verdicts = check::all(&history);
    let bad = verdicts.iter().any(|verdict| !verdict.violations.is_empty());
    if bad || args.keep {
        injector.cluster.keep_files();
    }
    let faults: u64 = injector.counted().values().sum();
    let kinds = KINDS.iter().map(|kind| (*kind, injector.counted().get(kind).copied().unwrap_or(0)));
    print!("{}", report::counts("faults", kinds));
    drop(injector);
    tell(&history, &verdicts);
    if bad {
        keep_excerpts(&history, &verdicts, &dir);
        let minutes = args.minutes;
        println!("history, excerpts and nodes' files: {}", dir.display());
        println!("judge it again: nemesis --judge {}", file.display());
        println!("run it again:   nemesis --seed {seed} --minutes {minutes}");
    } else if !args.keep {
        std::fs::remove_dir_all(&dir).ok();
    }
    close(&history, faults, &verdicts)
}

fn judge(history: &History, excerpts: Option<&Path>) -> ExitCode {
    let verdicts = check::all(history);
    tell(history, &verdicts);
    if let Some(dir) = excerpts {
        keep_excerpts(history, &verdicts, dir);
    }
    let faults = history.faults.iter().filter(|fault| fault.begins).count() as u64;
    close(history, faults, &verdicts)
}

fn tell(history: &History, verdicts: &[Verdict]) {
    print!("{}{}", report::calls(history), report::refusals(history));
    if let Some(converged) = &history.converged {
        match converged.took_ms {
            Some(ms) => println!("converged {ms} ms after the heal"),
            None => println!("not converged"),
        }
    }
    print!("{}{}", report::judged(verdicts), report::violations(history, verdicts));
}

/// The closing line.
fn close(history: &History, faults: u64, verdicts: &[Verdict]) -> ExitCode {
    let violations: usize = verdicts.iter().map(|verdict| verdict.violations.len()).sum();
    println!("nemesis: {} ops, {faults} faults, {violations} violations", history.calls.len());
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Of each checker's first violation, the smallest part of the history that shows it, in a file of its own.
fn keep_excerpts(history: &History, verdicts: &[Verdict], dir: &Path) {
    for verdict in verdicts {
        let checker = check::ALL.iter().find(|checker| checker.name == verdict.checker);
        let (Some(checker), Some(first)) = (checker, verdict.violations.first()) else { continue };
        if let Some(small) = shrink::shrink(history, checker, first) {
            let file = dir.join(format!("excerpt-{}.jsonl", checker.name));
            small.save(&file).expect("an excerpt that can be written");
            println!(
                "{}: {} of {} calls show it: {}",
                checker.name,
                small.calls.len(),
                history.calls.len(),
                file.display()
            );
        }
    }
}
