//! The rows as they will be once the group is committed: changed ones in an ordered map, over the cache, over the backend.
//!
//! One group's life: records change rows here; [`Overlay::dirty`] goes into the batch; [`Overlay::settle`] moves the rows
//! into the cache. Nothing is visible to readers before, and nothing can be taken back: a failure throws the lot away with
//! its committer.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use halcyon_crdt::{Row, RowKey, RowPrefix, Rows, RowsMut};

use crate::backend::{Family, View};
use crate::error::ReadError;
use crate::reader::{decode_row, upper_bound};
use crate::row_cache::RowCache;

pub(crate) struct Overlay<V> {
    dirty: BTreeMap<RowKey, Option<Row>>,
    cache: RowCache,
    under: V,
}

impl<V: View> Overlay<V> {
    pub(crate) const fn new(under: V, cache: RowCache) -> Self {
        Self { dirty: BTreeMap::new(), cache, under }
    }

    /// The changed rows, in key order; absent ones are to be deleted.
    pub(crate) const fn dirty(&self) -> &BTreeMap<RowKey, Option<Row>> {
        &self.dirty
    }

    /// The group is on disk: its rows become cached ones.
    pub(crate) fn settle(&mut self) {
        while let Some((key, row)) = self.dirty.pop_first() {
            self.cache.put(key, row);
        }
    }

    fn load(under: &V, key: &RowKey) -> Result<Option<Row>, ReadError> {
        under.with(Family::State, key.as_bytes(), |value| {
            value.map(|value| decode_row(key.as_bytes(), value)).transpose()
        })?
    }
}

impl<V: View> Rows for Overlay<V> {
    type Error = ReadError;

    fn look<T>(&mut self, key: &RowKey, look: impl FnOnce(Option<&Row>) -> T) -> Result<T, ReadError> {
        if let Some(row) = self.dirty.get(key) {
            return Ok(look(row.as_ref()));
        }
        if let Some(row) = self.cache.get(key) {
            return Ok(look(row.as_ref()));
        }
        let row = Self::load(&self.under, key)?;
        let out = look(row.as_ref());
        self.cache.put(key.clone(), row);
        Ok(out)
    }

    fn scan(
        &mut self,
        prefix: &RowPrefix,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &Row) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let from = from.max(prefix.as_bytes());
        let start = RowKey::from_bytes(Bytes::copy_from_slice(from));
        let mut dirty = self
            .dirty
            .range((Bound::Included(start), Bound::Unbounded))
            .take_while(|(key, _)| prefix.contains(key.as_bytes()))
            .peekable();
        let mut outcome = Ok(());
        let mut stopped = false;
        self.under.scan(Family::State, from, upper_bound(prefix).as_deref(), |key, value| {
            // Changed rows that come before this one, and the one that stands in its place.
            while let Some((changed, row)) = dirty.next_if(|(changed, _)| changed.as_bytes().as_ref() <= key) {
                if let Some(row) = row
                    && visit(changed.as_bytes(), row).is_break()
                {
                    stopped = true;
                    return ControlFlow::Break(());
                }
                if changed.as_bytes().as_ref() == key {
                    return ControlFlow::Continue(());
                }
            }
            let flow = match decode_row(key, value) {
                Ok(row) => visit(key, &row),
                Err(error) => {
                    outcome = Err(error);
                    ControlFlow::Break(())
                }
            };
            stopped = flow.is_break();
            flow
        })?;
        if !stopped {
            for (key, row) in dirty {
                if let Some(row) = row
                    && visit(key.as_bytes(), row).is_break()
                {
                    break;
                }
            }
        }
        outcome
    }
}

impl<V: View> RowsMut for Overlay<V> {
    fn change<T>(&mut self, key: &RowKey, change: impl FnOnce(&mut Option<Row>) -> T) -> Result<T, ReadError> {
        match self.dirty.entry(key.clone()) {
            Entry::Occupied(mut row) => Ok(change(row.get_mut())),
            Entry::Vacant(place) => {
                // The row moves: from the cache to here, and back when the group has settled.
                let row = match self.cache.take(key) {
                    Some(row) => row,
                    None => Self::load(&self.under, key)?,
                };
                Ok(change(place.insert(row)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use halcyon_crdt::{Interval, MemoryRows, Object};
    use halcyon_types::{ActorId, KeyspaceId, Seq};
    use proptest::prelude::*;

    use super::*;
    use crate::backend::{Backend, Batch, Durability};
    use crate::memory::MemoryBackend;

    /// Of two counters, so that scans have something behind their end.
    fn key(n: u8) -> RowKey {
        let name = if n < 8 { "a" } else { "b" };
        let object = Object::new(KeyspaceId::try_from(10).unwrap(), name);
        object.counter().actor(ActorId::from_u64(u64::from(n % 8)))
    }

    fn row(hi: i64) -> Row {
        Row::Interval(Interval { lo_seq: Seq(0), lo: 0, hi_seq: Seq(1), hi })
    }

    fn write(overlay: &mut Overlay<MemoryBackend>) {
        let (mut batch, mut value) = (overlay.under.batch(), Vec::new());
        for (key, row) in overlay.dirty() {
            value.clear();
            match row {
                Some(row) => {
                    row.encode(&mut value);
                    batch.put(Family::State, key.as_bytes(), &value);
                }
                None => batch.delete(Family::State, key.as_bytes()),
            }
        }
        overlay.under.write(batch, Durability::Synced).unwrap();
        overlay.settle();
    }

    fn visited<R: Rows>(rows: &mut R, from: u8, most: usize) -> Vec<(Vec<u8>, Row)>
    where
        R::Error: std::fmt::Debug,
    {
        let below = Object::new(KeyspaceId::try_from(10).unwrap(), "a").counter();
        let mut visited = Vec::new();
        rows.scan(&below, key(from).as_bytes(), |key, row| {
            visited.push((key.to_vec(), row.clone()));
            if visited.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
        visited
    }

    proptest! {
        #[test]
        fn rows_over_a_cache_over_a_backend_read_like_rows_in_a_map(
            steps in prop::collection::vec((0_u8..12, prop::option::of(any::<i64>()), any::<bool>()), 1..40),
            cache in prop_oneof![Just(0), Just(600), Just(usize::MAX)],
            from in 0_u8..8,
            most in 1_usize..12,
        ) {
            let mut overlay = Overlay::new(MemoryBackend::new(), RowCache::new(cache));
            let mut model = MemoryRows::default();
            for (n, hi, settle) in steps {
                let before = overlay.change(&key(n), |place| std::mem::replace(place, hi.map(row))).unwrap();
                let expected = model.change(&key(n), |place| std::mem::replace(place, hi.map(row))).unwrap();
                prop_assert_eq!(before, expected);
                if settle {
                    write(&mut overlay);
                }
                prop_assert_eq!(visited(&mut overlay, from, most), visited(&mut model, from, most));
                for n in 0..12 {
                    let look = |row: Option<&Row>| row.cloned();
                    prop_assert_eq!(overlay.look(&key(n), look).unwrap(), model.look(&key(n), look).unwrap());
                }
            }
        }
    }
}
