//! The clocks of a node: a monotonic one that begins with its process, and a wall clock that may be wrong.

use std::time::Duration;

use halcyon_types::UnixMs;

/// The right time when a world begins.
pub const EPOCH: UnixMs = UnixMs(1_800_000_000_000);

/// A wall clock. It belongs to the machine: it goes on, right or wrong, while the node is down.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WallClock {
    /// What it was ahead at `since`, in microseconds.
    ahead_us: i64,
    since: Duration,
    ppm: i64,
}

impl WallClock {
    pub(super) fn at(&self, now: Duration) -> UnixMs {
        let us = micros(now) + self.ahead_at(now);
        UnixMs(EPOCH.0.saturating_add_signed(us.div_euclid(1000)))
    }

    fn ahead_at(&self, now: Duration) -> i64 {
        self.ahead_us + micros(now.saturating_sub(self.since)) * self.ppm / 1_000_000
    }

    pub(super) fn step(&mut self, now: Duration, ms: i64) {
        (self.ahead_us, self.since) = (self.ahead_at(now) + ms * 1000, now);
    }

    pub(super) fn drift(&mut self, now: Duration, ppm: i64) {
        (self.ahead_us, self.since, self.ppm) = (self.ahead_at(now), now, ppm);
    }

    /// How far its drift alone has carried it, ahead or behind.
    pub(super) fn drifted(&self, now: Duration) -> Duration {
        Duration::from_micros((micros(now.saturating_sub(self.since)) * self.ppm / 1_000_000).unsigned_abs())
    }

    pub(super) fn set_right(&mut self) {
        *self = Self::default();
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
