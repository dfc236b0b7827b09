//! The replica: its state, its doors, and one `check` of the whole after each step.

mod check;
mod clients;
mod clock;
mod commits;
mod copies;
mod links;
mod members;
mod peers;
mod pulls;
mod rebuild;
mod report;
mod rights;
mod standing;
mod sweeps;
mod transactions;
mod truncation;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use halcyon_types::limits::{START_PATIENCE, SWEEP_EVERY, TRUNCATE_EVERY};
use halcyon_types::members::Members;
use halcyon_types::{ActorId, BootId, Hlc, KeyspaceId, Now, RegionId, Seq, UnixMs, VersionVector};
use halcyon_wire::{ChainHash, PeerMessage, Refusal, Request};

use crate::config::{Config, Start};
use crate::copies::Copies;
use crate::delivery::Delivery;
use crate::error::PeerError;
use crate::event::{Actors, Alarm, Command, Committed, Job, LinkEvent, SessionId};
use crate::held::Held;
use crate::inbound::Inbound;
use crate::lag::Lag;
use crate::outbound::Outbound;
use crate::rebalance::Asks;
use crate::rebuild::Rebuild;
use crate::rng::Rng;
use crate::skew::Skew;
use crate::standing::Standing;
use crate::status::Status;
use crate::sweep::Sweeper;
use crate::tickets::Tickets;
use crate::timer::{Timer, Timers};
use crate::transactions::Transactions;
use crate::truncation::Truncation;
use crate::waiting::Waiting;

/// One region's replica. See the crate's documentation for the protocol.
///
/// After any `handle_*`, poll [`poll_job`](Self::poll_job) and [`poll_command`](Self::poll_command) until both are empty,
/// then [`poll_timeout`](Self::poll_timeout) once.
#[derive(Debug)]
pub struct Replica {
    region: RegionId,
    agreement: [u8; 32],
    boot: BootId,
    /// What the pings of this start are counted from: none is taken for one of another start.
    pings_from: u64,
    keyspaces: BTreeSet<KeyspaceId>,
    members: Members,
    /// Regions that are retired by records that are with the committer, or will be: nothing is taken from them any more.
    retiring: BTreeSet<RegionId>,
    /// By retired region: where its logs end for good.
    closed: BTreeMap<RegionId, VersionVector>,
    actor: ActorId,
    /// What is on disk: all that anybody is ever told.
    synced: VersionVector,
    /// The chain hash of each log at `synced`.
    hashes: BTreeMap<ActorId, ChainHash>,
    hlc: Hlc,
    /// The wall clock that others were told this node's records will not lie behind.
    promised: UnixMs,
    /// The latest time for which anything was read.
    read_for: UnixMs,
    actors: Actors,
    peers: BTreeMap<RegionId, Peer>,
    delivery: Delivery,
    tickets: Tickets<Outstanding>,
    writes: usize,
    write_bytes: usize,
    waiting: Waiting,
    standing: Standing,
    held: Held,
    /// Deps of the last record of the own log as it was found: a new log may be begun, and this one gone on with elsewhere.
    own_deps: VersionVector,
    transactions: Transactions,
    background: bool,
    asks: Asks,
    /// Rights asked for, with the committer.
    grants: usize,
    /// Grants that became records since the start.
    granted: u64,
    sweeper: Sweeper,
    truncation: Truncation,
    copies: Copies,
    rebuild: Rebuild,
    skew: Skew,
    /// Whether a test clock stands in for the wall clock.
    test_clock: bool,
    jobs: VecDeque<Job>,
    commands: VecDeque<Command>,
    timers: Timers,
    rng: Rng,
    lag: Lag,
    stopping: bool,
    alarms: BTreeMap<&'static str, u64>,
}

#[derive(Debug)]
struct Peer {
    inbound: Inbound,
    outbound: Outbound,
    /// It is no member any more: it is told so, and nothing else.
    retired: bool,
}

impl Peer {
    const fn new(start: Duration, retired: bool) -> Self {
        Self { inbound: Inbound::new(start), outbound: Outbound::new(), retired }
    }
}

/// What a job is for.
#[derive(Debug)]
enum Outstanding {
    Write { session: SessionId, id: u64, bytes: usize },
    Members { session: SessionId, id: u64, retires: Option<RegionId> },
    Record { from: RegionId, bytes: usize },
    Grant,
    Sweep,
    Truncation,
    Mint,
}

