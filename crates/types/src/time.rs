//! Time as it comes in through the door: read once by the node (or invented by a simulator), passed down by value.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01 UTC on somebody's wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMs(pub u64);

impl UnixMs {
    /// The distance to another reading, whichever is later.
    pub fn abs_diff(self, other: Self) -> Duration {
        Duration::from_millis(self.0.abs_diff(other.0))
    }

    /// This reading moved on by `by`, saturating.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How much later this reading is than `before`; nothing if it is not.
    pub fn since(self, before: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(before.0))
    }

    /// This reading moved back by `by`, saturating.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// One reading of both clocks of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Monotonic time since the process (or the simulated world) began. Timers and round trips use this.
    pub mono: Duration,
    /// Wall clock. Stamps, skew and expiry use this.
    pub wall: UnixMs,
}
