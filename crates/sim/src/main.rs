//! The simulator as a program: `make sim` and `make mutants`.

mod args;
mod coverage;
mod mutants;
mod sim;
mod workers;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser as _;
use halcyon_types::mutant::Mutant;

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Run(run) => sim::run_seeds(&run),
        Command::Mutants(args) => {
            let hunt = mutants::Hunt { seeds: args.seeds_max, ops: args.ops };
            if hunt.all(Mutant::ALL) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}
