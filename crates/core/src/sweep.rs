//! What the sweeper does, and has done. At most one sweep is with the committer.
//!
//! A sweep goes up to a time that every member's clock has passed, as far as this node has applied their records: from then
//! on nobody commits anything that takes an expired key for a living one.

use std::time::Duration;

use halcyon_types::UnixMs;
use halcyon_types::limits::SWEEP_EVERY;

/// Between two sweeps while there is more to do: room for clients' writes.
const SWEEP_AGAIN: Duration = Duration::from_millis(10);

#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    under_way: bool,
    /// Up to here entries may be gone that have expired, since the start.
    purged_upto: UnixMs,
    /// Records that sweeps have made since the start.
    pub(crate) records: u64,
}

impl Sweeper {
    pub(crate) fn begin(&mut self, upto: UnixMs) {
        self.under_way = true;
        self.purged_upto = self.purged_upto.max(upto);
    }

    pub(crate) const fn purged_upto(&self) -> UnixMs {
        self.purged_upto
    }

    /// The sweep is over, with a record or not. Returns how long to wait before the next one.
    pub(crate) const fn end(&mut self, made_record: bool) -> Duration {
        self.under_way = false;
        if made_record {
            self.records += 1;
            return SWEEP_AGAIN;
        }
        SWEEP_EVERY
    }

    pub(crate) const fn is_under_way(&self) -> bool {
        self.under_way
    }
}
