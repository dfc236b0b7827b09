//! Full length, or a look at whether a bench still runs: `make bench QUICK=1`, or `-- --quick` behind `cargo bench`.
//!
//! A quick run's figures mean little. It keeps its reports apart from those of a full one.

use std::env;
use std::time::Duration;

use crate::raw::KEYS;

const SHARE: u32 = 8;

/// Whether this run is only a look.
pub fn quick() -> bool {
    env::args().any(|arg| arg == "--quick")
}

/// So many rounds; two of a quick run.
pub fn rounds(full: usize) -> usize {
    if quick() { full.min(2) } else { full }
}

/// So long a round; an eighth in a quick run.
pub fn length(full: Duration) -> Duration {
    if quick() { full / SHARE } else { full }
}

/// So many; an eighth in a quick run.
pub fn count(full: u64) -> u64 {
    if quick() { full / u64::from(SHARE) } else { full }
}

/// Keys that a bench fills a store with.
pub fn keys() -> u64 {
    count(KEYS)
}
