//! `halcyon restore`: a data directory made of a backup, with no node running.

use std::path::PathBuf;

use clap::Args;
use halcyon_node::backup::{self, Cut, Manifest, Order, RestoreError, Salvaged};
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
/// With --salvage, DIR is a data directory that its node refuses as damaged: what is whole of it is taken over, and it stays as
/// it is. Do that where it may hold writes that no other region has; else begin with a new directory.
///
/// Example: halcyon restore backups/monday --data /var/lib/halcyon --region us-east --config regions.toml
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The backup's directory; with --salvage, the damaged data directory
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The data directory to make: new or empty
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// The region whose directory it becomes
    #[arg(long, value_name = "NAME")]
    region: RegionName,
    /// Take over what is whole of a damaged data directory of this region
    #[arg(long)]
    salvage: bool,
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
    let order = Order { topology, region, from: command.dir.clone(), data: command.data.clone() };
    if command.salvage { salvage(command, &order) } else { restore(command, &order) }
}

fn restore(command: &Command, order: &Order) -> Result<(), Failure> {
    let rows = Manifest::read(&command.dir)?.rows();
    let progress = Progress::new("restore", "rows, each read twice", 2 * rows);
    let restored = backup::restore(order, |rows| progress.more(rows))?;
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

fn salvage(command: &Command, order: &Order) -> Result<(), Failure> {
    let progress = Progress::endless("salvage");
    let Salvaged { actor, vv, lost } = backup::salvage(order, |bytes| progress.more(bytes))?;
    progress.end();
    let (data, region, from) = (command.data.display(), &order.region, command.dir.display());
    if command.json {
        let cuts = lost.cuts.iter().map(
            |cut| json!({"log": cut.log.display().to_string(), "whole": cut.whole, "cut": cut.cut, "why": cut.why}),
        );
        let lost = json!({"cuts": cuts.collect::<Vec<_>>(), "last_change": lost.last, "synced_change": lost.synced});
        return Ok(say(json!({
            "data": data.to_string(), "region": region, "actor": actor.to_string(), "vv": vector(&vv), "lost": lost,
        }))?);
    }
    say(format_args!(
        "{data} is a data directory of region {region}, with what is whole of {from}, which was left as it is"
    ))?;
    for Cut { log, whole, cut, why } in &lost.cuts {
        say(format_args!("  of {} {cut} bytes behind byte {whole} were left out: {why}", log.display()))?;
    }
    match lost.synced {
        Some(synced) if synced > lost.last => say(format_args!(
            "  {} changes that were on disk once are not in it: those after change {}",
            synced - lost.last,
            lost.last
        ))?,
        Some(_) => say("  every change that is known to have been on disk is in it")?,
        None => say("  how much had been on disk is not known")?,
    }
    say(format_args!("  it writes a new log, {actor}, and has seen {vv:?}"))?;
    say("  of what is left out the node fetches what other regions have, before it answers anybody; the rest is lost")?;
    say(format_args!("  halcyon node --region {region} --data {data} …"))?;
    Ok(())
}
