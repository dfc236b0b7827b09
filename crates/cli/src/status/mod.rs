//! `halcyon status`: how every region is, as its own node says.
//!
//! What a node adds to its status later passes through `--json` untouched; the table shows what it knows.

mod render;

use std::path::PathBuf;

use clap::Args;
use halcyon_types::RegionName;
use halcyon_types::topology::{Region, Topology};
use serde_json::{Value, json};

use crate::admin::{Admin, AdminError};
use crate::out::say;
use crate::{Failure, Remedy, setup};

/// Shows per region: actor, version vector, links, lag in records and milliseconds, disk, health
///
/// A region that does not answer is shown as such, and makes the exit status 1; the others are shown all the same.
///
/// Example: halcyon status --config regions.toml --json
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// Accepted for symmetry; the admin plane needs no certificate
    #[arg(long, value_name = "DIR")]
    certs: Option<PathBuf>,
    /// Only this region
    #[arg(long, value_name = "NAME")]
    region: Option<RegionName>,
    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("{count} of {all} regions did not answer: {names}")]
struct Silent {
    count: usize,
    all: usize,
    names: String,
}

impl Remedy for Silent {
    fn remedy(&self) -> Option<String> {
        Some("start their nodes, or correct `admin` in regions.toml".to_owned())
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it, or which regions did not answer.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let topology = setup::topology(&command.config)?;
    let regions = match &command.region {
        Some(name) => vec![setup::region(&topology, name)?],
        None => topology.regions.iter().collect(),
    };
    let answers = ask(&regions).await;
    if command.json {
        say(format_args!("{:#}", document(&answers)))?;
    } else {
        say(render::text(topology.cluster.as_str(), &answers))?;
    }
    let silent: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_err()).map(|(name, _)| name.as_str()).collect();
    if silent.is_empty() {
        return Ok(());
    }
    Err(Silent { count: silent.len(), all: answers.len(), names: silent.join(", ") }.into())
}

/// The page of all regions, for a command that has just used them.
pub(crate) async fn page(topology: &Topology) -> String {
    let answers = ask(&topology.regions.iter().collect::<Vec<_>>()).await;
    render::text(topology.cluster.as_str(), &answers)
}

/// Asks all at once.
async fn ask(regions: &[&Region]) -> Vec<(RegionName, Result<Value, AdminError>)> {
    let asked = regions.iter().map(|region| {
        let admin = Admin::of(region);
        tokio::spawn(async move { admin.status().await })
    });
    // Begun here, all of them, before the first is waited for.
    let asked: Vec<_> = asked.collect();
    let mut answers = Vec::new();
    for (region, answer) in regions.iter().zip(asked) {
        let answer = answer.await.unwrap_or_else(|stopped| {
            let problem = stopped.to_string();
            Err(AdminError::Silent { region: region.name.clone(), address: region.admin.clone(), problem })
        });
        answers.push((region.name.clone(), answer));
    }
    answers
}

fn document(answers: &[(RegionName, Result<Value, AdminError>)]) -> Value {
    let regions: Vec<_> = answers
        .iter()
        .map(|(region, answer)| match answer {
            Ok(status) => status.clone(),
            Err(error) => json!({ "region": region, "health": "unreachable", "error": error.to_string() }),
        })
        .collect();
    json!({ "regions": regions })
}
