//! The driver: carries everything that happens to the replica, and everything the replica wants to where it goes.
//!
//! One loop on one thread. It never waits for a peer, a client or the committer: what it cannot do now stands in a bounded
//! queue. It decides nothing that the replica could decide.

mod backups;
mod commands;
mod links;
mod reading;
mod report;

pub(crate) use backups::Backups;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use halcyon_core::{JobResult, Replica, SessionId};
use halcyon_net::{Credentials, LinkHandle, Roster};
use halcyon_store::{Backend, Reader, RocksBackend, Snapshot};
use halcyon_types::{ClusterName, NodeId, RegionId, RegionName, Seq};
use halcyon_wire::{Response, TransactionId};
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver};
use tokio::sync::watch;

use crate::clocks::Clocks;
use crate::committer::{CommitterError, Done, Group, Jobs};
use crate::copying::Copying;
use crate::event::Event;
use crate::faults::Faults;
use crate::metrics::Metrics;
use crate::node::StartError;
use crate::peers::{LinkNumbers, OutLink, Sent};
use crate::rebuilding::Filling;
use crate::sessions::Seat;
use crate::tail::Tail;

/// Events handled before the replica's wishes are carried out: enough to share the cost, few enough to stay prompt.
const EVENTS_PER_TURN: usize = 64;

/// A stopping node answers what arrives until so long nothing has.
const LATE: Duration = Duration::from_millis(50);
/// And no longer than this: heartbeats, and clients that dial again, would otherwise keep it for ever.
const LATE_MAX: Duration = Duration::from_secs(1);

/// Why a running node stopped on its own.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The committer cannot go on.
    #[error(transparent)]
    Committer(#[from] CommitterError),
    /// A copy has taken the place of its state, and from that it does not start.
    #[error("after a copy took the place of its state: {0}")]
    Restart(#[from] Box<StartError>),
    /// A peer holds records of this node's actor that this node lacks. Whatever it wrote now would reuse their names.
    #[error(
        "region {peer} holds this node's own records up to {theirs}, this data directory only up to {ours}: it was rolled \
         back. Move the directory away and start with an empty one, which begins a new log and fetches the records; first \
         see in `halcyon status` that the others have not dropped any"
    )]
    RolledBack {
        /// Who holds more.
        peer: String,
        /// Up to where.
        theirs: Seq,
        /// What is here.
        ours: Seq,
    },
    /// The driver or the committer is gone: a defect.
    #[error("a part of the node ended without a word: a defect, please report it")]
    Vanished,
}

/// How a node's life ended.
pub(crate) enum End {
    /// It was asked to stop.
    Stopped,
    /// A copy is to take the place of its state, and it begins anew.
    Rebuilt(Rebuilt),
}

/// What the next life begins with.
pub(crate) struct Rebuilt {
    pub(crate) filling: Filling,
    /// The state so far, whose committer has ended.
    pub(crate) reader: Reader<RocksBackend>,
    pub(crate) faults: Faults,
}

/// What never changes while the node runs.
pub(crate) struct Site {
    pub(crate) cluster: ClusterName,
    /// Whom the peer plane admits.
    pub(crate) roster: Roster,
    pub(crate) region: RegionId,
    pub(crate) data: PathBuf,
    pub(crate) region_name: String,
    pub(crate) node: NodeId,
    pub(crate) fault_api: bool,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) clocks: Clocks,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) numbers: LinkNumbers,
    pub(crate) reader: Reader<RocksBackend>,
    /// One permit: a digest reads every row.
    pub(crate) digests: Arc<tokio::sync::Semaphore>,
}

