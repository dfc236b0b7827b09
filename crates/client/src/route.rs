//! Which region a request goes to: the first in the order of preference that is connected.
//!
//! A request waits for a region's dial only when no region is connected, and for each region once, in order. When all
//! have failed it waits for whichever comes back first.

use std::slice;
use std::sync::Arc;

use halcyon_types::RegionName;
use halcyon_types::topology::Topology;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::config::Settings;
use crate::driver;
use crate::error::{ConnectError, Tried};
use crate::line::{Line, Phase};
use crate::nearest::race;
use crate::transport::{PipeOf, Transport};

/// The regions that may be used, in order of preference, and the tasks that keep their lines.
pub(crate) struct Routes {
    lines: Vec<Arc<Line>>,
    preferred: Arc<Line>,
    changes: Arc<watch::Sender<u64>>,
    /// Aborted with the client.
    _drivers: JoinSet<()>,
}

impl Routes {
    /// Connects to the region that is to be used first.
    pub(crate) async fn connect<T: Transport>(
        transport: Arc<T>,
        topology: &Topology,
        settings: &Settings,
    ) -> Result<Self, ConnectError> {
        let changes = Arc::new(watch::Sender::new(0));
        let regions = topology.regions.iter().cloned();
        let mut lines: Vec<_> =
            regions.map(|region| Arc::new(Line::new(region, settings.in_flight, Arc::clone(&changes)))).collect();
        if let Some(name) = &settings.region {
            let at = lines.iter().position(|line| line.name().as_str() == name);
            let at = at.ok_or_else(|| unknown_region(name, &lines))?;
            lines.get_mut(..=at).into_iter().for_each(|lines| lines.rotate_right(1));
        }
        let mut pipes = first_pipes(&transport, &mut lines, settings).await?;
        if !settings.failover {
            lines.truncate(1);
        }
        let Some(preferred) = lines.first().cloned() else {
            return Err(ConnectError::NotReachable { tried: Vec::new() });
        };
        let mut drivers = JoinSet::new();
        for (i, line) in lines.iter().enumerate() {
            let (line, transport) = (Arc::clone(line), Arc::clone(&transport));
            let first = pipes.get_mut(i).and_then(Option::take);
            if first.is_some() {
                // Requests may be put before the driver runs.
                line.up();
            }
            drivers.spawn(driver::drive(line, transport, first, i == 0, settings.connect_timeout));
        }
        Ok(Self { lines, preferred, changes, _drivers: drivers })
    }

    /// The region in use, or the one that would be.
    pub(crate) fn current(&self) -> &Arc<Line> {
        self.lines.iter().find(|line| line.is_up()).unwrap_or(&self.preferred)
    }

    /// The line of a region, if it may be used.
    pub(crate) fn find(&self, region: &RegionName) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| line.name() == region)
    }

    /// Any region, for a request that has not been sent.
    pub(crate) async fn any(&self, deadline: Instant) -> Result<&Arc<Line>, Vec<Tried>> {
        self.first_up(&self.lines, deadline).await
    }

    /// Any region but these, for a request that they have refused for what others may not.
    pub(crate) async fn any_but(&self, these: &[Arc<Line>], deadline: Instant) -> Result<Arc<Line>, Vec<Tried>> {
        let others = self.lines.iter().filter(|line| !these.iter().any(|refused| Arc::ptr_eq(line, refused)));
        let others: Vec<_> = others.cloned().collect();
        if others.is_empty() {
            return Err(Vec::new());
        }
        self.first_up(&others, deadline).await.map(Arc::clone)
    }

    /// This region and no other.
    pub(crate) async fn only(&self, line: &Arc<Line>, deadline: Instant) -> Result<(), Vec<Tried>> {
        self.first_up(slice::from_ref(line), deadline).await.map(drop)
    }

    async fn first_up<'a>(&self, lines: &'a [Arc<Line>], deadline: Instant) -> Result<&'a Arc<Line>, Vec<Tried>> {
        if let Some(line) = lines.iter().find(|line| line.is_up()) {
            return Ok(line);
        }
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(line) = lines.iter().find(|line| line.is_up()) {
                return Ok(line);
            }
            let untried = lines.iter().find(|line| !matches!(line.phase(), Phase::Down(_)));
            match untried {
                Some(line) => line.want(),
                None => lines.iter().for_each(|line| line.want()),
            }
            if !matches!(timeout_at(deadline, changes.changed()).await, Ok(Ok(()))) {
                return Err(tried(lines));
            }
        }
    }
}

/// Connects to the preferred region, or to the nearest, and brings the lines into their order of preference.
async fn first_pipes<T: Transport>(
    transport: &Arc<T>,
    lines: &mut Vec<Arc<Line>>,
    settings: &Settings,
) -> Result<Vec<Option<PipeOf<T>>>, ConnectError> {
    let patience = settings.connect_timeout;
    let mut tried = Vec::new();
    // The named region comes first whether it answers or not.
    let named = usize::from(settings.region.is_some());
    if let (1, Some(line)) = (named, lines.first()) {
        match driver::dial(&**transport, line, patience).await {
            Ok(pipe) => return Ok(vec![Some(pipe)]),
            Err(why) => {
                tried.push(Tried { region: line.name().clone(), why: why.to_string() });
                line.down(why);
            }
        }
        if !settings.failover {
            return Err(ConnectError::NotReachable { tried });
        }
    }
    let rest = lines.split_off(named);
    let mut race = race(transport, &rest, patience).await;
    tried.extend(race.tried(&rest));
    if race.answered.is_empty() {
        return Err(ConnectError::NotReachable { tried });
    }
    for (i, why) in std::mem::take(&mut race.failed) {
        if let Some(line) = rest.get(i) {
            line.down(why);
        }
    }
    let mut order: Vec<_> = (0..rest.len()).collect();
    order.sort_by_key(|i| race.answered.iter().position(|(answered, _)| answered == i).unwrap_or(rest.len()));
    lines.extend(order.iter().filter_map(|i| rest.get(*i)).cloned());
    // Only the nearest is kept; the others' connections end here.
    let nearest = race.answered.into_iter().next().map(|(_, pipe)| pipe);
    let mut pipes: Vec<_> = (0..named).map(|_| None).collect();
    pipes.push(nearest);
    Ok(pipes)
}

fn unknown_region(name: &str, lines: &[Arc<Line>]) -> ConnectError {
    let known: Vec<_> = lines.iter().map(|line| line.name().as_str()).collect();
    ConnectError::UnknownRegion { name: name.to_owned(), known: known.join(", ") }
}

fn tried(lines: &[Arc<Line>]) -> Vec<Tried> {
    let why = |phase| match phase {
        Phase::Down(why) => why.to_string(),
        Phase::Dialling => "it was still being dialled".to_owned(),
        Phase::Idle => "it was not dialled yet".to_owned(),
        Phase::Up => "it has just come back".to_owned(),
    };
    lines.iter().map(|line| Tried { region: line.name().clone(), why: why(line.phase()) }).collect()
}
