//! What RocksDB does behind the writes: it makes files of what is in memory, merges files, notes in its manifest which
//! count. If a sync fails there it refuses every later write, so nothing wrong is ever acknowledged; but a node to which
//! nobody writes would not hear of it. So it is asked now and then.

use rocksdb::{DB, WaitForCompactOptions, properties};

use super::{directory, write_error};
use crate::error::WriteError;

/// Waited for work under way, where an earlier failure has been got over. The shortest there is.
const PATIENCE_MICROS: u64 = 1;

/// Whether such work has failed for good.
pub(super) fn probe(db: &DB) -> Result<(), WriteError> {
    let failures = db.property_int_value(properties::BACKGROUND_ERRORS).ok().flatten();
    if failures.is_none_or(|failures| failures == 0) {
        return Ok(());
    }
    // The count says that there was something, this says what; or nothing, after the shortest time.
    let mut shortest = WaitForCompactOptions::default();
    shortest.set_timeout(PATIENCE_MICROS);
    match db.wait_for_compact(&shortest) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == rocksdb::ErrorKind::TimedOut => Ok(()),
        // RocksDB goes on by itself once there is room. A write that comes before is refused.
        Err(error) if directory::is_about_room(error.as_ref()) => Ok(()),
        Err(error) => Err(write_error(&error)),
    }
}
