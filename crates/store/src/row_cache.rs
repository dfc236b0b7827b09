//! Decoded rows that the committer has met lately, bounded by bytes; rows known to be absent included.
//!
//! Belongs to the committer, which is the only writer. A row that is changed is replaced here once its group is on disk; until
//! then what was changed stands over it, and here is what it was before. What lies below a dropped collection is not looked for:
//! each row carries the number of drops before it, and one that is older than its collection's last drop counts as unknown. It
//! must never be shared with readers, who look at other moments.

use std::collections::BTreeMap;

use bytes::Bytes;
use halcyon_crdt::{Row, RowKey, RowPrefix};
use halcyon_types::limits::DROPS_MAX;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

/// What one entry costs besides its key's and its row's own bytes: its place in the cache and in the table, two allocations.
const ENTRY_BYTES: usize = 168;

/// What a usual entry weighs: by it the cache decides how many of those that had to go it remembers the names of.
const USUAL_BYTES: usize = ENTRY_BYTES + 64;

pub(crate) struct RowCache {
    /// Whoever reads an entry marks it, and moves nothing: the neighbours of an entry in a list would have to be fetched
    /// from memory.
    rows: Cache<RowKey, Cached, Weight>,
    /// Drops so far.
    drops: u64,
    /// The last drop of each collection, as far as it is remembered.
    dropped: BTreeMap<Bytes, u64>,
    /// Whatever is older counts as unknown.
    oldest: u64,
}

struct Cached {
    row: Option<Row>,
    /// Drops before it was put here.
    since: u64,
}

#[derive(Clone)]
struct Weight;

impl Weighter<RowKey, Cached> for Weight {
    fn weight(&self, key: &RowKey, cached: &Cached) -> u64 {
        weight(key, cached.row.as_ref()) as u64
    }
}

impl RowCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let rows = Cache::with_weighter(bytes_max / USUAL_BYTES, bytes_max as u64, Weight);
        Self { rows, drops: 0, dropped: BTreeMap::new(), oldest: 0 }
    }

    /// What is known of the row at `key`: nothing, that it is absent, or the row.
    pub(crate) fn get(&mut self, key: &RowKey) -> Option<&Option<Row>> {
        if self.drops > 0 && self.rows.peek(key).is_some_and(|cached| self.is_dropped(key, cached.since)) {
            self.rows.remove(key);
        }
        self.rows.get(key).map(|cached| &cached.row)
    }

    /// Remembers the row at `key`, forgetting others that have not been met lately. Of one that is too large, nothing stays.
    pub(crate) fn put(&mut self, key: RowKey, row: Option<Row>) {
        self.rows.insert(key, Cached { row, since: self.drops });
    }

    /// Whatever is known below `collection` is not true any more.
    pub(crate) fn forget_below(&mut self, collection: &RowPrefix) {
        self.drops += 1;
        if RowPrefix::collection_of(collection.as_bytes()) == Some(collection.as_bytes()) {
            self.dropped.insert(Bytes::copy_from_slice(collection.as_bytes()), self.drops);
        } else {
            self.oldest = self.drops;
        }
        if self.dropped.len() > DROPS_MAX {
            // The older half is remembered as one: whatever else is as old is read again.
            let mut drops: Vec<u64> = self.dropped.values().copied().collect();
            let (_, middle, _) = drops.select_nth_unstable(DROPS_MAX / 2);
            self.oldest = self.oldest.max(*middle);
            self.dropped.retain(|_, drop| drop > middle);
        }
    }

    fn is_dropped(&self, key: &RowKey, since: u64) -> bool {
        let later = |drop: &u64| since < *drop;
        since < self.oldest
            || since < self.drops
                && RowPrefix::collection_of(key.as_bytes())
                    .and_then(|collection| self.dropped.get(collection))
                    .is_some_and(later)
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.rows.weight()).unwrap_or(usize::MAX)
    }
}

