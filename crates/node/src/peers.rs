//! The peer plane: the links that this node dials and those that its peers dial.
//!
//! Which link of a peer counts is the newest; every link has a number, and what an older one still says is ignored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use halcyon_net::{
    Credentials, DialError, FrameReader, FrameWriter, LinkHandle, PeerListener, PeerReceiver, PeerSender,
};
use halcyon_types::limits::RANGE_BYTES_MAX;
use halcyon_types::topology::Region;
use halcyon_types::{ActorId, RegionId, Seq};
use halcyon_wire::{DecodeError, PeerMessage, codec};
use tokio::sync::mpsc::{self, Receiver, Sender};
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

/// A link that this node dialled, as the driver holds it.
///
/// The core hands out the next range when told that the link has taken this one; only ranges that a fault holds stand in
/// its records lane together, within the core's window. Past its bounds a lane drops, as what matters is said again.
#[derive(Debug)]
pub(crate) struct OutLink {
    pub(crate) id: u64,
    pub(crate) handle: LinkHandle,
    control: mpsc::Sender<Frame>,
    records: mpsc::Sender<Frame>,
}

/// Frames that wait for a link: a heartbeat each 100 ms and a few pulls, or a window of ranges, held by a delay.
const LANE_MAX: usize = 1024;

/// What the replica wants to know once the link has taken it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sent {
    /// A range of records.
    Range { actor: ActorId, last: Seq, bytes: usize },
    /// A page of a copy.
    Page { bytes: usize },
}

/// What a lane carries.
#[derive(Debug)]
struct Frame {
    /// When it may leave.
    due: Option<Instant>,
    bytes: Bytes,
    /// What to tell once it is taken.
    sent: Option<Sent>,
}

impl OutLink {
    /// Queues `message`, to leave no earlier than `due`.
    pub(crate) fn send(&self, message: &PeerMessage, due: Option<Instant>) -> Result<(), halcyon_net::FrameSizeError> {
        let mut bytes = Vec::with_capacity(256);
        halcyon_net::frame::append(&mut bytes, |body| codec::encode(body, message))?;
        let (lane, sent) = match message {
            PeerMessage::Range(_) | PeerMessage::Page(_) if due.is_some() => (&self.records, None),
            PeerMessage::Range(range) => {
                (&self.records, Some(Sent::Range { actor: range.actor, last: range.last(), bytes: range.bytes() }))
            }
            PeerMessage::Page(page) => (&self.records, Some(Sent::Page { bytes: page.entries.len() })),
            _ => (&self.control, None),
        };
        // A lane that is full drops what will be said again. A writer that has ended takes nothing: the link's end is on
        // its way to the driver.
        let _ = lane.try_send(Frame { due, bytes: bytes.into(), sent });
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
            let event = match error {
                DialError::Refused { reason, .. } => Event::LinkRefused { peer, reason },
                _ => Event::LinkDown { peer, link: None },
            };
            let _ = events.send(event).await;
            return;
        }
    };
    tracing::info!(peer = %region.name, "link up");
    let id = numbers.next();
    let (control_queue, control_frames) = mpsc::channel(LANE_MAX);
    let (records_queue, records_frames) = mpsc::channel(LANE_MAX);
    let told = Told { peer, link: id, events: events.clone() };
    tokio::spawn(write(control, control_frames, told.clone()));
    tokio::spawn(write(records, records_frames, told));
    let link = OutLink { id, handle: handle.clone(), control: control_queue, records: records_queue };
    if events.send(Event::LinkUp { peer, link }).await.is_err() {
        return;
    }
    let end = handle.closed().await;
    tracing::info!(peer = %region.name, %end, "link down");
    let _ = events.send(Event::LinkDown { peer, link: Some(id) }).await;
}

/// To whom a writer tells what the link has taken.
#[derive(Clone)]
struct Told {
    peer: RegionId,
    link: u64,
    events: Sender<Event>,
}

/// Writes frames in order, each when it is due.
async fn write(mut writer: FrameWriter, mut frames: Receiver<Frame>, told: Told) {
    while let Some(Frame { due, bytes, sent }) = frames.recv().await {
        if let Some(due) = due {
            tokio::time::sleep_until(due).await;
        }
        if writer.write(bytes).await.is_err() {
            return;
        }
        if let Some(sent) = sent {
            let _ = told.events.send(Event::Sent { peer: told.peer, link: told.link, sent }).await;
        }
    }
    let _ = writer.finish().await;
}

/// Accepts peers' links until the listener ends.
pub(crate) async fn accept(mut listener: PeerListener, numbers: LinkNumbers, events: Sender<Event>) {
    while let Some(receiver) = listener.accept().await {
        // The net admits only regions of the roster.
        if let Some(region) = listener.roster().id_of(&receiver.region) {
            tokio::spawn(listen(receiver, region, numbers.next(), events.clone()));
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
        let mut frames = frames.into_iter();
        while frames.len() > 0 {
            match decode(&mut frames) {
                Ok(messages) => {
                    let said = Event::PeerSaid { peer: self.peer, link: self.link, messages };
                    if self.events.send(said).await.is_err() {
                        return false;
                    }
                }
                Err(error) => {
                    tracing::warn!(peer = %self.peer, %error, "a peer sent what is no message; its link is dropped");
                    self.handle.close(&error.to_string());
                    return false;
                }
            }
        }
        true
    }
}

/// The messages of some frames: of all, or of so many that their records make up a range. What a peer has packed is
/// unpacked no faster than the driver takes it, however little it was on the way.
fn decode(frames: &mut impl Iterator<Item = Bytes>) -> Result<Vec<PeerMessage>, DecodeError> {
    let (mut messages, mut held) = (Vec::new(), 0);
    while held < RANGE_BYTES_MAX
        && let Some(frame) = frames.next()
    {
        let message = codec::decode(&frame)?;
        if let PeerMessage::Range(range) = &message {
            held += range.bytes() + range.records.len() * size_of::<Bytes>();
        }
        messages.push(message);
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use halcyon_types::UnixMs;
    use halcyon_wire::Range;

    use super::*;

    #[test]
    fn p10_frames_are_read_no_further_than_a_range_of_records_at_once() {
        // Of few bytes each, once packed.
        let range = |records| {
            let actor = ActorId::mint(RegionId::try_from(2).unwrap(), UnixMs(1));
            let mut frame = Vec::new();
            codec::encode(&mut frame, &PeerMessage::Range(Range { actor, first: Seq(1), records }));
            Bytes::from(frame)
        };
        let frame = |bytes: usize| {
            let frame = range(vec![Bytes::from(vec![0; bytes / 2]); 2]);
            assert!(frame.len() < 512, "packed");
            frame
        };
        let places = 2 * size_of::<Bytes>();
        let mut frames = [RANGE_BYTES_MAX - places - 2, 4, 8, 8].map(frame).into_iter();
        assert_eq!(decode(&mut frames).unwrap().len(), 2);
        assert_eq!(decode(&mut frames).unwrap().len(), 2);
        assert_eq!(frames.len(), 0);
        let empty = || range(vec![Bytes::new(); RANGE_BYTES_MAX / size_of::<Bytes>() / 2]);
        assert_eq!(
            decode(&mut std::iter::repeat_with(empty).take(3)).unwrap().len(),
            2,
            "empty records have their places"
        );
        assert!(decode(&mut [frame(8), Bytes::from_static(b"none")].into_iter()).is_err());
    }
}
