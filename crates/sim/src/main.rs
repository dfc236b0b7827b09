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
            let wanted = |mutant: &&Mutant| args.only.is_empty() || args.only.contains(&mutant.to_string());
            let mutants: Vec<_> = Mutant::ALL.iter().copied().filter(|mutant| wanted(&mutant)).collect();
            let hunt = mutants::Hunt::new(args.seeds_max, args.ops);
            if hunt.all(&mutants) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}
