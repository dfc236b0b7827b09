//! The one place of the SDK that reads a clock and draws random numbers: request ids, and what time it is.
//!
//! The id's time tells a region whether it can still remember the request, so it is the wall clock's; a clock that is
//! far off makes the region refuse the write as `RequestExpired`, never execute it twice.

use std::time::{SystemTime, UNIX_EPOCH};

use halcyon_types::{RequestId, UnixMs};

/// A new request id, for a write that must be retried by hand (see [`Batch::request`](crate::Batch::request)).
pub fn request_id() -> RequestId {
    RequestId::mint(now(), &rand::random())
}

/// This machine's wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "an application is the outermost door: the clock is read here and nowhere else in the SDK"
)]
pub fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ids_differ_even_within_a_millisecond() {
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| request_id()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
