//! The replay from beginning to end: check, fill the shelves, play, cut, heal, converge, read back, compare.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use halcyon_client::{Client, SessionToken};
use halcyon_types::KeyspaceName;
use halcyon_types::topology::Topology;
use tokio::time::Instant;

use super::compare::{Must, Observed, compare};
use super::converge::{converge, digests, lacks, tokens};
use super::cut::{Cut, CutReport, Links};
use super::error::ReplayError;
use super::expectation::Expectation;
use super::figures::Expected;
use super::keys::Keys;
use super::lookout::Lookout;
use super::observe::Observer;
use super::play::Player;
use super::report::{RegionReport, Report, StockReport};
use super::sales::Played;
use super::stock;
use crate::admin::LinkState;
use crate::connect::connect;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::retail::OrderLine;

/// What to play, where to, and how.
pub(crate) struct Plan {
    pub(crate) topology: Topology,
    pub(crate) certs: PathBuf,
    pub(crate) keyspace: KeyspaceName,
    /// Stands before every key.
    pub(crate) prefix: String,
    pub(crate) lines: Vec<OrderLine>,
    pub(super) expected: Option<Expected>,
    pub(crate) cut: Option<Cut>,
    /// Lines in flight per region.
    pub(crate) in_flight: usize,
    /// How long the regions may take to converge.
    pub(crate) timeout: Duration,
}

impl Plan {
    /// A plan without a second opinion on the figures.
    pub(crate) fn new(topology: Topology, certs: PathBuf, keyspace: KeyspaceName, lines: Vec<OrderLine>) -> Self {
        Self {
            topology,
            certs,
            keyspace,
            prefix: String::new(),
            lines,
            expected: None,
            cut: None,
            in_flight: super::IN_FLIGHT,
            timeout: super::TIMEOUT,
        }
    }

    /// Refuses what cannot be played, before anything is.
    pub(super) fn check(&self) -> Result<(), ReplayError> {
        let regions = self.topology.regions.len();
        let stray = self.lines.iter().enumerate().find(|(_, line)| line.home >= regions);
        if let Some((index, line)) = stray {
            return Err(ReplayError::Home { line: index + 1, home: line.home, regions });
        }
        match &self.cut {
            Some(Cut { at, heal, .. }) if *at < 1 || at >= heal || *heal > self.lines.len() => {
                Err(ReplayError::Window { at: *at, heal: *heal, lines: self.lines.len() })
            }
            _ => Ok(()),
        }
    }
}

/// Plays a plan; a signal ends it, with every link healed.
pub(crate) async fn replay(plan: Plan) -> Result<Report, ReplayError> {
    plan.check()?;
    let links = match &plan.cut {
        Some(cut) => Links::open(&plan.topology, &cut.region).await?,
        None => None,
    };
    let mut interrupt = Interrupt::listen()?;
    let report = tokio::select! {
        report = run(plan, links.as_ref()) => report,
        () = interrupt.heard() => Err(ReplayError::Interrupted),
    };
    if let (Err(_), Some(links)) = (&report, &links) {
        // The first error is the one to tell; a node that cannot be asked any more is most likely its cause.
        let _ = links.set(LinkState::Up).await;
    }
    report
}

async fn run(plan: Plan, links: Option<&Links>) -> Result<Report, ReplayError> {
    let mut connected = Vec::new();
    for region in &plan.topology.regions {
        connected.push(connect(&plan.topology, &plan.certs, &region.name).await?);
    }
    let (clients, end) = (Arc::<[Client]>::from(connected), Expectation::of(&plan.lines));
    let (keys, keyspace) = (Keys::new(&plan.prefix), Arc::<str>::from(plan.keyspace.as_str()));
    let reader = |client: &Client| Observer::new(client, &keyspace, &keys);
    for client in clients.iter() {
        if let Some(key) = reader(client).key_in_use(&end).await? {
            return Err(ReplayError::NotEmpty { region: client.region().clone(), key });
        }
    }

    let orders = Arc::<[OrderLine]>::from(plan.lines);
    let player = Player {
        lines: Arc::clone(&orders),
        clients: Arc::clone(&clients),
        keyspace: Arc::clone(&keyspace),
        keys: keys.clone(),
        lanes: plan.in_flight,
        cut_off: None,
    };
    let initial = stock::initial(&end);
    let stocked = stock::fill(&clients, &keyspace, &keys, &initial, plan.timeout).await?;
    converge(&clients, &stocked, plan.timeout).await?;

    let lookout = Lookout::begin(&player);
    let began = Instant::now();
    let (mut done, cut) = play(&player, plan.cut.as_ref().zip(links)).await?;
    let seconds = began.elapsed().as_secs_f64();
    done.token.join(&stocked);
    let caught_up = converge(&clients, &done.token, plan.timeout).await?;
    let seen = lookout.end().await?;

    let reading = Progress::new("checking", "regions", clients.len() as u64);
    let also: Vec<String> = plan.expected.iter().flat_map(Expected::skus).map(str::to_owned).collect();
    let mut observed = Vec::new();
    for (client, stock_seen) in clients.iter().zip(seen) {
        let shown = reader(client).observe(&end, &also).await?;
        observed.push((client.region().clone(), Observed { stock_seen, ..shown }));
        reading.step();
    }
    reading.end();
    for ((_, observed), digest) in observed.iter_mut().zip(digests(&clients, plan.timeout).await?) {
        observed.digest = digest;
    }
    let left = stock::left(&end, &done.refused);
    let must = Must { end: &end, expected: plan.expected.as_ref(), stock: &left };
    let (verdicts, differences) = compare(must, &observed);
    let agree = differences.is_empty() && verdicts.iter().all(|verdict| verdict.agrees);
    let regions = verdicts.into_iter().zip(caught_up).enumerate().map(|(home, (verdict, caught_up))| RegionReport {
        played: orders.iter().filter(|line| line.home == home).count(),
        caught_up_ms: caught_up.as_secs_f64() * 1000.0,
        sales: done.of(home),
        verdict,
    });
    let regions = regions.collect();
    let stock = StockReport::new(&initial, &left, &done);
    Ok(Report { agree, lines: orders.len(), seconds, regions, stock, cut, differences })
}

async fn play(player: &Player, cut: Option<(&Cut, &Links)>) -> Result<(Played, Option<CutReport>), ReplayError> {
    let all = player.lines.len();
    let progress = Arc::new(Progress::new("playing", "lines", all as u64));
    let Some((Cut { region, at, heal }, links)) = cut else {
        return Ok((player.play(0..all, &progress).await?, None));
    };
    let mut done = player.play(0..at - 1, &progress).await?;
    links.set(LinkState::Cut).await?;
    let began = Instant::now();
    done.join(player.without(region).play(at - 1..heal - 1, &progress).await?);
    let seen = tokens(&player.clients).await?;
    links.set(LinkState::Up).await?;
    let seconds = began.elapsed().as_secs_f64();
    done.join(player.play(heal - 1..all, &progress).await?);
    let regions = player.clients.iter().map(|client| client.region().clone());
    let mut all_seen = SessionToken::new();
    for token in &seen {
        all_seen.join(token);
    }
    let behind = regions.zip(seen.iter().map(|token| lacks(token, &all_seen))).collect();
    Ok((done, Some(CutReport { region: region.clone(), from_line: *at, to_line: *heal, seconds, behind })))
}
