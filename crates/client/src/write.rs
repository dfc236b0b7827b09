//! Writing: what may be sent again, and where to.
//!
//! ```text
//! never sent                       any region
//! sent, connection lost            the same region, the same id, until the timeout
//! sent, refused as Stopping or     not executed: any region, if no earlier copy of it is unanswered
//!   CatchingUp
//! sent, refused as ClockSkew       the same, but not that region
//! sent, no answer in time          OutcomeUnknown
//! a transaction's commit           its own connection, then as above: never another region
//! ```
//!
//! A refusal speaks for the copy that it answers. While an earlier copy is unanswered, only a refusal that every copy
//! would have met ends the matter as `Refused`; after any other the outcome stays unknown.
//!
//! A transaction's number means something on its own connection only, so a second copy of its commit names none: it asks
//! whether the first was committed. "No" is certain once the transaction would have expired, for no copy of it can be
//! committed after that.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use halcyon_types::limits::TRANSACTION_AGE_MAX;
use halcyon_types::{RegionName, RequestId};
use halcyon_wire::{Body, Outcome, Receipt, Refusal, Seen, TransactionId, Write};
use tokio::time::Instant;

use crate::bound::{Bound, NOT_UP};
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
    attempt: Attempt,
    region: RegionName,
    why: String,
}

/// What is sent, as often as needed.
#[derive(Clone)]
struct Attempt {
    body: Body,
    request: RequestId,
    /// How long it may wait at the region.
    wait: Duration,
    /// If it commits a transaction: which, and by when that was begun.
    transaction: Option<(TransactionId, Instant)>,
}

