//! `halcyon certs`: the cluster's authority and the certificates it signs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use halcyon_net::authority::{self, Authority, AuthorityError, Validity};
use halcyon_net::{PrincipalName, Role};
use halcyon_types::{ClusterName, NameError, RegionName};

use crate::out::say;
use crate::setup;
use crate::{Failure, Remedy, clock};

/// `halcyon certs …`
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes the cluster's authority, a certificate for every region, one client and one admin certificate
    ///
    /// Keys are readable by their owner only, and nothing that exists is written over. `ca.key` belongs on the one
    /// machine that issues certificates, not on the nodes.
    ///
    /// Example: halcyon certs init --config regions.toml --out certs/
    Init(Init),
    /// Adds one certificate, signed by the authority that `certs init` left in the directory
    ///
    /// Example: halcyon certs issue --config regions.toml --out certs/ --role client --name till-3
    Issue(Issue),
}

/// `halcyon certs init`
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory to write to; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "certs")]
    out: PathBuf,
    /// How many days the certificates are good for
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

/// `halcyon certs issue`
#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory that has the authority; the certificate is written there too
    #[arg(long, value_name = "DIR", default_value = "certs")]
    out: PathBuf,
    /// What the holder may be
    #[arg(long)]
    role: RoleName,
    /// Whose it is: a region of the file, or any name for a client or an admin
    #[arg(long)]
    name: String,
    /// How many days the certificate is good for
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

/// What the holder of a certificate may be.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// The node of a region
    Region,
    /// An application
    Client,
    /// An operator
    Admin,
}

#[derive(Debug, thiserror::Error)]
enum CertsError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("the authority in {} is cluster {authority}'s, but {} describes cluster {config}", dir.display(), file.display())]
    OtherCluster { dir: PathBuf, file: PathBuf, authority: ClusterName, config: ClusterName },
}

impl Remedy for CertsError {
    fn remedy(&self) -> Option<String> {
        match self {
            // Their messages end with the remedy.
            Self::Authority(_) | Self::Name(_) => None,
            Self::OtherCluster { .. } => Some("give the directory or the file of the same cluster".to_owned()),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it, with its remedy.
pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Init(args) => init(args),
        Command::Issue(args) => issue(args),
    }
}

fn init(args: &Init) -> Result<(), Failure> {
    let topology = setup::topology(&args.config)?;
    let roles = authority::init(&args.out, &topology, clock::wall(), days(args.days)).map_err(CertsError::from)?;
    say(format_args!(
        "cluster {}: authority and {} certificates in {}",
        topology.cluster,
        roles.len(),
        args.out.display()
    ))?;
    for role in roles {
        say(format_args!("  {role}: {}.pem, {}.key", role.file_stem(), role.file_stem()))?;
    }
    say(format_args!("keep ca.key where certificates are issued; the nodes and clients do not need it"))?;
    Ok(())
}

fn issue(args: &Issue) -> Result<(), Failure> {
    let topology = setup::topology(&args.config)?;
    let role = match args.role {
        RoleName::Region => {
            let name: RegionName = args.name.parse().map_err(CertsError::from)?;
            Role::Region(setup::region(&topology, &name)?.name.clone())
        }
        RoleName::Client => Role::Client(args.name.parse::<PrincipalName>().map_err(CertsError::from)?),
        RoleName::Admin => Role::Admin(args.name.parse::<PrincipalName>().map_err(CertsError::from)?),
    };
    let authority = Authority::load(&args.out).map_err(CertsError::from)?;
    if *authority.cluster() != topology.cluster {
        let (dir, file) = (args.out.clone(), args.config.clone());
        let (authority, config) = (authority.cluster().clone(), topology.cluster);
        return Err(CertsError::OtherCluster { dir, file, authority, config }.into());
    }
    let validity = Validity::starting(clock::wall(), days(args.days));
    let issued = authority.issue(&role, validity).map_err(CertsError::from)?;
    issued.write(&args.out, &role).map_err(CertsError::from)?;
    let stem = role.file_stem();
    say(format_args!("{role} of cluster {}: {stem}.pem, {stem}.key in {}", topology.cluster, args.out.display()))?;
    Ok(())
}

fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 60 * 60)
}
