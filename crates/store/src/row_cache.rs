//! Decoded rows that the committer has met lately, bounded by bytes; rows known to be absent included.
//!
//! Belongs to the committer, which is the only writer, so it is never stale: a row leaves when it is changed and comes
//! back when its group has been committed. It must never be shared with readers, who look at other moments.

use halcyon_crdt::{Row, RowKey};
use lru::LruCache;

/// What one entry costs besides its key's and its row's own bytes: list and table nodes, two allocations.
const ENTRY_BYTES: usize = 160;

pub(crate) struct RowCache {
    rows: LruCache<RowKey, Option<Row>>,
    bytes: usize,
    bytes_max: usize,
}

impl RowCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { rows: LruCache::unbounded(), bytes: 0, bytes_max }
    }

    /// What is known of the row at `key`: nothing, that it is absent, or the row.
    pub(crate) fn get(&mut self, key: &RowKey) -> Option<&Option<Row>> {
        self.rows.get(key)
    }

    /// Takes what is known of the row at `key` out.
    #[expect(clippy::option_option, reason = "nothing known, or known to be absent, or known: as `get` tells it")]
    pub(crate) fn take(&mut self, key: &RowKey) -> Option<Option<Row>> {
        let row = self.rows.pop(key)?;
        self.bytes -= weight(key, row.as_ref());
        Some(row)
    }

    /// Remembers the row at `key`, forgetting those met longest ago.
    pub(crate) fn put(&mut self, key: RowKey, row: Option<Row>) {
        let entry = weight(&key, row.as_ref());
        if entry > self.bytes_max {
            self.take(&key);
            return;
        }
        self.bytes += entry;
        if let Some((key, old)) = self.rows.push(key, row) {
            self.bytes -= weight(&key, old.as_ref());
        }
        while self.bytes > self.bytes_max
            && let Some((key, row)) = self.rows.pop_lru()
        {
            self.bytes -= weight(&key, row.as_ref());
        }
    }

    #[cfg(test)]
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

fn weight(key: &RowKey, row: Option<&Row>) -> usize {
    ENTRY_BYTES + key.as_bytes().len() + row.map_or(0, Row::weight)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use halcyon_crdt::Interval;
    use halcyon_types::Seq;

    use super::*;

    fn key(n: u32) -> RowKey {
        RowKey::from_bytes(Bytes::copy_from_slice(&n.to_be_bytes()))
    }

    fn row(hi: i64) -> Row {
        Row::Interval(Interval { lo_seq: Seq(0), lo: 0, hi_seq: Seq(1), hi })
    }

    #[test]
    fn the_cache_stays_within_its_bytes_and_forgets_the_oldest() {
        let one = weight(&key(0), Some(&row(0)));
        let mut cache = RowCache::new(10 * one);
        for n in 0..100 {
            cache.put(key(n), Some(row(n.into())));
            cache.get(&key(0));
            assert!(cache.bytes() <= 10 * one);
        }
        assert_eq!(cache.bytes(), 10 * one);
        assert_eq!(cache.get(&key(99)), Some(&Some(row(99))));
        assert_eq!(cache.get(&key(0)), Some(&Some(row(0))), "what is used stays");
        assert_eq!(cache.get(&key(50)), None);
    }

    #[test]
    fn a_row_put_again_replaces_itself_and_its_weight() {
        let mut cache = RowCache::new(100_000);
        cache.put(key(1), Some(row(1)));
        cache.put(key(1), None);
        assert_eq!(cache.get(&key(1)), Some(&None));
        assert_eq!(cache.take(&key(1)), Some(None));
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn a_cache_of_no_bytes_keeps_nothing() {
        let mut cache = RowCache::new(0);
        cache.put(key(1), Some(row(1)));
        assert_eq!(cache.get(&key(1)), None);
        assert_eq!(cache.bytes(), 0);
    }
}
