//! Rows that let only so many of them be looked at: so that no one request can hold up the thread that answers it.

use std::ops::ControlFlow;

use crate::key::{RowKey, RowPrefix};
use crate::row::Row;
use crate::rows::{Rows, Summary};
use crate::sorted_set::Standing;

/// Rows, and how many of them may still be looked at. Once none may, scans end early: whoever reads through this must ask
/// [`Meter::is_spent`] before it believes what it saw.
#[derive(Debug)]
pub struct Meter<R> {
    rows: R,
    left: usize,
    spent: bool,
}

impl<R: Rows> Meter<R> {
    /// So many may be looked at.
    pub const fn over(rows: R, rows_max: usize) -> Self {
        Self { rows, left: rows_max, spent: false }
    }

    /// Whether something was not shown.
    pub const fn is_spent(&self) -> bool {
        self.spent
    }

    /// How many more may be looked at.
    pub const fn left(&self) -> usize {
        self.left
    }
}

/// Counts one, or ends the scan.
fn count(left: &mut usize, spent: &mut bool) -> ControlFlow<()> {
    if let Some(rest) = left.checked_sub(1) {
        *left = rest;
        return ControlFlow::Continue(());
    }
    *spent = true;
    ControlFlow::Break(())
}

impl<R: Rows> Rows for Meter<R> {
    type Error = R::Error;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, R::Error> {
        self.rows.look(key, look)
    }

    fn take_row(&mut self, key: &RowKey) -> Result<Option<Row>, R::Error> {
        self.rows.look(key, |row| Some(row?.clone()))
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let Self { rows, left, spent } = self;
        rows.scan(prefix, from, |key, row| {
            count(left, spent)?;
            visit(key, row)
        })
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let Self { rows, left, spent } = self;
        rows.scan_back(prefix, upto, |key, row| {
            count(left, spent)?;
            visit(key, row)
        })
    }

    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        mut visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let Self { rows, left, spent } = self;
        rows.scan_standings(members, after, reverse, |standing| {
            count(left, spent)?;
            visit(standing)
        })
    }

    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, R::Error> {
        self.rows.summary(collection)
    }
}

#[cfg(test)]
mod tests {
    use halcyon_types::limits::WALK_MAX;
    use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, Seq, UnixMs};

    use super::*;
    use crate::object::Object;
    use crate::query::{PageRequest, Query};
    use crate::row::Entry;
    use crate::rows::{MemoryRows, RowsMut};

    #[test]
    fn a_meter_shows_so_much_and_says_when_there_was_more() {
        let set = Object::new(KeyspaceId::FIRST, "set");
        let mut rows = MemoryRows::default();
        for n in 0..10_u8 {
            let dot = Dot { actor: ActorId::from_u64(1), seq: Seq(1) };
            let entry = Entry { dot, hlc: Hlc::ZERO, expiry: None, payload: bytes::Bytes::new() };
            rows.change(&set.element(&[n + 1]), |row| *row = Some(Row::Entries(vec![entry]))).unwrap();
        }
        let all = Query::Elements(PageRequest { after: None, items_max: 100 });
        for (allowed, spent) in [(3, true), (9, true), (10, false), (WALK_MAX, false)] {
            let mut meter = Meter::over(&mut rows, allowed);
            crate::read(&mut meter, &set, &all, UnixMs(0)).unwrap();
            assert_eq!(meter.is_spent(), spent, "{allowed}");
            assert_eq!(meter.left(), allowed.saturating_sub(10));
        }
    }
}
