//! A record: one commit, one log entry.
//!
//! Its vectors are encoded as changes: `deps` against the deps of the actor's previous record (they only grow), `ctx`
//! against `deps`. Whoever takes records in order keeps each actor's last deps beside its version vector, so a record
//! needs nothing else to be read, and a range of records needs no base.

use bytes::Bytes;
use halcyon_crdt::{Effect, EffectError};
use halcyon_types::limits::{ACTORS_MAX, EFFECTS_MAX, RECORD_BYTES_MAX};
use halcyon_types::{ActorId, Dot, Hlc, RequestId, Seq, VersionVector};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::codec::{self, DecodeError};

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub dot: Dot,
    /// Its time.
    pub hlc: Hlc,
    /// The version vector it was committed at: what must be applied before it. Its own actor stands at `seq - 1`.
    pub deps: VersionVector,
    /// What the transaction observed, where that is not `deps`.
    pub ctx: Option<VersionVector>,
    /// The client's name for it.
    pub request: Option<RequestId>,
    /// What it does.
    pub effects: Vec<Effect>,
}

/// A record's bytes as first encoded, and where in its actor's log they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its place in the log.
    pub seq: Seq,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A record from elsewhere that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a record of this version.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// An effect that breaks the kernel's rules, or one this version does not know.
    #[error("record {dot}: {error}")]
    Effect {
        /// Which record.
        dot: Dot,
        /// What is wrong.
        error: EffectError,
    },
    /// Vectors or lists that no origin writes.
    #[error("record {dot}: {reason}")]
    Shape {
        /// Which record.
        dot: Dot,
        /// What is wrong.
        reason: &'static str,
    },
}

type Changes = Vec<(ActorId, Seq)>;

#[derive(Serialize, Deserialize)]
struct Body<E> {
    seq: Seq,
    hlc: Hlc,
    deps: Changes,
    ctx: Option<Changes>,
    request: Option<RequestId>,
    effects: E,
}

/// A body of which only the stamp is wanted.
#[derive(Deserialize)]
struct Stamped {
    #[serde(rename = "seq")]
    _seq: IgnoredAny,
    hlc: Hlc,
    #[serde(rename = "deps")]
    _deps: IgnoredAny,
    #[serde(rename = "ctx")]
    _ctx: IgnoredAny,
    #[serde(rename = "request")]
    _request: IgnoredAny,
    #[serde(rename = "effects")]
    _effects: IgnoredAny,
}

/// A body of which only the effects are wanted.
#[derive(Deserialize)]
struct Acting {
    #[serde(rename = "seq")]
    _seq: IgnoredAny,
    #[serde(rename = "hlc")]
    _hlc: IgnoredAny,
    #[serde(rename = "deps")]
    _deps: IgnoredAny,
    #[serde(rename = "ctx")]
    _ctx: IgnoredAny,
    #[serde(rename = "request")]
    _request: IgnoredAny,
    effects: Vec<Effect>,
}

impl Record {
    /// What it observed.
    pub fn ctx(&self) -> &VersionVector {
        self.ctx.as_ref().unwrap_or(&self.deps)
    }

    /// Its bytes, given the deps of the actor's previous record.
    pub fn encode(&self, previous_deps: &VersionVector) -> StoredRecord {
        let body = Body {
            seq: self.dot.seq,
            hlc: self.hlc,
            deps: self.deps.changes_since(previous_deps),
            ctx: self.ctx.as_ref().map(|ctx| ctx.changes_since(&self.deps)),
            request: self.request,
            effects: self.effects.as_slice(),
        };
        let mut bytes = Vec::with_capacity(128);
        codec::encode(&mut bytes, &body);
        StoredRecord { seq: self.dot.seq, bytes: bytes.into() }
    }

    /// Reads and checks a record of `actor`, given the deps of its previous record.
    ///
    /// # Errors
    /// [`RecordError`]: it is damaged, malicious, or a newer version's. It must not be applied, skipped or passed on.
    pub fn decode(bytes: &[u8], actor: ActorId, previous_deps: &VersionVector) -> Result<Self, RecordError> {
        let body: Body<Vec<Effect>> = codec::decode(bytes)?;
        let dot = Dot { actor, seq: body.seq };
        if body.deps.len() > ACTORS_MAX || body.ctx.as_ref().is_some_and(|changes| changes.len() > ACTORS_MAX) {
            return Err(RecordError::Shape { dot, reason: "too many changes in deps or ctx" });
        }
        let mut deps = previous_deps.clone();
        deps.change(&body.deps);
        let ctx = body.ctx.map(|changes| {
            let mut ctx = deps.clone();
            ctx.change(&changes);
            ctx
        });
        let record = Self { dot, hlc: body.hlc, deps, ctx, request: body.request, effects: body.effects };
        record.check(bytes.len(), previous_deps)?;
        Ok(record)
    }

    /// The stamp of a record that stands in a log, and was checked when it came: its bytes tell it without the record before
    /// it.
    ///
    /// # Errors
    /// [`DecodeError`]: the log is damaged.
    pub fn stamp_of(bytes: &[u8]) -> Result<Hlc, DecodeError> {
        codec::decode::<Stamped>(bytes).map(|Stamped { hlc, .. }| hlc)
    }

