//! What a group of changes makes of the derived rows: computed once, when all of the group is known.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::sorted_set::{member_of, standing};
use halcyon_crdt::{Layer, RowKey, RowPrefix, Rows, Standing, Summary};
use halcyon_types::mutant::{Mutant, planted};

use super::{Due, Summaries, drop_scores, put_summary, scores_of};
use crate::backend::{Batch, Family, View};
use crate::error::ReadError;
use crate::under_way::UnderWay;

/// Puts the derived rows of the group into its batch. Hands the collections' summaries back.
pub(crate) fn write<V: View>(
    rows: &mut Layer<UnderWay<V>>,
    batch: &mut impl Batch,
    value: &mut Vec<u8>,
) -> Result<Summaries, ReadError> {
    for collection in rows.dropped() {
        let whole = RowPrefix::collection_of(collection.as_bytes()) == Some(collection.as_bytes());
        debug_assert!(whole, "only whole collections are dropped, and have summaries");
        drop_scores(collection, batch);
    }
    write_due(rows, batch);
    write_scores(rows, batch)?;
    let summaries = summaries(rows)?;
    for (collection, summary) in &summaries {
        if summary.rows == 0 {
            batch.delete(Family::Derived, collection.as_bytes());
        } else {
            value.clear();
            put_summary(value, summary);
            batch.put(Family::Derived, collection.as_bytes(), value);
        }
    }
    Ok(summaries)
}

fn write_due<V: View>(rows: &mut Layer<UnderWay<V>>, batch: &mut impl Batch) {
    let (before, deadlines) = (rows.under().take_due(), rows.under().deadlines().clone());
    let now = |key| rows.changes().get(key).and_then(|change| Due::of(key.as_bytes(), change.row.as_ref()?));
    for (key, due) in &before {
        if now(key) != Some(*due) {
            batch.delete(Family::Derived, &due.index_key(key));
        }
    }
    for (key, change) in rows.changes() {
        if let Some(due) = change.row.as_ref().and_then(|row| Due::of(key.as_bytes(), row)) {
            if due.is_of_key() {
                deadlines.raise();
            }
            batch.put(Family::Derived, &due.index_key(key), &[]);
        }
    }
}

fn write_scores<V: View>(rows: &mut Layer<UnderWay<V>>, batch: &mut impl Batch) -> Result<(), ReadError> {
    let mut touched: Vec<(RowPrefix, Vec<u8>)> = Vec::new();
    for key in rows.changes().keys() {
        if let Some(members) = RowPrefix::sorted_set_of(key.as_bytes())
            && let Some(member) = member_of(&members, key.as_bytes())
        {
            // A member's rows stand side by side.
            let place = (members, member);
            if touched.last() != Some(&place) {
                touched.push(place);
            }
        }
    }
    for (members, member) in touched {
        let dropped = rows.dropped().iter().any(|prefix| prefix.contains(members.as_bytes()));
        let before = if dropped { None } else { standing(rows.under(), &members, &member)? };
        let now = standing(rows, &members, &member)?;
        if before != now {
            let index = scores_of(&members);
            let key = |standing: &Standing| [index.as_bytes(), &standing.to_key()].concat();
            if let Some(before) = before.as_ref().filter(|_| !planted(Mutant::ScoreLeftBehind)) {
                batch.delete(Family::Derived, &key(before));
            }
            if let Some(now) = &now {
                batch.put(Family::Derived, &key(now), &[]);
            }
        }
    }
    Ok(())
}

/// Where a row at an end was removed, the collection ends with the next one that is left.
fn tighten<V: View>(
    rows: &mut Layer<UnderWay<V>>,
    collection: &RowPrefix,
    summary: &mut Summary,
) -> Result<(), ReadError> {
    if summary.rows == 0 {
        summary.span = None;
    }
    let Some((first, last)) = &mut summary.span else { return Ok(()) };
    let removed = |rows: &Layer<UnderWay<V>>, key: &Bytes| {
        rows.changes().get(&RowKey::from_bytes(key.clone())).is_some_and(|change| change.row.is_none())
    };
    if removed(rows, first) {
        let from = first.clone();
        rows.scan(collection, &from, |key, _| {
            *first = Bytes::copy_from_slice(key);
            ControlFlow::Break(())
        })?;
    }
    if removed(rows, last) {
        let upto = last.clone();
        rows.scan_back(collection, Some(&upto), |key, _| {
            *last = Bytes::copy_from_slice(key);
            ControlFlow::Break(())
        })?;
    }
    Ok(())
}

/// The summaries that differ from those below.
fn summaries<V: View>(rows: &mut Layer<UnderWay<V>>) -> Result<Summaries, ReadError> {
    let mut touched: Vec<RowPrefix> = rows.dropped().to_vec();
    for key in rows.changes().keys() {
        if let Some(collection) = RowPrefix::collection_of(key.as_bytes())
            && touched.last().is_none_or(|last| last.as_bytes() != collection)
        {
            touched.push(RowPrefix::from_bytes(Bytes::copy_from_slice(collection)));
        }
    }
    touched.sort_unstable();
    touched.dedup();
    let mut changed = Vec::with_capacity(touched.len());
    for collection in touched {
        let before = rows.under().summary(&collection)?;
        let Some(mut now) = rows.summary(&collection)? else { continue };
        tighten(rows, &collection, &mut now)?;
        if before.as_ref() != Some(&now) || rows.dropped().contains(&collection) {
            changed.push((collection, now));
        }
    }
    Ok(changed)
}
