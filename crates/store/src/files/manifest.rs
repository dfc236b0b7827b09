//! What one record of RocksDB's manifest says of the write ahead logs: from which number on they are still needed.
//!
//! Files are removed only after a record that says so has been synced. So a torn last record was never acted on if the
//! oldest log that the records before it need is still there. If that log is gone, the last record had been synced, and
//! was damaged afterwards: without it the database would open with a hole.
//!
//! After a start the manifest names a log that never was, until something is flushed. So each start notes in `DIR/OPENED` the
//! log that it began, and how long the manifest was: while that log is there, none of this life has been removed, so nothing
//! that was written to the manifest since was acted on either.
//!
//! ```text
//! record = tagged values, in this order as far as they are there, then others that are of no interest here
//!          database id (string) ‖ comparator (string) ‖ log ‖ previous log ‖ next file ‖ largest family ‖ oldest log needed
//! tag    = varint   value = varint, or for strings its length as a varint, and its bytes
//! ```

/// Bytes of a record that are enough to read that far.
pub(super) const HEAD: usize = 256;

const COMPARATOR: u64 = 1;
const LOG: u64 = 2;
const NEXT_FILE: u64 = 3;
const PREVIOUS_LOG: u64 = 9;
const OLDEST_LOG: u64 = 10;
const LARGEST_FAMILY: u64 = 203;
const DATABASE: u64 = 1 << 13 | 1;

/// The number of the oldest log still needed, if a record that begins with `head` says so.
pub(super) fn oldest_log(mut head: &[u8]) -> Option<u64> {
    loop {
        match varint(&mut head)? {
            DATABASE | COMPARATOR => {
                let len = usize::try_from(varint(&mut head)?).ok()?;
                head = head.get(len..)?;
            }
            LOG | PREVIOUS_LOG | NEXT_FILE | LARGEST_FAMILY => {
                varint(&mut head)?;
            }
            OLDEST_LOG => return varint(&mut head),
            _ => return None,
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
