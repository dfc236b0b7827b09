//! List: one row `L ‖ position` per element. Positions are ordered bytes that are never given twice, so an element stays
//! where it is whatever is inserted or removed around it; a removed one leaves nothing behind.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::UnixMs;

use crate::key::{RowKey, RowPrefix};
use crate::kind::Kind;
use crate::object::Object;
use crate::op::{End, Place};
use crate::position::Position;
use crate::query::{Item, Page, PageRequest};
use crate::row::Row;
use crate::rows::Rows;
use crate::sequence::{self, Sequence, UnknownCursor};

/// The elements' values have no expiry: any time will do.
const ANY_TIME: UnixMs = UnixMs(0);

pub(crate) fn element(list: &RowPrefix, position: &Position) -> RowKey {
    RowKey::from_bytes(list.with(position.as_bytes()).0)
}

struct Elements<'a, R> {
    rows: &'a mut R,
    list: &'a RowPrefix,
}

impl<R: Rows> Sequence for Elements<'_, R> {
    type Item = Item;
    type Error = R::Error;

    fn walk(
        &mut self,
        after: Option<&[u8]>,
        back: bool,
        mut visit: impl FnMut(&[u8], &dyn Fn() -> Item) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let start = self.list.as_bytes().len();
        let visit = |key: &[u8], row: &Row| {
            let (Some(position), Some(entry)) = (key.get(start..), row.winner(ANY_TIME)) else {
                return ControlFlow::Continue(());
            };
            visit(position, &|| Item { position: Bytes::copy_from_slice(position), value: entry.payload.clone() })
        };
        let at = after.map(|after| self.list.with(after).as_bytes().to_vec());
        match (at, back) {
            (None, false) => self.rows.scan(self.list, self.list.as_bytes(), visit),
            (Some(mut at), false) => {
                // No position begins another: the next key is behind this one and any byte.
                at.push(0);
                self.rows.scan(self.list, &at, visit)
            }
            (at, true) => self.rows.scan_back(self.list, at.as_deref(), visit),
        }
    }
}

/// The element at `place`; of several with a value, the first.
pub(crate) fn find<R: Rows>(rows: &mut R, list: &RowPrefix, place: &Place) -> Result<Option<Position>, R::Error> {
    match place {
        Place::Index(index) => {
            let found = sequence::place(&mut Elements { rows, list }, *index, false)?;
            Ok(found.and_then(|position| Position::parse(position).ok()))
        }
        Place::Value(value) => Ok(holders(rows, list, value, 1)?.pop()),
        Place::Position(position) => {
            let Ok(position) = Position::parse(position.clone()) else { return Ok(None) };
            let there = rows.look(&element(list, &position), |row| row.is_some())?;
            Ok(there.then_some(position))
        }
    }
}

/// The first elements, up to so many, that have this value.
pub(crate) fn holders<R: Rows>(
    rows: &mut R,
    list: &RowPrefix,
    value: &Bytes,
    most: usize,
) -> Result<Vec<Position>, R::Error> {
    let mut holders = Vec::new();
    Elements { rows, list }.walk(None, false, |at, item| {
        if item().value == *value {
            holders.extend(Position::parse(Bytes::copy_from_slice(at)));
        }
        if holders.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(holders)
}

/// The outermost element at an end.
pub(crate) fn outermost<R: Rows>(rows: &mut R, list: &RowPrefix, end: End) -> Result<Option<Position>, R::Error> {
    neighbour(rows, list, None, end == End::Back)
}

/// The element next behind (`back`: before) a position.
pub(crate) fn neighbour<R: Rows>(
    rows: &mut R,
    list: &RowPrefix,
    of: Option<&Position>,
    back: bool,
) -> Result<Option<Position>, R::Error> {
    let mut found = None;
    Elements { rows, list }.walk(of.map(|of| of.as_bytes().as_ref()), back, |at, _| {
        found = Position::parse(Bytes::copy_from_slice(at)).ok();
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// The value of an element.
pub(crate) fn value<R: Rows>(rows: &mut R, list: &RowPrefix, at: &Position) -> Result<Option<Bytes>, R::Error> {
    rows.look(&element(list, at), |row| row?.winner(ANY_TIME).map(|entry| entry.payload.clone()))
}

/// A page of the elements from index `first` to index `last`.
pub(crate) fn range<R: Rows>(
    rows: &mut R,
    object: &Object,
    ends: (i64, i64),
    request: &PageRequest,
) -> Result<Result<Page<Item>, UnknownCursor>, R::Error> {
    let known = |cursor: &Bytes| cursor.get(8..).is_some_and(|at| Position::parse(Bytes::copy_from_slice(at)).is_ok());
    if !request.after.as_ref().is_none_or(known) {
        return Ok(Err(UnknownCursor));
    }
    let list = object.of_kind(Kind::List);
    let weight = |item: &Item| size_of::<Item>() + item.position.len() + item.value.len();
    sequence::window(&mut Elements { rows, list: &list }, ends, false, request, weight)
}
