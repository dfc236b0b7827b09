//! `halcyon exec`: commands on standard input, one JSON object a line on standard output.
//!
//! One command at a time, in order, each answered before the next is read: what a script writes it reads back.

mod answer;
mod cursor;
mod help;
mod input;
mod parse;
mod run;
mod show;
mod words;

use std::path::PathBuf;

use clap::Args;
use halcyon_types::{KeyspaceName, RegionName};

use crate::connect::connect;
use crate::out::say;
use crate::{Failure, Remedy, setup};
use answer::Answer;
use input::Line;
use run::Runner;

/// Reads one command a line on standard input, writes one JSON object a line on standard output
#[derive(Debug, Args)]
#[command(after_help = help::page())]
pub(crate) struct Command {
    /// The region to talk to, and no other
    #[arg(long, value_name = "NAME")]
    region: RegionName,
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory of certificates
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// The keyspace of every key
    #[arg(long, value_name = "NAME", default_value = "default")]
    keyspace: KeyspaceName,
}

#[derive(Debug, thiserror::Error)]
enum ExecError {
    #[error("{failed} of {all} commands were not carried out; standard output says which and why")]
    Some { failed: u64, all: u64 },
    #[error("standard input cannot be read: {problem}")]
    Input { problem: String },
}

impl Remedy for ExecError {}

/// Runs the command.
///
/// # Errors
/// What stopped it, or that some commands were not carried out.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let topology = setup::topology(&command.config)?;
    let region = setup::region(&topology, &command.region)?;
    let keyspace = setup::keyspace(&topology, &command.keyspace)?;
    let client = connect(&topology, &command.certs, &region.name).await?;
    let mut runner = Runner::new(client, &topology, region, keyspace);
    let (mut all, mut failed) = (0, 0);
    let mut lines = input::lines();
    while let Some(line) = lines.recv().await {
        let answer = match line {
            Line::Text(text) => match parse::parse(&text) {
                Ok(None) => continue,
                Ok(Some(command)) => runner.run(command).await,
                Err(error) => error.into(),
            },
            Line::Bad(problem) => Answer::bad_arguments(&problem),
            Line::Failed(problem) => return Err(ExecError::Input { problem }.into()),
        };
        all += 1;
        failed += u64::from(!answer.is_ok());
        say(answer.line())?;
    }
    if failed == 0 { Ok(()) } else { Err(ExecError::Some { failed, all }.into()) }
}