/// The driver's state.
pub(crate) struct Driver {
    pub(crate) site: Site,
    pub(crate) replica: Replica,
    /// For the tasks that the driver starts.
    pub(crate) events: Sender<Event>,
    /// To the committer; dropped to let it end.
    pub(crate) jobs: Option<Jobs<RocksBackend>>,
    pub(crate) faults: Faults,
    pub(crate) tail: Tail,
    pub(crate) sessions: BTreeMap<SessionId, Seat>,
    pub(crate) out_links: BTreeMap<RegionId, OutLink>,
    pub(crate) in_links: BTreeMap<RegionId, (u64, LinkHandle)>,
    /// Whom the replica would have dialled, but for a fault.
    pub(crate) held_dials: BTreeSet<RegionId>,
    /// Who has refused this region's dials since its last link there.
    pub(crate) refused_by: BTreeSet<RegionId>,
    /// What reads see: dropped with each commit, taken with the first read after it.
    pub(crate) present: Option<Snapshot<<RocksBackend as Backend>::Snapshot>>,
    /// Of open transactions.
    pub(crate) snapshots: BTreeMap<(SessionId, TransactionId), Snapshot<<RocksBackend as Backend>::Snapshot>>,
    /// Copies that are being given out.
    pub(crate) backups: Backups,
    /// Sessions with answers that their writers have not been told of.
    pub(crate) answered: BTreeSet<SessionId>,
    /// Copies that others are taking.
    pub(crate) copying: Copying,
    /// The copy that this node is taking; one that it has given up, until the next begins; and one that is whole.
    pub(crate) filling: Option<Filling>,
    /// How many have been begun.
    pub(crate) fillings: u64,
    pub(crate) abandoned: Option<Filling>,
    pub(crate) switching: Option<Filling>,
    pub(crate) alarms: Vec<String>,
    pub(crate) fatal: Option<NodeError>,
}

impl Driver {
    pub(crate) fn new(
        replica: Replica,
        site: Site,
        events: Sender<Event>,
        jobs: Jobs<RocksBackend>,
        faults: Faults,
    ) -> Self {
        site.roster.admit(admitted(&replica, site.region));
        Self {
            replica,
            site,
            events,
            jobs: Some(jobs),
            faults,
            tail: Tail::default(),
            sessions: BTreeMap::new(),
            out_links: BTreeMap::new(),
            in_links: BTreeMap::new(),
            held_dials: BTreeSet::new(),
            refused_by: BTreeSet::new(),
            present: None,
            snapshots: BTreeMap::new(),
            backups: Backups::default(),
            answered: BTreeSet::new(),
            copying: Copying::default(),
            filling: None,
            fillings: 0,
            abandoned: None,
            switching: None,
            alarms: Vec::new(),
            fatal: None,
        }
    }

    /// Runs until `stop` says so and everything acknowledged has left, or until an error ends the node.
    pub(crate) async fn run(
        mut self,
        events: &mut Receiver<Event>,
        done: UnboundedReceiver<Done>,
        stop: watch::Receiver<bool>,
    ) -> Result<End, NodeError> {
        let end = self.turn(events, done, stop.clone()).await;
        let rebuilds = end.is_ok() && !*stop.borrow();
        let Some(filling) = self.switching.take().filter(|_| rebuilds) else {
            self.refuse_the_late(events).await;
            self.sessions.values().for_each(|seat| seat.answers.close());
            return end.map(|()| End::Stopped);
        };
        // Its clients and peers meet the next life of the node.
        self.sessions.values().for_each(|seat| seat.answers.close());
        let links = self.out_links.values().map(|link| &link.handle);
        links.chain(self.in_links.values().map(|(_, handle)| handle)).for_each(|link| link.close("it begins anew"));
        Ok(End::Rebuilt(Rebuilt { filling, reader: self.site.reader, faults: self.faults }))
    }

    async fn turn(
        &mut self,
        events: &mut Receiver<Event>,
        mut done: UnboundedReceiver<Done>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), NodeError> {
        loop {
            self.carry_out();
            if let Some(error) = self.fatal.take() {
                return Err(error);
            }
            // A flood of events must not keep timers waiting, nor the wish to stop.
            let now = self.site.clocks.now();
            if self.replica.poll_timeout().is_some_and(|at| at <= now.mono) {
                self.replica.handle_timeout(now);
                self.carry_out();
            }
            if *stop.borrow() && self.jobs.is_some() {
                self.stop();
            }
            let alarm = self.replica.poll_timeout().map(|at| self.site.clocks.instant(at));
            tokio::select! {
                biased;
                group = done.recv() => match group {
                    Some(group) => self.committed(group)?,
                    None if self.jobs.is_none() => return Ok(()),
                    None => return Err(NodeError::Vanished),
                },
                event = events.recv() => if let Some(event) = event { self.hear(event); },
                () = wait_until(alarm) => self.replica.handle_timeout(self.site.clocks.now()),
                _ = stop.wait_for(|stop| *stop), if self.jobs.is_some() => self.stop(),
            }
            for _ in 0..EVENTS_PER_TURN {
                match events.try_recv() {
                    Ok(event) => self.hear(event),
                    Err(_) => break,
                }
            }
        }
    }

