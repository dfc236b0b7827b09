//! The ceiling: raw RocksDB that does what an acknowledged increment costs at least.
//!
//! Per operation it reads a counter's row among a million, changes it, and writes it back together with a log row; one
//! batch and one sync per [`GROUP`] operations (or as many as it is told). Rows have the lengths that Halcyon's have; there is no network, no codec,
//! no version vector, no request id. Families, caches and recovery mode are as in Halcyon's store.

use std::path::Path;
use std::time::{Duration, Instant};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode, Options,
    WriteBatch, WriteOptions,
};

/// Preloaded keys.
pub const KEYS: u64 = 1_000_000;
/// Operations per batch and sync.
pub const GROUP: u32 = 128;

const STATE: &str = "state";
const LOG: &str = "log";
const MIB: usize = 1024 * 1024;
/// keyspace, `bench:00000000` escaped, kind, actor.
const ROW_KEY_BYTES: usize = 4 + 14 + 2 + 1 + 8;
/// Version, list, and four numbers.
const ROW_BYTES: usize = 16;
/// A record of one increment with its request id.
const RECORD_BYTES: usize = 84;
const PRELOAD_GROUP: u64 = 10_000;

/// A database with [`KEYS`] rows in it.
#[derive(Debug)]
pub struct Raw {
    db: DB,
    seq: u64,
    draw: Draw,
}

impl Raw {
    /// Makes the database in `dir` and fills it.
    pub fn preloaded(dir: &Path) -> Self {
        let db = DB::open_cf_descriptors(&database(), dir, [STATE, LOG].map(family)).expect("a database");
        let raw = Self { db, seq: 0, draw: Draw::new(1) };
        let state = raw.family(STATE);
        let mut unsynced = WriteOptions::default();
        unsynced.disable_wal(true);
        for first in (0..KEYS).step_by(usize::try_from(PRELOAD_GROUP).expect("a small number")) {
            let mut batch = WriteBatch::default();
            for key in first..KEYS.min(first + PRELOAD_GROUP) {
                batch.put_cf(state, row_key(key), [0; ROW_BYTES]);
            }
            raw.db.write_opt(batch, &unsynced).expect("a write");
        }
        raw.db.flush_cf(state).expect("a flush");
        raw
    }

    /// Works for about so long, `group` operations per sync; says how many operations a second.
    pub fn round(&mut self, length: Duration, group: u32) -> f64 {
        let (began, mut ops) = (now(), 0_u32);
        while began.elapsed() < length {
            self.group(group);
            ops += group;
        }
        f64::from(ops) / began.elapsed().as_secs_f64()
    }

    /// How long a group of so many takes, synced.
    pub fn time_group(&mut self, operations: u32) -> Duration {
        let began = now();
        self.group(operations);
        began.elapsed()
    }

    /// Reads rows for about so long on this thread; says how many a second.
    pub fn gets(&mut self, length: Duration) -> f64 {
        let (began, mut ops, state) = (now(), 0_u32, self.family(STATE));
        let mut draw = self.draw;
        while began.elapsed() < length {
            for _ in 0..GROUP {
                let row = self.db.get_pinned_cf(state, row_key(draw.below(KEYS))).expect("a read");
                assert!(row.is_some_and(|row| row.len() == ROW_BYTES), "a preloaded row");
            }
            ops += GROUP;
        }
        self.draw = draw;
        f64::from(ops) / began.elapsed().as_secs_f64()
    }

    fn group(&mut self, operations: u32) {
        let mut draw = self.draw;
        self.commit((0..operations).map(|_| draw.below(KEYS)));
        self.draw = draw;
    }

    /// One increment of each of these keys, as one batch with one sync.
    pub fn commit(&mut self, keys: impl Iterator<Item = u64>) {
        let mut batch = WriteBatch::default();
        for key in keys {
            let (key, seq) = (row_key(key), self.seq + 1);
            self.seq = seq;
            let (state, log) = (self.family(STATE), self.family(LOG));
            let row = self.db.get_pinned_cf(state, key).expect("a read").expect("a preloaded row");
            let (_, sum) = row.split_last_chunk::<8>().expect("a row's sum");
            let mut changed = [0; ROW_BYTES];
            if let Some(end) = changed.last_chunk_mut::<8>() {
                *end = (u64::from_be_bytes(*sum) + 1).to_be_bytes();
            }
            batch.put_cf(state, key, changed);
            batch.put_cf(log, [[0; 8], seq.to_be_bytes()].concat(), record(seq));
        }
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        self.db.write_opt(batch, &synced).expect("a synced write");
    }

    fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("a family that was opened")
    }
}

/// Xorshift: cheap, and even enough to defeat caches.
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

impl Draw {
    /// From a seed that is not nought.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `bound`.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench is a door: it measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn row_key(number: u64) -> [u8; ROW_KEY_BYTES] {
    let text = format!("\0\0\0\x0Abench:{number:08}\0\x01C\0\x01actor.");
    text.as_bytes().try_into().expect("a key of this length")
}

/// A record that no compression makes smaller than a real one would be.
fn record(seq: u64) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    let mut mixed = seq;
    for chunk in record.chunks_mut(8) {
        mixed = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
        chunk.iter_mut().zip(mixed.to_be_bytes()).for_each(|(to, from)| *to = from);
    }
    record
}

/// As `halcyon_store`'s, in all that costs time.
fn database() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_total_wal_size(256 * MIB as u64);
    options.set_bytes_per_sync(MIB as u64);
    options.set_max_background_jobs(2);
    options
}

fn family(name: &str) -> ColumnFamilyDescriptor {
    let (mut options, mut table) = (Options::default(), BlockBasedOptions::default());
    options.set_write_buffer_size(64 * MIB);
    options.set_max_write_buffer_number(3);
    let (none, lz4) = (DBCompressionType::None, DBCompressionType::Lz4);
    options.set_compression_per_level(&[none, none, none, lz4, lz4, lz4, lz4]);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    if name == STATE {
        table.set_block_cache(&Cache::new_hyper_clock_cache(256 * MIB, 0));
        table.set_bloom_filter(10.0, false);
        table.set_optimize_filters_for_memory(true);
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        options.set_memtable_whole_key_filtering(true);
        options.set_memtable_prefix_bloom_ratio(0.1);
    } else {
        table.set_block_size(32 * 1024);
        table.set_block_cache(&Cache::new_hyper_clock_cache(16 * MIB, 0));
    }
    options.set_block_based_table_factory(&table);
    ColumnFamilyDescriptor::new(name, options)
}
