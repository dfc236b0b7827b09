//! Register, last writer wins: one row `R`. Concurrent writes stand in it as siblings; the winner, highest
//! (hlc, actor, seq), is chosen at read, so that losing is never losing the other write's place before it is seen.

use bytes::Bytes;
use halcyon_types::UnixMs;

use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// The winning value at `now`.
///
/// # Errors
/// What can go wrong underneath.
pub fn value<R: Rows>(rows: &mut R, object: &Object, now: UnixMs) -> Result<Option<Bytes>, R::Error> {
    rows.look(&object.register(), |row| {
        let entries = row.map_or(&[][..], Row::entries);
        let winner = entries.iter().filter(|entry| entry.is_live(now)).max_by_key(|entry| (entry.hlc, entry.dot));
        winner.map(|entry| entry.payload.clone())
    })
}
