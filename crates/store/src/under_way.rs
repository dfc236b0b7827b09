//! The committer's rows under the group that is being staged: those on disk, and over them what a group has changed that is
//! on its way there.
//!
//! So a group can be staged while the one before it is being synced: it reads that group's rows here, wherever the database
//! is with them at that moment. Rows that the staged group takes say on their way out when they would have ended, so that
//! their deadlines can be taken out of the index without being looked for.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use halcyon_crdt::{Change, Layer, Row, RowKey, RowPrefix, Rows, Standing, Summary};
use halcyon_types::mutant::{Mutant, planted};

use crate::backend::View;
use crate::deadlines::Deadlines;
use crate::derived::{Due, Summaries};
use crate::error::ReadError;
use crate::stored::Stored;

pub(crate) struct UnderWay<V> {
    rows: Layer<Stored<V>>,
    /// Of the collections that the group under way has changed.
    summaries: BTreeMap<RowPrefix, Summary>,
    due: BTreeMap<RowKey, Due>,
}

impl<V: View> UnderWay<V> {
    /// Nothing is under way.
    pub(crate) fn over(stored: Stored<V>) -> Self {
        Self { rows: Layer::over(stored), summaries: BTreeMap::new(), due: BTreeMap::new() }
    }

    /// Whether any key has a deadline.
    pub(crate) fn deadlines(&mut self) -> &Deadlines {
        self.rows.under().deadlines()
    }

    /// When the rows that have moved away would have ended, those without an end aside.
    pub(crate) fn take_due(&mut self) -> BTreeMap<RowKey, Due> {
        std::mem::take(&mut self.due)
    }

    /// A group sets out: what it has changed, and the summaries that come with it. The one before must have settled.
    pub(crate) fn set_out(&mut self, changed: (BTreeMap<RowKey, Change>, Vec<RowPrefix>), summaries: Summaries) {
        self.rows.adopt(changed);
        self.summaries = summaries.into_iter().collect();
    }

    /// The group that was under way is on disk.
    pub(crate) fn settle(&mut self) {
        let (changed, summaries) = (self.rows.take(), std::mem::take(&mut self.summaries));
        self.rows.under().settle(changed, summaries);
    }
}

impl<V: View> Rows for UnderWay<V> {
    type Error = ReadError;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, ReadError> {
        if planted(Mutant::UnderWayUnseen) {
            return self.rows.under().look(key, look);
        }
        self.rows.look(key, look)
    }

    fn take_row(&mut self, key: &RowKey) -> Result<Option<Row>, ReadError> {
        let unseen = planted(Mutant::UnderWayUnseen);
        let row = if unseen { self.rows.under().take_row(key)? } else { self.rows.take_row(key)? };
        if let Some(due) = row.as_ref().and_then(|row| Due::of(key.as_bytes(), row)) {
            self.due.insert(key.clone(), due);
        }
        Ok(row)
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.rows.scan(prefix, from, visit)
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.rows.scan_back(prefix, upto, visit)
    }

    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.rows.scan_standings(members, after, reverse, visit)
    }

    /// Those of the group under way are as it has written them: their spans are as tight as on disk.
    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, ReadError> {
        match self.summaries.get(collection) {
            Some(summary) => Ok(Some(summary.clone())),
            None => self.rows.under().summary(collection),
        }
    }
}

#[cfg(test)]
mod tests;
