//! How RocksDB is set up. Every choice that differs from the default, and why.
//!
//! What was measured and not taken, each against this on two cores (increments over a million keys, 1,024 in flight, runs of
//! 3 to 20 s taking turns; `make bench` says where it stands now):
//!
//! | tried | seen |
//! |---|---|
//! | memtables of 16 or 32 MiB | putting a record in takes 2.0 or 2.4 us instead of 3.0, merging takes 1.2 to 1.8 or 0.6 to 1.1 us more: no gain |
//! | memtables on huge pages; no concurrent writes to a memtable | nothing beyond noise (138 to 164 k/s, 144 to 172, against 140 to 161) |
//! | hash index in data blocks | point reads 200 to 221 k/s against 209 to 234: none |

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Env, LogLevel, Options,
};

use crate::backend::Family;

const MIB: usize = 1024 * 1024;

/// What an operator may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RocksSettings {
    /// Bytes of blocks kept in memory for rows; a quarter more for what is derived from them, an eighth for requests, a sixteenth for logs. Too few: reads go to the disk. Default 256 MiB.
    pub block_cache_bytes: usize,
    /// Bytes of one family's changes kept in memory before they are written as a file. Too few: many small files to
    /// merge. Too many: memory, and a longer start after a crash. Default 64 MiB.
    pub write_buffer_bytes: usize,
}

impl Default for RocksSettings {
    fn default() -> Self {
        Self { block_cache_bytes: 256 * MIB, write_buffer_bytes: 64 * MIB }
    }
}

pub(super) fn database(settings: RocksSettings) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    // A tail cut off by a crash is expected; anything else wrong in the log refuses to open. The default mode would
    // silently end at a flipped bit and forget every write behind it.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    // A log file that has vanished is noticed, too.
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_max_total_wal_size(4 * settings.write_buffer_bytes as u64);
    options.set_bytes_per_sync(MIB as u64);
    spread_out(&mut options);
    // Well below the usual limit of 1,024 descriptors: sockets need theirs, and a log that cannot be opened is fatal.
    options.set_max_open_files(512);
    options.set_max_background_jobs(2);
    give_way();
    // The database's own diary.
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(4 * MIB);
    options.set_keep_log_file_num(4);
    options
}

/// Whatever the database does behind the writes takes what processor time the writes leave. With three nodes on two cores, one
/// of them written at 70 % of what all can follow, the longest wait within a minute was 222 and 380 ms without this, 188 ms
/// where only merging gave way, and 113 and 120 ms so.
fn give_way() {
    match Env::new() {
        Ok(mut env) => {
            env.lower_thread_pool_cpu_priority();
            env.lower_high_priority_thread_pool_cpu_priority();
        }
        Err(error) => tracing::warn!(%error, "the database's own threads keep their priority"),
    }
}

/// Files are written at an even pace: a disk that takes in a whole file at once lets the syncs of the log wait behind it. Three
/// writers of 64 MiB files beside a loop of small syncs, on one disk: the longest sync took 87 ms, and 11 to 24 ms with each
/// writer held to 60 MB/s. A pace that adapts was tried: after a quiet time a burst of writes stood still for 6 s.
fn spread_out(options: &mut Options) {
    const BYTES_PER_SECOND: i64 = 128 * 1024 * 1024;
    const REFILL_MICROS: i64 = 20_000;
    /// One in so many turns goes to merging even while a flush waits (the library's default).
    const FAIRNESS: i32 = 10;
    options.set_ratelimiter(BYTES_PER_SECOND, REFILL_MICROS, FAIRNESS);
}

pub(super) fn family(family: Family, settings: RocksSettings) -> ColumnFamilyDescriptor {
    let mut options = Options::default();
    let mut table = BlockBasedOptions::default();
    options.set_write_buffer_size(settings.write_buffer_bytes);
    options.set_max_write_buffer_number(3);
    // Young levels are rewritten soon: no time is spent on packing them.
    let (none, lz4) = (DBCompressionType::None, DBCompressionType::Lz4);
    options.set_compression_per_level(&[none, none, none, lz4, lz4, lz4, lz4]);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    match family {
        Family::State => {
            table.set_block_cache(&Cache::new_hyper_clock_cache(settings.block_cache_bytes, 0));
            table.set_bloom_filter(10.0, false);
            table.set_optimize_filters_for_memory(true);
            table.set_cache_index_and_filter_blocks(true);
            table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        }
        Family::Log => {
            // Read in ranges, rarely: larger blocks, no filters, a small cache.
            table.set_block_size(32 * 1024);
            table.set_block_cache(&Cache::new_hyper_clock_cache(settings.block_cache_bytes / 16, 0));
        }
        Family::Derived => {
            // Summaries are looked up one by one, and mostly come from memory; scores are read in ranges.
            table.set_block_cache(&Cache::new_hyper_clock_cache(settings.block_cache_bytes / 4, 0));
            table.set_bloom_filter(10.0, false);
            table.set_optimize_filters_for_memory(true);
            table.set_cache_index_and_filter_blocks(true);
            table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        }
        Family::Requests => {
            // Looked up one by one, and hardly ever there: filters say so.
            table.set_block_cache(&Cache::new_hyper_clock_cache(settings.block_cache_bytes / 8, 0));
            table.set_bloom_filter(10.0, false);
            table.set_optimize_filters_for_memory(true);
            table.set_cache_index_and_filter_blocks(true);
            table.set_pin_l0_filter_and_index_blocks_in_cache(true);
            options.set_memtable_whole_key_filtering(true);
            options.set_memtable_prefix_bloom_ratio(0.1);
        }
        Family::Local => options.set_write_buffer_size(MIB),
    }
    options.set_block_based_table_factory(&table);
    ColumnFamilyDescriptor::new(family.name(), options)
}
