//! `halcyon replay`: order lines played into several regions at once, one of them cut off on request, and every figure
//! checked in every region.

mod compare;
mod converge;
mod cut;
mod error;
mod expectation;
mod figures;
mod flow;
mod keys;
mod lane;
mod lookout;
mod observe;
mod play;
mod report;
mod sales;
mod stock;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use halcyon_types::{KeyspaceName, RegionName};

pub(crate) use cut::Cut;
pub(crate) use flow::{Plan, replay};
pub(crate) use report::Report;

use crate::out::say;
use crate::{Failure, Remedy, retail, setup};
use figures::Expected;

/// Lines in flight per region, unless told otherwise.
const IN_FLIGHT: usize = 128;
/// How long the regions may take to converge, unless told otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Plays order lines into the regions named by their `home` column, waits for convergence, and checks every region
///
/// FILE is CSV with the header seq,ts,invoice,sku,qty,price,customer,country,geo,home; home r0 is the first region of
/// the cluster's file, r1 the second, and so on. The whole file is checked before the first write. Each line is one
/// atomic record: cart:INVOICE set += SKU (if qty > 0), lines:INVOICE map of counters, field SKU += qty, net:SKU
/// counter += qty, revenue:GEO counter += qty × price in thousandths, top sorted set, member SKU += qty (if qty > 0),
/// buyers:GEO `HyperLogLog` += customer (if known), last:SKU register = "ts|invoice", stock:SKU bounded counter −= qty.
///
/// Stock begins with the least that never oversells in file order, shared out evenly over the regions before the first
/// line. A sale takes its units out of the rights of its own region, a return puts them back. A sale that its region may
/// not make, even after a fifth of a second's patience, is booked without taking stock, as a back order, and counted as
/// refused; so every other figure has it. Stock is looked at all the time and must never be below zero.
///
/// Every figure is then compared, in every region, with what the file alone says; what is left of the stock, with what was
/// not refused; buyers may be off by three standard errors (2.44 %). The exit status is 0 only if all of them are right.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  halcyon replay week.csv --config regions.toml --certs certs/ --expect per-sku.tsv \\
    --cut eu-west --cut-at 7000 --heal-at 14000")]
pub(crate) struct Command {
    /// The order lines
    file: PathBuf,
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory of certificates
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// The keyspace to play into
    #[arg(long, value_name = "NAME", default_value = "default")]
    keyspace: KeyspaceName,
    /// Put before every key, so that several replays fit one cluster
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
    /// Expected figures per product, tab-separated: sku and net, and, if there, sold, returned, `min_initial_stock`,
    /// invoices, homes
    #[arg(long, value_name = "PER_SKU.tsv")]
    expect: Option<PathBuf>,
    /// Cut this region off from all others for a part of the file; its node must run with --fault-api
    #[arg(long, value_name = "REGION", requires_all = ["cut_at", "heal_at"])]
    cut: Option<RegionName>,
    /// Cut before this order line, counted from 1, the header not counted
    #[arg(long, value_name = "LINE", requires = "cut")]
    cut_at: Option<usize>,
    /// Heal before this order line
    #[arg(long, value_name = "LINE", requires = "cut")]
    heal_at: Option<usize>,
    /// Order lines in flight per region
    #[arg(long, value_name = "N", default_value_t = IN_FLIGHT)]
    in_flight: usize,
    /// Seconds that the regions may take to converge
    #[arg(long, value_name = "SECONDS", default_value_t = TIMEOUT.as_secs())]
    timeout: u64,
    /// One JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// The regions do not show what they must.
#[derive(Debug, thiserror::Error)]
#[error("{differences} figures are not as they must be")]
pub(crate) struct Disagreement {
    differences: usize,
}

impl Disagreement {
    /// Of a report, if it has any.
    pub(crate) fn of(report: &Report) -> Result<(), Self> {
        if report.agree { Ok(()) } else { Err(Self { differences: report.differences.len() }) }
    }
}

impl Remedy for Disagreement {
    fn remedy(&self) -> Option<String> {
        Some(
            "if nobody else wrote these keys and the expected figures are of this file, report it as a defect"
                .to_owned(),
        )
    }
}

/// Runs the command.
///
/// # Errors
/// What stopped it, or that some figures are wrong.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let topology = setup::topology(&command.config)?;
    let keyspace = setup::keyspace(&topology, &command.keyspace)?.name.clone();
    let cut = match (&command.cut, command.cut_at, command.heal_at) {
        (Some(region), Some(at), Some(heal)) => {
            let region = setup::region(&topology, region)?.name.clone();
            Some(Cut { region, at, heal })
        }
        _ => None,
    };
    let lines = retail::read_file(&command.file)?;
    let expected = command.expect.as_deref().map(Expected::read_file).transpose()?;
    let report = replay(Plan {
        prefix: command.prefix.clone(),
        expected,
        cut,
        in_flight: command.in_flight,
        timeout: Duration::from_secs(command.timeout),
        ..Plan::new(topology, command.certs.clone(), keyspace, lines)
    })
    .await?;
    if command.json {
        say(serde_json::json!(report))?;
    } else {
        say(&report)?;
    }
    Ok(Disagreement::of(&report)?)
}
