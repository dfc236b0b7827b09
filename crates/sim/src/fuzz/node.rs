//! A whole node but for its network: a replica and its committer, to which peers and clients say what the bytes say, some of
//! it garbage and some of it nearly right. Nothing panics, no queue is past its limit, the committer is given nothing that
//! it has to refuse, and what is on the disk at the end opens.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use halcyon_core::{Command, Config, Job, JobResult, LinkEvent, Replica, SessionId, Start};
use halcyon_crdt::{Effect, PageRequest, Query};
use halcyon_store::memory::MemorySnapshot;
use halcyon_store::reads::{self, Writer};
use halcyon_store::{Committer, Logs, MemoryBackend, Recovered, Snapshot, StageError, Staged, WriteJob};
use halcyon_types::limits::{
    BACKUP_PAGE_BYTES_MAX, COMMIT_QUEUE_BYTES_MAX, COMMIT_QUEUE_MAX, PENDING_BYTES_MAX, TRANSACTIONS_MAX, WAITING_MAX,
};
use halcyon_types::topology::Region;
use halcyon_types::{
    ActorId, Address, BootId, Dot, Hlc, NameError, Now, RegionId, RequestId, Seq, UnixMs, VersionVector,
};
use halcyon_wire::{
    AskRights, Body, ChainHash, Echo, Heartbeat, Hello, PeerMessage, Pull, Range, Record, Request, Seen, Session,
    TransactionId, Within, Write, codec,
};
use uuid::Uuid;

use super::Source;
use super::drawn::{T, keyspace, objects, questions, region, updates};
use super::garden;
use super::site::{Site, open};

const STEPS_MAX: usize = 96;
const PEERS: [u8; 2] = [2, 3];
const AGREEMENT: [u8; 32] = [7; 32];

/// Panics where a law is violated: any of what is said above.
pub(super) fn body(data: &[u8]) {
    let mut source = Source::new(data);
    let mut node = Node::start(MemoryBackend::new());
    for _ in 0..STEPS_MAX {
        if source.is_empty() {
            break;
        }
        node.step(&mut source);
        node.carry_out();
        node.is_within_its_limits();
    }
    node.commit();
    node.is_within_its_limits();
    let vv = node.replica.vv().clone();
    let again = Site::on(node.disk.crash(), 1);
    assert_eq!(again.vv(), vv, "what was said to be on the disk");
    again.answers(node.wall);
}

fn member(id: RegionId) -> Region {
    let address = |port: u16| Address::try_from(format!("127.0.0.1:{port}")).unwrap_or_else(|error| panic!("{error}"));
    let name = format!("region-{id}").parse().unwrap_or_else(|error: NameError| panic!("{error}"));
    Region { id, name, peer: address(1), client: address(2), admin: address(3) }
}

/// A log that a peer tells, made up as it goes.
#[derive(Default)]
struct Tale {
    deps: VersionVector,
    records: Vec<Bytes>,
}

struct Node {
    disk: MemoryBackend,
    replica: Replica,
    committer: Committer<MemoryBackend>,
    jobs: Vec<(Job, Option<Snapshot<MemorySnapshot>>)>,
    snapshots: BTreeMap<(SessionId, TransactionId), Snapshot<MemorySnapshot>>,
    tales: BTreeMap<ActorId, Tale>,
    mono: Duration,
    wall: UnixMs,
    requests: u64,
}

impl Node {
    fn start(disk: MemoryBackend) -> Self {
        let (committer, recovered) = open(&disk, 1).unwrap_or_else(|error| panic!("a whole disk: {error}"));
        let Recovered { actor, vv, hlc, floors, facts, .. } = recovered;
        let config = Config {
            region: region(1),
            regions: [1].into_iter().chain(PEERS).map(|n| member(region(n))).collect(),
            agreement: AGREEMENT,
            boot: BootId(Uuid::from_u128(1)),
            seed: 1,
            keyspaces: [keyspace()].into(),
            log_bytes_max: 4096,
            retention: Duration::from_secs(5),
        };
        let start = Start { actor, vv, heads: BTreeMap::new(), hlc, floors, facts };
        let replica = Replica::new(config, start, Now { mono: Duration::ZERO, wall: T });
        Self {
            disk,
            replica,
            committer,
            jobs: Vec::new(),
            snapshots: BTreeMap::new(),
            tales: BTreeMap::new(),
            mono: Duration::ZERO,
            wall: T,
            requests: 0,
        }
    }

