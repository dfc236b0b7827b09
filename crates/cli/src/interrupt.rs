//! Being asked to stop: Ctrl-C, or SIGTERM as from a service manager.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Remedy;

/// The process cannot be told to stop.
#[derive(Debug, thiserror::Error)]
#[error("signals cannot be listened to: {0}")]
pub(crate) struct SignalError(#[from] io::Error);

impl Remedy for SignalError {}

/// An open ear. From its making on, neither signal ends the process by itself.
pub(crate) struct Interrupt {
    terminate: Signal,
    interrupt: Signal,
}

impl Interrupt {
    pub(crate) fn listen() -> Result<Self, SignalError> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns once the process has been asked to stop.
    pub(crate) async fn heard(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
