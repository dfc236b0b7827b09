//! The task that keeps one region's line: dials, moves frames both ways, dials again after a pause.
//!
//! Pauses double from `RECONNECT_FIRST` and are jittered, so that a thousand clients do not come back as one. They count
//! failures in a row; a connection that has answered something was no failure.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::limits::RECONNECT_FIRST;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::line::{Line, Phase};
use crate::transport::{Pipe, PipeOf, ReadFrames, Transport, WriteFrames};

/// A region that comes back is found within this, a fraction of any sensible request timeout.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Dials within the connect timeout.
pub(crate) async fn dial<T: Transport>(transport: &T, line: &Line, patience: Duration) -> Result<PipeOf<T>, Arc<str>> {
    match timeout(patience, transport.dial(&line.region)).await {
        Ok(dialled) => dialled.map_err(Arc::from),
        Err(_) => Err(format!("no connection within {} ms", patience.as_millis()).into()),
    }
}

/// Runs until it is aborted. `kept` lines are connected whenever they can be, others while somebody wants them.
pub(crate) async fn drive<T: Transport>(
    line: Arc<Line>,
    transport: Arc<T>,
    first: Option<PipeOf<T>>,
    kept: bool,
    patience: Duration,
) {
    let mut failures = 0;
    let mut dialled = first;
    loop {
        if let Some(pipe) = dialled.take() {
            let why = carry::<T>(&line, pipe).await;
            debug!(region = %line.name(), %why, "connection ended");
            let next = match line.phase() {
                Phase::Up => Phase::Dialling,
                stopping => stopping,
            };
            failures = if line.lost(next, &why) { 0 } else { failures + 1 };
            sleep(pause(failures)).await;
        }
        if !kept && !line.is_wanted() {
            line.idle();
            line.wanted().await;
            line.dialling();
        }
        match dial(&*transport, &line, patience).await {
            Ok(pipe) => dialled = Some(pipe),
            Err(why) => {
                failures += 1;
                if failures == 1 {
                    warn!(region = %line.name(), %why, "cannot be reached");
                }
                line.down(why);
                sleep(pause(failures)).await;
            }
        }
    }
}

/// Moves frames until the connection ends, and says why it did.
async fn carry<T: Transport>(line: &Line, pipe: PipeOf<T>) -> Arc<str> {
    let Pipe { mut reader, mut writer, handle, .. } = pipe;
    line.up();
    let receive = async {
        let mut frames = Vec::new();
        loop {
            let read = reader.read(&mut frames).await;
            // What was read before an error stands.
            if let Err(why) = line.incoming(&mut frames) {
                return why;
            }
            match read {
                Ok(0) => return "it ended the connection".to_owned(),
                Ok(_) => {}
                Err(why) => return why,
            }
        }
    };
    let send = async {
        while let Some(frames) = line.outgoing().await {
            if let Err(why) = writer.write(frames).await {
                return why;
            }
        }
        "it is stopping".to_owned()
    };
    let why = tokio::select! {
        biased;
        why = receive => why,
        why = send => why,
    };
    if let Some(handle) = handle {
        handle.close("done");
    }
    why.into()
}

fn pause(failures: u32) -> Duration {
    let longest = RECONNECT_FIRST.saturating_mul(1 << failures.min(8)).min(PAUSE_MAX);
    longest.mul_f64(rand::random_range(0.5..1.0))
}
