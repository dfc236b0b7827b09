//! Which region to begin with.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::driver;
use crate::error::Tried;
use crate::line::Line;
use crate::transport::{PipeOf, Transport};

/// The first to answer is waited for; whoever would win against it needs no longer than the same again, and this much
/// for a busy machine.
const GRACE: Duration = Duration::from_millis(5);

/// A race's outcome.
pub(crate) struct Race<T: Transport> {
    /// Who answered, the lowest round trip first.
    pub(crate) answered: Vec<(usize, PipeOf<T>)>,
    /// Who failed, and why.
    pub(crate) failed: Vec<(usize, Arc<str>)>,
}

/// Dials all lines at once. Those that are still being dialled when the nearest is known are given up.
pub(crate) async fn race<T: Transport>(transport: &Arc<T>, lines: &[Arc<Line>], patience: Duration) -> Race<T> {
    let start = Instant::now();
    let mut dials = JoinSet::new();
    for (i, line) in lines.iter().enumerate() {
        let (transport, line) = (Arc::clone(transport), Arc::clone(line));
        dials.spawn(async move { (i, driver::dial(&*transport, &line, patience).await) });
    }
    let (mut answered, mut failed) = (Vec::new(), Vec::new());
    let mut deadline = start + patience + GRACE;
    while let Ok(Some(joined)) = timeout_at(deadline, dials.join_next()).await {
        match joined {
            Ok((i, Ok(pipe))) => {
                if answered.is_empty() {
                    deadline = deadline.min(Instant::now() + start.elapsed() + GRACE);
                }
                answered.push((i, pipe));
            }
            Ok((i, Err(why))) => failed.push((i, why)),
            // A panic in a dial: that region counts as not tried.
            Err(_) => {}
        }
    }
    answered.sort_by_key(|(_, pipe)| pipe.rtt);
    Race { answered, failed }
}

impl<T: Transport> Race<T> {
    /// The failures, for an error.
    pub(crate) fn tried(&self, lines: &[Arc<Line>]) -> Vec<Tried> {
        let failed = self.failed.iter();
        failed
            .filter_map(|(i, why)| Some(Tried { region: lines.get(*i)?.name().clone(), why: why.to_string() }))
            .collect()
    }
}