    const fn now(&self) -> Now {
        Now { mono: self.mono, wall: self.wall }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        let from = source.pick(&PEERS).copied().map_or_else(|| region(2), region);
        let now = self.now();
        match source.below(20) {
            0 => self.replica.handle_link(now, from, LinkEvent::InUp),
            1 => self.replica.handle_link(now, from, LinkEvent::OutUp),
            2 => {
                let event = if source.below(2) == 0 { LinkEvent::InDown } else { LinkEvent::OutDown };
                self.replica.handle_link(now, from, event);
            }
            3 | 4 => {
                self.mono += Duration::from_millis(u64::from(source.pair()) / 8);
                self.wall = UnixMs(self.wall.0 + u64::from(source.byte()));
                self.replica.handle_timeout(self.now());
            }
            5 | 6 => {
                if let Ok(message) = codec::decode(source.block()) {
                    self.hear(from, message);
                }
            }
            7 | 8 => {
                if let Ok(request) = codec::decode(source.block()) {
                    self.replica.handle_request(now, session(source), request);
                }
            }
            9..=15 => {
                let message = self.message(source, from);
                self.hear(from, message);
            }
            16 | 17 => {
                let body = self.request(source);
                self.requests += 1;
                self.replica.handle_request(now, session(source), Request { id: self.requests, body });
            }
            18 if source.below(3) == 0 => self.replica.handle_session_closed(session(source)),
            _ => self.commit(),
        }
    }

    fn hear(&mut self, from: RegionId, message: PeerMessage) {
        if let Err(error) = self.replica.handle_peer(self.now(), from, message) {
            assert!(!error.to_string().is_empty());
            self.replica.handle_link(self.now(), from, LinkEvent::InDown);
        }
    }

    /// The actor of a peer, sometimes of another life, region or world.
    fn drawn_actor(&self, source: &mut Source<'_>, from: RegionId) -> ActorId {
        match source.below(12) {
            0 => ActorId::from_u64(source.number()),
            1 => self.replica.actor(),
            2 => ActorId::mint(from, UnixMs(T.0 + 1)),
            3 => ActorId::mint(region(2), T),
            4 => ActorId::mint(region(3), T),
            _ => ActorId::mint(from, T),
        }
    }

    fn drawn_vv(&self, source: &mut Source<'_>, from: RegionId) -> VersionVector {
        (0..source.below(4)).map(|_| (self.drawn_actor(source, from), Seq(source.number()))).collect()
    }

    fn message(&mut self, source: &mut Source<'_>, from: RegionId) -> PeerMessage {
        let actor = self.drawn_actor(source, from);
        match source.below(9) {
            0 | 1 => PeerMessage::Hello(Hello {
                agreement: if source.below(8) == 7 { [0; 32] } else { AGREEMENT },
                region: if source.below(8) == 7 { region(1) } else { from },
                actor: if source.below(4) == 3 { actor } else { ActorId::mint(from, T) },
                seed: [1]
                    .into_iter()
                    .chain(PEERS)
                    .map(|n| member(region(n)))
                    .map(|known| (known.id, known.name))
                    .collect(),
                facts: Vec::new(),
                boot: BootId(Uuid::from_u128(u128::from(from.get()) << 8 | u128::from(source.below(3)))),
                vv: self.drawn_vv(source, from),
            }),
            2 => PeerMessage::Heartbeat(Heartbeat {
                seq: Seq(source.number()),
                head: ChainHash::genesis(actor),
                vv: self.drawn_vv(source, from),
                hlc: Hlc::from_u64(source.number()),
                wall: Some(UnixMs(source.number())),
                ping_us: source.number(),
                joining: source.below(8) == 7,
                echo: (source.below(2) == 0).then(|| Echo { ping_us: source.number(), held_us: source.number() }),
            }),
            3 => PeerMessage::Pull(Pull { actor, after: Seq(source.number()), upto: Seq(source.number()) }),
            4 => {
                let counter = source.pick(&objects()).cloned();
                let counter = counter.unwrap_or_else(|| halcyon_crdt::Object::new(keyspace(), ""));
                PeerMessage::AskRights(AskRights { counter, amount: source.number() })
            }
            _ => PeerMessage::Range(self.range(source, actor)),
        }
    }

