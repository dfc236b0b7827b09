//! Positions of what a transaction puts into lists, found in its view together with what it has put there before.

use bytes::Bytes;
use halcyon_types::limits::ELEMENTS_MAX;

use super::{Origin, PrepareError};
use crate::key::RowPrefix;
use crate::layer::Layer;
use crate::list;
use crate::op::{End, Place, Side};
use crate::position::{Position, between};
use crate::rows::Rows;

/// Where the next element of this record goes: its index makes positions of one record differ.
pub(super) struct Placer<'a> {
    origin: Origin<'a>,
    index: u32,
}

type Rowed<T, V> = Result<T, PrepareError<<V as Rows>::Error>>;

impl<'a> Placer<'a> {
    pub(super) const fn new(origin: Origin<'a>) -> Self {
        Self { origin, index: 0 }
    }

    /// A new position at an end.
    pub(super) fn at_end<V: Rows>(&mut self, view: &mut Layer<V>, list: &RowPrefix, end: End) -> Rowed<Position, V> {
        let outermost = list::outermost(view, list, end).map_err(PrepareError::Rows)?;
        match end {
            End::Back => self.between(outermost.as_ref(), None),
            End::Front => self.between(None, outermost.as_ref()),
        }
    }

    /// A new position next to an element.
    pub(super) fn beside<V: Rows>(
        &mut self,
        view: &mut Layer<V>,
        list: &RowPrefix,
        of: &Position,
        side: Side,
    ) -> Rowed<Position, V> {
        let next = list::neighbour(view, list, Some(of), side == Side::Before).map_err(PrepareError::Rows)?;
        match side {
            Side::After => self.between(Some(of), next.as_ref()),
            Side::Before => self.between(next.as_ref(), Some(of)),
        }
    }

    fn between<E>(&mut self, left: Option<&Position>, right: Option<&Position>) -> Result<Position, PrepareError<E>> {
        let position = between(left, right, self.origin.dot.actor, self.index, self.origin.hlc)?;
        self.index += 1;
        Ok(position)
    }
}

/// The element at `place`.
pub(super) fn existing<V: Rows>(view: &mut Layer<V>, list: &RowPrefix, place: &Place) -> Rowed<Position, V> {
    list::find(view, list, place).map_err(PrepareError::Rows)?.ok_or(PrepareError::NoSuchElement)
}

/// Every element at `place`: by value there may be several, or none.
pub(super) fn all<V: Rows>(view: &mut Layer<V>, list: &RowPrefix, place: &Place) -> Rowed<Vec<Position>, V> {
    let Place::Value(value) = place else { return Ok(vec![existing(view, list, place)?]) };
    let found = list::holders(view, list, value, ELEMENTS_MAX + 1).map_err(PrepareError::Rows)?;
    if found.len() > ELEMENTS_MAX {
        return Err(PrepareError::TooLarge { what: "elements with one value", count: found.len(), max: ELEMENTS_MAX });
    }
    Ok(found)
}

/// The value of an element.
pub(super) fn value<V: Rows>(view: &mut Layer<V>, list: &RowPrefix, at: &Position) -> Rowed<Bytes, V> {
    list::value(view, list, at).map_err(PrepareError::Rows)?.ok_or(PrepareError::NoSuchElement)
}
