//! `halcyon bench`: the load generator, as a command and as a library for `benches/`.
//!
//! ```no_run
//! # async fn example(client: halcyon_client::Client) -> Result<(), halcyon_cli::bench::BenchError> {
//! use halcyon_cli::bench::{Load, run};
//!
//! let report = run(&[client], "default", &Load { in_flight: 1, ..Load::default() }).await?;
//! println!("p99 {} us", report.micros.p99);
//! # Ok(()) }
//! ```

mod load;
mod payload;
mod report;
mod run;
mod worker;
mod zipf;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use halcyon_client::{ReadError, WriteError};
use halcyon_types::{KeyspaceName, RegionName};
use tokio::task::JoinError;

pub use load::{End, Load, Op, Spread};
pub use report::{Percentiles, Report};
pub use run::{preload, run, run_lag};

use crate::connect::connect;
use crate::out::say;
use crate::{Failure, Remedy, setup};

/// Why a load ended early.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// What was written before stays.
    #[error("a write failed: {0}")]
    Write(#[from] WriteError),
    /// What was written before stays.
    #[error("a read failed: {0}")]
    Read(#[from] ReadError),
    /// Nothing was done.
    #[error("reads have no replication lag")]
    LagOfReads,
    /// A defect of this program.
    #[error("a worker ended early: {0}")]
    Worker(#[from] JoinError),
    /// A defect of this program.
    #[error("a worker is still at it")]
    Busy,
    /// A defect of this program.
    #[error("nothing can be measured: {0}")]
    Histogram(#[from] hdrhistogram::CreationError),
}

impl Remedy for BenchError {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Write(_) | Self::Read(_) => {
                "see how the region is: halcyon status; or use fewer operations in flight".to_owned()
            }
            Self::LagOfReads => "measure the lag of a write: --op incr".to_owned(),
            Self::Worker(_) | Self::Busy | Self::Histogram(_) => "report this".to_owned(),
        })
    }
}

/// Puts a load on a region and reports operations a second and latency percentiles
///
/// Every write counts once it is acknowledged, so once it is on the region's disk.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  halcyon bench --config regions.toml --certs certs/ --op incr --in-flight 256 --duration 10s
  halcyon bench --config regions.toml --certs certs/ --op set --value-bytes 64 --reads 95 --keys 1000000 --spread zipf --preload
  halcyon bench --config regions.toml --certs certs/ --region us-east --lag-to eu-west --rate 5000")]
pub struct Command {
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory of certificates
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// The region to load; the first of the file, if not given
    #[arg(long, value_name = "NAME")]
    region: Option<RegionName>,
    /// The keyspace of the keys
    #[arg(long, value_name = "NAME", default_value = "default")]
    keyspace: KeyspaceName,
    /// What to repeat
    #[arg(long, value_enum, default_value_t = Op::Incr)]
    op: Op,
    /// Of a hundred operations, so many read what the others write
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=100))]
    reads: u64,
    /// Keys to draw from
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    keys: u64,
    /// How to draw them
    #[arg(long, value_enum, default_value_t = Spread::Even)]
    spread: Spread,
    /// Bytes of a register's value
    #[arg(long, value_name = "N", default_value_t = 100)]
    value_bytes: usize,
    /// Operations in flight, over all connections
    #[arg(long, value_name = "N", default_value_t = 256)]
    in_flight: usize,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    connections: u16,
    /// How long, such as 10s, 500ms or 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    duration: Duration,
    /// How many operations, instead of how long
    #[arg(long, value_name = "N", conflicts_with = "duration")]
    ops: Option<u64>,
    /// How long to run before counting
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    warmup: Duration,
    /// Operations to begin a second; as many as go, if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Write every key once before
    #[arg(long)]
    preload: bool,
    /// Measure, instead of latency, how long after its receipt a write is seen in this region
    #[arg(long, value_name = "REGION")]
    lag_to: Option<RegionName>,
    /// One JSON document instead of two lines
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// What stopped it, with its remedy.
pub async fn command(command: &Command) -> Result<(), Failure> {
    let topology = setup::topology(&command.config)?;
    let keyspace = setup::keyspace(&topology, &command.keyspace)?.name.as_str();
    let first = topology.regions.first().map(|region| region.name.clone());
    let region = command.region.clone().or(first);
    let mut clients = Vec::new();
    for region in region.iter().cycle().take(command.connections.into()) {
        let region = setup::region(&topology, region)?;
        clients.push(connect(&topology, &command.certs, &region.name).await?);
    }
    let load = Load {
        op: command.op,
        reads_percent: command.reads,
        keys: command.keys,
        spread: command.spread,
        value_bytes: command.value_bytes,
        in_flight: command.in_flight,
        end: command.ops.map_or(End::After(command.duration), End::Ops),
        warmup: command.warmup,
        rate: command.rate,
        ..Load::default()
    };
    if let (true, Some(client)) = (command.preload, clients.first()) {
        preload(client, keyspace, &load).await?;
    }
    let report = match &command.lag_to {
        Some(elsewhere) => {
            let elsewhere = setup::region(&topology, elsewhere)?;
            let elsewhere = connect(&topology, &command.certs, &elsewhere.name).await?;
            run_lag(&clients, keyspace, &load, &elsewhere).await?
        }
        None => run(&clients, keyspace, &load).await?,
    };
    if command.json {
        say(serde_json::json!(report))?;
    } else {
        say(&report)?;
    }
    Ok(())
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        _ => 0,
    };
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis)).filter(|_| millis > 0);
    millis.map(Duration::from_millis).ok_or_else(|| "use a number and ms, s or m, such as 10s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, millis) in [("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("7", 7000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "10h", "1.5s", "-1s", "10 s", "99999999999999999999s", "18446744073709551615m"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