    /// More of an actor's log, or some of it again, or what is none of it.
    fn range(&mut self, source: &mut Source<'_>, actor: ActorId) -> Range {
        for _ in 0..source.below(4) {
            self.tell(source, actor);
        }
        let records = self.tales.get(&actor).map_or(&[][..], |tale| &tale.records);
        let from = if source.below(2) == 0 { source.index(records.len() + 1) } else { 0 };
        let mut records: Vec<Bytes> = records.iter().skip(from).cloned().collect();
        let mut first = Seq(from as u64 + 1);
        match source.below(16) {
            0 => first = Seq(source.number()),
            1 => records.push(Bytes::copy_from_slice(source.block())),
            2 => {
                let place = source.index(records.len());
                if let Some(record) = records.get_mut(place) {
                    let mut bytes = record.to_vec();
                    let place = source.index(bytes.len());
                    if let Some(byte) = bytes.get_mut(place) {
                        *byte ^= 1 + source.below(255);
                    }
                    *record = bytes.into();
                }
            }
            _ => {}
        }
        Range { actor, first, records }
    }

    /// Another record of a tale.
    fn tell(&mut self, source: &mut Source<'_>, actor: ActorId) {
        let tale = self.tales.entry(actor).or_default();
        let seq = Seq(tale.records.len() as u64 + 1);
        let mut deps = tale.deps.clone();
        if source.below(2) == 0 {
            // It has heard of what this node has.
            deps.join(self.replica.vv());
        }
        if source.below(4) == 0 {
            let other = ActorId::mint(region(1 + source.below(3)), T);
            deps.observe(Dot { actor: other, seq: Seq(source.number()) });
        }
        deps.set(actor, seq.previous());
        let ctx = (source.below(3) == 0).then(|| [(actor, seq.previous())].into_iter().collect());
        let hlc = Hlc::from_parts(T, source.number()).unwrap_or_else(|| Hlc::from_u64(source.number()));
        let request = (source.below(3) == 0).then(|| RequestId::mint(T, &[source.below(3); 10]));
        let known: Vec<&Effect> = garden::effects().collect();
        let effects = (0..=source.below(3)).filter_map(|_| source.pick(&known).map(|effect| (*effect).clone()));
        let record = Record { dot: Dot { actor, seq }, hlc, deps, ctx, request, effects: effects.collect() };
        tale.records.push(record.encode(&tale.deps).bytes);
        tale.deps = record.deps;
    }

    fn request(&self, source: &mut Source<'_>) -> Body {
        let token = if source.below(3) == 0 { self.drawn_vv(source, region(2)) } else { VersionVector::new() };
        let session = Session { token, wait_ms: u32::try_from(source.number()).unwrap_or(u32::MAX) };
        let transaction = TransactionId(u64::from(source.below(5)));
        let object = source.pick(&objects()).cloned();
        let object = object.unwrap_or_else(|| halcyon_crdt::Object::new(keyspace(), ""));
        let query = source.pick(&questions()).cloned().unwrap_or(Query::Kinds);
        match source.below(10) {
            0..=3 => {
                let request = RequestId::mint(UnixMs(T.0 + u64::from(source.below(3))), &[source.byte(); 10]);
                let seen = match source.below(4) {
                    0 | 1 => Seen::Present,
                    2 => Seen::Session,
                    _ => Seen::Transaction { transaction, checks: vec![halcyon_wire::Check { object, query }] },
                };
                Body::Write(Write { request, session, seen, updates: updates(source) })
            }
            4 => Body::Begin { session },
            5 => Body::Abort { transaction },
            6 => Body::Read { session, within: None, object, query },
            7 => {
                let within = Some(Within { transaction, updates: updates(source) });
                Body::Read { session, within, object, query }
            }
            8 => {
                let page = PageRequest { after: None, items_max: u32::from(source.byte()) };
                Body::Scan { session, keyspace: keyspace(), beginning: source.block().to_vec(), page }
            }
            _ => Body::Digest { at: UnixMs(source.number()) },
        }
    }