impl Replica {
    /// Begins where the store stands, and dials every peer.
    #[must_use]
    pub fn new(config: Config, start: Start, now: Now) -> Self {
        let members = Members::new(config.regions, start.facts);
        let retired = members.is_retired(config.region);
        let others = members.known().map(|region| region.id).filter(|id| *id != config.region && !retired);
        let peers: BTreeMap<_, _> = others.map(|id| (id, Peer::new(now.mono, members.is_retired(id)))).collect();
        let own_deps = start.heads.get(&start.actor).map(|head| head.deps.clone()).unwrap_or_default();
        let until = now.mono + START_PATIENCE;
        let standing = if retired {
            Standing::Retired
        } else if peers.values().all(|peer| peer.retired) {
            Standing::Serving
        } else if start.heads.contains_key(&start.actor) {
            Standing::Resuming { until }
        } else {
            Standing::Joining { until, target: VersionVector::new(), had: start.vv.clone() }
        };
        let hashes = start.heads.iter().map(|(actor, head)| (*actor, head.hash)).collect();
        let deps = start.heads.into_iter().map(|(actor, head)| (actor, head.deps));
        let mut replica = Self {
            region: config.region,
            agreement: config.agreement,
            boot: config.boot,
            pings_from: config.boot.0.as_u64_pair().1.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            keyspaces: config.keyspaces,
            actor: start.actor,
            delivery: Delivery::new(start.vv.clone(), deps.filter(|(actor, _)| *actor != start.actor)),
            synced: start.vv,
            hashes,
            hlc: start.hlc,
            promised: UnixMs::default(),
            read_for: UnixMs::default(),
            actors: Arc::new(BTreeMap::from([(config.region, start.actor)])),
            commands: members
                .iter()
                .filter(|m| peers.contains_key(&m.id))
                .map(|m| Command::Dial { peer: m.id })
                .collect(),
            members,
            retiring: BTreeSet::new(),
            closed: BTreeMap::new(),
            peers,
            tickets: Tickets::default(),
            writes: 0,
            write_bytes: 0,
            waiting: Waiting::default(),
            standing,
            held: Held::default(),
            own_deps,
            transactions: Transactions::default(),
            background: true,
            asks: Asks::default(),
            grants: 0,
            granted: 0,
            sweeper: Sweeper::default(),
            truncation: Truncation::new(config.log_bytes_max, config.retention, start.floors),
            copies: Copies::default(),
            rebuild: Rebuild::default(),
            skew: Skew::default(),
            test_clock: false,
            jobs: VecDeque::new(),
            timers: Timers::default(),
            rng: Rng::new(config.seed),
            lag: Lag::default(),
            stopping: false,
            alarms: BTreeMap::new(),
        };
        if retired {
            replica.alarm(Alarm::Retired { unsent: None });
        } else if !replica.standing.writes() {
            replica.timers.set(Timer::Despair, until);
        }
        replica.timers.set(Timer::Sweep, now.mono + SWEEP_EVERY);
        replica.timers.set(Timer::Truncate, now.mono + TRUNCATE_EVERY);
        replica.check();
        replica
    }

    /// A client asks.
    pub fn handle_request(&mut self, now: Now, session: SessionId, request: Request) {
        self.request(now, session, request);
        self.check();
    }

    /// A client's connection is gone: its waiting requests and open transactions are forgotten. Its writes that are with the
    /// committer go on, and their replies may be dropped.
    pub fn handle_session_closed(&mut self, session: SessionId) {
        self.forget_waiting(session);
        self.held.forget(session);
        self.close_transactions(session);
        self.check();
    }

    /// A link to or from `peer` opened or was lost.
    pub fn handle_link(&mut self, now: Now, peer: RegionId, event: LinkEvent) {
        self.link(now, peer, event);
        self.check();
    }

    /// `from`, as its certificate names it, says something over its present link.
    ///
    /// # Errors
    /// [`PeerError`]: the driver drops that link and reports [`LinkEvent::InDown`]. Nothing of the message was used.
    pub fn handle_peer(&mut self, now: Now, from: RegionId, message: PeerMessage) -> Result<(), PeerError> {
        let heard = self.message(now, from, message);
        self.check();
        heard
    }

    /// The committer has synced a group.
    pub fn handle_committed(&mut self, now: Now, committed: Committed) {
        self.committed(now, committed);
        self.check();
    }

    /// The link to `peer` has taken the records of a [`Command::SendRange`] up to `last`, `bytes` of them. Once per
    /// command; `last` is the command's `after` if nothing could be sent, which is tried again with the next heartbeat.
    pub fn handle_sent(&mut self, now: Now, peer: RegionId, actor: ActorId, last: Seq, bytes: usize) {
        self.sent(now, peer, actor, last, bytes);
        self.check();
    }

    /// The link to `peer` has taken the page of a [`Command::SendPage`], `bytes` of it; none if it could not be read or sent.
    /// Once per command.
    pub fn handle_page_sent(&mut self, now: Now, peer: RegionId, bytes: usize) {
        self.page_sent(now, peer, bytes);
        self.check();
    }

