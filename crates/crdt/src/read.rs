//! Reading an object: the one door to every type's reads.

use std::ops::ControlFlow;

use halcyon_types::UnixMs;

use crate::key::KeyError;
use crate::kind::Kind;
use crate::object::Object;
use crate::query::{Answer, Query};
use crate::rows::Rows;
use crate::{counter, map, register, set};

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
    object.check()?;
    query.check()?;
    let answer = match query {
        Query::Get => Answer::Value(register::value(rows, object, now).map_err(ReadError::Rows)?),
        Query::Sum => Answer::Sum(counter::sum(rows, object).map_err(ReadError::Rows)?),
        Query::Contains { element } => Answer::Is(set::contains(rows, object, element, now).map_err(ReadError::Rows)?),
        Query::Elements(page) => Answer::Page(set::elements(rows, object, page, now).map_err(ReadError::Rows)?),
        Query::Fields(page) => Answer::Page(map::fields(rows, object, page, now).map_err(ReadError::Rows)?),
    };
    if answer.is_empty() {
        let asked = query.kind();
        let present = kinds(rows, object, now).map_err(ReadError::Rows)?;
        if !present.is_empty() && !present.contains(&asked) {
            return Err(ReadError::WrongType { asked, present });
        }
    }
    Ok(answer)
}

/// The kinds of which something is at `object`.
///
/// # Errors
/// What can go wrong underneath.
pub fn kinds<R: Rows>(rows: &mut R, object: &Object, now: UnixMs) -> Result<Vec<Kind>, R::Error> {
    let mut present = Vec::new();
    for kind in Kind::ALL {
        let below = object.of_kind(kind);
        rows.scan(&below, below.as_bytes(), |_, row| {
            if row.is_live(now) {
                present.push(kind);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(present)
}
