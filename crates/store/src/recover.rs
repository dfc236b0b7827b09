//! Opening: whose data it is, whether its parts agree, where the clock stands. The only way to begin a committer, so the
//! simulator's crash is the real crash.
//!
//! Assertions in pairs: what every commit keeps true is checked here once more before anything is built on it. What does
//! not agree is [`OpenError::Damaged`]; nothing is repaired.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use halcyon_types::members::Facts;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Hlc, NodeId, Seq, VersionVector};

use crate::backend::{Backend, Family, View};
use crate::cells::CellError;
use crate::clock::Clock;
use crate::error::{OpenError, ReadError};
use crate::facts;
use crate::identity::{Claim, Identity};
use crate::layout::{self, Head};
use crate::reader::vv_of;

/// What a node knows when it starts. A replica begins from this and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The data directory's own name.
    pub node: NodeId,
    /// The incarnation of this region's log that this node writes.
    pub actor: ActorId,
    /// What is applied.
    pub vv: VersionVector,
    /// The end of each actor's log; an entry for every actor of `vv`.
    pub heads: BTreeMap<ActorId, Head>,
    /// No stamp of this node is above it.
    pub hlc: Hlc,
    /// Up to where records have been dropped from the logs.
    pub floors: VersionVector,
    /// Who is a member by what is committed.
    pub facts: Facts,
}

/// Establishes the identity and reads what a committer starts from; checks that it agrees.
pub(crate) fn recover<B: Backend>(backend: &B, claim: &Claim) -> Result<(Recovered, Identity, Clock), OpenError> {
    if !Clock::is_sane(claim.now) {
        return Err(OpenError::DeadClock { now: claim.now });
    }
    let identity = Identity::establish(backend, claim)?;
    let vv = vv_of(backend)?;
    let heads = read_heads(backend)?;
    agree(&vv, &heads)?;
    let floors = read_floors(backend, &heads)?;
    for (actor, head) in &heads {
        check_log_end(backend, Dot { actor: *actor, seq: head.seq }, floors.get(*actor))?;
    }
    if !heads.contains_key(&identity.actor) {
        check_log_end(backend, Dot { actor: identity.actor, seq: Seq::ZERO }, Seq::ZERO)?;
    }
    let ceiling =
        backend.with(Family::Local, &layout::CEILING_KEY, |value| value.map_or(Ok(Hlc::ZERO), layout::ceiling))?;
    let clock = ceiling
        .map_err(|error: CellError| error.to_string())
        .map(|ceiling| if planted(Mutant::ClockNotRestored) { Hlc::ZERO } else { ceiling })
        .and_then(|ceiling| Clock::restore(ceiling).map_err(|error| error.to_string()))
        .map_err(|reason| OpenError::Damaged { reason: format!("clock ceiling: {reason}") })?;
    let facts = facts::read(backend)?;
    let Identity { node, actor, .. } = identity;
    let recovered = Recovered { node, actor, vv, heads, hlc: clock.last(), floors, facts };
    Ok((recovered, identity, clock))
}

fn read_heads(view: &impl View) -> Result<BTreeMap<ActorId, Head>, ReadError> {
    let (from, upto) = layout::HEADS;
    let mut heads = BTreeMap::new();
    let mut outcome = Ok(());
    view.scan(Family::State, &from, Some(&upto), |key, value| {
        let what = || format!("the head {}", key.escape_ascii());
        let head = match layout::head_actor(key) {
            Some(actor) => {
                layout::head(value).map(|head| (actor, head)).map_err(|error| ReadError::damaged(what(), &error))
            }
            None => Err(ReadError::damaged(what(), "it names no actor")),
        };
        match head {
            Ok((actor, head)) => {
                heads.insert(actor, head);
                ControlFlow::Continue(())
            }
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    outcome.map(|()| heads)
}

/// Up to where the logs are truncated: a log that came as rows alone has not a single record.
fn read_floors(view: &impl View, heads: &BTreeMap<ActorId, Head>) -> Result<VersionVector, OpenError> {
    let floors = view.with(Family::Local, &layout::FLOORS_KEY, |value| value.map(layout::vv))?;
    let damaged = |reason: String| OpenError::Damaged { reason: format!("the floors of the logs: {reason}") };
    let floors = floors.transpose().map_err(|error| damaged(error.to_string()))?.unwrap_or_default();
    let baseless = floors.iter().find(|(actor, floor)| heads.get(actor).is_none_or(|head| *floor > head.seq));
    if let Some((actor, floor)) = baseless {
        return Err(damaged(format!("{floor} of {actor}, which is not applied so far")));
    }
    Ok(if planted(Mutant::FloorsForgotten) { VersionVector::new() } else { floors })
}

/// Vector and heads are written together: they name the same ends.
fn agree(vv: &VersionVector, heads: &BTreeMap<ActorId, Head>) -> Result<(), OpenError> {
    let ends: VersionVector = heads.iter().map(|(actor, head)| (*actor, head.seq)).collect();
    if ends != *vv {
        let reason = format!("the version vector is {vv:?}, but the heads of the logs say {ends:?}");
        return Err(OpenError::Damaged { reason });
    }
    // The next record of a log is encoded and read against the deps of its last: with others it would be nobody's.
    let follows = |actor: ActorId, head: &Head| head.deps.get(actor) == head.seq.previous() && head.deps.le(vv);
    match heads.iter().find(|(actor, head)| !follows(**actor, head)) {
        Some((actor, head)) => {
            let reason =
                format!("the head of {actor} is {}, with deps {:?}, but {vv:?} is applied", head.seq, head.deps);
            Err(OpenError::Damaged { reason })
        }
        None => Ok(()),
    }
}

/// A log ends where its head says: that record is there, unless all up to `floor` are gone, and none behind it.
fn check_log_end(view: &impl View, end: Dot, floor: Seq) -> Result<(), OpenError> {
    let damaged = |reason: String| Err(OpenError::Damaged { reason });
    let key = layout::log_key(end);
    if end.seq > floor && !view.with(Family::Log, &key, |value| value.is_some())? {
        return damaged(format!("record {end} is applied but not in its log"));
    }
    let mut behind = None;
    view.scan(Family::Log, &key, None, |found, _| {
        if found == key {
            return ControlFlow::Continue(());
        }
        behind = layout::log_seq(found).filter(|_| found.starts_with(&end.actor.as_u64().to_be_bytes()));
        ControlFlow::Break(())
    })?;
    match behind {
        Some(seq) => damaged(format!("the log of {} goes on to {seq}, but only {} is applied", end.actor, end.seq)),
        None => Ok(()),
    }
}
