//! What the rows take on disk once everything is merged: for benches and for whoever plans a disk.

use rocksdb::{BottommostLevelCompaction, CompactOptions};

use super::{RocksBackend, handle, read_error};
use crate::backend::Family;
use crate::error::ReadError;

impl RocksBackend {
    /// Merges all files of a family, what is still in memory included, and says how many bytes they take then. Slow, as
    /// everything is written anew.
    ///
    /// # Errors
    /// [`ReadError`]; nothing is lost.
    pub fn compacted_bytes(&self, family: Family) -> Result<u64, ReadError> {
        let (db, mut options) = (&self.open.db, CompactOptions::default());
        // The last level, too: what the merge there would have packed stays as it is otherwise.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        db.flush_cf(handle(db, family)).map_err(|error| read_error(&error))?;
        db.compact_range_cf_opt(handle(db, family), None::<&[u8]>, None::<&[u8]>, &options);
        let bytes = db.property_int_value_cf(handle(db, family), "rocksdb.live-sst-files-size");
        Ok(bytes.map_err(|error| read_error(&error))?.unwrap_or_default())
    }
}
