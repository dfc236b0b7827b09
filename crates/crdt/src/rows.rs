//! Where rows live, as the kernel sees it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::{Bound, ControlFlow};

use crate::key::{RowKey, RowPrefix};
use crate::row::Row;

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
}

/// Rows to change. What is changed is seen by every later call.
pub trait RowsMut: Rows {
    /// Lends the place of the row at `key` to `change`, which may put, alter or take the row.
    ///
    /// # Errors
    /// What can go wrong underneath; the row is then unchanged.
    fn change<T>(&mut self, key: &RowKey, change: impl FnOnce(&mut Option<Row>) -> T) -> Result<T, Self::Error>;
}

/// Rows in an ordered map: for the kernel's own tests and for worlds that live in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryRows(BTreeMap<RowKey, Row>);

impl MemoryRows {
    /// Every row, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&RowKey, &Row)> {
        self.0.iter()
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
        let from = from.max(prefix.as_bytes());
        let start = RowKey::from_bytes(bytes::Bytes::copy_from_slice(from));
        for (key, row) in self.0.range((Bound::Included(start), Bound::Unbounded)) {
            if !prefix.contains(key.as_bytes()) || visit(key.as_bytes(), row).is_break() {
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
}
