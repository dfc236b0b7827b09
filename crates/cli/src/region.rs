//! `halcyon region`: regions join, are retired, and move to other machines while the cluster runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use halcyon_client::{Change, ReadError, Receipt, Role, request_id};
use halcyon_types::topology::{Region, Topology};
use halcyon_types::{Address, IdError, NameError, RegionId, RegionName};

use crate::connect::{OpenError, connect_as};
use crate::out::say;
use crate::{Failure, Remedy, setup};

/// `halcyon region …`
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lets a new region join the running cluster
    ///
    /// Commits that it is a member, by way of a member that runs. Its node is started after that, with an empty data directory
    /// and a regions.toml that lists it and the others; it takes what the others have, and serves once it has caught up.
    /// It needs an admin certificate, and more than half of the members reached from the one that is asked.
    ///
    /// Example: halcyon region add 4 sa-east --peer 10.0.4.1:7101 --client 10.0.4.1:7201 --admin 10.0.4.1:7401
    #[command(verbatim_doc_comment)]
    Add(Add),
    /// Retires a region, for good
    ///
    /// The others wait for it no more, take nothing from it, and drop from their logs what only it lacks. What any of them has of it stays
    /// and reaches all. Neither its id nor its name is used again. Let it stop taking writes first, if it lives: what it has
    /// acknowledged and sent to nobody stays in its data directory alone.
    ///
    /// Example: halcyon region retire ap-south --config regions.toml --certs certs/
    #[command(verbatim_doc_comment)]
    Retire(Retire),
    /// Lets another machine take over for a region that is lost for good
    ///
    /// The region keeps its id and name; its node is started with an empty data directory, and begins a new log. Give the
    /// addresses that are other than before.
    ///
    /// Example: halcyon region replace ap-south --peer 10.0.9.1:7101 --client 10.0.9.1:7201 --admin 10.0.9.1:7401
    #[command(verbatim_doc_comment)]
    Replace(Replace),
}

/// Whom to ask, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// The member to ask; the first of the file that answers, if left out
    #[arg(long, value_name = "NAME")]
    region: Option<RegionName>,
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory with ca.pem, admin-admin.pem and admin-admin.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// The name of the admin certificate
    #[arg(long, value_name = "NAME", default_value = "admin")]
    admin_name: String,
}

/// `halcyon region add`
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its number, 1..=65535: one that no region of this cluster has ever had
    id: u64,
    /// Its name, which none has ever had either
    name: RegionName,
    /// Where its node will listen for other nodes (QUIC over UDP)
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    peer: Address,
    /// Where its node will listen for applications (QUIC over UDP)
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    client: Address,
    /// Where its node will serve health, metrics and status (HTTP over TCP)
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    admin: Address,
    #[command(flatten)]
    way: Way,
}

/// `halcyon region retire`
#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// Which region
    name: RegionName,
    #[command(flatten)]
    way: Way,
}

/// `halcyon region replace`
#[derive(Debug, Args)]
pub(crate) struct Replace {
    /// Which region
    name: RegionName,
    /// Where its node will listen for other nodes, if elsewhere than before
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    peer: Option<Address>,
    /// Where its node will listen for applications, if elsewhere than before
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    client: Option<Address>,
    /// Where its node will serve health, metrics and status, if elsewhere than before
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    admin: Option<Address>,
    #[command(flatten)]
    way: Way,
}