fn weight(key: &RowKey, row: Option<&Row>) -> usize {
    ENTRY_BYTES + key.as_bytes().len() + row.map_or(0, Row::weight)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use halcyon_crdt::{Entry, Interval, Kind, Number, Object};
    use halcyon_types::{ActorId, Dot, Hlc, KeyspaceId, Seq};

    use super::*;

    fn key(n: u32) -> RowKey {
        RowKey::from_bytes(Bytes::copy_from_slice(&n.to_be_bytes()))
    }

    fn row(hi: i64) -> Row {
        Row::Interval(Interval { lo_seq: Seq(0), lo: Number::Whole(0), hi_seq: Seq(1), hi: Number::Whole(hi) })
    }

    #[test]
    fn the_cache_stays_within_its_bytes_and_keeps_what_is_used() {
        let one = weight(&key(0), Some(&row(0)));
        let mut cache = RowCache::new(10 * one);
        for n in 0..100 {
            cache.put(key(n), Some(row(n.into())));
            cache.get(&key(0));
            assert!(cache.bytes() <= 10 * one);
        }
        assert_eq!(cache.bytes(), 10 * one);
        assert_eq!(cache.get(&key(0)), Some(&Some(row(0))), "what is used stays");
        let there = (0..100).filter(|n| cache.get(&key(*n)) == Some(&Some(row(i64::from(*n))))).count();
        assert_eq!(there, 10, "and each is as it was put");
    }

    #[test]
    fn a_row_put_again_replaces_itself_and_its_weight() {
        let mut cache = RowCache::new(100_000);
        cache.put(key(1), Some(row(1)));
        cache.put(key(1), None);
        assert_eq!(cache.get(&key(1)), Some(&None));
        assert_eq!(cache.bytes(), weight(&key(1), None));
    }

    #[test]
    fn a_row_that_has_outgrown_the_cache_leaves_nothing_of_itself() {
        let mut cache = RowCache::new(4 * weight(&key(1), Some(&row(1))));
        cache.put(key(1), Some(row(1)));
        let entry = |n| Entry {
            dot: Dot { actor: ActorId::from_u64(1), seq: Seq(n) },
            hlc: Hlc::ZERO,
            expiry: None,
            payload: Bytes::new(),
        };
        cache.put(key(1), Some(Row::Entries((1..100).map(entry).collect())));
        assert_eq!(cache.get(&key(1)), None);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn a_cache_of_no_bytes_keeps_nothing() {
        let mut cache = RowCache::new(0);
        cache.put(key(1), Some(row(1)));
        assert_eq!(cache.get(&key(1)), None);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn what_is_below_a_dropped_collection_is_forgotten_and_nothing_else() {
        let object = |n: usize| Object::new(KeyspaceId::try_from(10).unwrap(), format!("set-{n}"));
        let mut cache = RowCache::new(1 << 30);
        let (kept, gone) = (object(0).element(b"e"), object(1).element(b"e"));
        for key in [&kept, &gone, &object(1).register()] {
            cache.put(key.clone(), Some(row(1)));
        }
        cache.forget_below(&object(1).of_kind(Kind::Set));
        assert_eq!(cache.get(&gone), None);
        assert_eq!(cache.get(&kept), Some(&Some(row(1))));
        assert_eq!(cache.get(&object(1).register()), Some(&Some(row(1))), "another kind of the same key");
        cache.put(gone.clone(), Some(row(2)));
        assert_eq!(cache.get(&gone), Some(&Some(row(2))), "what is put later is good");
    }

    #[test]
    fn however_many_collections_are_dropped_none_comes_back() {
        let object = |n: usize| Object::new(KeyspaceId::try_from(10).unwrap(), format!("set-{n}"));
        let mut cache = RowCache::new(1 << 30);
        let many = 3 * DROPS_MAX;
        for n in 0..many {
            cache.put(object(n).element(b"e"), Some(row(1)));
        }
        for n in 0..many {
            cache.forget_below(&object(n).of_kind(Kind::Set));
            assert!(cache.dropped.len() <= DROPS_MAX);
        }
        assert!((0..many).all(|n| cache.get(&object(n).element(b"e")).is_none()));
    }
}
