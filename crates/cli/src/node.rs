//! `halcyon node`: one region's process.

use std::path::PathBuf;

use clap::Args;
use halcyon_node::{Config, Node, NodeError, StartError};
use halcyon_types::RegionName;
use tracing_subscriber::EnvFilter;

use crate::interrupt::Interrupt;
use crate::{Failure, Remedy, setup};

/// Runs a region's node until SIGTERM or Ctrl-C
///
/// Every acknowledged write is on this node's disk. Logs go to standard error, one line each; `HALCYON_LOG` sets what is
/// logged (error, warn, info, debug, trace; `info` if unset).
///
/// Example: halcyon node --config regions.toml --region us-east --data /var/lib/halcyon --certs certs/
#[derive(Debug, Args)]
pub(crate) struct Command {
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The region this node serves
    #[arg(long, value_name = "NAME")]
    region: RegionName,
    /// The data directory; made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The directory with ca.pem, region-NAME.pem and region-NAME.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// Let the admin address cut, delay and heal links: for tests and demonstrations, on loopback only
    #[arg(long)]
    fault_api: bool,
}

// Their messages end with the remedy.
impl Remedy for StartError {}

impl Remedy for NodeError {}

/// Runs the command.
///
/// # Errors
/// Why the node did not start, or what ended it other than a signal.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    log();
    let topology = setup::topology(&command.config)?;
    let region = setup::region(&topology, &command.region)?.name.clone();
    let (data, certs) = (command.data.clone(), command.certs.clone());
    let mut interrupt = Interrupt::listen()?;
    let mut node = Node::start(Config { topology, region, data, certs, fault_api: command.fault_api }).await?;
    let asked = tokio::select! {
        ended = node.stopped() => { ended?; false }
        () = interrupt.heard() => true,
    };
    if asked {
        tracing::info!("stopping on a signal");
        node.stop();
        node.stopped().await?;
    }
    Ok(())
}

fn log() {
    let filter = EnvFilter::try_from_env("HALCYON_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // A second subscriber in one process is a test's affair.
    let _ = logs.with_env_filter(filter).try_init();
}
