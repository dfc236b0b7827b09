//! `halcyon scenarios`: runs a file of the scenario language, on the kernel in memory or on running nodes.
//!
//! What the language is stands in `halcyon_sim::scenario`; here are the command, its two worlds' common report, and, in
//! [`live`], the world of running nodes.

mod live;
mod report;

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;
use halcyon_sim::kernel::Kernel;
use halcyon_sim::scenario::{self, Scenario, ScenarioError};
use halcyon_types::KeyspaceName;
use tokio::time::Instant;

use crate::{Failure, Remedy};
use report::Report;

const LANGUAGE: &str = "The language:
  [NAME]                      a scenario: its name, and the steps below it; # begins a comment
  A incr k 100                one write, at region A, B or C; the words are those of `halcyon exec --help`
  A srem s x ctx=TOK          it has seen what `save` saw, not what the region sees now
  txn A incr k 1; sadd s x    several writes as one record
  begin A t / A@t incr k 1 / commit A t
  A->B, A->B own              B catches up from A; own: with A's own records alone
  sync                        all catch up from all; replicas are then equal byte for byte
  clock A MS, advance MS      sets one region's clock, moves every clock on
  save A TOK                  keeps what A has seen under a name
  expect A counter k => 100   a read, and what it prints; expect * …: at every region
  err A bdec k 1 => InsufficientRights

Without --live, three replicas of the kernel in memory. With it, the first three regions of regions.toml, whose nodes run with
--fault-api: links are cut but for what a step lets through, clocks are test clocks, rebalancer and sweeper rest; at the end,
also after Ctrl-C, all of that is healed. Every scenario has a key prefix of its own; its keys stay. For test clusters only:
their stamps run ahead of time by what the scenarios' clocks have moved, and nobody else may write meanwhile.

Prints `ok NAME`, `FAIL NAME: why` or `skip NAME: why` a line, and a line of counts. The exit status is 0 only without FAIL.

Example: halcyon scenarios crates/sim/scenarios/pairs.txt --live --config regions.toml --certs certs/";

/// Runs a file of the scenario language, on the kernel in memory or on running nodes
#[derive(Debug, Args)]
#[command(after_help = LANGUAGE)]
pub(crate) struct Command {
    /// The file
    file: PathBuf,
    /// On running nodes
    #[arg(long)]
    live: bool,
    /// With --live: the cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// With --live: the directory of certificates
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// With --live: the keyspace of every key
    #[arg(long, value_name = "NAME", default_value = "default")]
    keyspace: KeyspaceName,
    /// One JSON document instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
enum ScenariosError {
    #[error("{} cannot be read: {source}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error(transparent)]
    Language(#[from] ScenarioError),
    #[error("{} holds no scenario", .0.display())]
    Empty(PathBuf),
    #[error("{failed} of {all} scenarios failed; standard output says which and why")]
    Failed { failed: usize, all: usize },
}

impl Remedy for ScenariosError {
    fn remedy(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some("give a file that can be read".to_owned()),
            Self::Empty(_) => {
                Some("begin a scenario with its name in brackets; see halcyon scenarios --help".to_owned())
            }
            Self::Language(_) | Self::Failed { .. } => None,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it, or that some scenarios failed.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let scenarios = load(command)?;
    let mut report = Report::new(command.json, scenarios.len());
    if command.live {
        let place = live::Place { config: &command.config, certs: &command.certs, keyspace: &command.keyspace };
        live::run(place, scenarios, &mut report).await?;
    } else {
        for scenario in &scenarios {
            let begun = Instant::now();
            let verdict = scenario::run(scenario, &mut Kernel::default());
            report.take(scenario, &verdict, begun.elapsed())?;
        }
    }
    let (failed, all) = report.end()?;
    if failed == 0 { Ok(()) } else { Err(ScenariosError::Failed { failed, all }.into()) }
}

fn load(command: &Command) -> Result<Vec<Scenario>, ScenariosError> {
    let file = &command.file;
    let text = fs::read_to_string(file).map_err(|source| ScenariosError::Unreadable { file: file.clone(), source })?;
    let scenarios = scenario::parse(&file.display().to_string(), &text)?;
    if scenarios.is_empty() { Err(ScenariosError::Empty(file.clone())) } else { Ok(scenarios) }
}
