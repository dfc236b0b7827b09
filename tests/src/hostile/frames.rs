//! Frames that are none, over connections that are in order.
//!
//! A node ends a connection at the first frame that it cannot read, so of what is sent behind it nothing is looked at:
//! [`Frames`] counts both. Requests that can be read and make no sense keep their connection, and each is decoded and
//! refused.

use std::time::Duration;

use bytes::Bytes;
use halcyon_net::{FrameReader, FrameWriter, client, frame, peer};
use halcyon_types::limits::FRAME_BYTES_MAX;
use halcyon_wire::{PeerMessage, Request, codec};
use tokio::time::timeout;

use super::{Pace, Stranger};
use crate::fuzz::{Mutator, inputs};

/// Frames of one connection, written at once: a few packets.
const BATCH: usize = 256;
/// Malformed documents to choose from.
const STOCK: usize = 4096;
/// A node that does not end a connection within this has not noticed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What has been sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frames {
    /// Frames that are malformed: their length, or their body.
    pub malformed: u64,
    /// Frames that are requests, and make no sense.
    pub senseless: u64,
    /// Of all these, at least so many came to the node's decoder.
    pub judged: u64,
    /// Connections that were admitted.
    pub connections: u64,
    /// Connections that the node has been seen to end because of what was sent.
    pub ended: u64,
    /// Dials that were not admitted, and tried again.
    pub turned_away: u64,
}

/// What is sent, made beforehand.
struct Stock {
    malformed: Vec<Vec<u8>>,
    senseless: Vec<Vec<u8>>,
    at: usize,
}

impl Stock {
    fn new() -> Self {
        let corpus: Vec<Vec<u8>> = inputs("frames").into_iter().map(|(_, data)| data).collect();
        let is_request = |document: &Vec<u8>| codec::decode::<Request>(document).is_ok();
        let requests: Vec<Vec<u8>> = corpus.iter().filter(|document| is_request(document)).cloned().collect();
        let mut mutator = Mutator::new(4);
        let (mut malformed, mut senseless) = (Vec::new(), requests.clone());
        while malformed.len() < STOCK {
            let document = mutator.mutate(&corpus);
            let read = is_request(&document) || codec::decode::<PeerMessage>(&document).is_ok();
            if !read && !document.is_empty() {
                malformed.push(document);
            }
        }
        while senseless.len() < STOCK / 8 {
            let document = mutator.mutate(&requests);
            if is_request(&document) {
                senseless.push(document);
            }
        }
        // Deeper than any document, and lengths that are claimed and not there.
        malformed.push([&[1][..], &[0x91; 4000]].concat());
        malformed.extend([0xdd, 0xdf, 0xc6, 0xdb].map(|head| vec![1, 0x92, 1, head, 0xff, 0xff, 0xff, 0xff]));
        Self { malformed, senseless, at: 0 }
    }

    fn next(&mut self, senseless: bool) -> &[u8] {
        self.at += 1;
        let from = if senseless { &self.senseless } else { &self.malformed };
        from.get(self.at % from.len()).map_or(&[], Vec::as_slice)
    }

    /// A batch of frames; says how many of them are senseless, and how many malformed.
    fn batch(&mut self, kind: u64) -> (Vec<u8>, u64, u64) {
        let mut batch = Vec::new();
        let good = if kind.is_multiple_of(8) { BATCH - 1 } else { 0 };
        for number in 0..BATCH {
            let body = self.next(number < good);
            frame::append(&mut batch, |out| out.extend_from_slice(body)).expect("a body of a frame's size");
        }
        // A length that does not exist: first of all for every eighth connection. For the others, last of all, also a frame
        // of the greatest length, which never ends.
        let most = u32::try_from(FRAME_BYTES_MAX).unwrap_or(u32::MAX);
        let first = kind % 8 == 1;
        let lengths = if first { &[0, most + 1, u32::MAX][..] } else { &[0, most + 1, u32::MAX, most] };
        let length = usize::try_from(kind / 8).ok().and_then(|turn| lengths.get(turn % lengths.len()));
        let frame = [&length.copied().unwrap_or(0).to_be_bytes()[..], &[0xAA; 40]].concat();
        let at = if first { 0 } else { batch.len() };
        batch.splice(at..at, frame);
        (batch, good as u64, (BATCH - good + 1) as u64)
    }
}

impl Frames {
    /// Sends malformed frames until there have been so many, or it is over; a connection a step, three quarters of them to the
    /// applications' port, one to the peers'.
    ///
    /// # Panics
    /// The node does not end a connection over which it was sent malformed frames.
    pub async fn send(stranger: &Stranger, malformed: u64, mut pace: Pace) -> Self {
        let (mut sent, mut stock, mut kind) = (Self::default(), Stock::new(), 0);
        while sent.malformed < malformed && pace.next().await {
            kind += 1;
            let done = if kind % 4 == 3 {
                sent.over_a_link(stranger, &mut stock, kind).await
            } else {
                sent.over_a_session(stranger, &mut stock, kind).await
            };
            sent.turned_away += u64::from(!done);
        }
        sent
    }

    async fn over_a_session(&mut self, stranger: &Stranger, stock: &mut Stock, kind: u64) -> bool {
        let Ok(mut session) = client::dial(&stranger.client, &stranger.region).await else { return false };
        let (batch, senseless, malformed) = stock.batch(kind);
        self.connections += 1;
        if session.writer.write(Bytes::from(batch)).await.is_ok() {
            self.senseless += senseless;
            self.malformed += malformed;
            self.judged += senseless + 1;
        }
        self.ended += u64::from(ends(session.reader).await);
        true
    }

    async fn over_a_link(&mut self, stranger: &Stranger, stock: &mut Stock, kind: u64) -> bool {
        let Ok(sender) = peer::dial(&stranger.peer, &stranger.region).await else { return false };
        // Never senseless: what a region's certificate says counts as that region's word.
        let (control, _, malformed) = stock.batch(kind | 2);
        self.connections += 1;
        let (mut first, mut second): (FrameWriter, FrameWriter) = (sender.control, sender.records);
        if first.write(Bytes::from(control)).await.is_ok() {
            self.malformed += malformed;
            self.judged += 1;
        }
        let (records, _, malformed) = stock.batch(kind | 2);
        self.malformed += if second.write(Bytes::from(records)).await.is_ok() { malformed } else { 0 };
        self.ended += u64::from(timeout(PATIENCE, sender.handle.closed()).await.is_ok());
        true
    }
}

/// Reads what the node still says, until it ends the connection.
async fn ends(mut reader: FrameReader) -> bool {
    let reading = async {
        let mut frames = Vec::new();
        while reader.read(&mut frames).await.is_ok_and(|count| count > 0) {
            frames.clear();
        }
    };
    timeout(PATIENCE, reading).await.is_ok()
}
