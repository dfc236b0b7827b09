//! `halcyon repair`: the state of another region takes the place of one whose rows are damaged or wrong.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use halcyon_client::{Began, Client, ReadError, RepairState, Role};
use halcyon_types::topology::Topology;
use halcyon_types::{RegionId, RegionName};
use serde_json::{Value, json};

use crate::connect::connect_as;
use crate::out::say;
use crate::progress::Progress;
use crate::{Failure, Remedy, setup};

/// Between two looks at how far the copy is.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Looks, one after the other, that may find nobody while the region begins anew: what only it has is replayed meanwhile.
const SILENT_MAX: u32 = 600;

/// Replaces the whole state of a region by a copy of another region's
///
/// For rows that an audit has found to be damaged, or to differ (`halcyon status`). The region copies every row of the other
/// one, at 64 MiB a second at most, while it serves and takes writes with what it has; then every record of its own logs that the
/// copy lacks is replayed, and the copy takes the place. Nothing that it acknowledged is lost. Its clients are disconnected for
/// a moment, and it needs room for a second copy on its disk. Rows are not mended one by one, and nothing is merged.
///
/// The region named is the one that is wrong: of two that differ, only you can know which. Without --yes it is only told what
/// the audits have found there, and whose state would be taken. It needs the admin certificate that `halcyon certs init` has made.
///
/// Example: halcyon repair --region ap-south --config regions.toml --certs certs/
/// Example: halcyon repair --region ap-south --from eu-west --yes
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Command {
    /// The region whose state is to be replaced
    #[arg(long, value_name = "NAME")]
    region: RegionName,
    /// The region whose state is taken; by default whichever of the others has seen most
    #[arg(long, value_name = "PEER")]
    from: Option<RegionName>,
    /// Do it; without this it is only told what would be done
    #[arg(long)]
    yes: bool,
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory with ca.pem, admin-admin.pem and admin-admin.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// The name of the admin certificate
    #[arg(long, value_name = "NAME", default_value = "admin")]
    admin: String,
    /// One JSON document instead of sentences
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
enum RepairError {
    #[error("the region asked, or let go: {0}")]
    Asked(#[from] ReadError),
    #[error("a region cannot be repaired from itself: {0}")]
    Itself(RegionName),
    #[error("no copy of {from} could be had; the region goes on with what it has")]
    GivenUp { from: String },
    #[error("the copy could not take the place of the region's state, which goes on with it: {reason}")]
    NotReplaced { reason: String },
    #[error("the region's node was started anew meanwhile, and the copy is gone")]
    Restarted,
}

impl Remedy for RepairError {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Asked(error) if error.name() == "Forbidden" => return None,
            Self::Asked(_) => "see how the regions are with `halcyon status`, then try again".to_owned(),
            Self::Itself(_) => "name another region with --from, or leave it out".to_owned(),
            Self::GivenUp { .. } => {
                "see to the link between the two (`halcyon status`) and to room on the disk, then try again; \
                                     or name another region with --from"
                    .to_owned()
            }
            Self::NotReplaced { .. } => {
                "name another region with --from; if none will do, stop the node, move its data directory \
                                         away and start it again: it fetches what the others have"
                    .to_owned()
            }
            Self::Restarted => "try again".to_owned(),
        })
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it, with its remedy.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let topology = setup::topology(&command.config)?;
    let region = setup::region(&topology, &command.region)?.name.clone();
    let from = command.from.as_ref().map(|name| setup::region(&topology, name).map(|region| region.id)).transpose()?;
    if let Some(name) = command.from.as_ref().filter(|name| **name == region) {
        return Err(RepairError::Itself(name.clone()).into());
    }
    let role = Role::Admin(command.admin.parse()?);
    let client = connect_as(role, &topology, &command.certs, &region).await?;
    let before = client.repair(from, false).await.map_err(RepairError::from)?;
    if !command.json {
        tell(&topology, &region, &before)?;
    }
    if !command.yes {
        if command.json {
            return Ok(say(document(&topology, &before, false))?);
        }
        return Ok(say("Nothing was changed. Add --yes to begin.")?);
    }
    let begun = client.repair(from, true).await.map_err(RepairError::from)?;
    follow(&client, &topology, &begun).await?;
    if command.json {
        say(document(&topology, &before, true))?;
    } else {
        let from = begun.from.map_or_else(String::new, |from| name_of(&topology, from));
        say(format_args!("{region}: a copy of the state of {from} has taken the place of its own"))?;
        say("The next audits tell whether all regions agree: `halcyon status`")?;
    }
    Ok(())
}

/// Waits until the region lives from the copy.
async fn follow(client: &Client, topology: &Topology, begun: &RepairState) -> Result<(), RepairError> {
    let progress = Progress::endless("repair");
    let (mut stored, mut silent) = (0, 0);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let state = match client.repair(None, false).await {
            Ok(state) => state,
            // It is about to begin anew, or replays.
            Err(error @ ReadError::Refused(_)) if error.name() != "Stopping" => return Err(error.into()),
            Err(error) if silent >= SILENT_MAX => return Err(error.into()),
            Err(_) => {
                silent += 1;
                continue;
            }
        };
        silent = 0;
        if state.life != begun.life {
            return match state.began {
                Began::Copied => Ok(()),
                Began::Failed { reason } => Err(RepairError::NotReplaced { reason }),
                Began::Opened => Err(RepairError::Restarted),
            };
        }
        let Some(pages) = state.pages else {
            let from = begun.from.map_or_else(String::new, |from| name_of(topology, from));
            return Err(RepairError::GivenUp { from });
        };
        progress.more(pages.saturating_sub(stored));
        stored = pages;
    }
}

fn tell(topology: &Topology, region: &RegionName, state: &RepairState) -> Result<(), Failure> {
    if state.findings.is_empty() {
        say(format_args!("{region}: no audit since its start has found anything wrong"))?;
    }
    for finding in &state.findings {
        say(format_args!("{region}: {}", finding.what))?;
    }
    match (state.from, state.pages) {
        (Some(from), Some(pages)) => {
            let from = name_of(topology, from);
            say(format_args!("{region}: a copy of the state of {from} is being taken: {pages} pages so far"))?;
        }
        (Some(from), None) => {
            let from = name_of(topology, from);
            say(format_args!("{region}: the state of {from} would take the place of its own"))?;
        }
        (None, _) => say(format_args!("{region}: no such region can give a copy of its state now"))?,
    }
    Ok(())
}

fn name_of(topology: &Topology, region: RegionId) -> String {
    let found = topology.regions.iter().find(|other| other.id == region);
    found.map_or_else(|| region.to_string(), |region| region.name.to_string())
}

fn document(topology: &Topology, state: &RepairState, repaired: bool) -> Value {
    let finding = |finding: &halcyon_client::Finding| {
        json!({
            "peer": finding.peer.map(|peer| name_of(topology, peer)),
            "what": finding.what,
        })
    };
    json!({
        "repaired": repaired,
        "from": state.from.map(|from| name_of(topology, from)),
        "findings": state.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
