//! The smallest world: three replicas of the kernel in memory, records carried from one to the other by hand.
//!
//! Everything that decides what a record does is the real thing: prepare, the record's bytes, its checks, apply, read. What
//! it does without is the committer, the disk, the network and time that passes by itself.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use halcyon_crdt::{MemoryRows, Object, Origin, Stamp, Update, apply, prepare, read};
use halcyon_types::limits::DRIFT_MAX;
use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, RegionId, Seq, UnixMs, VersionVector};
use halcyon_wire::{Record, Refusal, StoredRecord};

use crate::scenario::{Command, Dialect, Query, Reader, Refused, Region, Value, World, every_page, print};

/// Time 0 of a scenario: stamps of the hybrid logical clock begin in 2024.
const EPOCH: UnixMs = UnixMs(1_800_000_000_000);

/// One replica.
#[derive(Debug, Clone)]
pub struct Replica {
    actor: ActorId,
    vv: VersionVector,
    rows: MemoryRows,
    wall: UnixMs,
    last: Hlc,
}

#[derive(Debug)]
struct Transaction {
    rows: MemoryRows,
    vv: VersionVector,
    updates: Vec<Update>,
}

/// A record in some replica's log: its bytes, and the deps that they are read against.
#[derive(Debug, Clone)]
struct Logged {
    record: Record,
    stored: StoredRecord,
}

/// Three replicas.
#[derive(Debug)]
pub struct Kernel {
    replicas: [Replica; 3],
    /// Every record there is; who holds it, its vector says.
    log: BTreeMap<Dot, Logged>,
    transactions: BTreeMap<(Region, String), Transaction>,
    tokens: BTreeMap<String, VersionVector>,
}

/// What is wrong with the world, or with the scenario that runs in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KernelError {
    /// Replicas at one vector that do not hold the same rows (promise P3).
    #[error("{0} and {1} have seen the same records and hold different rows")]
    Differ(Region, Region),
    /// A transaction that was not begun, or is over.
    #[error("no transaction `{0}` is open; begin it first")]
    NoTransaction(String),
    /// A token that was not saved.
    #[error("no token `{0}` was saved; save it first")]
    NoToken(String),
    /// A record that its own origin's bytes do not give back, or that the wire refuses.
    #[error("a record does not survive its bytes: {0}")]
    Codec(String),
    /// The query names what cannot be.
    #[error("{0}")]
    Refused(String),
}

impl Default for Kernel {
    fn default() -> Self {
        let replica = |region: Region| Replica {
            actor: actor(region),
            vv: VersionVector::new(),
            rows: MemoryRows::default(),
            wall: EPOCH,
            last: Hlc::ZERO,
        };
        Self {
            replicas: Region::ALL.map(replica),
            log: BTreeMap::new(),
            transactions: BTreeMap::new(),
            tokens: BTreeMap::new(),
        }
    }
}

/// The one actor of a region.
fn actor(region: Region) -> ActorId {
    ActorId::from_u64((1 + region.index() as u64) << 48)
}

