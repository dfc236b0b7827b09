//! Regions made of channels, for tests: they accept, answer, drop and vanish when told, on a virtual clock.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use halcyon_crdt::{Answer, Object, Query};
use halcyon_net::FrameDecoder;
use halcyon_types::topology::{Region, Topology};
use halcyon_types::{ActorId, Dot, RequestId, Seq, VersionVector};
use halcyon_wire::{Body, Outcome, Receipt, Refusal, Request, Response, TransactionId, Within, Write, codec};
use tokio::sync::{Mutex, mpsc};

use crate::client::Client;
use crate::config::Settings;
use crate::error::ConnectError;
use crate::keyspace::Keyspace;
use crate::transport::{Pipe, ReadFrames, Transport, WriteFrames};

/// Writes that fit between a client and its region before the client has to wait.
const CHUNKS: usize = 4;

/// What the regions are, seen from the client.
pub(crate) struct FakeNet {
    doors: BTreeMap<String, Door>,
}

#[derive(Clone)]
struct Door {
    reachable: Arc<AtomicBool>,
    /// A dial to an unreachable region hangs (a cut network) or fails at once (no process).
    hangs: Arc<AtomicBool>,
    rtt_ms: Arc<AtomicU64>,
    connections: mpsc::UnboundedSender<Server>,
}

/// One region, seen from the test.
pub(crate) struct FakeRegion {
    door: Door,
    connections: Mutex<mpsc::UnboundedReceiver<Server>>,
}

/// One accepted connection. Dropping it ends it.
pub(crate) struct Server {
    chunks: mpsc::Receiver<Bytes>,
    frames: mpsc::UnboundedSender<Bytes>,
    decoder: FrameDecoder,
    requests: std::collections::VecDeque<Request>,
    pub(crate) chunks_read: usize,
}

pub(crate) fn topology(regions: &[&str], keyspaces: &[&str]) -> Topology {
    let mut toml = "cluster = \"shop\"\n".to_owned();
    for (i, region) in regions.iter().enumerate() {
        let (id, port) = (i + 1, 7000 + 10 * i);
        let (peer, client, admin) = (port, port + 1, port + 2);
        let _ = write!(
            toml,
            "[[region]]\nid = {id}\nname = \"{region}\"\npeer = \"h:{peer}\"\nclient = \"h:{client}\"\nadmin = \"h:{admin}\"\n"
        );
    }
    for (i, keyspace) in keyspaces.iter().enumerate() {
        let _ = write!(toml, "[[keyspace]]\nid = {}\nname = \"{keyspace}\"\n", 10 + i);
    }
    Topology::parse(&toml).unwrap()
}

/// A client's side and the regions of a cluster with the keyspace `default`.
pub(crate) fn cluster<const N: usize>(names: [&str; N]) -> (FakeNet, [FakeRegion; N]) {
    let regions = names.map(|_| {
        let (connections, accepted) = mpsc::unbounded_channel();
        let door =
            Door { reachable: Arc::new(true.into()), hangs: Arc::default(), rtt_ms: Arc::new(10.into()), connections };
        FakeRegion { door, connections: Mutex::new(accepted) }
    });
    let doors = names.iter().zip(&regions);
    let doors = doors.map(|(name, region)| ((*name).to_owned(), region.door.clone()));
    (FakeNet { doors: doors.collect() }, regions)
}

impl FakeNet {
    pub(crate) async fn connect(self, settings: &Settings) -> Result<Client, ConnectError> {
        self.connect_to(&["default"], settings).await
    }

    pub(crate) async fn connect_to(self, keyspaces: &[&str], settings: &Settings) -> Result<Client, ConnectError> {
        let names: Vec<_> = self.doors.keys().map(String::as_str).collect();
        let topology = topology(&names, keyspaces);
        Client::connect_over(self, topology, settings).await
    }
}

/// A client of one region, the region's end of the connection, and the keyspace `default`.
pub(crate) async fn connected(settings: Settings) -> (Client, Keyspace, FakeRegion, Server) {
    let (net, [region]) = cluster(["us-east"]);
    let db = net.connect(&settings).await.unwrap();
    let server = region.accept().await;
    let shop = db.keyspace("default");
    (db, shop, region, server)
}

impl Transport for FakeNet {
    type Reader = FakeReader;
    type Writer = FakeWriter;

    async fn dial(&self, region: &Region) -> Result<Pipe<FakeReader, FakeWriter>, String> {
        let door = &self.doors[region.name.as_str()];
        let rtt = Duration::from_millis(door.rtt_ms.load(Ordering::SeqCst));
        tokio::time::sleep(rtt).await;
        if !door.reachable.load(Ordering::SeqCst) {
            if door.hangs.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            return Err("nobody is there".to_owned());
        }
        let (to_region, chunks) = mpsc::channel(CHUNKS);
        let (to_client, frames) = mpsc::unbounded_channel();
        let server = Server {
            chunks,
            frames: to_client,
            decoder: FrameDecoder::default(),
            requests: std::collections::VecDeque::new(),
            chunks_read: 0,
        };
        door.connections.send(server).map_err(|_| "the test is over".to_owned())?;
        Ok(Pipe { reader: FakeReader { frames }, writer: FakeWriter { chunks: to_region }, rtt, handle: None })
    }
}

pub(crate) struct FakeReader {
    frames: mpsc::UnboundedReceiver<Bytes>,
}

