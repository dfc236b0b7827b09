//! Requests that wait until this node has seen what their session saw.
//!
//! Each waits for one dot it lacks: the first of its token that is not synced. A commit looks up the dots it brought, so
//! thousands of waiting requests cost a commit nothing unless it concerns them. Bounded in number, bytes and time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_crdt::Update;
use halcyon_types::limits::{WAITING_BYTES_MAX, WAITING_MAX};
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, Seq, VersionVector};
use halcyon_wire::{Body, Check, Seen, Session, Write};

use crate::event::SessionId;

/// A request, put off.
#[derive(Debug)]
pub(crate) struct PutOff {
    pub(crate) session: SessionId,
    pub(crate) id: u64,
    pub(crate) body: Body,
    pub(crate) since: Duration,
    pub(crate) deadline: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    last: u64,
    bytes: usize,
    requests: BTreeMap<u64, (Dot, PutOff)>,
    by_dot: BTreeSet<(Dot, u64)>,
    by_deadline: BTreeSet<(Duration, u64)>,
}

/// The first dot of `token` that `vv` lacks.
pub(crate) fn lacking(token: &VersionVector, vv: &VersionVector) -> Option<Dot> {
    token.iter().map(|(actor, seq)| Dot { actor, seq }).find(|dot| !vv.covers(*dot))
}

/// What a request must see first, if anything.
pub(crate) const fn session_of(body: &Body) -> Option<&Session> {
    match body {
        Body::Read { session, .. }
        | Body::Scan { session, .. }
        | Body::Begin { session }
        | Body::Token { session }
        | Body::Write(Write { session, .. }) => Some(session),
        Body::Abort { .. } | Body::Digest { .. } | Body::Copy { .. } | Body::Members { .. } => None,
    }
}

/// A name and three addresses, roughly.
const MEMBER_BYTES_MAX: usize = 1024;

/// What a request holds in memory, roughly.
pub(crate) fn weight(body: &Body) -> usize {
    let what = match body {
        Body::Read { within, object, query, .. } => {
            let buffered = within.as_ref().map_or(0, |within| weight_of_updates(&within.updates));
            object.weight() + query.weight() + buffered
        }
        Body::Write(write) => return size_of::<PutOff>() + weight_of_write(write),
        Body::Scan { beginning, page, .. } => beginning.len() + page.after.as_ref().map_or(0, bytes::Bytes::len),
        Body::Copy { place } => place.len(),
        Body::Members { .. } => MEMBER_BYTES_MAX,
        Body::Begin { .. } | Body::Abort { .. } | Body::Token { .. } | Body::Digest { .. } => 0,
    };
    size_of::<PutOff>() + session_of(body).map_or(0, weight_of_session) + what
}

/// What a write holds in memory besides itself, roughly.
pub(crate) fn weight_of_write(write: &Write) -> usize {
    let check = |check: &Check| size_of::<Check>() + check.object.weight() + check.query.weight();
    let checks = match &write.seen {
        Seen::Transaction { checks, .. } => checks.iter().map(check).sum(),
        Seen::Present | Seen::Session => 0,
    };
    weight_of_session(&write.session) + weight_of_updates(&write.updates) + checks
}

fn weight_of_updates(updates: &[Update]) -> usize {
    updates.iter().map(|update| size_of::<Update>() + update.weight()).sum()
}

fn weight_of_session(session: &Session) -> usize {
    session.token.len() * size_of::<(ActorId, Seq)>()
}

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.requests.len() >= WAITING_MAX || self.bytes >= WAITING_BYTES_MAX
    }

    pub(crate) fn put_off(&mut self, lacks: Dot, request: PutOff) {
        self.last += 1;
        self.insert(self.last, lacks, request);
    }

    fn insert(&mut self, key: u64, lacks: Dot, request: PutOff) {
        self.by_dot.insert((lacks, key));
        self.by_deadline.insert((request.deadline, key));
        self.bytes += weight(&request.body);
        self.requests.insert(key, (lacks, request));
    }

    fn remove(&mut self, key: u64) -> Option<PutOff> {
        let (lacks, request) = self.requests.remove(&key)?;
        self.by_dot.remove(&(lacks, key));
        self.by_deadline.remove(&(request.deadline, key));
        self.bytes -= weight(&request.body);
        Some(request)
    }

    /// The requests that `vv` covers, now that `actors` have moved in it, in the order they came.
    pub(crate) fn released(&mut self, vv: &VersionVector, actors: impl Iterator<Item = ActorId>) -> Vec<PutOff> {
        let mut keys = BTreeSet::new();
        for actor in actors {
            let dot = |seq| Dot { actor, seq };
            let reached = (dot(Seq::ZERO), 0)..=(dot(vv.get(actor)), u64::MAX);
            keys.extend(self.by_dot.range(reached).map(|(_, key)| *key));
        }
        let mut released = Vec::new();
        for key in keys {
            let Some(request) = self.remove(key) else { continue };
            match session_of(&request.body).and_then(|session| lacking(&session.token, vv)) {
                Some(lacks) if !planted(Mutant::ReleasedEarly) => self.insert(key, lacks, request),
                _ => released.push(request),
            }
        }
        released
    }

    /// A request whose time is up.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<PutOff> {
        let (deadline, key) = *self.by_deadline.first()?;
        if deadline > now {
            return None;
        }
        self.remove(key)
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.by_deadline.first().map(|(at, _)| *at)
    }

    /// Takes out every request of which `which` says so, in the order they came.
    pub(crate) fn take(&mut self, which: impl Fn(&PutOff) -> bool) -> Vec<PutOff> {
        let taken = self.requests.iter().filter(|(_, (_, request))| which(request));
        let keys: Vec<_> = taken.map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    pub(crate) fn agrees(&self) -> bool {
        self.requests.len() == self.by_dot.len()
            && self.requests.len() == self.by_deadline.len()
            && self.requests.len() <= WAITING_MAX
            && (!self.requests.is_empty() || self.bytes == 0)
    }
}
