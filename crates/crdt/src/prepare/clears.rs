//! What a transaction has seen of the counters below each of its clears: the one thing that a clear must list.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::limits::CLEAR_LIST_MAX;
use halcyon_types::{ActorId, VersionVector};

use super::PrepareError;
use crate::effect::ClearedInterval;
use crate::key::RowPrefix;
use crate::kind::Kind;
use crate::row::{Interval, Row};
use crate::rows::{Rows, Summary};

/// Clears, each with the intervals seen below it.
pub(super) type Listed = Vec<(RowPrefix, Vec<ClearedInterval>)>;

/// Lists the intervals that `view` shows, as far as `ctx` goes.
pub(super) fn list<V: Rows>(
    view: &mut V,
    clears: &[RowPrefix],
    ctx: &VersionVector,
) -> Result<Listed, PrepareError<V::Error>> {
    let mut count = 0;
    let mut listed = Vec::with_capacity(clears.len());
    for prefix in clears {
        let mut intervals = Vec::new();
        let mut stale = None;
        let wanted = |summary: &Summary| summary.intervals > 0;
        scan_apart(view, prefix, wanted, |key, row| {
            if let Row::Interval(interval) = row
                && let Some((counter, actor)) = RowPrefix::of_counter_row(key)
            {
                match seen(*interval, actor, ctx) {
                    Seen::None => {}
                    Seen::All => {
                        intervals.push(ClearedInterval { counter, actor, seq: interval.hi_seq, cum: interval.hi });
                        count += 1;
                    }
                    Seen::Part => stale = Some(actor),
                }
            }
            if count > CLEAR_LIST_MAX || stale.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .map_err(PrepareError::Rows)?;
        if let Some(actor) = stale {
            return Err(PrepareError::StaleContext { actor });
        }
        if count > CLEAR_LIST_MAX {
            return Err(PrepareError::TooLarge {
                what: "running sums (one per counter and region) below a delete",
                count,
                max: CLEAR_LIST_MAX,
            });
        }
        listed.push((prefix.clone(), intervals));
    }
    Ok(listed)
}

/// The first intervals below `prefix`, as far as `ctx` goes: as many as one record may list.
pub(super) fn first<R: Rows>(
    rows: &mut R,
    prefix: &RowPrefix,
    ctx: &VersionVector,
) -> Result<Vec<ClearedInterval>, PrepareError<R::Error>> {
    let mut intervals = Vec::new();
    scan_apart(
        rows,
        prefix,
        |summary| summary.intervals > 0,
        |key, row| {
            if let Row::Interval(interval) = row
                && let Some((counter, actor)) = RowPrefix::of_counter_row(key)
                && matches!(seen(*interval, actor, ctx), Seen::All)
            {
                intervals.push(ClearedInterval { counter, actor, seq: interval.hi_seq, cum: interval.hi });
            }
            if intervals.len() < CLEAR_LIST_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        },
    )
    .map_err(PrepareError::Rows)?;
    Ok(intervals)
}

enum Seen {
    All,
    None,
    /// Some of its increments: how much they summed up to is no longer known.
    Part,
}

fn seen(interval: Interval, actor: ActorId, ctx: &VersionVector) -> Seen {
    match ctx.get(actor) {
        upto if interval.hi_seq <= upto => Seen::All,
        upto if interval.lo_seq >= upto => Seen::None,
        _ => Seen::Part,
    }
}

/// Visits the rows below `prefix`, but passes over collections that are known to have none of those `wanted`.
pub(super) fn scan_apart<R: Rows>(
    rows: &mut R,
    prefix: &RowPrefix,
    wanted: impl Fn(&Summary) -> bool,
    mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
) -> Result<(), R::Error> {
    if prefix.as_row().is_some() {
        return Ok(());
    }
    let mut from = prefix.as_bytes().to_vec();
    let mut entered: Option<Bytes> = None;
    loop {
        let mut collection = None;
        rows.scan(prefix, &from, |key, row| {
            if let Some(found) = RowPrefix::collection_of(key)
                && found.starts_with(prefix.as_bytes())
                && entered.as_deref() != Some(found)
            {
                collection = Some(Bytes::copy_from_slice(found));
                return ControlFlow::Break(());
            }
            visit(key, row)
        })?;
        let Some(bytes) = collection else { return Ok(()) };
        let collection = RowPrefix::from_bytes(bytes.clone());
        let kind = bytes.last().copied().and_then(Kind::from_byte);
        let empty = match kind {
            Some(Kind::List | Kind::Set) => true,
            _ => rows.summary(&collection)?.is_some_and(|summary| !wanted(&summary)),
        };
        match collection.end() {
            Some(end) if empty => from = end,
            _ => from = bytes.to_vec(),
        }
        entered = Some(bytes);
    }
}
