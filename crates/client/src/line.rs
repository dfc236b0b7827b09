//! One region, as requests see it: whether it is connected, what waits to be sent, and who waits for an answer.
//!
//! Callers encode straight into one buffer, which the driver takes whole whenever it wakes: many requests, one write.
//! A frame counts as sent from the moment that the driver takes it; until then it can be cut out of the buffer again, so
//! "not sent" is always true when it is said. The line never resends: whoever waits decides that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use halcyon_net::FrameSizeError;
use halcyon_types::RegionName;
use halcyon_types::topology::Region;
use halcyon_wire::{Body, Outcome, Refusal, Response, codec};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::error::Tried;
use crate::pending::Pending;
use crate::request;

/// A region and its connection.
pub(crate) struct Line {
    pub(crate) region: Region,
    /// Bounds requests on their way.
    room: Semaphore,
    room_max: usize,
    state: Mutex<State>,
    /// The driver has something to send, or a reason to look whether it should go on.
    outbound: Notify,
    /// Somebody wants a connection.
    wanted: Notify,
    /// Counts the changes of all lines' phases; whoever waits for a line waits for this.
    changes: Arc<watch::Sender<u64>>,
}

/// Whether requests can be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No connection, and nobody has wanted one.
    Idle,
    /// Being dialled for the first time since it was idle or up.
    Dialling,
    /// Connected.
    Up,
    /// The last dial failed, or the region is stopping.
    Down(Arc<str>),
}

/// One of a line's connections, by its number: what was begun on it ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Connection(u64);

struct State {
    phase: Phase,
    /// How many connections have ended.
    ended: u64,
    wanted: bool,
    pending: Pending,
}

/// What came of putting a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The region's word.
    Answer(Result<Outcome, Refusal>),
    /// The connection ended first.
    Lost { sent: bool, why: Arc<str> },
    /// The caller's time was up first.
    TimedOut { sent: bool },
    /// Not connected (any more): ask for a route again.
    NotUp,
    /// No frame can carry it.
    TooLarge(FrameSizeError),
}

impl Line {
    pub(crate) fn new(region: Region, in_flight: usize, changes: Arc<watch::Sender<u64>>) -> Self {
        Self {
            region,
            room: Semaphore::new(in_flight),
            room_max: in_flight,
            state: Mutex::new(State { phase: Phase::Idle, ended: 0, wanted: false, pending: Pending::new() }),
            outbound: Notify::new(),
            wanted: Notify::new(),
            changes,
        }
    }

    pub(crate) fn name(&self) -> &RegionName {
        &self.region.name
    }

    pub(crate) fn phase(&self) -> Phase {
        self.lock().phase.clone()
    }

    pub(crate) fn is_up(&self) -> bool {
        self.lock().phase == Phase::Up
    }

    /// Why a request waited for room in vain.
    pub(crate) fn crowded(&self) -> Tried {
        Tried {
            region: self.name().clone(),
            why: format!("{} requests were in flight to it, and no room came free in time", self.room_max),
        }
    }

    /// Asks the driver for a connection.
    pub(crate) fn want(&self) {
        self.lock().wanted = true;
        self.wanted.notify_one();
    }

    /// The connection that is up, or will be next.
    pub(crate) fn connection(&self) -> Connection {
        Connection(self.lock().ended)
    }

    /// Puts a request and waits for what comes of it. Dropping the future withdraws the request.
    pub(crate) async fn ask(&self, body: &Body, deadline: Instant) -> Reply {
        self.ask_on(self.connection(), body, deadline).await
    }

    /// The same, on this connection and no other.
    pub(crate) async fn ask_on(&self, connection: Connection, body: &Body, deadline: Instant) -> Reply {
        let weight = request::weight(body).min(self.room_max);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let Ok(permit) = timeout_at(deadline, self.room.acquire_many(weight)).await else {
            return Reply::TimedOut { sent: false };
        };
        let Ok(permit) = permit else { return Reply::NotUp };
        match self.put(connection, body, permit) {
            Ok(in_flight) => in_flight.reply(deadline).await,
            Err(reply) => *reply,
        }
    }

    /// Says something that nobody waits for an answer to, if this connection is still there.
    pub(crate) fn tell(&self, connection: Connection, body: &Body) {
        let mut state = self.lock();
        if state.phase == Phase::Up && Connection(state.ended) == connection {
            state.pending.tell(body);
            self.outbound.notify_one();
        }
    }

