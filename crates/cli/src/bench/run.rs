//! Running a load.

use std::sync::Arc;
use std::time::Duration;

use halcyon_client::Client;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::BenchError;
use super::load::{Load, Op};
use super::payload::Payload;
use super::report::Report;
use super::worker::{Course, key, work};
use crate::parallel::each;
use crate::progress::Progress;
use crate::splitmix::SplitMix;

/// Past it a measurement counts as this.
const MICROS_MAX: u64 = 60_000_000;
/// Significant digits of a percentile.
const DIGITS: u8 = 3;
/// Keys written per record when preloading, and records in flight.
const PRELOAD_BATCH: u64 = 256;
const PRELOAD_IN_FLIGHT: usize = 16;

/// Runs a load through `clients`, which share the operations in flight evenly, and measures how long each operation
/// takes until its answer.
///
/// # Errors
/// [`BenchError`], at the first operation that fails.
pub async fn run(clients: &[Client], keyspace: &str, load: &Load) -> Result<Report, BenchError> {
    drive(clients, keyspace, load, None).await
}

/// Runs a load of writes through `clients`, and measures how long each takes from its receipt until `elsewhere` has
/// seen it: the replication lag, one local round trip to `elsewhere` included.
///
/// # Errors
/// [`BenchError`], at the first operation that fails.
pub async fn run_lag(
    clients: &[Client],
    keyspace: &str,
    load: &Load,
    elsewhere: &Client,
) -> Result<Report, BenchError> {
    drive(clients, keyspace, load, Some(elsewhere.clone())).await
}

/// Writes every key of a load once, many to a record.
///
/// # Errors
/// [`BenchError`], at the first record that fails.
pub async fn preload(client: &Client, keyspace: &str, load: &Load) -> Result<(), BenchError> {
    let batches: Vec<u64> = (0..load.keys.div_ceil(PRELOAD_BATCH)).collect();
    let progress = Arc::new(Progress::new("preloading", "records", batches.len() as u64));
    let (shop, load, payload) = (client.keyspace(keyspace), load.clone(), Payload::of(load.value_bytes));
    let written = each(batches, PRELOAD_IN_FLIGHT, move |number: u64| {
        let (mut batch, mut random) = (shop.batch(), SplitMix::new(number));
        for index in number * PRELOAD_BATCH..load.keys.min((number + 1) * PRELOAD_BATCH) {
            let key = key(load.op, index);
            match load.op {
                Op::Incr => drop(batch.counter(key).add(1)),
                Op::Set | Op::Get => drop(batch.register(key).set(payload.value(&mut random))),
                Op::Sadd => drop(batch.set(key).add(0_u64.to_be_bytes())),
                Op::Hincr => drop(batch.map(key).counter(0_u64.to_be_bytes()).add(1)),
                Op::Hset => drop(batch.map(key).register(0_u64.to_be_bytes()).set(payload.value(&mut random))),
            }
        }
        let progress = Arc::clone(&progress);
        async move {
            batch.commit().await?;
            progress.step();
            Ok::<_, BenchError>(())
        }
    });
    written.await.map(drop)
}

async fn drive(clients: &[Client], keyspace: &str, load: &Load, seen_at: Option<Client>) -> Result<Report, BenchError> {
    let micros = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS)?;
    let lag_to = seen_at.as_ref().map(|client| client.region().clone());
    if lag_to.is_some() && (load.op == Op::Get || load.reads_percent > 0) {
        return Err(BenchError::LagOfReads);
    }
    let course = Arc::new(Course::new(load.clone(), keyspace.to_owned(), seen_at, micros));
    let mut workers = JoinSet::new();
    let seats = clients.iter().cycle().take(if clients.is_empty() { 0 } else { load.in_flight.max(1) });
    for (worker, client) in seats.enumerate() {
        let (course, client) = (Arc::clone(&course), client.clone());
        workers.spawn(async move { work(&course, &client, worker as u64).await });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let counted = Instant::now().saturating_duration_since(course.counts_from()).max(Duration::from_micros(1));
    drop(workers);
    let micros = Arc::try_unwrap(course).map_err(|_| BenchError::Busy)?.into_micros();
    Ok(Report::of(load, clients.len(), counted, lag_to, &micros))
}
