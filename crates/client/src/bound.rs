//! Where a transaction lives: one connection to one region.

use std::sync::Arc;
use std::time::Duration;

use halcyon_wire::{Body, Outcome, Refusal, TransactionId};
use tokio::time::Instant;

use crate::error::ReadError;
use crate::line::{Connection, Line, Reply};
use crate::request;

/// Why a transaction's connection cannot be asked.
pub(crate) const NOT_UP: &str = "its connection has ended";

/// Where and when a transaction was begun.
pub(crate) struct Bound {
    pub(crate) line: Arc<Line>,
    pub(crate) connection: Connection,
    pub(crate) id: TransactionId,
    /// When its begin was answered: it is no younger than that.
    pub(crate) begun: Instant,
    /// Whether the region knows nothing of it any more.
    pub(crate) ended: bool,
}

impl Bound {
    /// Asks on the transaction's own connection: a snapshot does not outlive it.
    pub(crate) async fn ask(&self, body: &Body, timeout: Duration) -> Result<Outcome, ReadError> {
        match self.line.ask_on(self.connection, body, Instant::now() + timeout).await {
            Reply::Answer(Ok(outcome)) => Ok(outcome),
            Reply::Answer(Err(refusal @ (Refusal::Stopping | Refusal::CatchingUp))) => {
                Err(self.lost(refusal.to_string()))
            }
            Reply::Answer(Err(refusal)) => Err(ReadError::Refused(refusal)),
            Reply::Lost { why, .. } => Err(self.lost(why.to_string())),
            Reply::NotUp => Err(self.lost(NOT_UP.to_owned())),
            Reply::TimedOut { sent: true } => Err(self.no_answer(format!("nothing for {} ms", timeout.as_millis()))),
            Reply::TimedOut { sent: false } => Err(ReadError::NotReachable { tried: vec![self.line.crowded()] }),
            Reply::TooLarge(error) => Err(ReadError::Refused(request::too_large(error))),
        }
    }

    fn lost(&self, why: String) -> ReadError {
        ReadError::TransactionLost { region: self.line.name().clone(), why }
    }

    pub(crate) fn no_answer(&self, why: String) -> ReadError {
        ReadError::NoAnswer { region: self.line.name().clone(), why }
    }
}

impl Drop for Bound {
    /// The region need not keep the moment until it expires.
    fn drop(&mut self) {
        if !self.ended {
            self.line.tell(self.connection, &Body::Abort { transaction: self.id });
        }
    }
}