impl ReadFrames for FakeReader {
    async fn read(&mut self, frames: &mut Vec<Bytes>) -> Result<usize, String> {
        Ok(self.frames.recv_many(frames, 1024).await)
    }
}

pub(crate) struct FakeWriter {
    chunks: mpsc::Sender<Bytes>,
}

impl WriteFrames for FakeWriter {
    async fn write(&mut self, frames: Bytes) -> Result<(), String> {
        self.chunks.send(frames).await.map_err(|_| "the region is gone".to_owned())
    }
}

impl FakeRegion {
    /// The client's next connection.
    pub(crate) async fn accept(&self) -> Server {
        let mut connections = self.connections.lock().await;
        soon("a connection", connections.recv()).await.unwrap()
    }

    /// The process is gone: dials fail at once.
    pub(crate) fn stop(&self) {
        self.door.hangs.store(false, Ordering::SeqCst);
        self.door.reachable.store(false, Ordering::SeqCst);
    }

    /// The network is cut: dials hang.
    pub(crate) fn cut(&self) {
        self.door.hangs.store(true, Ordering::SeqCst);
        self.door.reachable.store(false, Ordering::SeqCst);
    }

    pub(crate) fn start(&self) {
        self.door.reachable.store(true, Ordering::SeqCst);
    }

    pub(crate) fn set_rtt_ms(&self, rtt_ms: u64) {
        self.door.rtt_ms.store(rtt_ms, Ordering::SeqCst);
    }

    /// Whether nobody has connected that has not been accepted.
    pub(crate) async fn is_unvisited(&self) -> bool {
        self.connections.lock().await.is_empty()
    }
}

impl Server {
    /// The next request; `None` when the client has ended the connection.
    pub(crate) async fn next(&mut self) -> Option<Request> {
        let mut frames = Vec::new();
        while self.requests.is_empty() {
            let chunk = soon("a request, or the end", self.chunks.recv()).await?;
            self.decoder.push(chunk, &mut frames).unwrap();
            self.chunks_read += 1;
            let decoded = frames.drain(..).map(|frame| codec::decode(&frame).unwrap());
            self.requests.extend(decoded);
        }
        self.requests.pop_front()
    }

    /// The next request, which is a write.
    pub(crate) async fn write(&mut self) -> (u64, Write) {
        match self.next().await {
            Some(Request { id, body: Body::Write(write) }) => (id, write),
            other => panic!("{other:?}"),
        }
    }

    /// The next request, which is a write; it is answered.
    pub(crate) async fn take(&mut self) -> Write {
        let (id, write) = self.write().await;
        self.answer(id, written(write.request));
        write
    }

    /// The next request, which is a read; it is answered.
    pub(crate) async fn reply(&mut self, answer: Answer) -> (Option<Within>, Object, Query) {
        match self.next().await {
            Some(Request { id, body: Body::Read { within, object, query, .. } }) => {
                self.answer(id, Ok(Outcome::Answer(answer)));
                (within, object, query)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The next request, which begins a transaction; it becomes the one with this number.
    pub(crate) async fn begun(&mut self, transaction: u64) {
        match self.next().await {
            Some(Request { id, body: Body::Begin { .. } }) => {
                let token = VersionVector::from_iter([(ActorId::from_u64(1 << 48 | 7), Seq(transaction))]);
                self.answer(id, Ok(Outcome::Begun { transaction: TransactionId(transaction), token }));
            }
            other => panic!("{other:?}"),
        }
    }

    /// The next request, which ends a transaction.
    pub(crate) async fn aborted(&mut self) -> TransactionId {
        match self.next().await {
            Some(Request { id, body: Body::Abort { transaction } }) => {
                self.answer(id, Ok(Outcome::Ended));
                transaction
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn answer(&self, id: u64, result: Result<Outcome, Refusal>) {
        let mut out = Vec::new();
        codec::encode(&mut out, &Response { id, result });
        self.say(out);
    }

    /// One frame of anything.
    pub(crate) fn say(&self, body: Vec<u8>) {
        // The client may have gone.
        let _ = self.frames.send(body.into());
    }

    /// Whether nothing has arrived that has not been read.
    pub(crate) fn is_quiet(&self) -> bool {
        self.requests.is_empty() && self.chunks.is_empty()
    }
}

/// Virtual time passes at once when everybody waits, so a test that waits in vain fails rather than hangs.
async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    let event = tokio::time::timeout(Duration::from_mins(1), event).await;
    event.unwrap_or_else(|_| panic!("{what} never came"))
}

/// A receipt that says which request it is for.
pub(crate) fn receipt_of(request: RequestId) -> Receipt {
    let mut seq = [0; 8];
    seq.copy_from_slice(&request.as_bytes()[8..]);
    let dot = Dot { actor: ActorId::from_u64(1 << 48 | 7), seq: Seq(u64::from_be_bytes(seq)) };
    let token = VersionVector::from_iter([(dot.actor, dot.seq)]);
    Receipt { dot, token }
}

/// Success, as a region says it.
#[expect(clippy::unnecessary_wraps, reason = "it is what an answer is made of")]
pub(crate) fn written(request: RequestId) -> Result<Outcome, Refusal> {
    Ok(Outcome::Written(receipt_of(request)))
}

/// Lets every task run until all of them wait, without moving the clock.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
