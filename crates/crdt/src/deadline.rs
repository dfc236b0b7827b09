//! When a key ends: one row `T` per key, of entries that each hold a deadline, or none for never. Of concurrent ones the
//! longest holds. Past it the key is invisible; the next write begins with clearing it, and so does the sweeper.

use bytes::Bytes;
use halcyon_types::UnixMs;

use crate::kind::Kind;
use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// A deadline's bytes; absent for never.
pub(crate) fn payload(deadline: Option<UnixMs>) -> Bytes {
    deadline.map_or_else(Bytes::new, |at| Bytes::copy_from_slice(&at.0.to_be_bytes()))
}

/// The deadline in a row `T`: the longest of its entries; `None` for never.
pub fn of_row(row: &Row) -> Option<UnixMs> {
    let deadlines = row.entries().iter().map(|entry| {
        let bytes: [u8; 8] = entry.payload.as_ref().try_into().ok()?;
        Some(UnixMs(u64::from_be_bytes(bytes)))
    });
    // One that never ends is longer than all.
    deadlines.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// When the key of `object` ends, if it does.
///
/// # Errors
/// What can go wrong underneath.
pub fn of<R: Rows>(rows: &mut R, object: &Object) -> Result<Option<UnixMs>, R::Error> {
    rows.look(&object.root().single(Kind::Deadline), |row| row.and_then(of_row))
}

/// Whether the key of `object` has ended.
pub(crate) fn is_past<R: Rows>(rows: &mut R, object: &Object, now: UnixMs) -> Result<bool, R::Error> {
    Ok(of(rows, object)?.is_some_and(|deadline| deadline <= now))
}
