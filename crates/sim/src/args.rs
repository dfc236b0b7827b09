//! What the program is asked to do.

use std::num::NonZeroUsize;

use clap::{Args as Arguments, Parser, Subcommand};

/// Halcyon without machines: seeded worlds of whole nodes under faults.
#[derive(Debug, Parser)]
#[command(name = "halcyon-sim", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run seeds; the last line is `sim: N seeds, N failed, N run twice, N rows missing`.
    Run(Run),
    /// Plant each known bug and run seeds until it is caught; the last line is `mutants: N planted, N caught`.
    Mutants(Mutants),
}

/// Which seeds, and how long.
#[derive(Debug, Clone, Arguments)]
pub(crate) struct Run {
    /// How many seeds.
    #[arg(long, default_value_t = 500, conflicts_with = "seed")]
    pub(crate) seeds: u64,
    /// Operations of clients in each.
    #[arg(long, default_value_t = 1000)]
    pub(crate) ops: u64,
    /// Only this seed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    pub(crate) first: u64,
    /// Seeds at a time; as many as there are cores, if left out.
    #[arg(long)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Print everything that happens in a seed.
    #[arg(long, requires = "seed")]
    pub(crate) trace: bool,
}

/// How hard to look for planted bugs.
#[derive(Debug, Clone, Arguments)]
pub(crate) struct Mutants {
    /// Seeds after which a bug counts as missed.
    #[arg(long, default_value_t = 100)]
    pub(crate) seeds_max: u64,
    /// Operations of clients in each.
    #[arg(long, default_value_t = 1000)]
    pub(crate) ops: u64,
    /// Only these bugs, by their names.
    pub(crate) only: Vec<String>,
}
