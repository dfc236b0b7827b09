//! Where rows live, as the kernel sees it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use halcyon_types::VersionVector;

use crate::key::{RowKey, RowPrefix};
use crate::kind::Shape;
use crate::row::Row;
use crate::sorted_set::{self, Standing};

/// Rows to read: one consistent view for as long as it is borrowed.
///
/// Methods take `&mut self` because a view may cache what it reads.
pub trait Rows {
    /// What can go wrong underneath: I/O, or damage.
    type Error;

    /// Lends the row at `key`, if there is one, to `look`.
    ///
    /// # Errors
    /// What can go wrong underneath.
    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, Self::Error>;

    /// A copy of the row at `key`, to be changed in a [`crate::Layer`] above.
    ///
    /// # Errors
    /// What can go wrong underneath.
    fn take_row(&mut self, key: &RowKey) -> Result<Option<Row>, Self::Error> {
        self.look(key, |row| Some(row?.clone()))
    }

    /// Visits the rows below `prefix` in key order, beginning with the first whose key is at least `from`, until `visit`
    /// breaks.
    ///
    /// # Errors
    /// What can go wrong underneath.
    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), Self::Error>;

    /// Visits the rows below `prefix`, and no others, in descending key order, beginning with the last whose key is less
    /// than `upto` (the last of all, if absent; see [`RowPrefix::end_before`]), until `visit` breaks.
    ///
    /// # Errors
    /// What can go wrong underneath.
    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), Self::Error>;

    /// Visits the members of the sorted set whose rows `members` names, in the order of (score, member), beginning behind
    /// `after`, or, in reverse, before it, until `visit` breaks. Rows that keep an index of scores use it; others sort.
    ///
    /// # Errors
    /// What can go wrong underneath.
    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), Self::Error>
    where
        Self: Sized,
    {
        sorted_set::sort_and_visit(self, members, after, reverse, visit)
    }

    /// What is known of a whole collection (`keyspace ‖ key ‖ kind`) without looking at its rows; absent if nothing is.
    ///
    /// # Errors
    /// What can go wrong underneath.
    fn summary(&mut self, _collection: &RowPrefix) -> Result<Option<Summary>, Self::Error> {
        Ok(None)
    }
}

/// Rows to change. What is changed is seen by every later call.
pub trait RowsMut: Rows {
    /// Lends the place of the row at `key` to `change`, which may put, alter or take the row.
    ///
    /// # Errors
    /// What can go wrong underneath; the row is then unchanged.
    fn change<T>(&mut self, key: &RowKey, change: impl FnOnce(&mut Option<Row>) -> T) -> Result<T, Self::Error>;

    /// Takes every row below `prefix`, a whole collection or more, in a time that does not grow with their number.
    ///
    /// # Errors
    /// What can go wrong underneath.
    fn drop_below(&mut self, prefix: &RowPrefix) -> Result<(), Self::Error>;
}

/// What there is in a collection, all told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Rows.
    pub rows: u64,
    /// Of them, parts of counters.
    pub intervals: u64,
    /// Of them, owners' parts of bounded counters.
    pub escrows: u64,
    /// At least the newest dot of each actor that a clear must have seen to drop them all.
    pub newest: VersionVector,
    /// Keys that none of its rows lies before, or behind: so that a scan need not pass over what was removed at an end.
    pub span: Option<(Bytes, Bytes)>,
}

impl Summary {
    /// Takes note that there was a row at `key`, or was not, and of what there is now.
    pub fn note(&mut self, key: &[u8], was: bool, now: Option<&Row>) {
        let count = |counter: &mut u64| match (was, now.is_some()) {
            (false, true) => *counter += 1,
            (true, false) => *counter = counter.saturating_sub(1),
            _ => {}
        };
        count(&mut self.rows);
        match RowKey::shape_of(key) {
            Ok(Shape::Whole | Shape::Float) => count(&mut self.intervals),
            Ok(Shape::Escrow) => count(&mut self.escrows),
            _ => {}
        }
        if let Some(row) = now {
            row.dots(key, |dot| self.newest.observe(dot));
            self.reach(key);
        }
    }

    fn reach(&mut self, key: &[u8]) {
        let own = || Bytes::copy_from_slice(key);
        match &mut self.span {
            Some((first, _)) if key < first.as_ref() => *first = own(),
            Some((_, last)) if key > last.as_ref() => *last = own(),
            Some(_) => {}
            None => self.span = Some((own(), own())),
        }
    }
}

impl<R: Rows> Rows for &mut R {
    type Error = R::Error;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, R::Error> {
        (**self).look(key, look)
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        (**self).scan(prefix, from, visit)
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        (**self).scan_back(prefix, upto, visit)
    }

    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        (**self).scan_standings(members, after, reverse, visit)
    }

    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, R::Error> {
        (**self).summary(collection)
    }
}

/// Rows in an ordered map: for the kernel's own tests and for worlds that live in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryRows(BTreeMap<RowKey, Row>);

impl MemoryRows {
    /// Every row, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&RowKey, &Row)> {
        self.0.iter()
    }

    fn range(&self, from: &[u8], upto: Option<&[u8]>) -> impl DoubleEndedIterator<Item = (&RowKey, &Row)> {
        let key = |bytes: &[u8]| RowKey::from_bytes(Bytes::copy_from_slice(bytes));
        let upto = upto.map_or(Bound::Unbounded, |upto| Bound::Excluded(key(upto.max(from))));
        self.0.range((Bound::Included(key(from)), upto))
    }
}

impl Rows for MemoryRows {
    type Error = Infallible;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, Infallible> {
        Ok(look(self.0.get(key)))
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), Infallible> {
        for (key, row) in self.range(from.max(prefix.as_bytes()), None) {
            if !prefix.contains(key.as_bytes()) || visit(key.as_bytes(), row).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), Infallible> {
        for (key, row) in self.range(prefix.as_bytes(), prefix.end_before(upto).as_deref()).rev() {
            if visit(key.as_bytes(), row).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl RowsMut for MemoryRows {
    fn change<T>(&mut self, key: &RowKey, change: impl FnOnce(&mut Option<Row>) -> T) -> Result<T, Infallible> {
        let mut row = self.0.remove(key);
        let out = change(&mut row);
        if let Some(row) = row {
            self.0.insert(key.clone(), row);
        }
        Ok(out)
    }

    fn drop_below(&mut self, prefix: &RowPrefix) -> Result<(), Infallible> {
        let gone: Vec<RowKey> =
            self.range(prefix.as_bytes(), prefix.end().as_deref()).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.0.remove(&key);
        }
        Ok(())
    }
}
