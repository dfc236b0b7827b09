//! Changes over rows that stay as they are: a group that is not committed yet, or a transaction that reads what it has
//! buffered.
//!
//! Nothing below is touched. Whoever owns the layer writes [`Layer::changes`] and [`Layer::dropped`] down, in that sense
//! that what was dropped went before what was changed, or throws them away.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

use crate::key::{RowKey, RowPrefix};
use crate::row::Row;
use crate::rows::{Rows, RowsMut, Summary};
use crate::sorted_set::{self, Standing};

/// One row as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The row; absent if it is to be deleted.
    pub row: Option<Row>,
    /// Whether there is one below, what was dropped aside.
    pub was: bool,
}

/// Rows with changes over them.
#[derive(Debug)]
pub struct Layer<R> {
    changes: BTreeMap<RowKey, Change>,
    dropped: Vec<RowPrefix>,
    under: R,
}

impl<R: Rows> Layer<R> {
    /// No changes yet.
    pub const fn over(under: R) -> Self {
        Self { changes: BTreeMap::new(), dropped: Vec::new(), under }
    }

    /// The rows below.
    pub const fn under(&mut self) -> &mut R {
        &mut self.under
    }

    /// The changed rows, in key order.
    pub const fn changes(&self) -> &BTreeMap<RowKey, Change> {
        &self.changes
    }

    /// Below which prefixes every row that is not among the changes is gone.
    pub fn dropped(&self) -> &[RowPrefix] {
        &self.dropped
    }

    /// Takes the changes out: the layer is as new.
    pub fn take(&mut self) -> (BTreeMap<RowKey, Change>, Vec<RowPrefix>) {
        (std::mem::take(&mut self.changes), std::mem::take(&mut self.dropped))
    }

    /// Takes on what another layer, over this one, has given up; this one must be as new.
    pub fn adopt(&mut self, (changes, dropped): (BTreeMap<RowKey, Change>, Vec<RowPrefix>)) {
        debug_assert!(self.changes.is_empty() && self.dropped.is_empty(), "nothing of its own is lost");
        (self.changes, self.dropped) = (changes, dropped);
    }

    fn is_dropped(&self, key: &[u8]) -> bool {
        self.dropped.iter().any(|prefix| prefix.contains(key))
    }

    fn changed_below<'a>(&'a self, prefix: &'a RowPrefix) -> impl DoubleEndedIterator<Item = (&'a RowKey, &'a Change)> {
        between(&self.changes, prefix.as_bytes(), prefix.end().as_deref())
    }
}

fn between<'a>(
    changes: &'a BTreeMap<RowKey, Change>,
    from: &[u8],
    upto: Option<&[u8]>,
) -> impl DoubleEndedIterator<Item = (&'a RowKey, &'a Change)> + use<'a> {
    let key = |bytes: &[u8]| RowKey::from_bytes(Bytes::copy_from_slice(bytes));
    let from = key(from);
    let upto = match upto.map(key) {
        Some(upto) if upto > from => Bound::Excluded(upto),
        // Nothing lies between.
        Some(_) => Bound::Excluded(from.clone()),
        None => Bound::Unbounded,
    };
    changes.range((Bound::Included(from), upto))
}

impl<R: Rows> Rows for Layer<R> {
    type Error = R::Error;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, R::Error> {
        match self.changes.get(key) {
            Some(change) => Ok(look(change.row.as_ref())),
            None if self.is_dropped(key.as_bytes()) => Ok(look(None)),
            None => self.under.look(key, look),
        }
    }

