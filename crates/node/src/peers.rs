//! The peer plane: the links that this node dials and those that its peers dial.
//!
//! Which link of a peer counts is the newest; every link has a number, and what an older one still says is ignored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use halcyon_net::{Credentials, FrameReader, FrameWriter, LinkHandle, PeerListener, PeerReceiver, PeerSender};
use halcyon_types::RegionId;
use halcyon_types::topology::{Region, Topology};
use halcyon_wire::{PeerMessage, codec};
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::event::Event;

/// Numbers links, of both directions.
#[derive(Debug, Clone, Default)]
pub(crate) struct LinkNumbers(Arc<AtomicU64>);

impl LinkNumbers {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A link that this node dialled, as the driver holds it. Its queues are bounded by the core's window.
#[derive(Debug)]
pub(crate) struct OutLink {
    pub(crate) id: u64,
    pub(crate) handle: LinkHandle,
    control: UnboundedSender<Frame>,
    records: UnboundedSender<Frame>,
}

/// A frame, and when it may leave.
type Frame = (Option<Instant>, Bytes);

impl OutLink {
    /// Queues `message`, to leave no earlier than `due`.
    pub(crate) fn send(&self, message: &PeerMessage, due: Option<Instant>) -> Result<(), halcyon_net::FrameSizeError> {
        let mut bytes = Vec::with_capacity(256);
        halcyon_net::frame::append(&mut bytes, |body| codec::encode(body, message))?;
        let lane = if matches!(message, PeerMessage::Range(_)) { &self.records } else { &self.control };
        // A writer that has ended takes nothing; the link's end is on its way to the driver.
        let _ = lane.send((due, bytes.into()));
        Ok(())
    }
}

/// Dials `region` once, and tells the driver how it went and how it ended.
pub(crate) async fn dial(own: Arc<Credentials>, region: Region, numbers: LinkNumbers, events: Sender<Event>) {
    let peer = region.id;
    let PeerSender { control, records, handle, .. } = match halcyon_net::peer::dial(&own, &region).await {
        Ok(sender) => sender,
        Err(error) => {
            tracing::debug!(peer = %region.name, %error, "dial failed");
            let _ = events.send(Event::LinkDown { peer, link: None }).await;
            return;
        }
    };
    tracing::info!(peer = %region.name, "link up");
    let id = numbers.next();
    let (control_queue, control_frames) = mpsc::unbounded_channel();
    let (records_queue, records_frames) = mpsc::unbounded_channel();
    tokio::spawn(write(control, control_frames));
    tokio::spawn(write(records, records_frames));
    let link = OutLink { id, handle: handle.clone(), control: control_queue, records: records_queue };
    if events.send(Event::LinkUp { peer, link }).await.is_err() {
        return;
    }
    let end = handle.closed().await;
    tracing::info!(peer = %region.name, %end, "link down");
    let _ = events.send(Event::LinkDown { peer, link: Some(id) }).await;
}

/// Writes frames in order, as many as may leave in one write.
async fn write(mut writer: FrameWriter, mut frames: UnboundedReceiver<Frame>) {
    let mut held = None;
    while let Some((due, frame)) = next(&mut held, &mut frames).await {
        if let Some(due) = due {
            tokio::time::sleep_until(due).await;
        }
        let mut batch = vec![frame];
        while let Ok((due, frame)) = frames.try_recv() {
            if due.is_some() {
                held = Some((due, frame));
                break;
            }
            batch.push(frame);
        }
        let bytes = match <[Bytes; 1]>::try_from(batch) {
            Ok([one]) => one,
            Err(many) => many.concat().into(),
        };
        if writer.write(bytes).await.is_err() {
            return;
        }
    }
    let _ = writer.finish().await;
}

async fn next(held: &mut Option<Frame>, frames: &mut UnboundedReceiver<Frame>) -> Option<Frame> {
    match held.take() {
        Some(frame) => Some(frame),
        None => frames.recv().await,
    }
}

/// Accepts peers' links until the listener ends.
pub(crate) async fn accept(
    mut listener: PeerListener,
    topology: Topology,
    numbers: LinkNumbers,
    events: Sender<Event>,
) {
    while let Some(receiver) = listener.accept().await {
        // The net admits only regions of the topology.
        if let Some(region) = topology.region(&receiver.region) {
            tokio::spawn(listen(receiver, region.id, numbers.next(), events.clone()));
        }
    }
}

async fn listen(receiver: PeerReceiver, peer: RegionId, link: u64, events: Sender<Event>) {
    let PeerReceiver { region, mut control, records, handle } = receiver;
    if events.send(Event::PeerUp { peer, link, handle: handle.clone() }).await.is_err() {
        return;
    }
    let ear = Ear { peer, link, handle: handle.clone(), events: events.clone() };
    // Streams keep no order between each other: the hello, first on control, comes before any record.
    if ear.read_once(&mut control).await {
        let bulk = tokio::spawn(ear.clone().read(records));
        ear.read(control).await;
        bulk.abort();
    }
    let end = tokio::time::timeout(Duration::ZERO, handle.closed()).await;
    handle.close("no more is expected");
    tracing::info!(peer = %region, end = ?end.ok(), "peer's link down");
    let _ = events.send(Event::PeerDown { peer, link }).await;
}

/// Hears one peer on one link.
#[derive(Clone)]
struct Ear {
    peer: RegionId,
    link: u64,
    handle: LinkHandle,
    events: Sender<Event>,
}

impl Ear {
    async fn read(self, mut reader: FrameReader) {
        while self.read_once(&mut reader).await {}
        self.handle.close("a stream of the link has ended");
    }

    /// Passes on what has arrived; `false` once there will be nothing more.
    async fn read_once(&self, reader: &mut FrameReader) -> bool {
        let mut frames = Vec::new();
        match reader.read(&mut frames).await {
            Ok(n) if n > 0 => {}
            _ => return false,
        }
        let messages: Result<Vec<PeerMessage>, _> = frames.iter().map(|frame| codec::decode(frame)).collect();
        match messages {
            Ok(messages) => {
                let said = Event::PeerSaid { peer: self.peer, link: self.link, messages };
                self.events.send(said).await.is_ok()
            }
            Err(error) => {
                tracing::warn!(peer = %self.peer, %error, "a peer sent what is no message; its link is dropped");
                self.handle.close(&error.to_string());
                false
            }
        }
    }
}
