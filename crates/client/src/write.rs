//! Writing: what may be sent again, and where to.
//!
//! ```text
//! never sent                       any region
//! sent, connection lost            the same region, the same id, until the timeout
//! sent, refused as Stopping        not executed: any region, if no earlier copy of it is unanswered
//! sent, no answer in time          OutcomeUnknown
//! ```
//!
//! A refusal speaks for the copy that it answers. While an earlier copy is unanswered, only a refusal that every copy
//! would have met ends the matter as `Refused`; after any other the outcome stays unknown.

use std::fmt;
use std::sync::Arc;

use halcyon_types::{RegionName, RequestId};
use halcyon_wire::{Body, Outcome, Receipt, Refusal, Write};
use tokio::time::Instant;

use crate::client::Inner;
use crate::error::WriteError;
use crate::line::{Line, Reply};
use crate::request;

/// A write that was sent and not answered, with all that is needed to ask again: see
/// [`Client::retry`](crate::Client::retry). Keep it for as long as the answer matters; the region remembers the request
/// for `REQUEST_WINDOW` (24 hours).
#[derive(Clone)]
pub struct Unanswered(Box<Inside>);

#[derive(Clone)]
struct Inside {
    request: RequestId,
    region: RegionName,
    why: String,
    body: Body,
}

impl Unanswered {
    /// The write's name; every copy of it carries the same.
    pub fn request(&self) -> RequestId {
        self.0.request
    }

    /// The region that it was sent to, the only one that can tell.
    pub fn region(&self) -> &RegionName {
        &self.0.region
    }

    /// What was seen last.
    pub fn why(&self) -> &str {
        &self.0.why
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "outcome unknown: request {} was sent to {} and not answered in time ({}); retry it with the same id",
            self.request(),
            self.region(),
            self.why()
        )
    }
}

impl fmt::Debug for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unanswered")
            .field("request", &self.request())
            .field("region", &self.0.region)
            .field("why", &self.0.why)
            .finish_non_exhaustive()
    }
}

/// The copy that nobody has answered, and what was seen of it last.
struct Earlier {
    line: Arc<Line>,
    why: String,
}

impl Inner {
    pub(crate) async fn write(&self, write: Write) -> Result<Receipt, WriteError> {
        request::check(&write.updates).map_err(WriteError::Refused)?;
        self.settle(write.request, Body::Write(write), None).await
    }

    pub(crate) async fn retry(&self, unanswered: Unanswered) -> Result<Receipt, WriteError> {
        let Some(line) = self.routes.find(unanswered.region()) else {
            return Err(WriteError::OutcomeUnknown(unanswered));
        };
        let line = Arc::clone(line);
        let Inside { request, why, body, .. } = *unanswered.0;
        self.settle(request, body, Some(Earlier { line, why })).await
    }

    /// Sends until the outcome is certain, or the time is up.
    async fn settle(
        &self,
        request: RequestId,
        body: Body,
        mut earlier: Option<Earlier>,
    ) -> Result<Receipt, WriteError> {
        let deadline = Instant::now() + self.request_timeout;
        let unknown = |line: &Line, why: String, body| {
            WriteError::OutcomeUnknown(Unanswered(Box::new(Inside { request, region: line.name().clone(), why, body })))
        };
        loop {
            let line = match &earlier {
                Some(Earlier { line, .. }) => self.routes.only(line, deadline).await.map(|()| Arc::clone(line)),
                None => self.routes.any(deadline).await.map(Arc::clone),
            };
            let line = match (line, &mut earlier) {
                (Ok(line), _) => line,
                (Err(tried), None) => return Err(WriteError::NotReachable { tried }),
                (Err(_), Some(Earlier { line, why })) => return Err(unknown(line, std::mem::take(why), body)),
            };
            match line.ask(&body, deadline).await {
                Reply::Answer(Ok(Outcome::Written(receipt))) => return Ok(receipt),
                // The line hands out no other kind; were it to, the answer would tell nothing.
                Reply::Answer(Ok(_)) => return Err(unknown(&line, "its answer is of another kind".to_owned(), body)),
                Reply::Answer(Err(Refusal::Stopping)) | Reply::NotUp | Reply::Lost { sent: false, .. } => {}
                Reply::Answer(Err(refusal)) if earlier.is_none() || is_certain(&refusal) => {
                    return Err(WriteError::Refused(refusal));
                }
                Reply::Answer(Err(refusal)) => {
                    return Err(unknown(&line, format!("a retry was refused: {refusal}"), body));
                }
                Reply::Lost { sent: true, why } => {
                    let why = why.to_string();
                    earlier = Some(Earlier { line, why });
                }
                Reply::TimedOut { sent: true } => return Err(unknown(&line, "it did not answer".to_owned(), body)),
                Reply::TimedOut { sent: false } => {
                    return Err(match earlier {
                        Some(Earlier { line, why }) => unknown(&line, why, body),
                        None => WriteError::NotReachable { tried: vec![line.crowded()] },
                    });
                }
                Reply::TooLarge(error) => return Err(WriteError::Refused(request::too_large(error))),
            }
        }
    }
}

/// Whether every copy of a write meets this refusal, whenever it arrives.
const fn is_certain(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::BadRequest { .. }
        | Refusal::UnknownKeyspace { .. }
        | Refusal::InvalidArgument { .. }
        | Refusal::WrongType { .. } => true,
        // Depends on the rows, the queues, the clock or the disk at that moment.
        Refusal::TooLarge { .. }
        | Refusal::CounterOverflow { .. }
        | Refusal::TooManySiblings { .. }
        | Refusal::NotYet { .. }
        | Refusal::Overloaded { .. }
        | Refusal::RequestExpired { .. }
        | Refusal::Stopping
        | Refusal::Storage { .. } => false,
    }
}
