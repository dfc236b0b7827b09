//! One connection's requests: encoded and waiting to be sent, sent and waiting to be answered.
//!
//! Pure bookkeeping under the line's lock. Ids ascend for as long as the client lives, and what is to be sent is taken as
//! a whole, so the unsent are always the newest; no answer of one connection is mistaken for another's.

use std::collections::BTreeMap;

use bytes::Bytes;
use halcyon_net::FrameSizeError;
use halcyon_wire::{Body, Outcome, Refusal, Response};
use tokio::sync::oneshot;

use crate::line::Reply;
use crate::request::{self, Expect};

/// Requests, by what they wait for.
pub(crate) struct Pending {
    next_id: u64,
    /// Encoded frames that the driver has yet to take.
    outbox: Vec<u8>,
    /// Where each of them ends, by id.
    unsent: Vec<(u64, usize)>,
    /// Everybody who waits for an answer, the unsent among them.
    waiting: BTreeMap<u64, Waiting>,
    /// Whether this connection has answered anything.
    answered: bool,
}

struct Waiting {
    expect: Expect,
    reply: oneshot::Sender<Reply>,
}

/// What a connection leaves behind.
pub(crate) struct Ended {
    /// Everybody who waited, and whether their request had been sent.
    pub(crate) waiting: Vec<(bool, oneshot::Sender<Reply>)>,
    /// Whether it had answered anything.
    pub(crate) answered: bool,
}

impl Pending {
    pub(crate) const fn new() -> Self {
        Self { next_id: 1, outbox: Vec::new(), unsent: Vec::new(), waiting: BTreeMap::new(), answered: false }
    }

    /// A connection begins.
    pub(crate) fn begin(&mut self) {
        self.answered = false;
    }

    /// Adds a request.
    pub(crate) fn put(&mut self, body: &Body) -> Result<(u64, oneshot::Receiver<Reply>), FrameSizeError> {
        let id = self.next_id;
        request::append(&mut self.outbox, id, body)?;
        self.next_id += 1;
        self.unsent.push((id, self.outbox.len()));
        let (reply, receiver) = oneshot::channel();
        let expect = Expect::of(body);
        self.waiting.insert(id, Waiting { expect, reply });
        Ok((id, receiver))
    }

    /// Adds a request whose answer nobody waits for.
    pub(crate) fn tell(&mut self, body: &Body) {
        // What is told is small: it always fits a frame.
        if request::append(&mut self.outbox, self.next_id, body).is_ok() {
            self.unsent.push((self.next_id, self.outbox.len()));
            self.next_id += 1;
        }
    }

    /// Whether anything waits to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether `id` is the oldest that is not sent: the driver may be asleep.
    pub(crate) fn is_first_unsent(&self, id: u64) -> bool {
        self.unsent.first().is_some_and(|(first, _)| *first == id)
    }

    /// Whether nobody waits for anything.
    pub(crate) fn is_settled(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All frames that are to be sent; from now on they count as sent.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        if self.outbox.is_empty() {
            return None;
        }
        self.unsent.clear();
        let spare = Vec::with_capacity(self.outbox.len());
        Some(std::mem::replace(&mut self.outbox, spare).into())
    }

    /// Nobody waits for it any more. Says whether it was sent, and cuts it out of what is to be sent if not.
    pub(crate) fn withdraw(&mut self, id: u64) -> bool {
        self.waiting.remove(&id);
        let Ok(at) = self.unsent.binary_search_by_key(&id, |(id, _)| *id) else {
            return true;
        };
        let (_, end) = self.unsent.remove(at);
        let before = at.checked_sub(1).and_then(|before| self.unsent.get(before));
        let start = before.map_or(0, |(_, end)| *end);
        self.outbox.drain(start..end);
        for (_, later) in self.unsent.iter_mut().skip(at) {
            *later -= end - start;
        }
        false
    }

    /// Hands out one answer. An error is a broken protocol.
    pub(crate) fn answer(&mut self, Response { id, result }: Response) -> Result<(), String> {
        let sent_below = self.unsent.first().map_or(self.next_id, |(id, _)| *id);
        if id >= sent_below {
            return Err(format!("it answered request {id}, which was never sent"));
        }
        // Absent: withdrawn, its answer comes too late.
        let Some(Waiting { expect, .. }) = self.waiting.get(&id) else {
            self.undo(&result);
            return Ok(());
        };
        if result.as_ref().is_ok_and(|outcome| !expect.is_met_by(outcome)) {
            return Err(format!("its answer to request {id} is of another kind than the question"));
        }
        self.answered = true;
        if let Some(waiting) = self.waiting.remove(&id)
            && let Err(Reply::Answer(result)) = waiting.reply.send(Reply::Answer(result))
        {
            self.undo(&result);
        }
        Ok(())
    }

    /// Nobody will use what was answered: a transaction that was begun would hold a snapshot until it expires.
    fn undo(&mut self, result: &Result<Outcome, Refusal>) {
        if let Ok(Outcome::Begun { transaction, .. }) = result {
            self.tell(&Body::Abort { transaction: *transaction });
        }
    }

    /// The connection has ended.
    pub(crate) fn end(&mut self) -> Ended {
        let first_unsent = self.unsent.first().map_or(u64::MAX, |(id, _)| *id);
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        self.unsent = Vec::new();
        self.outbox = Vec::new();
        Ended {
            waiting: waiting.map(|(id, waiting)| (id < first_unsent, waiting.reply)).collect(),
            answered: self.answered,
        }
    }
}