#[derive(Debug, thiserror::Error)]
enum RegionError {
    #[error(transparent)]
    Id(#[from] IdError),
    #[error("the members were not changed: {0}")]
    Refused(ReadError),
    #[error("whether the members were changed is not known: {0}")]
    Unknown(ReadError),
    #[error("no member answers")]
    Nobody,
}

impl Remedy for RegionError {
    fn remedy(&self) -> Option<String> {
        match self {
            Self::Id(_) => Some("use a number in 1..=65535".to_owned()),
            // The message ends with it.
            Self::Refused(_) => None,
            Self::Unknown(_) => Some("see who is a member with `halcyon status`, then try again".to_owned()),
            Self::Nobody => Some("start a node of this cluster, or name one that runs with --region".to_owned()),
        }
    }
}

fn address(text: &str) -> Result<Address, NameError> {
    Address::try_from(text.to_owned())
}

/// Runs the command.
///
/// # Errors
/// What stopped it, with its remedy.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Add(args) => add(args).await,
        Command::Retire(Retire { name, way }) => {
            commit(way, name, Change::Retire { name: name.clone() }).await?;
            say(format_args!(
                "region {name} is retired. Stop its node if it runs, and take it out of every regions.toml"
            ))?;
            Ok(())
        }
        Command::Replace(Replace { name, peer, client, admin, way }) => {
            let (peer, client, admin) = (peer.clone(), client.clone(), admin.clone());
            commit(way, name, Change::Replace { name: name.clone(), peer, client, admin }).await?;
            say(format_args!(
                "region {name} may begin anew. Put its addresses into every regions.toml, and start its node with an empty \
                 data directory: halcyon node --region {name} --data DIR …"
            ))?;
            Ok(())
        }
    }
}

async fn add(Add { id, name, peer, client, admin, way }: &Add) -> Result<(), Failure> {
    let id = RegionId::try_from(*id).map_err(RegionError::from)?;
    let (peer, client, admin) = (peer.clone(), client.clone(), admin.clone());
    let region = Region { id, name: name.clone(), peer: peer.clone(), client: client.clone(), admin: admin.clone() };
    commit(way, name, Change::Add(region)).await?;
    say(format_args!("region {name} is a member now. Next:"))?;
    say("1. add it to a regions.toml for its node, and to those of applications and of the other nodes:")?;
    say(format_args!(
        "   [[region]]\n   id = {id}\n   name = \"{name}\"\n   peer = \"{peer}\"\n   client = \"{client}\"\n   admin = \"{admin}\""
    ))?;
    say(format_args!(
        "2. issue its certificate: halcyon certs issue --config FILE --out CERTS --role region --name {name}"
    ))?;
    say(format_args!("3. start its node: halcyon node --config FILE --region {name} --data DIR --certs CERTS"))?;
    say("It serves once it has caught up; see `halcyon status`")?;
    Ok(())
}

/// Asks a member other than the region that it is about.
async fn commit(way: &Way, about: &RegionName, change: Change) -> Result<Receipt, Failure> {
    let topology = setup::topology(&way.config)?;
    let candidates: Vec<RegionName> = match &way.region {
        Some(name) => vec![setup::region(&topology, name)?.name.clone()],
        None => topology.regions.iter().map(|region| region.name.clone()).filter(|name| name != about).collect(),
    };
    let mut failed = None;
    for candidate in candidates {
        match ask(way, &topology, &candidate, &change).await {
            Ok(receipt) => return Ok(receipt),
            // It was not asked: the next one may be.
            Err(Asked::Unreached(error)) => failed = Some(error.into()),
            Err(Asked::Failed(error)) => return Err(error.into()),
        }
    }
    Err(failed.unwrap_or_else(|| RegionError::Nobody.into()))
}

enum Asked {
    Unreached(OpenError),
    Failed(RegionError),
}

async fn ask(way: &Way, topology: &Topology, region: &RegionName, change: &Change) -> Result<Receipt, Asked> {
    let role = way.admin_name.parse().map(Role::Admin).map_err(|error| Asked::Unreached(OpenError::Name(error)))?;
    let client = connect_as(role, topology, &way.certs, region).await.map_err(Asked::Unreached)?;
    let changed = client.change_members(request_id(), change.clone()).await;
    changed.map_err(|error| match error {
        ReadError::Refused(_) => Asked::Failed(RegionError::Refused(error)),
        error => Asked::Failed(RegionError::Unknown(error)),
    })
}