impl Unanswered {
    /// The write's name; every copy of it carries the same.
    pub fn request(&self) -> RequestId {
        self.0.attempt.request
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

/// The number of no transaction: nodes count up from the other end.
const NO_TRANSACTION: TransactionId = TransactionId(u64::MAX);
/// Added to a transaction's age before it counts as expired everywhere: clocks need not run equally fast.
const AGE_MARGIN: Duration = Duration::from_secs(1);

impl Attempt {
    fn new(write: Write) -> Self {
        let (request, wait) = (write.request, Duration::from_millis(write.session.wait_ms.into()));
        Self { request, wait, body: Body::Write(write), transaction: None }
    }

    /// Makes of a transaction's commit the question whether it was committed.
    fn ask_again(&mut self) {
        if let (Some(_), Body::Write(write)) = (self.transaction, &mut self.body) {
            write.seen = Seen::Transaction { transaction: NO_TRANSACTION, checks: Vec::new() };
        }
    }

    fn unknown(self, line: &Line, why: String) -> WriteError {
        WriteError::OutcomeUnknown(Unanswered(Box::new(Inside { attempt: self, region: line.name().clone(), why })))
    }

    /// What a refusal means of a copy that was sent at `sent`, after an earlier one that nobody has answered.
    fn after_earlier(self, line: &Line, refusal: Refusal, sent: Instant) -> Result<Refusal, WriteError> {
        match (refusal, self.transaction) {
            (Refusal::TransactionExpired { .. }, Some((transaction, begun))) => {
                if sent.duration_since(begun) > TRANSACTION_AGE_MAX + AGE_MARGIN {
                    return Ok(Refusal::TransactionExpired { transaction });
                }
                let secs = (TRANSACTION_AGE_MAX + AGE_MARGIN).as_secs();
                let why =
                    format!("it is not committed so far, and will not be once {secs} s have passed since its begin");
                Err(self.unknown(line, why))
            }
            (refusal, _) if is_certain(&refusal) => Ok(refusal),
            (refusal, _) => Err(self.unknown(line, format!("a retry was refused: {refusal}"))),
        }
    }
}

impl Inner {
    pub(crate) async fn write(&self, write: Write) -> Result<Receipt, WriteError> {
        request::check(&write).map_err(WriteError::Refused)?;
        self.settle(Attempt::new(write), None).await
    }

    /// Commits a transaction: on its own connection, and if that ends before the answer, asks what came of it.
    pub(crate) async fn commit(&self, write: Write, bound: &mut Bound) -> Result<Receipt, WriteError> {
        request::check(&write).map_err(WriteError::Refused)?;
        let mut attempt = Attempt::new(write);
        attempt.transaction = Some((bound.id, bound.begun));
        let reply = bound.line.ask_on(bound.connection, &attempt.body, Instant::now() + self.request_timeout).await;
        // Once it was sent, the region ends the transaction with it.
        bound.ended = !matches!(reply, Reply::TimedOut { sent: false } | Reply::TooLarge(_));
        let line = &bound.line;
        let lost = |why: String| WriteError::TransactionLost { region: line.name().clone(), why };
        attempt.ask_again();
        match reply {
            Reply::Answer(Ok(Outcome::Written(receipt))) => Ok(receipt),
            // The line hands out no other kind; were it to, the answer would tell nothing.
            Reply::Answer(Ok(_)) => Err(attempt.unknown(line, ANOTHER_KIND.to_owned())),
            Reply::Answer(Err(refusal @ (Refusal::Stopping | Refusal::CatchingUp))) => Err(lost(refusal.to_string())),
            Reply::Answer(Err(refusal)) => Err(self.refused(refusal)),
            Reply::Lost { sent: false, why } => Err(lost(why.to_string())),
            Reply::NotUp => Err(lost(NOT_UP.to_owned())),
            Reply::Lost { sent: true, why } => {
                let earlier = Earlier { line: Arc::clone(line), why: why.to_string() };
                self.settle(attempt, Some(earlier)).await
            }
            Reply::TimedOut { sent: true } => Err(attempt.unknown(line, NO_ANSWER.to_owned())),
            Reply::TimedOut { sent: false } => Err(WriteError::NotReachable { tried: vec![line.crowded()] }),
            Reply::TooLarge(error) => Err(WriteError::Refused(request::too_large(error))),
        }
    }

    pub(crate) async fn retry(&self, unanswered: Unanswered) -> Result<Receipt, WriteError> {
        let Some(line) = self.routes.find(unanswered.region()) else {
            return Err(WriteError::OutcomeUnknown(unanswered));
        };
        let line = Arc::clone(line);
        let Inside { attempt, why, .. } = *unanswered.0;
        self.settle(attempt, Some(Earlier { line, why })).await
    }

    /// Sends until the outcome is certain, or the time is up.
    async fn settle(&self, attempt: Attempt, mut earlier: Option<Earlier>) -> Result<Receipt, WriteError> {
        let deadline = Instant::now() + self.request_timeout + attempt.wait;
        // Regions whose clocks are off, and what the last of them said.
        let (mut skewed, mut skew) = (Vec::new(), None);
        loop {
            let line = match &earlier {
                Some(Earlier { line, .. }) => self.routes.only(line, deadline).await.map(|()| Arc::clone(line)),
                None if skewed.is_empty() => self.routes.any(deadline).await.map(Arc::clone),
                None => self.routes.any_but(&skewed, deadline).await,
            };
            let line = match (line, earlier.as_mut()) {
                (Ok(line), _) => line,
                (Err(tried), None) => {
                    return Err(skew.map_or(WriteError::NotReachable { tried }, WriteError::Refused));
                }
                (Err(_), Some(Earlier { line, why })) => return Err(attempt.unknown(line, std::mem::take(why))),
            };
            let sent = Instant::now();
            match line.ask(&attempt.body, deadline).await {
                Reply::Answer(Ok(Outcome::Written(receipt))) => return Ok(receipt),
                // The line hands out no other kind; were it to, the answer would tell nothing.
                Reply::Answer(Ok(_)) => return Err(attempt.unknown(&line, ANOTHER_KIND.to_owned())),
                Reply::Answer(Err(Refusal::Stopping | Refusal::CatchingUp))
                | Reply::NotUp
                | Reply::Lost { sent: false, .. } => {}
                Reply::Answer(Err(refusal @ Refusal::ClockSkew { .. })) if earlier.is_none() => {
                    skewed.push(line);
                    skew = Some(refusal);
                }
                Reply::Answer(Err(refusal)) if earlier.is_none() => return Err(self.refused(refusal)),
                Reply::Answer(Err(refusal)) => {
                    return Err(self.refused(attempt.after_earlier(&line, refusal, sent)?));
                }
                Reply::Lost { sent: true, why } => {
                    let why = why.to_string();
                    earlier = Some(Earlier { line, why });
                }
                Reply::TimedOut { sent: true } => return Err(attempt.unknown(&line, NO_ANSWER.to_owned())),
                Reply::TimedOut { sent: false } => {
                    return Err(match earlier {
                        Some(Earlier { line, why }) => attempt.unknown(&line, why),
                        None => WriteError::NotReachable { tried: vec![line.crowded()] },
                    });
                }
                Reply::TooLarge(error) => return Err(WriteError::Refused(request::too_large(error))),
            }
        }
    }
}

const ANOTHER_KIND: &str = "its answer is of another kind";
const NO_ANSWER: &str = "it did not answer";

/// Whether every copy of a write meets this refusal, whenever it arrives.
const fn is_certain(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::BadRequest { .. }
        | Refusal::UnknownKeyspace { .. }
        | Refusal::InvalidArgument { .. }
        | Refusal::WrongType { .. }
        | Refusal::UnknownCursor { .. }
        | Refusal::Forbidden { .. } => true,
        // Depends on the rows, the rights, the links, the queues, the clock or the disk at that moment.
        Refusal::TooLarge { .. }
        | Refusal::CounterOverflow { .. }
        | Refusal::TooManySiblings { .. }
        | Refusal::InsufficientRights { .. }
        | Refusal::RightsOutstanding { .. }
        | Refusal::UnknownRegion { .. }
        | Refusal::NoSuchElement { .. }
        | Refusal::StaleContext { .. }
        | Refusal::Changed { .. }
        | Refusal::TransactionExpired { .. }
        | Refusal::NotYet { .. }
        | Refusal::Overloaded { .. }
        | Refusal::ClockSkew { .. }
        | Refusal::LogFull { .. }
        | Refusal::RequestExpired { .. }
        | Refusal::Membership { .. }
        | Refusal::NoMajority { .. }
        | Refusal::Retired
        | Refusal::Stopping
        | Refusal::CatchingUp
        | Refusal::Storage { .. } => false,
    }
}
