//! The tool's door to the wall clock: certificates need dates and request ids need mint times.

use halcyon_types::UnixMs;

/// What the wall clock says.
pub(crate) fn wall() -> UnixMs {
    #[expect(clippy::disallowed_methods, reason = "the command line is where time comes in")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
