//! The committer's rows as they are on disk: a cache of rows and of summaries over the backend.
//!
//! A [`halcyon_crdt::Layer`] stands above, with what a group on its way to the disk has changed (`under_way.rs`). Rows that
//! change stand up there, over what they were, until their group is on disk ([`Stored::settle`]).
//!
//! Belongs to the one writer: it must never be shared with readers, who look at other moments.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_crdt::{Change, Row, RowKey, RowPrefix, Rows, Standing, Summary};
use halcyon_types::limits::SUMMARIES_MAX;
use halcyon_types::mutant::{Mutant, planted};
use quick_cache::unsync::Cache;

use crate::backend::View;
use crate::deadlines::{Deadlines, is_deadline};
use crate::error::ReadError;
use crate::row_cache::RowCache;
use crate::view_rows;

pub(crate) struct Stored<V> {
    view: V,
    cache: RowCache,
    summaries: Cache<Bytes, Summary>,
    deadlines: Deadlines,
}

impl<V: View> Stored<V> {
    pub(crate) fn new(view: V, cache: RowCache, deadlines: Deadlines) -> Self {
        Self { view, cache, summaries: Cache::new(SUMMARIES_MAX), deadlines }
    }

    /// Whether any key has a deadline.
    pub(crate) const fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// The group is on disk: its rows and summaries become cached ones, what it dropped is forgotten.
    pub(crate) fn settle(
        &mut self,
        (changes, dropped): (BTreeMap<RowKey, Change>, Vec<RowPrefix>),
        summaries: BTreeMap<RowPrefix, Summary>,
    ) {
        for prefix in dropped.into_iter().filter(|_| !planted(Mutant::DroppedStayCached)) {
            self.cache.forget_below(&prefix);
        }
        for (key, change) in changes {
            self.cache.put(key, change.row);
        }
        for (collection, summary) in summaries {
            self.summaries.insert(collection_key(&collection), summary);
        }
    }
}

fn collection_key(collection: &RowPrefix) -> Bytes {
    Bytes::copy_from_slice(collection.as_bytes())
}

impl<V: View> Rows for Stored<V> {
    type Error = ReadError;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, ReadError> {
        // Every write asks whether its key has ended.
        if self.deadlines.rule_out(key) {
            return Ok(look(None));
        }
        if let Some(row) = self.cache.get(key) {
            return Ok(look(row.as_ref()));
        }
        let row = view_rows::load(&self.view, key)?;
        let out = look(row.as_ref());
        // Hardly any key ever ends: remembering so of each would halve the cache.
        if row.is_some() || !is_deadline(key) {
            self.cache.put(key.clone(), row);
        }
        Ok(out)
    }

    fn take_row(&mut self, key: &RowKey) -> Result<Option<Row>, ReadError> {
        // It stays in its place in the cache until its group settles: it is shadowed meanwhile, and replaced then.
        match self.cache.get(key) {
            Some(row) => Ok(row.clone()),
            None => view_rows::load(&self.view, key),
        }
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let begins = view_rows::begins_collection(prefix, from);
        let summary = if begins { self.summary(prefix)? } else { None };
        view_rows::scan(&self.view, summary.as_ref(), prefix, from, visit)
    }

    fn scan_back(
        &mut self,
        prefix: &RowPrefix,
        upto: Option<&[u8]>,
        visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let begins = upto.is_none() && view_rows::is_collection(prefix);
        let summary = if begins { self.summary(prefix)? } else { None };
        view_rows::scan_back(&self.view, summary.as_ref(), prefix, upto, visit)
    }

    fn scan_standings(
        &mut self,
        members: &RowPrefix,
        after: Option<&Standing>,
        reverse: bool,
        visit: impl FnMut(&Standing) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        view_rows::scan_standings(&self.view, members, after, reverse, visit)
    }

    fn summary(&mut self, collection: &RowPrefix) -> Result<Option<Summary>, ReadError> {
        if let Some(summary) = self.summaries.get(collection.as_bytes()) {
            return Ok(Some(summary.clone()));
        }
        let summary = view_rows::summary(&self.view, collection)?;
        self.summaries.insert(collection_key(collection), summary.clone());
        Ok(Some(summary))
    }
}
