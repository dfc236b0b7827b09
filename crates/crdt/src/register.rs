//! Registers: one row of entries. *Last writer wins* (`R`): concurrent writes stand in it as siblings; the winner, highest
//! (hlc, actor, seq), is chosen at read, so that losing is never losing the other write's place before it is seen.
//! *Multi-value* (`M`): the reader gets all of them. A *flag* (`E`) is on while any stands in its row.

use bytes::Bytes;
use halcyon_types::UnixMs;

use crate::kind::Kind;
use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// The winning value at `now`.
pub(crate) fn value<R: Rows>(rows: &mut R, object: &Object, now: UnixMs) -> Result<Option<Bytes>, R::Error> {
    rows.look(&object.register(), |row| row?.winner(now).map(|entry| entry.payload.clone()))
}

/// Every concurrent value of the multi-value register, in the order of their dots.
pub(crate) fn values<R: Rows>(rows: &mut R, object: &Object) -> Result<Vec<Bytes>, R::Error> {
    rows.look(&object.single(Kind::MvRegister), |row| {
        row.map_or(&[][..], Row::entries).iter().map(|entry| entry.payload.clone()).collect()
    })
}

/// Whether the flag is on.
pub(crate) fn is_enabled<R: Rows>(rows: &mut R, object: &Object) -> Result<bool, R::Error> {
    rows.look(&object.single(Kind::Flag), |row| row.is_some())
}
