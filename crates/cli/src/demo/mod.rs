//! `halcyon demo`: three regions on this machine, a shop's orders across them, one region cut off in the middle.

mod cluster;
mod home;
mod ports;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use clap::Args;
use halcyon_net::AuthorityError;
use halcyon_types::topology::TopologyError;
use halcyon_types::{NameError, RegionName};

use crate::admin::AdminError;
use crate::interrupt::Interrupt;
use crate::out::say;
use crate::replay::{Cut, Disagreement, Plan, replay};
use crate::retail::{self, Shape};
use crate::{Failure, Remedy, status};
use cluster::Cluster;
use home::Home;

/// Runs three real nodes on this machine, plays a shop's synthetic orders across them with one region cut off for the
/// middle third, and checks every figure in every region
///
/// Exit status 0 only if all three regions agree and every figure is right.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  halcyon demo
  halcyon demo --rtt-ms 80 --keep")]
pub(crate) struct Command {
    /// Keep everything in this directory, which must be empty or not there; a temporary one, if not given
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Milliseconds of round trip between regions
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    rtt_ms: u64,
    /// Synthetic order lines
    #[arg(long, value_name = "N", default_value_t = Shape::default().lines, value_parser = clap::value_parser!(u64).range(9..=5_000_000))]
    lines: u64,
    /// Seed of the synthetic orders: the same seed makes the same orders
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Keep serving afterwards, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error("{}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("{} is not empty", path.display())]
    NotEmpty { path: PathBuf },
    #[error("no free port on 127.0.0.1: {0}")]
    Ports(io::Error),
    #[error("the demo's own regions.toml is refused: {0}")]
    Topology(TopologyError),
    #[error(transparent)]
    Certificates(#[from] AuthorityError),
    #[error("the node of {region} cannot be started: {source}")]
    Spawn { region: RegionName, source: io::Error },
    #[error("the node of {region} ended early ({status}); its log ends with:\n    {tail}")]
    Ended { region: RegionName, status: ExitStatus, tail: String },
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("stopped by a signal")]
    Interrupted,
}

impl Remedy for DemoError {
    fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Directory { .. } => "choose a directory that can be written to: --data DIR",
            Self::NotEmpty { .. } => "choose another directory, or remove what is in it",
            Self::Ports(_) => "free some ports",
            Self::Ended { .. } => "correct what the log names; the whole log is kept with --data DIR",
            Self::Spawn { .. } | Self::Topology(_) => "report this",
            Self::Admin(error) => return error.remedy(),
            Self::Certificates(_) | Self::Name(_) | Self::Interrupted => return None,
        };
        Some(text.to_owned())
    }
}

/// Runs the command. Whatever ends it, the nodes it started have ended when it returns.
///
/// # Errors
/// What stopped it, or that some figures are wrong.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let mut interrupt = Interrupt::listen()?;
    let home = Home::make(command.data.as_deref())?;
    say(format_args!("three regions on this machine, in {}", home.path().display()))?;
    let mut cluster = Cluster::spawn(&home)?;
    let shown = tokio::select! {
        shown = show(command, &home, &mut cluster) => shown,
        () = interrupt.heard() => Err(DemoError::Interrupted.into()),
    };
    let ended = match shown {
        Ok(()) if command.keep => {
            keep(&home)?;
            tokio::select! {
                ended = cluster.watch() => Err(ended.into()),
                () = interrupt.heard() => Ok(()),
            }
        }
        other => other,
    };
    cluster.stop().await;
    if let Some(path) = &command.data {
        say(format_args!("\ndata, logs and orders are kept in {}", path.display()))?;
    }
    ended
}

async fn show(command: &Command, home: &Home, cluster: &mut Cluster) -> Result<(), Failure> {
    cluster.ready().await?;
    if command.rtt_ms > 0 {
        // Each way gets half of it.
        cluster.delay(Duration::from_micros(command.rtt_ms * 500)).await?;
        say(format_args!("every message between regions is held for half of {} ms", command.rtt_ms))?;
    }
    play(command, home).await?;
    say(format_args!("\n{}", status::page(&home.topology).await))?;
    Ok(say("\nall three regions agree")?)
}

async fn play(command: &Command, home: &Home) -> Result<(), Failure> {
    let shape = Shape { lines: command.lines, ..Shape::default() };
    let csv = retail::generate(command.seed, shape);
    let file = home.write(&format!("synthetic-orders-seed-{}.csv", command.seed), &csv)?;
    say(format_args!("playing synthetic orders (seed {}): {}", command.seed, file.display()))?;
    let lines = retail::read(csv.as_bytes(), &file)?;
    let third = lines.len() / 3;
    let region: RegionName = "eu-west".parse().map_err(DemoError::from)?;
    let keyspace = "default".parse().map_err(DemoError::from)?;
    let mut plan = Plan::new(home.topology.clone(), home.certs(), keyspace, lines);
    plan.cut = Some(Cut { region, at: third + 1, heal: 2 * third + 1 });
    let report = replay(plan).await?;
    say(format_args!("\nsynthetic orders, seed {}: {report}", command.seed))?;
    Ok(Disagreement::of(&report)?)
}

fn keep(home: &Home) -> Result<(), Failure> {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("halcyon"));
    let shown = |path: &Path| path.display().to_string();
    let (own, config, certs) = (shown(&own), shown(&home.config()), shown(&home.certs()));
    say("\nserving until Ctrl-C; in another terminal:")?;
    say(format_args!("  {own} status --config {config}"))?;
    say(format_args!("  echo 'counter revenue:uk' | {own} exec --region ap-south --config {config} --certs {certs}"))?;
    let bench = "bench --region us-east --lag-to eu-west --rate 2000";
    Ok(say(format_args!("  {own} {bench} --config {config} --certs {certs}"))?)
}
