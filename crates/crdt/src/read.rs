//! Reading an object: the one door to every type's reads.

use std::ops::ControlFlow;

use halcyon_types::UnixMs;

use crate::key::KeyError;
use crate::kind::Kind;
use crate::object::Object;
use crate::query::{Answer, Query};
use crate::rows::Rows;
use crate::sequence::UnknownCursor;
use crate::{bounded_counter, counter, deadline, hyperloglog, list, map, register, set, sorted_set};

/// Why a read has no answer. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError<E> {
    /// The object cannot be named.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is nothing of this kind here, but of others.
    #[error("no {asked} here, but a {}", names(present))]
    WrongType {
        /// The kind the query asks about.
        asked: Kind,
        /// The kinds that are there.
        present: Vec<Kind>,
    },
    /// A cursor that no page has told: begin again without one.
    #[error("an unknown cursor: give back what a page told as its next, or none to begin anew")]
    UnknownCursor,
    /// What went wrong underneath.
    #[error("reading rows: {0}")]
    Rows(E),
}

fn names(kinds: &[Kind]) -> String {
    kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(", a ")
}

/// Answers `query` about `object` from one view of the rows, as of `now`.
///
/// # Errors
/// [`ReadError`].
pub fn read<R: Rows>(rows: &mut R, object: &Object, query: &Query, now: UnixMs) -> Result<Answer, ReadError<R::Error>> {
    let answer = look(rows, object, query, now)?;
    if answer.is_empty()
        && let Some(asked) = query.kind()
    {
        let present = kinds(rows, object, now).map_err(ReadError::Rows)?;
        if !present.is_empty() && !present.contains(&asked) {
            return Err(ReadError::WrongType { asked, present });
        }
    }
    Ok(answer)
}

/// As [`read()`], but what is not there is told as absent whatever else is there, and nothing else is looked at: so that a
/// [`crate::Watch`] over it tells of nothing that the answer does not depend on.
///
/// # Errors
/// [`ReadError`], never [`ReadError::WrongType`].
pub fn look<R: Rows>(rows: &mut R, object: &Object, query: &Query, now: UnixMs) -> Result<Answer, ReadError<R::Error>> {
    object.check()?;
    query.check()?;
    // Of a key that has ended, when it did is told as long as its rows are there: who sees nothing may ask why.
    if *query != Query::Deadline && deadline::is_past(rows, object, now).map_err(ReadError::Rows)? {
        return Ok(nothing(query));
    }
    answer(rows, object, query, now).map_err(ReadError::Rows)?.map_err(|UnknownCursor| ReadError::UnknownCursor)
}

fn answer<R: Rows>(
    rows: &mut R,
    object: &Object,
    query: &Query,
    now: UnixMs,
) -> Result<Result<Answer, UnknownCursor>, R::Error> {
    Ok(Ok(match query {
        Query::Get => Answer::Value(register::value(rows, object, now)?),
        Query::Values => Answer::Values(register::values(rows, object)?),
        Query::Sum => Answer::Sum(counter::sum(rows, object)?),
        Query::IsEnabled => Answer::Is(register::is_enabled(rows, object)?),
        Query::Contains { element } => Answer::Is(set::contains(rows, object, element, now)?),
        Query::Elements(page) => Answer::Page(set::elements(rows, object, page, now)?),
        Query::Fields(page) => Answer::Page(map::fields(rows, object, page, now)?),
        Query::Score { member } => Answer::Score(sorted_set::score(rows, object, member)?),
        Query::Rank { member, reverse } => Answer::Rank(sorted_set::rank(rows, object, member, *reverse)?),
        Query::ByRank { first, last, reverse, page } => {
            return Ok(sorted_set::by_rank(rows, object, (*first, *last), *reverse, page)?.map(Answer::Scored));
        }
        Query::ByScore { min, max, reverse, page } => {
            return Ok(sorted_set::by_score(rows, object, (*min, *max), *reverse, page)?.map(Answer::Scored));
        }
        Query::Range { first, last, page } => {
            return Ok(list::range(rows, object, (*first, *last), page)?.map(Answer::Items));
        }
        Query::Estimate => Answer::Count(hyperloglog::estimate(rows, object)?),
        Query::Value => Answer::Sum(bounded_counter::value(rows, object)?),
        Query::Rights => Answer::Rights(bounded_counter::rights(rows, object)?),
        Query::Deadline => Answer::Deadline(deadline::of(rows, object)?),
        Query::Kinds => Answer::Kinds(kinds(rows, object, now)?),
    }))
}

/// What is told of a key that has ended.
fn nothing(query: &Query) -> Answer {
    match query {
        Query::Get => Answer::Value(None),
        Query::Values => Answer::Values(Vec::new()),
        Query::Sum | Query::Value => Answer::Sum(None),
        Query::IsEnabled | Query::Contains { .. } => Answer::Is(false),
        Query::Elements(_) | Query::Fields(_) => Answer::Page(crate::Page::default()),
        Query::Score { .. } => Answer::Score(None),
        Query::Rank { .. } => Answer::Rank(None),
        Query::ByRank { .. } | Query::ByScore { .. } => Answer::Scored(crate::Page::default()),
        Query::Range { .. } => Answer::Items(crate::Page::default()),
        Query::Estimate => Answer::Count(0),
        Query::Rights => Answer::Rights(Vec::new()),
        Query::Deadline => Answer::Deadline(None),
        Query::Kinds => Answer::Kinds(Vec::new()),
    }
}

/// The kinds of which something is at `object`, in the order of their bytes. A few seeks for each that is there.
///
/// # Errors
/// What can go wrong underneath.
pub fn kinds<R: Rows>(rows: &mut R, object: &Object, now: UnixMs) -> Result<Vec<Kind>, R::Error> {
    if deadline::is_past(rows, object, now)? {
        return Ok(Vec::new());
    }
    let below = object.below();
    let mut from = below.as_bytes().to_vec();
    let mut present = Vec::new();
    loop {
        let mut found = None;
        rows.scan(&below, &from, |key, row| {
            found = key.get(below.as_bytes().len()).copied().and_then(Kind::from_byte).filter(|_| row.is_live(now));
            if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let Some(kind) = found else { break };
        if kind != Kind::Deadline {
            present.push(kind);
        }
        match object.of_kind(kind).end() {
            Some(end) => from = end,
            None => break,
        }
    }
    Ok(present)
}
