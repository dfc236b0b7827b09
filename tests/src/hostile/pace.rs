//! How fast an attack goes, and when it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// The end of an attack, for whoever ends it.
#[derive(Debug, Clone, Default)]
pub struct Over(Arc<AtomicBool>);

impl Over {
    /// It is.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it is.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A pace.
#[derive(Debug)]
pub struct Pace {
    over: Over,
    ticks: Option<Interval>,
}

impl Pace {
    /// As fast as it can.
    pub const fn flat_out(over: Over) -> Self {
        Self { over, ticks: None }
    }

    /// So many steps a second, a moment's burst behind a delay. To be called on a runtime.
    ///
    /// # Panics
    /// It is not one.
    pub fn per_second(steps: u32, over: Over) -> Self {
        let mut ticks = interval(Duration::from_secs(1) / steps.max(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Self { over, ticks: Some(ticks) }
    }

    /// Waits for the next step; `false` if there is to be none.
    pub(super) async fn next(&mut self) -> bool {
        if let Some(ticks) = &mut self.ticks {
            ticks.tick().await;
        }
        !self.over.is_set()
    }
}
