//! Answering clients' reads from a snapshot. No other region is asked, and the committer is not waited for (P9).

use std::collections::BTreeMap;

use halcyon_crdt::{Layer, Object, Origin, PageRequest, Query, Stamp, Update, apply, keys, prepare};
use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, RegionId, Seq, UnixMs};
use halcyon_wire::{Outcome, Refusal};

use crate::backend::{Backend, View};
use crate::error::ReadError;
use crate::reader::{Reader, Snapshot};

/// One object, at one snapshot.
///
/// # Errors
/// [`Refusal`], as the client is told.
pub fn read<V: View>(
    snapshot: &mut Snapshot<V>,
    object: &Object,
    query: &Query,
    now: UnixMs,
) -> Result<Outcome, Refusal> {
    Ok(Outcome::Answer(halcyon_crdt::read(snapshot, object, query, now)?))
}

/// Who would commit the updates of a transaction, were they committed now.
#[derive(Debug)]
pub struct Writer<'a> {
    /// This node's.
    pub actor: ActorId,
    /// Its time.
    pub now: UnixMs,
    /// The present actor of each region.
    pub actors: &'a BTreeMap<RegionId, ActorId>,
}

/// One object, at the snapshot of a transaction and after what it has buffered: as if its updates had been committed alone
/// right after the snapshot. What is told of elements that only the buffer has, such as their positions, is as provisional
/// as they are.
///
/// # Errors
/// [`Refusal`], as the client is told: of the buffered updates, or of the question.
pub fn read_within<V: View>(
    snapshot: &mut Snapshot<V>,
    updates: &[Update],
    writer: &Writer<'_>,
    object: &Object,
    query: &Query,
) -> Result<Outcome, Refusal> {
    let Writer { actor, now, actors } = *writer;
    if updates.is_empty() {
        return read(snapshot, object, query, now);
    }
    let ctx = snapshot.vv().map_err(|error| unreadable(&error))?;
    let seq = ctx.get(actor).next().unwrap_or(Seq(u64::MAX));
    let dot = Dot { actor, seq };
    // Above any stamp of a record of this millisecond, so that it is no other's.
    let hlc = Hlc::from_parts(now, Hlc::COUNT_MAX).unwrap_or_default();
    let mut rows = Layer::over(&mut *snapshot);
    let origin = Origin { dot, hlc, now, ctx: &ctx, actors };
    let prepared = prepare(updates, origin, &mut rows, None::<&mut Snapshot<V>>)?;
    apply(&mut rows, Stamp { dot, hlc, ctx: &ctx }, &prepared.effects).map_err(|error| unreadable(&error))?;
    Ok(Outcome::Answer(halcyon_crdt::read(&mut rows, object, query, now)?))
}

/// A page of keys, at one snapshot.
///
/// # Errors
/// [`Refusal`], as the client is told.
pub fn scan<V: View>(
    snapshot: &mut Snapshot<V>,
    keyspace: KeyspaceId,
    beginning: &[u8],
    page: &PageRequest,
    now: UnixMs,
) -> Result<Outcome, Refusal> {
    keys(snapshot, keyspace, beginning, page, now).map(Outcome::Keys).map_err(|error| unreadable(&error))
}

/// Every row, at one snapshot, but for entries that have expired by `at`.
///
/// # Errors
/// [`Refusal`], as the client is told.
pub fn digest<B: Backend>(reader: &Reader<B>, at: UnixMs) -> Result<Outcome, Refusal> {
    match reader.digest(at) {
        Ok(digest) => Ok(Outcome::Digest { vv: digest.vv, digest: digest.digest, rows: digest.rows }),
        Err(error) => Err(unreadable(&error)),
    }
}

/// What a client is told of a disk that cannot be read.
pub fn unreadable(error: &ReadError) -> Refusal {
    Refusal::Storage { reason: error.to_string() }
}