    /// As the driver does.
    fn carry_out(&mut self) {
        let mut told = 0;
        loop {
            while let Some(job) = self.replica.poll_job() {
                let snapshot = match &job {
                    Job::Write { snapshot: Some(name), .. } => self.snapshots.remove(name),
                    _ => None,
                };
                self.jobs.push((job, snapshot));
            }
            let Some(command) = self.replica.poll_command() else { return };
            told += 1;
            assert!(told < 100_000, "commands without end");
            self.command(command);
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Begin { session, transaction, .. } => {
                self.snapshots.insert((session, transaction), self.committer.reader().snapshot());
            }
            Command::Forget { session, transaction } => drop(self.snapshots.remove(&(session, transaction))),
            Command::Read { session, body, .. } => self.read(session, &body),
            Command::SendRange { peer, actor, after, upto, bytes_max } => {
                let records = self.committer.reader().log(actor, after, upto, bytes_max);
                let records = records.unwrap_or_else(|error| panic!("asked for what is not there: {error}"));
                let bytes = records.iter().map(|record| record.bytes.len()).sum();
                let last = records.last().map_or(after, |record| record.seq);
                assert!(last > after, "asked to send nothing");
                self.replica.handle_sent(self.now(), peer, actor, last, bytes);
            }
            Command::Reply { response, .. } => {
                let mut frame = Vec::new();
                codec::encode(&mut frame, &response);
            }
            Command::Alarm(alarm) => assert!(!alarm.to_string().is_empty()),
            Command::Drop { peer, .. } => self.replica.handle_link(self.now(), peer, LinkEvent::InDown),
            Command::Fill { .. } => self.replica.handle_filled(self.now(), true),
            Command::SendPage { peer, .. } => self.replica.handle_page_sent(self.now(), peer, 1000),
            Command::Send { .. }
            | Command::Dial { .. }
            | Command::HangUp { .. }
            | Command::BeginCopy { .. }
            | Command::EndCopy { .. }
            | Command::BeginFill
            | Command::AbandonFill
            | Command::Switch => {}
        }
    }

    fn read(&mut self, session: SessionId, body: &Body) {
        let (reader, now) = (self.committer.reader(), self.wall);
        let outcome = match body {
            Body::Read { within: None, object, query, .. } => reads::read(&mut reader.snapshot(), object, query, now),
            Body::Read { within: Some(Within { transaction, updates }), object, query, .. } => {
                let writer = Writer { actor: self.replica.actor(), now, actors: self.replica.actors() };
                let snapshot = self.snapshots.get_mut(&(session, *transaction));
                let snapshot = snapshot.unwrap_or_else(|| panic!("a transaction that is open has no snapshot"));
                reads::read_within(snapshot, updates, &writer, object, query)
            }
            Body::Scan { keyspace, beginning, page, .. } => {
                reads::scan(&mut reader.snapshot(), *keyspace, beginning, page, now)
            }
            Body::Digest { at } => reads::digest(&reader, *at),
            // A place is only taken from whoever was told it, and nobody here goes on with a copy.
            Body::Copy { place } if !place.is_empty() => return,
            Body::Copy { place } => {
                let page = reader.snapshot().page_with_logs(place, BACKUP_PAGE_BYTES_MAX, &self.replica.stable());
                return assert!(page.is_ok(), "what this node has written it cannot copy: {page:?}");
            }
            other => panic!("no read: {other:?}"),
        };
        let damaged = matches!(&outcome, Err(halcyon_wire::Refusal::Storage { .. }));
        assert!(!damaged, "what this node has written it cannot read: {outcome:?}");
    }