fn region_id(letter: &str) -> Option<RegionId> {
    RegionId::try_from(1 + Region::of_letter(letter)?.index() as u64).ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Kernel {
    /// What words mean here: keys of the first keyspace, values as their text.
    pub fn dialect() -> Dialect<'static> {
        Dialect {
            keyspace: KeyspaceId::FIRST,
            prefix: "",
            region: &region_id,
            encode: &|word| Bytes::copy_from_slice(word.as_bytes()),
        }
    }

    /// A replica's rows.
    pub fn rows(&self, region: Region) -> &MemoryRows {
        &self.replica(region).rows
    }

    /// What a replica has seen.
    pub fn vv(&self, region: Region) -> &VersionVector {
        &self.replica(region).vv
    }

    /// A replica's time.
    pub fn now(&self, region: Region) -> UnixMs {
        self.replica(region).now()
    }

    /// The last stamp that a replica gave or followed: after a write, that write's, refused or not.
    pub fn stamp(&self, region: Region) -> Hlc {
        self.replica(region).last
    }

    /// A replica's actor.
    pub fn actor(&self, region: Region) -> ActorId {
        self.replica(region).actor
    }

    /// Every record that there is, in the order of (actor, seq); who holds which, vectors say.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.log.values().map(|logged| &logged.record)
    }

    /// Lets one replica take the next record that it may from another, if there is any; `own`: none of others'.
    ///
    /// # Errors
    /// The record does not survive its bytes.
    pub fn pull_one(&mut self, from: Region, to: Region, own: bool) -> Result<Option<Dot>, KernelError> {
        let next = self.next(from, to, own);
        if let Some(dot) = next {
            self.deliver(to, dot)?;
        }
        Ok(next)
    }

    fn replica(&self, region: Region) -> &Replica {
        let [a, b, c] = &self.replicas;
        match region {
            Region::A => a,
            Region::B => b,
            Region::C => c,
        }
    }

    fn replica_mut(&mut self, region: Region) -> &mut Replica {
        let [a, b, c] = &mut self.replicas;
        match region {
            Region::A => a,
            Region::B => b,
            Region::C => c,
        }
    }

    fn updates(commands: &[Command]) -> Result<Vec<Update>, Refused> {
        let mut updates = Vec::new();
        for command in commands {
            let more = Self::dialect().updates(command);
            updates.extend(more.map_err(|e| Refused { name: "InvalidArgument".to_owned(), message: e.to_string() })?);
        }
        Ok(updates)
    }

    fn commit_updates(
        &mut self,
        region: Region,
        updates: &[Update],
        snapshot: Option<(MemoryRows, VersionVector)>,
        context: Option<VersionVector>,
    ) -> Result<Result<(), Refused>, KernelError> {
        let actors = Region::ALL.into_iter().filter_map(|r| Some((region_id(&r.to_string())?, actor(r)))).collect();
        let replica = self.replica_mut(region);
        let previous = replica.vv.get(replica.actor);
        let dot = Dot { actor: replica.actor, seq: Seq(previous.0 + 1) };
        let hlc = replica.tick();
        let (mut seen, ctx) = match (snapshot, context) {
            (Some((rows, vv)), _) => (Some(rows), vv),
            (None, context) => (None, context.unwrap_or_else(|| replica.vv.clone())),
        };
        if !ctx.le(&replica.vv) {
            let message = "the context is ahead of this replica".to_owned();
            return Ok(Err(Refused { name: "NotYet".to_owned(), message }));
        }
        let origin = Origin { dot, hlc, now: replica.now(), ctx: &ctx, actors: &actors };
        let prepared = match prepare(updates, origin, &mut replica.rows, seen.as_mut()) {
            Ok(prepared) => prepared,
            Err(error) => {
                let refusal = Refusal::from(error);
                return Ok(Err(Refused { name: refusal.name().to_owned(), message: refusal.to_string() }));
            }
        };
        let deps = replica.vv.clone();
        let record =
            Record { dot, hlc, ctx: (ctx != deps).then_some(ctx), deps, request: None, effects: prepared.effects };
        let stored = record.encode(&self.deps_of(dot.actor, previous));
        self.log.insert(dot, Logged { record, stored });
        self.deliver(region, dot)?;
        Ok(Ok(()))
    }

    /// The deps of a record, or none before the first.
    fn deps_of(&self, actor: ActorId, seq: Seq) -> VersionVector {
        self.log.get(&Dot { actor, seq }).map(|logged| logged.record.deps.clone()).unwrap_or_default()
    }

    /// Applies a record at a replica, from its bytes.
    fn deliver(&mut self, region: Region, dot: Dot) -> Result<(), KernelError> {
        let Some(Logged { stored, record }) = self.log.get(&dot).cloned() else { return Ok(()) };
        let codec = |reason: String| KernelError::Codec(format!("{dot}: {reason}"));
        let previous = self.deps_of(dot.actor, dot.seq.previous());
        let read = Record::decode(&stored.bytes, dot.actor, &previous).map_err(|e| codec(e.to_string()))?;
        if read != record {
            return Err(codec("it reads otherwise".to_owned()));
        }
        let replica = self.replica_mut(region);
        let Ok(()) = apply(&mut replica.rows, Stamp { dot, hlc: read.hlc, ctx: read.ctx() }, &read.effects);
        replica.vv.observe(dot);
        // Accept the data, never the clock.
        if dot.actor == replica.actor || read.hlc.wall() <= replica.wall.plus(DRIFT_MAX) {
            replica.last = replica.last.max(read.hlc);
        }
        Ok(())
    }

    fn catch_up(&mut self, from: Region, to: Region, own: bool) -> Result<bool, KernelError> {
        let mut learned = false;
        while self.pull_one(from, to, own)?.is_some() {
            learned = true;
        }
        Ok(learned)
    }

    /// The first record that one replica has and another may take.
    fn next(&self, from: Region, to: Region, own: bool) -> Option<Dot> {
        let (giver, taker) = (self.replica(from), self.replica(to));
        let deliverable = |(dot, logged): (&Dot, &Logged)| {
            let next = dot.seq == Seq(taker.vv.get(dot.actor).0 + 1);
            let known = giver.vv.covers(*dot) && (!own || dot.actor == giver.actor);
            (known && next && logged.record.deps.le(&taker.vv)).then_some(*dot)
        };
        self.log.iter().find_map(deliverable)
    }
}