    fn take_row(&mut self, key: &RowKey) -> Result<Option<Row>, R::Error> {
        match self.changes.get(key) {
            Some(change) => Ok(change.row.clone()),
            None if self.is_dropped(key.as_bytes()) => Ok(None),
            None => self.under.take_row(key),
        }
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let mut from = from.max(prefix.as_bytes()).to_vec();
        let dropped = &self.dropped;
        let mut changed = between(&self.changes, &from, prefix.end().as_deref()).peekable();
        let mut stopped = false;
        loop {
            let mut gone = None;
            self.under.scan(prefix, &from, |key, row| {
                // Changed rows that come before this one, and the one that stands in its place.
                while let Some((at, change)) = changed.next_if(|(at, _)| at.as_bytes().as_ref() <= key) {
                    if let Some(row) = &change.row
                        && visit(at.as_bytes(), row).is_break()
                    {
                        stopped = true;
                        return ControlFlow::Break(());
                    }
                    if at.as_bytes().as_ref() == key {
                        return ControlFlow::Continue(());
                    }
                }
                gone = dropped.iter().find(|prefix| prefix.contains(key));
                if gone.is_some() {
                    return ControlFlow::Break(());
                }
                let flow = visit(key, row);
                stopped = flow.is_break();
                flow
            })?;
            // What was dropped is passed over, however much it is.
            match gone.and_then(RowPrefix::end) {
                Some(end) if prefix.contains(&end) => from = end,
                _ => break,
            }
        }
        if !stopped {
            visit_all(changed, visit);
        }
        Ok(())
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        let dropped = &self.dropped;
        let end = prefix.end_before(upto);
        let mut changed = between(&self.changes, prefix.as_bytes(), end.as_deref()).rev().peekable();
        // Where nobody set a bound, the rows below may know a nearer one.
        let mut upto = upto.and(end.as_deref());
        let mut stopped = false;
        loop {
            let mut gone = None;
            self.under.scan_back(prefix, upto, |key, row| {
                while let Some((at, change)) = changed.next_if(|(at, _)| at.as_bytes().as_ref() >= key) {
                    if let Some(row) = &change.row
                        && visit(at.as_bytes(), row).is_break()
                    {
                        stopped = true;
                        return ControlFlow::Break(());
                    }
                    if at.as_bytes().as_ref() == key {
                        return ControlFlow::Continue(());
                    }
                }
                gone = dropped.iter().find(|prefix| prefix.contains(key));
                if gone.is_some() {
                    return ControlFlow::Break(());
                }
                let flow = visit(key, row);
                stopped = flow.is_break();
                flow
            })?;
            match gone.map(RowPrefix::as_bytes) {
                Some(start) if start > prefix.as_bytes() => upto = Some(start),
                _ => break,
            }
        }
        if !stopped {
            visit_all(changed, visit);
        }
        Ok(())
    }

    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), R::Error> {
        // Members that have changed stand where they stand now; the rows below know only where they stood.
        let mut changed: Vec<Vec<u8>> =
            self.changed_below(members).filter_map(|(key, _)| sorted_set::member_of(members, key.as_bytes())).collect();
        changed.dedup();
        let mut standing = Vec::with_capacity(changed.len());
        for member in &changed {
            standing.extend(sorted_set::standing(self, members, member)?);
        }
        let under = !self.dropped.iter().any(|prefix| prefix.contains(members.as_bytes()));
        let under = under.then_some(&mut self.under);
        sorted_set::merge_and_visit(under, members, after, reverse, (&changed, standing), visit)
    }

    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, R::Error> {
        let summary = if self.is_dropped(collection.as_bytes()) {
            Some(Summary::default())
        } else {
            self.under.summary(collection)?
        };
        Ok(summary.map(|mut summary| {
            self.changed_below(collection)
                .for_each(|(key, change)| summary.note(key.as_bytes(), change.was, change.row.as_ref()));
            summary
        }))
    }
}

fn visit_all<'a>(
    mut changed: impl Iterator<Item = (&'a RowKey, &'a Change)>,
    mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
) {
    let _ = changed.try_for_each(|(key, change)| match &change.row {
        Some(row) => visit(key.as_bytes(), row),
        None => ControlFlow::Continue(()),
    });
}

impl<R: Rows> RowsMut for Layer<R> {
    fn change<T>(&mut self, key: &RowKey, change: impl FnOnce(&mut Option<Row>) -> T) -> Result<T, R::Error> {
        let dropped = self.is_dropped(key.as_bytes());
        match self.changes.entry(key.clone()) {
            Entry::Occupied(mut place) => Ok(change(&mut place.get_mut().row)),
            Entry::Vacant(place) => {
                let row = if dropped { None } else { self.under.take_row(key)? };
                let was = row.is_some();
                Ok(change(&mut place.insert(Change { row, was }).row))
            }
        }
    }

    fn drop_below(&mut self, prefix: &RowPrefix) -> Result<(), R::Error> {
        let gone: Vec<RowKey> = self.changed_below(prefix).map(|(key, _)| key.clone()).collect();
        for key in gone {
            self.changes.remove(&key);
        }
        self.dropped.retain(|other| !prefix.contains(other.as_bytes()));
        self.dropped.push(prefix.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
