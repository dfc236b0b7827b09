//! A replica in memory, for the unit tests: it commits, receives and reads.

use std::collections::BTreeMap;
use std::convert::Infallible;

use bytes::Bytes;
use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, RegionId, Seq, UnixMs, VersionVector};

use crate::effect::Effect;
use crate::object::Object;
use crate::op::{End, Op, Place, Update};
use crate::position::Position;
use crate::prepare::{Origin, PrepareError, Prepared, prepare};
use crate::query::{Answer, PageRequest, Query};
use crate::rows::MemoryRows;
use crate::{Stamp, apply, read};

pub(crate) fn object(key: &'static str) -> Object {
    Object::new(KeyspaceId::try_from(10).unwrap(), key)
}

pub(crate) fn b(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn region(n: u64) -> RegionId {
    RegionId::try_from(n).unwrap()
}

pub(crate) fn actor(n: u64) -> ActorId {
    ActorId::mint(region(n), UnixMs(1))
}

pub(crate) fn up(object: &Object, op: Op) -> Update {
    Update { object: object.clone(), op }
}

pub(crate) fn push(end: End, values: &[&str]) -> Op {
    Op::Push { end, values: values.iter().map(|value| b(value)).collect() }
}

pub(crate) fn all() -> PageRequest {
    PageRequest { after: None, items_max: u32::MAX }
}

/// A record, as others are sent it.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) dot: Dot,
    pub(crate) hlc: Hlc,
    pub(crate) ctx: VersionVector,
    pub(crate) effects: Vec<Effect>,
}

pub(crate) type Refused = PrepareError<Infallible>;

/// One replica. A clone is a snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) actor: ActorId,
    pub(crate) rows: MemoryRows,
    pub(crate) vv: VersionVector,
    pub(crate) now: UnixMs,
    pub(crate) actors: BTreeMap<RegionId, ActorId>,
    ticks: u64,
}

impl Node {
    /// The node of region `n`, which has heard of regions 1 to 3.
    pub(crate) fn new(n: u64) -> Self {
        let actors = (1..=3).map(|n| (region(n), actor(n))).collect();
        let (rows, vv, now) = (MemoryRows::default(), VersionVector::new(), UnixMs(1_000));
        Self { actor: actor(n), rows, vv, now, actors, ticks: 0 }
    }

    fn dot(&self) -> Dot {
        Dot { actor: self.actor, seq: self.vv.get(self.actor).next().unwrap() }
    }

    fn hlc(&self) -> Hlc {
        Hlc::from_u64(1_000 + self.ticks)
    }

    /// What `updates` become, having seen `ctx`; in `seen`, if that was a snapshot.
    pub(crate) fn prepare_at(
        &mut self,
        updates: &[Update],
        ctx: &VersionVector,
        seen: Option<&mut MemoryRows>,
    ) -> Result<Prepared, Refused> {
        let origin = Origin { dot: self.dot(), hlc: self.hlc(), now: self.now, ctx, actors: &self.actors };
        prepare(updates, origin, &mut self.rows, seen)
    }

    pub(crate) fn prepare(&mut self, updates: &[Update]) -> Result<Prepared, Refused> {
        let ctx = self.vv.clone();
        self.prepare_at(updates, &ctx, None)
    }

    /// Commits what has seen `ctx`.
    pub(crate) fn commit_at(
        &mut self,
        updates: &[Update],
        ctx: &VersionVector,
        seen: Option<&mut MemoryRows>,
    ) -> Result<Commit, Refused> {
        let effects = self.prepare_at(updates, ctx, seen)?.effects;
        let commit = Commit { dot: self.dot(), hlc: self.hlc(), ctx: ctx.clone(), effects };
        self.receive(&commit);
        Ok(commit)
    }

    /// Commits what has seen the present.
    #[track_caller]
    pub(crate) fn commit(&mut self, updates: &[Update]) -> Commit {
        let ctx = self.vv.clone();
        self.commit_at(updates, &ctx, None).unwrap()
    }

    /// Commits one update.
    #[track_caller]
    pub(crate) fn write(&mut self, object: &Object, op: Op) -> Commit {
        self.commit(&[up(object, op)])
    }

    pub(crate) fn receive(&mut self, commit: &Commit) {
        for effect in &commit.effects {
            effect.check().unwrap();
        }
        let Commit { dot, hlc, ctx, effects } = commit;
        apply(&mut self.rows, Stamp { dot: *dot, hlc: *hlc, ctx }, effects).unwrap();
        assert_eq!(self.vv.get(dot.actor), dot.seq.previous(), "each once, in order");
        self.vv.observe(*dot);
        self.ticks = self.ticks.max(hlc.as_u64() - 1_000) + 1;
    }

    #[track_caller]
    pub(crate) fn read(&mut self, object: &Object, query: &Query) -> Answer {
        read(&mut self.rows, object, query, self.now).unwrap()
    }

    /// The values of a list.
    #[track_caller]
    pub(crate) fn list(&mut self, object: &Object) -> Vec<String> {
        let Answer::Items(page) = self.read(object, &Query::Range { first: 0, last: -1, page: all() }) else {
            panic!()
        };
        page.items.iter().map(|item| String::from_utf8(item.value.to_vec()).unwrap()).collect()
    }

    /// Where the element at `index` stands.
    pub(crate) fn position(&mut self, object: &Object, index: i64) -> Place {
        let range = Query::Range { first: index, last: index, page: all() };
        let Answer::Items(page) = self.read(object, &range) else { panic!() };
        assert!(Position::parse(page.items[0].position.clone()).is_ok());
        Place::Position(page.items[0].position.clone())
    }
}

pub(crate) fn seen(entries: &[(u64, u64)]) -> VersionVector {
    entries.iter().map(|(n, seq)| (actor(*n), Seq(*seq))).collect()
}
