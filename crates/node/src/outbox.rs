//! Queues of outgoing bytes between the driver, which never waits, and the tasks that write to the network.

use std::sync::{Arc, Mutex, PoisonError};

use halcyon_net::frame::{self, FrameSizeError};
use halcyon_wire::codec;
use serde::Serialize;
use tokio::sync::Notify;

/// Frames for one stream, coalesced: whatever was put while the writer was busy goes out as one write.
///
/// Its bound is its owner's: a session's requests in flight, or a link's unacknowledged window.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// Frames in `bytes`.
    frames: usize,
    /// Bytes that the writer has taken and not yet written.
    writing: usize,
    closed: bool,
}

impl Outbox {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Appends `message` as a frame, unless closed. The writer is told by [`Self::flush`].
    pub(crate) fn put<T: Serialize>(&self, message: &T) -> Result<(), FrameSizeError> {
        let mut state = self.lock();
        if state.closed {
            return Ok(());
        }
        frame::append(&mut state.bytes, |body| codec::encode(body, message))?;
        state.frames += 1;
        Ok(())
    }

    /// Wakes the writer.
    pub(crate) fn flush(&self) {
        self.filled.notify_one();
    }

    /// Lets the writer end once it has written what is there.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Bytes that wait or are being written.
    pub(crate) fn bytes(&self) -> usize {
        let state = self.lock();
        state.bytes.len() + state.writing
    }

    /// What was taken last has been written.
    pub(crate) fn wrote(&self) {
        self.lock().writing = 0;
    }

    /// Everything that waits, and how many frames it is; `None` once closed and empty.
    pub(crate) async fn take(&self) -> Option<(Vec<u8>, usize)> {
        loop {
            {
                let mut state = self.lock();
                if !state.bytes.is_empty() {
                    let frames = std::mem::take(&mut state.frames);
                    state.writing = state.bytes.len();
                    return Some((std::mem::take(&mut state.bytes), frames));
                }
                if state.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
