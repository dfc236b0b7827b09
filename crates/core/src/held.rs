//! Requests that came before this node could say whether it may answer them. Bounded as those that wait for their session.

use std::time::Duration;

use halcyon_types::limits::{WAITING_BYTES_MAX, WAITING_MAX};
use halcyon_wire::Body;

use crate::event::SessionId;
use crate::waiting::weight;

/// When it came, from whom, and what it is.
type HeldRequest = (Duration, SessionId, u64, Body);

/// In the order they came.
#[derive(Debug, Default)]
pub(crate) struct Held {
    requests: Vec<HeldRequest>,
    bytes: usize,
}

impl Held {
    pub(crate) const fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub(crate) const fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.requests.len() >= WAITING_MAX || self.bytes >= WAITING_BYTES_MAX
    }

    pub(crate) fn push(&mut self, since: Duration, session: SessionId, id: u64, body: Body) {
        self.bytes += weight(&body);
        self.requests.push((since, session, id, body));
    }

    pub(crate) fn forget(&mut self, session: SessionId) {
        self.requests.retain(|(_, of, ..)| *of != session);
        self.bytes = self.requests.iter().map(|(.., body)| weight(body)).sum();
    }

    pub(crate) fn into_requests(self) -> impl Iterator<Item = HeldRequest> {
        self.requests.into_iter()
    }
}
