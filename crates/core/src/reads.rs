//! Reads that wait until this node has seen what their session saw.
//!
//! Each waits for one dot it lacks: the first of its token that is not synced. A commit looks up the dots it brought, so
//! thousands of waiting reads cost a commit nothing unless it concerns them. Bounded in number and in time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_crdt::{Object, Query};
use halcyon_types::limits::{WAITING_READS_BYTES_MAX, WAITING_READS_MAX};
use halcyon_types::{ActorId, Dot, Seq, VersionVector};
use halcyon_wire::Body;

use crate::event::SessionId;

/// A read, put off.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) session: SessionId,
    pub(crate) id: u64,
    pub(crate) body: Body,
    pub(crate) since: Duration,
    pub(crate) deadline: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Reads {
    last: u64,
    bytes: usize,
    waiting: BTreeMap<u64, (Dot, Waiting)>,
    by_dot: BTreeSet<(Dot, u64)>,
    by_deadline: BTreeSet<(Duration, u64)>,
}

/// The first dot of `token` that `vv` lacks.
pub(crate) fn lacking(token: &VersionVector, vv: &VersionVector) -> Option<Dot> {
    token.iter().map(|(actor, seq)| Dot { actor, seq }).find(|dot| !vv.covers(*dot))
}

pub(crate) const fn session_of(body: &Body) -> Option<&VersionVector> {
    match body {
        Body::Read { session, .. } | Body::Token { session, .. } => session.as_ref(),
        Body::Write(_) | Body::Digest => None,
    }
}

/// What a waiting read holds in memory, roughly.
fn bytes_of(body: &Body) -> usize {
    let token = session_of(body).map_or(0, |token| token.len() * size_of::<(ActorId, Seq)>());
    let what = match body {
        Body::Read { object, query, .. } => bytes_of_object(object) + bytes_of_query(query),
        Body::Write(_) | Body::Token { .. } | Body::Digest => 0,
    };
    size_of::<Waiting>() + token + what
}

pub(crate) fn bytes_of_object(object: &Object) -> usize {
    let path: usize = object.path.iter().map(|field| size_of::<bytes::Bytes>() + field.len()).sum();
    object.key.len() + path
}

fn bytes_of_query(query: &Query) -> usize {
    match query {
        Query::Get | Query::Sum => 0,
        Query::Contains { element } => element.len(),
        Query::Elements(page) | Query::Fields(page) => page.after.as_ref().map_or(0, bytes::Bytes::len),
    }
}

impl Reads {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_READS_MAX || self.bytes >= WAITING_READS_BYTES_MAX
    }

    pub(crate) fn put_off(&mut self, lacks: Dot, read: Waiting) {
        self.last += 1;
        self.insert(self.last, lacks, read);
    }

    fn insert(&mut self, key: u64, lacks: Dot, read: Waiting) {
        self.by_dot.insert((lacks, key));
        self.by_deadline.insert((read.deadline, key));
        self.bytes += bytes_of(&read.body);
        self.waiting.insert(key, (lacks, read));
    }

    fn remove(&mut self, key: u64) -> Option<Waiting> {
        let (lacks, read) = self.waiting.remove(&key)?;
        self.by_dot.remove(&(lacks, key));
        self.by_deadline.remove(&(read.deadline, key));
        self.bytes -= bytes_of(&read.body);
        Some(read)
    }

    /// The reads that `vv` covers, now that `actors` have moved in it, in the order they came.
    pub(crate) fn released(&mut self, vv: &VersionVector, actors: impl Iterator<Item = ActorId>) -> Vec<Waiting> {
        let mut keys = BTreeSet::new();
        for actor in actors {
            let dot = |seq| Dot { actor, seq };
            let reached = (dot(Seq::ZERO), 0)..=(dot(vv.get(actor)), u64::MAX);
            keys.extend(self.by_dot.range(reached).map(|(_, key)| *key));
        }
        let mut released = Vec::new();
        for key in keys {
            let Some(read) = self.remove(key) else { continue };
            match session_of(&read.body).and_then(|token| lacking(token, vv)) {
                Some(lacks) => self.insert(key, lacks, read),
                None => released.push(read),
            }
        }
        released
    }

    /// A read whose time is up.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<Waiting> {
        let (deadline, key) = *self.by_deadline.first()?;
        if deadline > now {
            return None;
        }
        self.remove(key)
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.by_deadline.first().map(|(at, _)| *at)
    }

    pub(crate) fn forget(&mut self, session: SessionId) {
        let keys: Vec<_> =
            self.waiting.iter().filter(|(_, (_, read))| read.session == session).map(|(key, _)| *key).collect();
        for key in keys {
            self.remove(key);
        }
    }

    pub(crate) fn agrees(&self) -> bool {
        self.waiting.len() == self.by_dot.len()
            && self.waiting.len() == self.by_deadline.len()
            && self.waiting.len() <= WAITING_READS_MAX
    }
}
