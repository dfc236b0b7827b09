//! Scenarios on running nodes: A, B and C are the first three regions of `regions.toml`.
//!
//! The scenarios' steps are taken one after the other on a thread that may block, while this task prints and listens for a
//! signal. Whatever the nodes were made to do (links cut, clocks stopped, rebalancer and sweeper at rest) is undone when the
//! last scenario has ended, or the first signal has come, or something went wrong.

mod cluster;
mod error;
mod seat;
mod world;

use std::path::Path;
use std::time::Duration;

use halcyon_sim::scenario::{self, Scenario, Verdict};
use halcyon_types::KeyspaceName;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::report::Report;
use crate::interrupt::Interrupt;
use crate::{Failure, setup};
use cluster::Cluster;
use error::LiveError;
use world::Live;

/// Verdicts that may wait to be printed.
const AHEAD: usize = 16;

/// Where the nodes are.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) config: &'a Path,
    pub(super) certs: &'a Path,
    pub(super) keyspace: &'a KeyspaceName,
}

struct Ended {
    scenario: Scenario,
    verdict: Verdict,
    took: Duration,
}

/// Runs them all, and reports each.
///
/// # Errors
/// The nodes are not there or not fit, a signal came, or something is left that could not be healed.
pub(super) async fn run(place: Place<'_>, scenarios: Vec<Scenario>, report: &mut Report) -> Result<(), Failure> {
    let topology = setup::topology(place.config)?;
    let keyspace = setup::keyspace(&topology, place.keyspace)?.clone();
    let cluster = Cluster::open(topology, keyspace, place.certs).await?;
    let mut interrupt = Interrupt::listen()?;
    let (stop, stopping) = watch::channel(false);
    let (verdict, mut verdicts) = mpsc::channel(AHEAD);
    let runtime = Handle::current();
    let playing = tokio::task::spawn_blocking(move || play(&runtime, cluster, scenarios, &stopping, &verdict));
    let mut unprinted = None;
    loop {
        tokio::select! {
            ended = verdicts.recv() => match ended {
                Some(Ended { scenario, verdict, took }) => {
                    if let Err(error) = report.take(&scenario, &verdict, took) {
                        unprinted.get_or_insert(error);
                        stop.send_replace(true);
                    }
                }
                None => break,
            },
            () = interrupt.heard() => drop(stop.send_replace(true)),
        }
    }
    let played = playing.await.unwrap_or_else(|panic| Err(LiveError::Ended(panic.to_string())));
    match unprinted {
        Some(error) => Err(error.into()),
        None => Ok(played?),
    }
}

/// Takes every step, and heals at the end. Must not run on the runtime's own thread: it blocks on it.
fn play(
    runtime: &Handle,
    mut cluster: Cluster,
    scenarios: Vec<Scenario>,
    stopping: &watch::Receiver<bool>,
    verdicts: &mpsc::Sender<Ended>,
) -> Result<(), LiveError> {
    let mut played = Ok(());
    for scenario in scenarios {
        let begun = Instant::now();
        let verdict = match &scenario.steps {
            Ok(_) => match Live::begin(runtime, &mut cluster, stopping) {
                Ok(mut live) => scenario::run(&scenario, &mut live),
                Err(error) => {
                    played = Err(error);
                    break;
                }
            },
            Err(_) => scenario::run(&scenario, &mut halcyon_sim::kernel::Kernel::default()),
        };
        if *stopping.borrow() {
            played = Err(LiveError::Interrupted);
            break;
        }
        // Whoever listens prints until the last has come.
        let _ = verdicts.blocking_send(Ended { scenario, verdict, took: begun.elapsed() });
    }
    let healed = runtime.block_on(cluster.heal());
    // What is left broken matters more than why it was stopped.
    healed.and(played)
}