    /// As the committer's thread does, and tells the replica.
    fn commit(&mut self) {
        self.carry_out();
        let mut results = Vec::new();
        for (job, snapshot) in std::mem::take(&mut self.jobs) {
            results.push(self.stage(job, snapshot));
        }
        let synced = self.committer.commit().unwrap_or_else(|error| panic!("a whole disk: {error}"));
        let heads = synced.heads.into_iter().map(|(actor, head)| (actor, head.hash)).collect();
        let (vv, hlc, facts) = (synced.vv, synced.hlc, synced.facts);
        let committed = halcyon_core::Committed { results, vv, hlc, heads, facts };
        self.replica.handle_committed(self.now(), committed);
        self.carry_out();
    }

    fn stage(&mut self, job: Job, snapshot: Option<Snapshot<MemorySnapshot>>) -> (halcyon_core::Ticket, JobResult) {
        let real = self.wall;
        match job {
            Job::Write { ticket, wall, write, actors, refusal, .. } => {
                let job = WriteJob { now: wall, real, write: &write, snapshot, actors: &actors, refusal };
                match self.committer.stage_write(job) {
                    Ok(Staged::Fresh { dot, shortages }) => (ticket, JobResult::Written { dot, shortages }),
                    Ok(Staged::Duplicate(dot)) => (ticket, JobResult::Duplicate(dot)),
                    Err(StageError::Refused(refusal)) => (ticket, JobResult::Refused(refusal)),
                    Err(StageError::Fatal(fatal)) => panic!("a whole disk: {fatal}"),
                }
            }
            Job::Record { ticket, wall, record, stored } => {
                let staged = self.committer.stage_record(wall, &record, &stored);
                staged.unwrap_or_else(|error| panic!("the replica let through what it must not: {error}"));
                (ticket, JobResult::Applied)
            }
            Job::Grant { ticket, wall, counter, to, amount, actors } => {
                let granted = self.committer.stage_grant(wall, real, &counter, to, amount, &actors);
                (ticket, JobResult::Done(granted.unwrap_or_else(|fatal| panic!("a whole disk: {fatal}"))))
            }
            Job::Sweep { ticket, wall, upto, keys } => {
                let swept = self.committer.stage_sweep(wall, real, upto, keys);
                (ticket, JobResult::Done(swept.unwrap_or_else(|fatal| panic!("a whole disk: {fatal}"))))
            }
            Job::Mint { ticket, wall } => {
                let minted = self.committer.stage_mint(wall);
                (ticket, JobResult::Minted(minted.unwrap_or_else(|fatal| panic!("a whole disk: {fatal}"))))
            }
            Job::Truncate { ticket, upto, older_than, bytes_max } => {
                let logs = self.committer.stage_truncation(&upto, older_than, bytes_max);
                let Logs { floors, bytes, next } = logs.unwrap_or_else(|fatal| panic!("a whole disk: {fatal}"));
                (ticket, JobResult::Truncated(halcyon_core::Logs { floors, bytes, next }))
            }
        }
    }

    fn is_within_its_limits(&self) {
        let status = self.replica.status(self.now());
        assert!(status.queued_writes <= COMMIT_QUEUE_MAX && status.queued_write_bytes <= COMMIT_QUEUE_BYTES_MAX);
        assert!(status.waiting <= WAITING_MAX && status.transactions <= TRANSACTIONS_MAX);
        assert!(status.pending_bytes <= PEERS.len() * PENDING_BYTES_MAX);
        assert_eq!(status.transactions, self.snapshots.len(), "snapshots that nobody owns");
    }
}

fn session(source: &mut Source<'_>) -> SessionId {
    SessionId(u64::from(source.below(3)))
}