impl Replica {
    fn now(&self) -> UnixMs {
        self.wall.max(self.last.wall())
    }

    fn tick(&mut self) -> Hlc {
        let wall = self.now();
        let count = if self.wall > self.last.wall() { 0 } else { self.last.count() + 1 };
        self.last = Hlc::from_parts(wall, count).unwrap_or(self.last);
        self.last
    }
}

impl World for Kernel {
    type Error = KernelError;

    fn write(
        &mut self,
        region: Region,
        commands: &[Command],
        context: Option<&str>,
    ) -> Result<Result<(), Refused>, KernelError> {
        let context = match context {
            Some(token) => Some(self.tokens.get(token).ok_or_else(|| KernelError::NoToken(token.to_owned()))?.clone()),
            None => None,
        };
        match Self::updates(commands) {
            Ok(updates) => self.commit_updates(region, &updates, None, context),
            Err(refused) => Ok(Err(refused)),
        }
    }

    fn begin(&mut self, region: Region, transaction: &str) -> Result<(), KernelError> {
        let Replica { rows, vv, .. } = self.replica(region).clone();
        self.transactions.insert((region, transaction.to_owned()), Transaction { rows, vv, updates: Vec::new() });
        Ok(())
    }

    fn buffer(&mut self, region: Region, transaction: &str, command: &Command) -> Result<(), KernelError> {
        let updates = Self::updates(std::slice::from_ref(command)).map_err(|e| KernelError::Refused(e.message))?;
        let open = self.transactions.get_mut(&(region, transaction.to_owned()));
        let open = open.ok_or_else(|| KernelError::NoTransaction(transaction.to_owned()))?;
        open.updates.extend(updates);
        Ok(())
    }

    fn commit(&mut self, region: Region, transaction: &str) -> Result<Result<(), Refused>, KernelError> {
        let open = self.transactions.remove(&(region, transaction.to_owned()));
        let Transaction { rows, vv, updates } =
            open.ok_or_else(|| KernelError::NoTransaction(transaction.to_owned()))?;
        self.commit_updates(region, &updates, Some((rows, vv)), None)
    }

    fn save(&mut self, region: Region, token: &str) -> Result<(), KernelError> {
        let seen = self.replica(region).vv.clone();
        self.tokens.insert(token.to_owned(), seen);
        Ok(())
    }

    fn read(&mut self, region: Region, query: &Query) -> Result<Value, KernelError> {
        let (object, question) = Self::dialect().question(query);
        let replica = self.replica_mut(region);
        let (now, actor) = (replica.now(), replica.actor);
        let answer = every_page(question, |question| read(&mut replica.rows, &object, question, now));
        match answer {
            Ok(answer) => {
                if replica.is_past(&object, now) {
                    return Ok(Value::expired(query));
                }
                Ok(print(query, answer, Reader { actor, now, decode: &text }))
            }
            Err(halcyon_crdt::ReadError::WrongType { .. }) => Ok(Value::absent(query)),
            Err(error) => Err(KernelError::Refused(error.to_string())),
        }
    }

    fn pull(&mut self, from: Region, to: Region, own: bool) -> Result<(), KernelError> {
        self.catch_up(from, to, own).map(drop)
    }

    fn sync(&mut self) -> Result<(), KernelError> {
        let mut learning = true;
        while learning {
            learning = false;
            for to in Region::ALL {
                for from in Region::ALL {
                    learning |= self.catch_up(from, to, false)?;
                }
            }
        }
        let first = self.replica(Region::A);
        for region in [Region::B, Region::C] {
            let other = self.replica(region);
            if other.vv != first.vv || other.rows != first.rows {
                return Err(KernelError::Differ(Region::A, region));
            }
        }
        Ok(())
    }

    fn clock(&mut self, region: Region, ms: u64) -> Result<(), KernelError> {
        self.replica_mut(region).wall = UnixMs(EPOCH.0.saturating_add(ms));
        Ok(())
    }

    fn advance(&mut self, ms: u64) -> Result<(), KernelError> {
        for replica in &mut self.replicas {
            replica.wall = UnixMs(replica.wall.0.saturating_add(ms));
        }
        Ok(())
    }
}

impl Replica {
    fn is_past(&mut self, object: &Object, now: UnixMs) -> bool {
        let deadline: Result<_, Infallible> = halcyon_crdt::deadline::of(&mut self.rows, object);
        matches!(deadline, Ok(Some(at)) if at <= now)
    }
}