    /// Answers what still arrives while the clients learn that the node stops: nothing of it will happen.
    async fn refuse_the_late(&mut self, events: &mut Receiver<Event>) {
        self.replica.stop();
        let late = async {
            while let Ok(Some(event)) = tokio::time::timeout(LATE, events.recv()).await {
                self.hear(event);
                self.carry_out();
                if self.sessions.is_empty() {
                    return;
                }
            }
        };
        // Whoever is not done by then is not waited for.
        let _ = tokio::time::timeout(LATE_MAX, late).await;
    }

    /// No more writes are taken; the committer finishes what it has, and its end is the driver's.
    fn stop(&mut self) {
        tracing::info!("stopping: finishing what is under way");
        self.replica.stop();
        self.carry_out();
        self.jobs = None;
    }

    fn hear(&mut self, event: Event) {
        let now = self.site.clocks.now();
        match event {
            Event::SessionOpened { session, seat } => drop(self.sessions.insert(session, seat)),
            Event::Requests { session, requests } => {
                self.site.metrics.requests.inc_by(requests.len() as u64);
                for request in requests {
                    if let Some(refusal) = self.forbids(session, &request.body) {
                        self.reply(session, &Response { id: request.id, result: Err(refusal) });
                        continue;
                    }
                    self.replica.handle_request(now, session, request);
                }
                // Reads are answered before the connection's next turn.
                self.carry_out();
                if let Some(seat) = self.sessions.get(&session) {
                    seat.turns.add_permits(1);
                }
            }
            Event::SessionClosed { session } => {
                self.sessions.remove(&session);
                self.backups.forget(session);
                self.replica.handle_session_closed(session);
            }
            Event::LinkUp { peer, link } => self.link_up(peer, link),
            Event::LinkDown { peer, link } => self.link_down(peer, link),
            Event::LinkRefused { peer, reason } => self.link_refused(peer, &reason),
            Event::Sent { peer, link, sent } => {
                if self.out_links.get(&peer).is_some_and(|present| present.id == link) {
                    match sent {
                        Sent::Range { actor, last, bytes } => self.replica.handle_sent(now, peer, actor, last, bytes),
                        Sent::Page { bytes } => self.replica.handle_page_sent(now, peer, bytes),
                    }
                }
            }
            Event::PageRead { peer, read } => self.page_read(peer, read),
            Event::Filled { filling, result } => self.filled(filling, &result),
            Event::PeerUp { peer, link, handle } => self.peer_up(peer, link, handle),
            Event::PeerSaid { peer, link, messages } => {
                for message in messages {
                    self.peer_said(peer, link, message);
                }
            }
            Event::PeerDown { peer, link } => self.peer_down(peer, link),
            Event::Fault { peer, change, done } => {
                self.fault(peer, &change);
                let _ = done.send(());
            }
            Event::Background { on, done } => {
                self.replica.set_background(now, on);
                let _ = done.send(());
            }
            Event::TestClock { at, done } => {
                self.site.clocks.set_test_wall(at);
                self.replica.set_test_clock(at.is_some());
                let _ = done.send(());
            }
            Event::Status { answer } => drop(answer.send(self.status())),
        }
    }

    fn committed(&mut self, done: Done) -> Result<(), NodeError> {
        let Group { results, synced, took } = done?;
        let metrics = &self.site.metrics;
        metrics.groups.inc();
        let is_record = |result: &JobResult| {
            matches!(result, JobResult::Written { .. } | JobResult::Applied | JobResult::Done(Some(_)))
        };
        metrics.records.inc_by(results.iter().filter(|(_, result)| is_record(result)).count() as u64);
        metrics.group_seconds.observe(took.as_secs_f64());
        self.tail.extend(synced.own);
        self.present = None;
        let heads = synced.heads.into_iter().map(|(actor, head)| (actor, head.hash)).collect();
        let changed = synced.facts.is_some();
        let committed = halcyon_core::Committed { results, vv: synced.vv, hlc: synced.hlc, heads, facts: synced.facts };
        self.replica.handle_committed(self.site.clocks.now(), committed);
        if changed {
            self.site.roster.admit(admitted(&self.replica, self.site.region));
        }
        Ok(())
    }
}

/// Whom the peer plane admits: all that are known. One that is retired is to hear of it.
fn admitted(replica: &Replica, own: RegionId) -> Vec<(RegionName, RegionId)> {
    let others = replica.members().known().filter(|region| region.id != own);
    others.map(|region| (region.name.clone(), region.id)).collect()
}

async fn wait_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
