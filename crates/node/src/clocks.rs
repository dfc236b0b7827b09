//! The door through which time comes in: the only place of a node that reads a clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use halcyon_types::{Now, UnixMs};

/// Both clocks of a node. The wall clock can be replaced by a test clock through the fault API.
#[derive(Debug, Clone)]
pub(crate) struct Clocks {
    started: Instant,
    test_wall: Arc<Mutex<Option<UnixMs>>>,
}

impl Clocks {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), test_wall: Arc::default() }
    }

    /// Reads both clocks.
    pub(crate) fn now(&self) -> Now {
        let test = *self.test_wall.lock().unwrap_or_else(PoisonError::into_inner);
        Now { mono: self.started.elapsed(), wall: test.unwrap_or_else(|| self.real()) }
    }

    /// The wall clock, whatever a test clock says: what outlives a test goes by it.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    #[expect(clippy::unused_self, reason = "whoever reads a clock has been handed the clocks")]
    pub(crate) fn real(&self) -> UnixMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The moment of the monotonic clock, for timers of the runtime.
    pub(crate) fn instant(&self, mono: Duration) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.started + mono)
    }

    /// From now on the wall clock stands at `at`, until it is set again; `None` gives the real one back.
    pub(crate) fn set_test_wall(&self, at: Option<UnixMs>) {
        *self.test_wall.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }
}
