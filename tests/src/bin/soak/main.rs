//! The soak: real nodes on real disks are killed, lose their power and have their syncs fail, for as long as one likes,
//! while a load goes on; after each blow every acked write must be there, once, and every region agree.
//!
//! ```text
//! soak --kills 30 --power-cuts 30 --sync-failures 24 --garbled 24      so many of each
//! soak --minutes 25                                                    for so long, as the dice say
//! ```
//!
//! Two arenas take turns: one region alone, to which nobody can give back what its disk has lost, and three regions under
//! load, any of which may be struck, together even. Blows come at drawn moments: under load, at rest, while a node starts
//! up after the last blow, at its very first start. A run in which one kind of blow came too rarely to prove anything fails.
//! One line per cycle, one with what there was of everything, then one for the machine to read:
//!
//! ```text
//! soak: N kills, N power cuts, N acked, N lost
//! ```
//!
//! Anything lost, doubled, torn apart or disagreed about ends the run with a failure: seed, story of the cycle and the
//! directory with all files are printed, and the directory stays.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a harness that cannot go on fails by panicking")]

mod agreement;
mod arena;
mod audit;
mod blows;
mod floors;
mod ledger;
mod observer;
mod outcome;
mod plan;
mod tally;
mod tattler;
mod writers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use halcyon_tests::Dice;
use halcyon_tests::power::Shim;
use tokio::task::LocalSet;
use tokio::time::Instant;

use arena::Arena;
use floors::Floors;
use outcome::Story;
use plan::Plan;
use tally::Tally;

/// Real nodes, killed and power-failed under load; nothing that was acked may be lost.
#[derive(Debug, Parser)]
#[command(name = "soak")]
struct Args {
    /// Goes on for so many minutes.
    #[arg(long, conflicts_with_all = ["kills", "power_cuts", "sync_failures", "garbled"])]
    minutes: Option<u64>,
    /// At least so many kill -9.
    #[arg(long, default_value_t = 30)]
    kills: u64,
    /// At least so many power cuts.
    #[arg(long, default_value_t = 30)]
    power_cuts: u64,
    /// At least so many failing syncs that stop their nodes.
    #[arg(long, default_value_t = 24)]
    sync_failures: u64,
    /// At least so many unsynced tails that a power cut leaves in disorder.
    #[arg(long, default_value_t = 24)]
    garbled: u64,
    /// The dice; drawn from the clock if not given. The blows are the same again, their moments nearly so.
    #[arg(long)]
    seed: Option<u64>,
    /// Proves the soak: the disks only say that they sync, so writes are lost, and the run must fail.
    #[arg(long, hide = true)]
    lying_disks: bool,
    #[command(subcommand)]
    double: Option<Double>,
}

#[derive(Debug, Subcommand)]
enum Double {
    /// A stand-in for a node, to prove the harness by: appends numbers to a file and says so.
    #[command(hide = true)]
    Tattle {
        /// The file.
        file: PathBuf,
        /// Says so before the sync, as no node may.
        #[arg(long)]
        early: bool,
    },
    /// Another: cuts a new file off, byte by byte, and says so.
    #[command(hide = true)]
    Shorten {
        /// The file.
        file: PathBuf,
        /// Says so before the sync.
        #[arg(long)]
        early: bool,
    },
}

impl Args {
    /// What a run must have brought after so many cycles.
    fn floors(&self, cycles: u64) -> Floors {
        let &Self { kills, power_cuts, sync_failures, garbled, .. } = self;
        let given = Floors { kills, power_cuts, sync_failures, garbled };
        self.minutes.map_or(given, |_| Floors::of_cycles(cycles))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    match &args.double {
        Some(Double::Tattle { file, early }) => tattler::run(file, *early),
        Some(Double::Shorten { file, early }) => tattler::shorten(file, *early),
        None => {}
    }
    let Some(shim) = Shim::built() else {
        println!("soak: without the library there are no power cuts, and kills alone prove little");
        return if cfg!(target_os = "linux") { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    };
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) ^ u64::from(clock_nanos()));
    println!("soak: seed {seed}; `soak --seed {seed}` draws the same blows");
    let mut tally = Tally::default();
    let soaked = LocalSet::new().run_until(soak(&args, shim, seed, &mut tally)).await;
    println!("{}", tally.details());
    println!("{tally}");
    if soaked && tally.lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn clock_nanos() -> u32 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos())
}

/// Whether all cycles went well.
async fn soak(args: &Args, shim: &'static Shim, seed: u64, tally: &mut Tally) -> bool {
    let (mut dice, began) = (Dice::new(seed), Instant::now());
    let mut arenas = [Arena::start(shim, 1, args.lying_disks).await, Arena::start(shim, 3, args.lying_disks).await];
    for cycle in 1_u64.. {
        let floors = args.floors(cycle - 1);
        let left = floors.left(tally);
        let over = match args.minutes {
            Some(minutes) => began.elapsed() >= Duration::from_mins(minutes),
            None => left.are_none() || cycle > floors.cycles_max(),
        };
        if over && !left.are_none() {
            println!("     FAILED: too little was tried in {} cycles, for want of {left}; seed {seed}", cycle - 1);
            return false;
        }
        if over {
            break;
        }
        let [alone, three] = arenas;
        let (mut arena, other) = if cycle % 2 == 1 { (alone, three) } else { (three, alone) };
        let plan = Plan::draw(&mut dice, arena.regions(), left);
        let (story, dir) = (Story::default(), arena.dir());
        let told = story.clone();
        // A task of its own: a harness that panics must not take the closing line with it.
        let running = tokio::task::spawn_local(async move {
            let outcome = arena.cycle(cycle, &plan, &told).await;
            (arena, outcome)
        });
        let Ok((arena, outcome)) = running.await else {
            println!("{cycle:>4} FAILED: gave up, see above; seed {seed}, files in {}", dir.display());
            story.events().iter().for_each(|event| println!("     {event}"));
            return false;
        };
        tally.add(&outcome.tally);
        println!("{cycle:>4} {}", outcome.line());
        if let Err(failure) = &outcome.verdict {
            println!("     FAILED: {failure}\n     seed {seed}, cycle {cycle}, files in {}", arena.dir().display());
            story.events().iter().for_each(|event| println!("     {event}"));
            return false;
        }
        arenas = if cycle % 2 == 1 { [arena, other] } else { [other, arena] };
    }
    for arena in arenas {
        let (dir, closed) = (arena.dir(), arena.close(&mut dice).await);
        if let Err(failure) = closed {
            tally.lost += failure.lost;
            println!(
                "     FAILED at the last look at everything: {failure}\n     seed {seed}, files in {}",
                dir.display()
            );
            return false;
        }
    }
    true
}
