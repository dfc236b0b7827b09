//! `halcyon restore`: a data directory made of a backup, with no node running.

use std::path::PathBuf;

use clap::Args;
use halcyon_node::backup::{self, Manifest, Order, RestoreError};
use halcyon_types::RegionName;
use serde_json::json;

use crate::backup::{document, vector};
use crate::out::say;
use crate::progress::Progress;
use crate::{Failure, Remedy, setup};

/// Makes a data directory of a backup that `halcyon backup` has taken
///
/// The backup may be of any region of the cluster. Its checksums are verified first. The directory always begins a new log:
/// what its former node acknowledged after the backup, and no other region has, is lost; the rest comes from the others when
/// the node starts, before it answers anybody.
///
/// To bring a whole cluster back, restore every region from one and the same backup.
///
/// Example: halcyon restore backups/monday --data /var/lib/halcyon --region us-east --config regions.toml
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The backup's directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The data directory to make: new or empty
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// The region whose directory it becomes
    #[arg(long, value_name = "NAME")]
    region: RegionName,
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// One JSON document instead of sentences
    #[arg(long)]
    json: bool,
}

// Their messages end with the remedy.
impl Remedy for RestoreError {}

/// Runs the command.
///
/// # Errors
/// What stopped it, with its remedy.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let topology = setup::topology(&command.config)?;
    let region = setup::region(&topology, &command.region)?.name.clone();
    let rows = Manifest::read(&command.dir)?.rows();
    let progress = Progress::new("restore", "rows, each read twice", 2 * rows);
    let (backup, data) = (command.dir.clone(), command.data.clone());
    let order = Order { topology, region, backup, data };
    let restored = backup::restore(&order, |rows| progress.more(rows))?;
    progress.end();
    let (data, region, manifest) = (command.data.display(), &order.region, &restored.manifest);
    if command.json {
        let (actor, vv) = (restored.actor.to_string(), vector(&restored.vv));
        let document = json!({
            "data": data.to_string(), "region": region, "actor": actor, "vv": vv, "backup": document(&command.dir, manifest),
        });
        return Ok(say(document)?);
    }
    say(format_args!(
        "{data} is a data directory of region {region}, with {rows} rows from the backup {}",
        command.dir.display()
    ))?;
    say(format_args!(
        "  it writes a new log, {}; the backup was taken of {} as {}",
        restored.actor, manifest.region, manifest.actor
    ))?;
    say(format_args!("  it has seen {:?}", restored.vv))?;
    say("  whatever was acknowledged after the backup, and has reached no other region, is lost")?;
    say("  everything else comes from the other regions: start the node, which fetches it before it answers")?;
    say(format_args!("  halcyon node --region {region} --data {data} …"))?;
    Ok(())
}
