//! From a body to a frame, and what it weighs.

use bytes::Bytes;
use halcyon_crdt::query::{Answer, Query};
use halcyon_crdt::{Op, Update};
use halcyon_net::{FrameSizeError, frame};
use halcyon_types::limits::UPDATES_MAX;
use halcyon_wire::{Body, Outcome, Refusal, codec};
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
        Body::Write(write) => write.updates.iter().map(bytes).sum(),
        Body::Read { .. } | Body::Token { .. } | Body::Digest => 0,
    };
    1 + bytes / WEIGHT_BYTES
}

fn bytes(Update { object, op }: &Update) -> usize {
    let payload = match op {
        Op::Set { value } => value.len(),
        Op::Insert { element } | Op::Remove { element } => element.len(),
        Op::Unset | Op::Add { .. } | Op::Reset | Op::Delete => 0,
    };
    object.key.len() + object.path.iter().map(Bytes::len).sum::<usize>() + payload
}

/// Refuses here what every region would refuse, so that it costs no round trip and never breaks a frame.
pub(crate) fn check(updates: &[Update]) -> Result<(), Refusal> {
    if updates.is_empty() {
        let reason = "a transaction needs at least one update".to_owned();
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
    Token,
    Digest,
    Value,
    Sum,
    Is,
    Page,
}

impl Expect {
    pub(crate) const fn of(body: &Body) -> Self {
        match body {
            Body::Write(_) => Self::Written,
            Body::Token { .. } => Self::Token,
            Body::Digest => Self::Digest,
            Body::Read { query, .. } => match query {
                Query::Get => Self::Value,
                Query::Sum => Self::Sum,
                Query::Contains { .. } => Self::Is,
                Query::Elements(_) | Query::Fields(_) => Self::Page,
            },
        }
    }

    pub(crate) const fn is_met_by(self, outcome: &Outcome) -> bool {
        matches!(
            (self, outcome),
            (Self::Written, Outcome::Written(_))
                | (Self::Token, Outcome::Token(_))
                | (Self::Digest, Outcome::Digest { .. })
                | (Self::Value, Outcome::Answer(Answer::Value(_)))
                | (Self::Sum, Outcome::Answer(Answer::Sum(_)))
                | (Self::Is, Outcome::Answer(Answer::Is(_)))
                | (Self::Page, Outcome::Answer(Answer::Page(_)))
        )
    }
}

#[cfg(test)]
mod tests {
    use halcyon_crdt::Object;
    use halcyon_wire::Write;

    use super::*;
    use crate::mint::request_id;

    fn write(value: usize) -> Body {
        let object = Object::new(10_u64.try_into().unwrap(), "k");
        let value = vec![7; value].into();
        Body::Write(Write { request: request_id(), updates: vec![Update { object, op: Op::Set { value } }] })
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
        assert_eq!(weight(&Body::Digest), 1);
    }
}