    /// The page of a [`Command::Fill`] is stored, or cannot be. Once per command, in their order.
    pub fn handle_filled(&mut self, now: Now, stored: bool) {
        if stored {
            self.filled(now);
        } else {
            self.fill_failed(now);
        }
        self.check();
    }

    /// The time that [`poll_timeout`](Self::poll_timeout) told has come. Harmless when it has not.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.timers.rung(now.mono) {
            match timer {
                Timer::Dial(peer) => self.commands.push_back(Command::Dial { peer }),
                Timer::Heartbeat(peer) => self.beat(now, peer),
                Timer::Missing(actor) => self.seek(now, actor),
                Timer::Despair => self.despair(now),
                Timer::NotYet => self.expire_waiting(now),
                Timer::Forget => self.expire_transactions(now),
                Timer::Sweep => self.sweep(now),
                Timer::Page(peer) => self.feed_copy(now, peer),
                Timer::Rebuild => self.rebuild(now),
                Timer::Truncate => self.truncate(now),
            }
        }
        self.check();
    }

    /// Refuses new writes and transactions from now on as [`Refusal::Stopping`], and those that wait for their
    /// session; everything else goes on. Once [`is_drained`](Self::is_drained), no write that was accepted is left unanswered.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.refuse_waiting_writes(&Refusal::Stopping);
        self.check();
    }

    /// Turns the work that nobody asked for on or off: asking for rights of bounded counters and passing them on, and
    /// sweeping. It is on from the start; tests that choose every step turn it off.
    pub fn set_background(&mut self, now: Now, on: bool) {
        self.background = on;
        self.asks.clear();
        if !on {
            self.timers.cancel(Timer::Sweep);
        } else if !self.sweeper.is_under_way() {
            self.timers.set(Timer::Sweep, now.mono + SWEEP_EVERY);
        }
        self.check();
    }

    /// From now on the wall clock is a test clock, or the real one again. A test clock is told to nobody, and nobody's is
    /// held against it: while it stands, no write is refused as [`halcyon_wire::Refusal::ClockSkew`].
    pub fn set_test_clock(&mut self, on: bool) {
        self.test_clock = on;
        self.forget_clocks();
        self.check();
    }

    /// Whether every write that was accepted has its answer. Other regions' records may go on arriving for ever, and need
    /// no answer: whoever sent them sends them again.
    pub const fn is_drained(&self) -> bool {
        self.writes == 0
    }

    /// Whether this node knows whose log it writes: one that has just begun looks first where it stands.
    pub const fn is_serving(&self) -> bool {
        self.standing.writes()
    }

    /// The actor that this node writes as.
    pub const fn actor(&self) -> ActorId {
        self.actor
    }

    /// The next job for the committer. Poll after any `handle_*` until empty.
    #[must_use = "a job not carried out stops its actor's log for good"]
    pub fn poll_job(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    /// The next thing for the driver to do. Poll after `new` and after any `handle_*` until empty.
    #[must_use = "a command not carried out is work lost"]
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When, on the monotonic clock, `handle_timeout` wants to be called. Poll after any `handle_*`; it may have moved
    /// either way.
    #[must_use = "without its timer a replica falls silent"]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// A picture of everything, for operators.
    pub fn status(&self, now: Now) -> Status {
        self.report(now)
    }

    /// The synced version vector.
    pub const fn vv(&self) -> &VersionVector {
        &self.synced
    }

    /// The last record of each log that is not there any more.
    pub const fn floors(&self) -> &VersionVector {
        self.truncation.floors()
    }

    /// Whether clients' writes are refused because the logs are full.
    pub const fn is_log_full(&self) -> bool {
        self.truncation.is_full()
    }

    /// The hybrid logical clock, as of the last commit.
    pub const fn hlc(&self) -> Hlc {
        self.hlc
    }

    /// Who belongs to the cluster, and who has belonged to it.
    pub const fn members(&self) -> &Members {
        &self.members
    }

    /// The present actor of each region that was heard, this one's included.
    pub const fn actors(&self) -> &Actors {
        &self.actors
    }

    fn alarm(&mut self, alarm: Alarm) {
        *self.alarms.entry(alarm.name()).or_default() += 1;
        self.commands.push_back(Command::Alarm(alarm));
    }

    /// Whether some region of this cluster can have minted `actor`.
    fn is_known(&self, actor: ActorId) -> bool {
        actor.region().is_some_and(|region| region == self.region || self.members.region(region).is_some())
    }

    /// The other members.
    fn others(&self) -> impl Iterator<Item = (&RegionId, &Peer)> {
        self.peers.iter().filter(|(_, peer)| !peer.retired)
    }
}
