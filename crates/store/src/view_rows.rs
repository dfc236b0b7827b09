//! Rows as a view of the database has them: what the committer's rows and a reader's have in common.
//!
//! Rows come from the state, the order of scores and the summaries from what was derived from it in the same batch: one
//! view shows all of them at one moment.

use std::ops::ControlFlow;

use halcyon_crdt::{Kind, Row, RowKey, RowPrefix, Standing, Summary};

use crate::backend::{Family, View};
use crate::derived;
use crate::error::ReadError;

/// The row at `key`.
pub(crate) fn load(view: &impl View, key: &RowKey) -> Result<Option<Row>, ReadError> {
    view.with(Family::State, key.as_bytes(), |value| value.map(|value| decode_row(key.as_bytes(), value)).transpose())?
}

/// As `Rows::scan`. `summary` is that of the collection, if the scan begins with the first row of one.
pub(crate) fn scan(
    view: &impl View,
    summary: Option<&Summary>,
    prefix: &RowPrefix,
    from: &[u8],
    visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let first = match summary.map(|summary| &summary.span) {
        // Only lists are pushed to and popped from all the time; of others the rows have the last word.
        Some(None) if prefix.as_bytes().last() == Some(&Kind::List.byte()) => return Ok(()),
        Some(Some((first, _))) => first,
        Some(None) | None => prefix.as_bytes(),
    };
    decoding(visit, |visit| view.scan(Family::State, from.max(first), prefix.end().as_deref(), visit))
}

/// Whether a scan from here begins at the beginning of a collection, whose summary then knows where its first row is: a
/// queue leaves a long trail of removed rows before it.
pub(crate) fn begins_collection(prefix: &RowPrefix, from: &[u8]) -> bool {
    from <= prefix.as_bytes() && is_collection(prefix)
}

/// As [`begins_collection`], for scans that begin at the end.
pub(crate) fn is_collection(prefix: &RowPrefix) -> bool {
    RowPrefix::collection_of(prefix.as_bytes()) == Some(prefix.as_bytes())
}

/// As `Rows::scan_back`. `summary` is that of the collection, if the scan begins with the last row of one.
pub(crate) fn scan_back(
    view: &impl View,
    summary: Option<&Summary>,
    prefix: &RowPrefix,
    upto: Option<&[u8]>,
    visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let end = match summary.map(|summary| &summary.span) {
        Some(None) if prefix.as_bytes().last() == Some(&Kind::List.byte()) => return Ok(()),
        Some(Some((_, last))) => Some([last.as_ref(), &[0]].concat()),
        Some(None) | None => prefix.end(),
    };
    let upto = [upto, end.as_deref()].into_iter().flatten().min();
    decoding(visit, |visit| view.scan_back(Family::State, prefix.as_bytes(), upto, visit))
}

/// As `Rows::scan_standings`, by the index of scores.
pub(crate) fn scan_standings(
    view: &impl View,
    members: &RowPrefix,
    after: Option<&Standing>,
    reverse: bool,
    mut visit: impl FnMut(&Standing) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let index = derived::scores_of(members);
    let bound = after.map(|after| [index.as_bytes(), &after.to_key()].concat());
    let mut outcome = Ok(());
    let visit = |key: &[u8], _: &[u8]| {
        if let Some(standing) = key.get(index.as_bytes().len()..).and_then(Standing::from_key) {
            return visit(&standing);
        }
        outcome = Err(ReadError::damaged(format!("the place {}", key.escape_ascii()), "it is no score and member"));
        ControlFlow::Break(())
    };
    let end = index.end();
    if reverse {
        view.scan_back(Family::Derived, index.as_bytes(), bound.as_deref().or(end.as_deref()), visit)?;
    } else {
        // No place begins another: the next key is behind this one and any byte.
        let from = bound.map_or_else(|| index.as_bytes().to_vec(), |bound| [&bound[..], &[0]].concat());
        view.scan(Family::Derived, &from, end.as_deref(), visit)?;
    }
    outcome
}

/// What there is in a collection; nothing if it has no summary.
pub(crate) fn summary(view: &impl View, collection: &RowPrefix) -> Result<Summary, ReadError> {
    let found = view.with(Family::Derived, collection.as_bytes(), |value| value.map(derived::summary))?;
    let found = found.transpose().map_err(|error| {
        ReadError::damaged(format!("the summary of {}", collection.as_bytes().escape_ascii()), &error)
    })?;
    Ok(found.unwrap_or_default())
}

/// Reads a row's bytes; its key says what they must be.
pub(crate) fn decode_row(key: &[u8], value: &[u8]) -> Result<Row, ReadError> {
    let damaged =
        |reason: &dyn std::fmt::Display| ReadError::damaged(format!("the row {}", key.escape_ascii()), reason);
    let shape = RowKey::shape_of(key).map_err(|error| damaged(&error))?;
    Row::decode(shape, value).map_err(|error| damaged(&error))
}

/// Lends decoded rows to `visit` while `walk` goes over encoded ones, until one cannot be read.
fn decoding(
    mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    walk: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut outcome = Ok(());
    walk(&mut |key, value| match decode_row(key, value) {
        Ok(row) => visit(key, &row),
        Err(error) => {
            outcome = Err(error);
            ControlFlow::Break(())
        }
    })?;
    outcome
}
