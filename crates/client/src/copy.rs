//! A copy of all rows of one region, as they were at one moment: what `halcyon backup` is made of.
//!
//! A region gives it only to whoever shows an admin's certificate. It keeps the moment for the connection that asked, so a copy
//! ends with its connection, and is begun anew then.

use std::sync::Arc;
use std::time::Duration;

use halcyon_types::RegionName;
use halcyon_wire::{Body, CopyHead, CopyPage, Outcome, Refusal};
use tokio::time::Instant;

use crate::client::{Client, Inner, millis};
use crate::error::ReadError;
use crate::line::{Connection, Line, Reply};

/// Why there is no copy, or no more of it. Nothing has changed in the region; begin a new copy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// It was not begun, or the region says no: `Forbidden` to all but admins, `Overloaded` while it gives out as many copies
    /// as it can.
    #[error(transparent)]
    Asked(#[from] ReadError),
    /// The connection ended, and the region's moment with it.
    #[error("the copy was lost on the way: {region}: {why}")]
    Lost {
        /// The region.
        region: RegionName,
        /// What was seen of it.
        why: String,
    },
}

/// A copy on its way. Pages come in order; those of one region, at one moment.
pub struct Copy {
    inner: Arc<Inner>,
    line: Arc<Line>,
    connection: Connection,
    head: CopyHead,
    /// The first page, until it is handed out.
    first: Option<CopyPage>,
    next: Option<bytes::Bytes>,
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copy").field("region", self.line.name()).field("head", &self.head).finish_non_exhaustive()
    }
}

impl Client {
    /// Begins a copy of all rows of the region in use.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn copy(&self) -> Result<Copy, CopyError> {
        let inner = self.inner();
        let of_outcome = |outcome| match outcome {
            Outcome::Page(CopyPage { head: Some(head), entries, count, next }) => {
                Some((head, CopyPage { head: None, entries, count, next }))
            }
            _ => None,
        };
        let body = Body::Copy { place: bytes::Bytes::new() };
        let (begun, line, connection) = inner.read_at(&body, Duration::ZERO, of_outcome).await?;
        let (head, first) = begun;
        Ok(Copy { line, connection, head, next: first.next.clone(), first: Some(first), inner: Arc::clone(inner) })
    }
}

impl Copy {
    /// What it is of.
    pub const fn head(&self) -> &CopyHead {
        &self.head
    }

    /// The next page; `None` behind the last.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn page(&mut self) -> Result<Option<CopyPage>, CopyError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(place) = self.next.take() else { return Ok(None) };
        let page = self.ask(&Body::Copy { place }).await?;
        self.next.clone_from(&page.next);
        Ok(Some(page))
    }

    async fn ask(&self, body: &Body) -> Result<CopyPage, CopyError> {
        let timeout = self.inner.request_timeout;
        match self.line.ask_on(self.connection, body, Instant::now() + timeout).await {
            Reply::Answer(Ok(Outcome::Page(page))) => Ok(page),
            Reply::Answer(Err(refusal @ (Refusal::Stopping | Refusal::CatchingUp))) => {
                Err(self.lost(refusal.to_string()))
            }
            Reply::Answer(Err(refusal)) => Err(ReadError::Refused(refusal).into()),
            Reply::Lost { why, .. } => Err(self.lost(why.to_string())),
            // The line hands out no answer of another kind; were it to, it would be no answer.
            Reply::Answer(Ok(_)) | Reply::NotUp | Reply::TooLarge(_) => {
                Err(self.lost("its connection has ended".to_owned()))
            }
            Reply::TimedOut { .. } => Err(self.lost(format!("nothing for {} ms", millis(timeout)))),
        }
    }

    fn lost(&self, why: String) -> CopyError {
        CopyError::Lost { region: self.line.name().clone(), why }
    }
}
