//! The client plane: one reader and one writer per application connection.
//!
//! A connection may have so many requests unanswered; past that its reader stops reading, and QUIC's own flow control
//! carries the backpressure to the application. A request that cannot be decoded ends the connection: behind it nothing
//! can be trusted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use halcyon_core::SessionId;
use halcyon_net::{ClientListener, FrameReader, FrameWriter, Identity, Session};
use halcyon_types::limits::{CONNECTION_REQUESTS_MAX, CONNECTIONS_MAX, FRAME_BYTES_MAX};
use halcyon_wire::{Request, codec};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;

use crate::event::Event;
use crate::outbox::Outbox;

/// Requests that reach the driver in one event, so that one busy connection leaves room for others.
const REQUESTS_PER_EVENT: usize = 128;
/// Events of a connection that the driver has not come to. With the bound below, the most that answers can hold.
const EVENTS_IN_TURN: usize = 2;
/// Unwritten answer bytes of a connection past which its reader waits.
const UNWRITTEN_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;

/// How long a stopping node waits for slow readers of its last answers.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);

/// Where a session's answers go.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) answers: Arc<Outbox>,
    /// To be given a permit for each event of requests that has been handled.
    pub(crate) turns: Arc<Semaphore>,
    /// Whose it is, as its certificate says.
    pub(crate) identity: Arc<Identity>,
}

/// A seat for every session; all are free again once every session has said its last.
pub(crate) fn seats() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(CONNECTIONS_MAX))
}

/// Accepts sessions until the listener ends.
pub(crate) async fn accept(mut listener: ClientListener, seats: Arc<Semaphore>, events: Sender<Event>) {
    let mut next = 0;
    while let Some(session) = listener.accept().await {
        let Ok(seat) = seats.clone().try_acquire_owned() else {
            session.handle.close("Overloaded: every seat of this node is taken; back off and try again");
            continue;
        };
        next += 1;
        let events = events.clone();
        tokio::spawn(async move {
            serve(SessionId(next), session, events).await;
            drop(seat);
        });
    }
}

/// Waits until every session has written its last answer. The driver has closed their outboxes.
pub(crate) async fn drained(seats: &Semaphore) {
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(DRAIN_PATIENCE, seats.acquire_many(all)).await;
}

async fn serve(id: SessionId, session: Session, events: Sender<Event>) {
    let Session { reader, writer, handle, identity } = session;
    let identity = Arc::new(identity);
    tracing::debug!(session = id.0, %identity, "session opened");
    let (answers, turns) = (Outbox::new(), Arc::new(Semaphore::new(EVENTS_IN_TURN)));
    let room = Arc::new(Semaphore::new(CONNECTION_REQUESTS_MAX));
    let written = Arc::new(tokio::sync::Notify::new());
    let seat = Seat { answers: answers.clone(), turns: turns.clone(), identity: identity.clone() };
    if events.send(Event::SessionOpened { session: id, seat }).await.is_err() {
        return;
    }
    let flow = Flow { turns: turns.clone(), room: room.clone(), answers: answers.clone(), written: written.clone() };
    let writing = write(writer, answers.clone(), room, written);
    tokio::pin!(writing);
    tokio::select! {
        read = read(id, reader, &flow, &events) => {
            if let Err(reason) = read {
                tracing::warn!(session = id.0, %identity, %reason, "session ended by this node");
                handle.close(&reason);
            }
            answers.close();
            writing.await;
        }
        // The driver has closed the outbox, for the node is stopping and all answers have been written; or the other end
        // takes no more of them.
        () = &mut writing => handle.close("no more answers can be written"),
    }
    // The driver's queue is bounded: this waits at most for its turn.
    let _ = events.send(Event::SessionClosed { session: id }).await;
}

/// How much a session may have in flight.
struct Flow {
    room: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    answers: Arc<Outbox>,
    written: Arc<tokio::sync::Notify>,
}

/// Reads until the end; `Err` says why this node wants the connection closed.
async fn read(id: SessionId, mut reader: FrameReader, flow: &Flow, events: &Sender<Event>) -> Result<(), String> {
    let mut frames: Vec<Bytes> = Vec::new();
    loop {
        frames.clear();
        match reader.read(&mut frames).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(session = id.0, %error, "session ended");
                return Ok(());
            }
        }
        for chunk in frames.chunks(REQUESTS_PER_EVENT) {
            let requests: Result<Vec<Request>, _> = chunk.iter().map(|frame| codec::decode(frame)).collect();
            let requests = requests.map_err(|error| format!("BadRequest: {error}"))?;
            let permits = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            if let Ok(permit) = flow.room.acquire_many(permits).await {
                permit.forget();
            }
            if let Ok(turn) = flow.turns.acquire().await {
                turn.forget();
            }
            while flow.answers.bytes() > UNWRITTEN_BYTES_MAX {
                flow.written.notified().await;
            }
            if events.send(Event::Requests { session: id, requests }).await.is_err() {
                return Ok(());
            }
        }
    }
}

async fn write(mut writer: FrameWriter, answers: Arc<Outbox>, room: Arc<Semaphore>, written: Arc<tokio::sync::Notify>) {
    while let Some((bytes, frames)) = answers.take().await {
        // A connection that is gone takes no answers; its reader ends it.
        let gone = writer.write(Bytes::from(bytes)).await.is_err();
        answers.wrote();
        room.add_permits(frames);
        written.notify_one();
        if gone {
            return answers.close();
        }
    }
    let _ = writer.finish().await;
}
