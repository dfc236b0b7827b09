//! What a transaction does to lists: it sees what it has done so far.

use crate::oracle::deed::Written;
use crate::oracle::list::Position;
use crate::oracle::place::{Leaf, Place};
use crate::scenario::{ListEnd, ListSide, ObjectRef};

use super::{Case, Request};

impl Case<'_> {
    fn items(&self, object: &ObjectRef) -> Vec<(Position, String)> {
        let of_list = |place: &Place| place.object == *object && matches!(place.leaf, Leaf::Item(_));
        self.seen.followed_by(&self.record, of_list).items(object)
    }

    pub(super) fn holders(&self, object: &ObjectRef, value: &str) -> Vec<Position> {
        let items = self.items(object).into_iter();
        items.filter(|(_, text)| text == value).map(|(position, _)| position).collect()
    }

    pub(super) fn at_index(&self, object: &ObjectRef, index: i64) -> Option<Position> {
        let items = self.items(object);
        let from_end = || items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
        let at = if index < 0 { from_end()? } else { usize::try_from(index).ok()? };
        items.get(at).map(|(position, _)| position.clone())
    }

    pub(super) fn text_at(&self, object: &ObjectRef, at: &Position) -> String {
        let items = self.items(object).into_iter();
        items.filter(|(position, _)| position == at).map(|(_, text)| text).next().unwrap_or_default()
    }

    pub(super) fn push(&mut self, object: &ObjectRef, end: ListEnd, text: &str) {
        let items = self.items(object);
        let (left, right) = match end {
            ListEnd::Back => (items.last(), None),
            ListEnd::Front => (None, items.first()),
        };
        self.put(object, left.map(|(position, _)| position), right.map(|(position, _)| position), text);
    }

    pub(super) fn insert(&mut self, object: &ObjectRef, place: Option<Position>, side: ListSide, values: &[String]) {
        let Some(mut beside) = place else { return self.refuse("NoSuchElement") };
        let mut side = side;
        for text in values {
            let items = self.items(object);
            let before = items.iter().map(|(position, _)| position).filter(|position| **position < beside).max();
            let behind = items.iter().map(|(position, _)| position).filter(|position| **position > beside).min();
            beside = match side {
                ListSide::Before => self.put(object, before, Some(&beside), text),
                ListSide::After => self.put(object, Some(&beside), behind, text),
            };
            // Each behind the one before it.
            side = ListSide::After;
        }
    }

    fn put(&mut self, object: &ObjectRef, left: Option<&Position>, right: Option<&Position>, text: &str) -> Position {
        let Request { dot, hlc, .. } = self.request;
        let position = Position::between(left, right, (dot.actor, self.inserted, hlc));
        self.inserted += 1;
        let place = Place { object: object.clone(), leaf: Leaf::Item(position.clone()) };
        self.record.deed.write(place, Written::Value { text: text.to_owned(), until: None });
        position
    }
}