    /// What a record does that stands in a log, and was checked when it came.
    ///
    /// # Errors
    /// [`DecodeError`]: the log is damaged.
    pub fn effects_of(bytes: &[u8]) -> Result<Vec<Effect>, DecodeError> {
        codec::decode::<Acting>(bytes).map(|Acting { effects, .. }| effects)
    }

    fn check(&self, bytes: usize, previous_deps: &VersionVector) -> Result<(), RecordError> {
        let dot = self.dot;
        let shape = |ok, reason| {
            if ok { Ok(()) } else { Err(RecordError::Shape { dot, reason }) }
        };
        shape(bytes <= RECORD_BYTES_MAX, "longer than a record may be")?;
        shape(dot.seq > Seq::ZERO, "seq 0")?;
        shape(self.deps.len() <= ACTORS_MAX, "too many actors in deps")?;
        shape(self.deps.get(dot.actor) == dot.seq.previous(), "deps do not follow its own log")?;
        shape(previous_deps.le(&self.deps), "deps go back")?;
        shape(self.ctx().le(&self.deps), "ctx is ahead of deps")?;
        shape(self.effects.len() <= EFFECTS_MAX, "too many effects")?;
        for effect in &self.effects {
            effect.check().map_err(|error| RecordError::Effect { dot, error })?;
            shape(self.may_know(effect), "an effect on what it has not seen")?;
        }
        Ok(())
    }
}

impl Record {
    /// Whether all that `effect` names came before: what a clear lists was observed, a generation had arrived.
    fn may_know(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Assign { .. } => true,
            Effect::Clear { intervals, .. } => {
                intervals.iter().all(|seen| self.ctx().covers(Dot { actor: seen.actor, seq: seen.seq }))
            }
            Effect::Inc { prev_seq, .. } => *prev_seq < self.dot.seq,
            Effect::Observe { generation, .. } | Effect::Hold { generation, .. } => {
                generation.is_none_or(|generation| self.deps.covers(generation))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use halcyon_crdt::{Number, Object};
    use halcyon_types::{KeyspaceId, UnixMs};

    use super::*;

    fn actor(n: u64) -> ActorId {
        ActorId::from_u64(n)
    }

    fn record() -> Record {
        let object = Object::new(KeyspaceId::try_from(10).unwrap(), "net:22465");
        Record {
            dot: Dot { actor: actor(1), seq: Seq(5) },
            hlc: Hlc::from_parts(UnixMs(1_800_000_000_000), 3).unwrap(),
            deps: [(actor(1), Seq(4)), (actor(2), Seq(9))].into_iter().collect(),
            ctx: Some([(actor(1), Seq(4)), (actor(2), Seq(7))].into_iter().collect()),
            request: Some(RequestId::mint(UnixMs(1_800_000_000_000), &[1; 10])),
            effects: vec![Effect::Inc {
                counter: object.counter(),
                prev_seq: Seq(4),
                before: Number::Whole(0),
                after: Number::Whole(12),
            }],
        }
    }

    #[test]
    fn a_record_survives_its_bytes() {
        let previous: VersionVector = [(actor(1), Seq(3)), (actor(2), Seq(9))].into_iter().collect();
        let stored = record().encode(&previous);
        assert_eq!(Record::decode(&stored.bytes, actor(1), &previous), Ok(record()));
        assert_eq!(Record::stamp_of(&stored.bytes), Ok(record().hlc));
        assert_eq!(Record::effects_of(&stored.bytes), Ok(record().effects));
    }

    #[test]
    fn a_record_that_no_origin_writes_is_refused() {
        let previous: VersionVector = [(actor(1), Seq(3)), (actor(2), Seq(9))].into_iter().collect();
        let refused = |change: &dyn Fn(&mut Record)| {
            let mut bad = record();
            change(&mut bad);
            Record::decode(&bad.encode(&previous).bytes, actor(1), &previous).expect_err("must be refused")
        };
        refused(&|r| r.deps.set(actor(1), Seq(9)));
        refused(&|r| r.deps.set(actor(2), Seq(8)));
        refused(&|r| r.ctx = Some([(actor(2), Seq(10))].into_iter().collect()));
        let Effect::Inc { counter, .. } = record().effects.remove(0) else { panic!() };
        let row = counter.actor(actor(1));
        let assign = Effect::Assign { row, expiry: None, payload: Bytes::new() };
        assert!(matches!(refused(&|r| r.effects = vec![assign.clone()]), RecordError::Effect { .. }));
    }

    #[test]
    fn bytes_are_read_whole_or_not_at_all() {
        let previous = VersionVector::new();
        let bytes = record().encode(&previous).bytes;
        for cut in 0..bytes.len() {
            assert!(Record::decode(&bytes[..cut], actor(1), &previous).is_err(), "cut at {cut}");
            assert!(Record::stamp_of(&bytes[..cut]).is_err(), "cut at {cut}");
            assert!(Record::effects_of(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(matches!(
            Record::decode(&longer, actor(1), &previous),
            Err(RecordError::Decode(DecodeError::Trailing { bytes: 1 }))
        ));
    }
}
