//! From a body to a frame, and what it weighs.

use halcyon_crdt::{Answer, Query, Update};
use halcyon_net::{FrameSizeError, frame};
use halcyon_types::limits::UPDATES_MAX;
use halcyon_wire::{Body, Outcome, Refusal, Seen, Write, codec};
use serde::Serialize;

/// Requests up to this size count as one of those in flight, larger ones as several, so that the bound on their number
/// bounds their bytes too.
const WEIGHT_BYTES: usize = 16 * 1024;

/// [`halcyon_wire::Request`] with a borrowed body: a request may be sent again, so its body stays with whoever waits.
#[derive(Serialize)]
struct Request<'a> {
    id: u64,
    body: &'a Body,
}

/// Appends the request as a frame.
pub(crate) fn append(out: &mut Vec<u8>, id: u64, body: &Body) -> Result<(), FrameSizeError> {
    frame::append(out, |out| codec::encode(out, &Request { id, body }))
}

/// What it counts for among the requests in flight.
pub(crate) fn weight(body: &Body) -> usize {
    let bytes = match body {
        Body::Write(write) => updates(&write.updates),
        Body::Read { within: Some(within), .. } => updates(&within.updates),
        Body::Read { .. }
        | Body::Scan { .. }
        | Body::Begin { .. }
        | Body::Abort { .. }
        | Body::Token { .. }
        | Body::Digest { .. }
        | Body::Copy { .. }
        | Body::Members { .. } => 0,
    };
    1 + bytes / WEIGHT_BYTES
}

fn updates(updates: &[Update]) -> usize {
    updates.iter().map(Update::weight).sum()
}

/// Refuses here what every region would refuse, so that it costs no round trip and never breaks a frame.
pub(crate) fn check(Write { updates, seen, .. }: &Write) -> Result<(), Refusal> {
    if updates.is_empty() && !matches!(seen, Seen::Transaction { .. }) {
        let reason = "a write needs at least one update".to_owned();
        return Err(Refusal::InvalidArgument { reason });
    }
    if updates.len() > UPDATES_MAX {
        let reason =
            format!("{} updates are more than one record may carry ({UPDATES_MAX}); split the work", updates.len());
        return Err(Refusal::TooLarge { reason });
    }
    let checked = updates.iter().try_for_each(Update::check);
    checked.map_err(|error| Refusal::InvalidArgument { reason: error.to_string() })
}

/// A request that no frame can carry.
pub(crate) fn too_large(error: FrameSizeError) -> Refusal {
    Refusal::TooLarge { reason: format!("the request does not fit: {error}; split the work") }
}

/// What kind of answer a request must have. Another one breaks the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Written,
    Keys,
    Begun,
    Ended,
    Token,
    Digest,
    Page,
    Answer(Form),
}

/// What form the answer to a query has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Value,
    Values,
    Sum,
    Is,
    Page,
    Score,
    Rank,
    Scored,
    Items,
    Count,
    Rights,
    Deadline,
    Kinds,
}

impl Expect {
    pub(crate) const fn of(body: &Body) -> Self {
        match body {
            Body::Write(_) | Body::Members { .. } => Self::Written,
            Body::Read { query, .. } => Self::Answer(Form::of_query(query)),
            Body::Scan { .. } => Self::Keys,
            Body::Begin { .. } => Self::Begun,
            Body::Abort { .. } => Self::Ended,
            Body::Token { .. } => Self::Token,
            Body::Digest { .. } => Self::Digest,
            Body::Copy { .. } => Self::Page,
        }
    }

    pub(crate) fn is_met_by(self, outcome: &Outcome) -> bool {
        self == match outcome {
            Outcome::Written(_) => Self::Written,
            Outcome::Answer(answer) => Self::Answer(Form::of_answer(answer)),
            Outcome::Keys(_) => Self::Keys,
            Outcome::Begun { .. } => Self::Begun,
            Outcome::Ended => Self::Ended,
            Outcome::Token(_) => Self::Token,
            Outcome::Digest { .. } => Self::Digest,
            Outcome::Page(_) => Self::Page,
        }
    }
}

impl Form {
    const fn of_query(query: &Query) -> Self {
        match query {
            Query::Get => Self::Value,
            Query::Values => Self::Values,
            Query::Sum | Query::Value => Self::Sum,
            Query::IsEnabled | Query::Contains { .. } => Self::Is,
            Query::Elements(_) | Query::Fields(_) => Self::Page,
            Query::Score { .. } => Self::Score,
            Query::Rank { .. } => Self::Rank,
            Query::ByRank { .. } | Query::ByScore { .. } => Self::Scored,
            Query::Range { .. } => Self::Items,
            Query::Estimate => Self::Count,
            Query::Rights => Self::Rights,
            Query::Deadline => Self::Deadline,
            Query::Kinds => Self::Kinds,
        }
    }

    const fn of_answer(answer: &Answer) -> Self {
        match answer {
            Answer::Value(_) => Self::Value,
            Answer::Values(_) => Self::Values,
            Answer::Sum(_) => Self::Sum,
            Answer::Is(_) => Self::Is,
            Answer::Page(_) => Self::Page,
            Answer::Score(_) => Self::Score,
            Answer::Rank(_) => Self::Rank,
            Answer::Scored(_) => Self::Scored,
            Answer::Items(_) => Self::Items,
            Answer::Count(_) => Self::Count,
            Answer::Rights(_) => Self::Rights,
            Answer::Deadline(_) => Self::Deadline,
            Answer::Kinds(_) => Self::Kinds,
        }
    }
}

#[cfg(test)]
mod tests {
    use halcyon_crdt::{Object, Op};
    use halcyon_types::UnixMs;
    use halcyon_wire::{Seen, Write};

    use super::*;
    use crate::mint::request_id;

    fn write(value: usize) -> Body {
        let object = Object::new(10_u64.try_into().unwrap(), "k");
        let value = vec![7; value].into();
        let updates = vec![Update { object, op: Op::Set { value, ttl_ms: None } }];
        Body::Write(Write {
            request: request_id(),
            session: halcyon_wire::Session::default(),
            seen: Seen::Present,
            updates,
        })
    }

    #[test]
    fn a_borrowed_request_is_encoded_as_the_wires_own() {
        let body = write(3);
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        append(&mut ours, 77, &body).unwrap();
        codec::encode(&mut theirs, &halcyon_wire::Request { id: 77, body });
        assert_eq!(ours[frame::PREFIX_BYTES..], theirs);
    }

    #[test]
    fn a_large_request_counts_as_several() {
        assert_eq!(weight(&write(100)), 1);
        assert_eq!(weight(&write(160 * 1024)), 11);
        assert_eq!(weight(&Body::Digest { at: UnixMs(0) }), 1);
    }
}