    fn put<'a>(
        &'a self,
        connection: Connection,
        body: &Body,
        permit: SemaphorePermit<'a>,
    ) -> Result<InFlight<'a>, Box<Reply>> {
        let mut state = self.lock();
        if state.phase != Phase::Up || Connection(state.ended) != connection {
            return Err(Box::new(Reply::NotUp));
        }
        let (id, receiver) = state.pending.put(body).map_err(|error| Box::new(Reply::TooLarge(error)))?;
        if state.pending.is_first_unsent(id) {
            self.outbound.notify_one();
        }
        drop(state);
        Ok(InFlight { line: self, id, receiver, _permit: permit })
    }

    /// Nobody waits for it any more. Says whether it was sent, and cuts it out of the buffer if not.
    fn withdraw(&self, id: u64) -> bool {
        let mut state = self.lock();
        let sent = state.pending.withdraw(id);
        if state.pending.is_settled() {
            self.outbound.notify_one();
        }
        sent
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }
}

/// The driver's side.
impl Line {
    /// Waits until somebody wants a connection; the wish counts as heard.
    pub(crate) async fn wanted(&self) {
        while !std::mem::take(&mut self.lock().wanted) {
            self.wanted.notified().await;
        }
    }

    /// Whether somebody wants a connection; the wish counts as heard.
    pub(crate) fn is_wanted(&self) -> bool {
        std::mem::take(&mut self.lock().wanted)
    }

    pub(crate) fn idle(&self) {
        self.enter(Phase::Idle);
    }

    pub(crate) fn dialling(&self) {
        self.enter(Phase::Dialling);
    }

    pub(crate) fn down(&self, why: Arc<str>) {
        self.enter(Phase::Down(why));
    }

    pub(crate) fn up(&self) {
        let mut state = self.lock();
        state.wanted = false;
        state.pending.begin();
        drop(state);
        self.enter(Phase::Up);
    }

    /// The connection has ended: everybody who waits is told. Says whether it had answered anything.
    pub(crate) fn lost(&self, next: Phase, why: &Arc<str>) -> bool {
        let mut state = self.lock();
        let ended = state.pending.end();
        state.ended += 1;
        drop(state);
        self.enter(next);
        for (sent, reply) in ended.waiting {
            let why = Arc::clone(why);
            // Whoever waited may have gone just now.
            let _ = reply.send(Reply::Lost { sent, why });
        }
        ended.answered
    }

    /// Waits for frames and takes all of them; from now on they count as sent. `None` when the region is stopping and has
    /// answered everything.
    pub(crate) async fn outgoing(&self) -> Option<Bytes> {
        loop {
            {
                let mut state = self.lock();
                if state.phase != Phase::Up && state.pending.is_settled() {
                    return None;
                }
                if let Some(frames) = state.pending.take() {
                    return Some(frames);
                }
            }
            self.outbound.notified().await;
        }
    }

    /// Hands out the answers in `frames`. An error is a broken protocol: nothing after it can be trusted.
    pub(crate) fn incoming(&self, frames: &mut Vec<Bytes>) -> Result<(), String> {
        let decoded: Vec<Result<Response, _>> = frames.drain(..).map(|frame| codec::decode(&frame)).collect();
        let mut state = self.lock();
        let mut away = None;
        let handed_out = decoded.into_iter().try_for_each(|response| {
            let response = response.map_err(|error| format!("it answered with {error}"))?;
            if let Err(refusal @ (Refusal::Stopping | Refusal::CatchingUp)) = &response.result {
                away = Some(refusal.to_string());
            }
            state.pending.answer(response)
        });
        let ending = away.is_some() || state.phase != Phase::Up;
        let unsaid = state.pending.has_unsent();
        drop(state);
        if let Some(why) = away {
            self.enter(Phase::Down(why.into()));
        }
        if ending || unsaid {
            // The connection is of use only while somebody waits for an answer on it: the driver must look. What was
            // answered in vain may have to be taken back, too.
            self.outbound.notify_one();
        }
        handed_out
    }
}

/// A request that was put, and the right to its answer.
struct InFlight<'a> {
    line: &'a Line,
    id: u64,
    receiver: oneshot::Receiver<Reply>,
    _permit: SemaphorePermit<'a>,
}

impl InFlight<'_> {
    async fn reply(mut self, deadline: Instant) -> Reply {
        match timeout_at(deadline, &mut self.receiver).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Reply::TimedOut { sent: true },
            Err(_) => {
                let sent = self.line.withdraw(self.id);
                // It may have arrived in the moment between.
                self.receiver.try_recv().unwrap_or(Reply::TimedOut { sent })
            }
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.receiver.is_terminated() {
            self.line.withdraw(self.id);
        }
    }
}
