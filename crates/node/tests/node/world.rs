//! Nodes on loopback, a client of each, and their admin planes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use halcyon_crdt::{Answer, Object, Op, Query, Update};
use halcyon_net::{Credentials, FrameReader, FrameWriter, Identity, Role, authority};
use halcyon_node::{Config, Node, StartError};
use halcyon_types::topology::Topology;
use halcyon_types::{KeyspaceId, RequestId, UnixMs};
use halcyon_wire::{Body, Outcome, Receipt, Refusal, Request, Response, Seen, Session, Write, codec};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const NAMES: [&str; 3] = ["us-east", "eu-west", "ap-south"];
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) clients: Vec<Client>,
    admins: Vec<String>,
    nodes: Vec<Node>,
    configs: Vec<Config>,
    topology: Topology,
    directory: TempDir,
}

#[expect(clippy::disallowed_methods, reason = "request ids are admitted by the real clock")]
pub(crate) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMs(since.as_millis().try_into().unwrap())
}

pub(crate) fn object(key: &str) -> Object {
    Object::new(KeyspaceId::FIRST, key.to_owned())
}

/// An address that nobody uses, below those that the system hands out by itself, and that no other test of this run gets.
fn free_address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = 10_000 + u16::try_from(std::process::id() % 100).unwrap() * 200;
    loop {
        let address = format!("127.0.0.1:{}", base + NEXT.fetch_add(1, Ordering::Relaxed));
        if UdpSocket::bind(&address).is_ok() && TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

impl World {
    pub(crate) async fn start(regions: usize) -> Self {
        Self::start_with(regions, "").await
    }

    /// With more in its `regions.toml`.
    pub(crate) async fn start_with(regions: usize, toml: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut text = format!("cluster = \"shop\"\n[[keyspace]]\nid = 1\nname = \"default\"\n{toml}\n");
        let mut admins = Vec::new();
        for (id, name) in (1..).zip(&NAMES[..regions]) {
            let [peer, client, admin] = [(); 3].map(|()| free_address());
            writeln!(
                text,
                "[[region]]\nid = {id}\nname = \"{name}\"\npeer = \"{peer}\"\nclient = \"{client}\"\nadmin = \"{admin}\""
            )
            .unwrap();
            admins.push(admin);
        }
        let topology = Topology::parse(&text).unwrap();
        let certs = directory.path().join("certs");
        authority::init(&certs, &topology, now(), Duration::from_hours(24)).unwrap();
        let (mut nodes, mut configs) = (Vec::new(), Vec::new());
        for region in &topology.regions {
            let config = Config {
                topology: topology.clone(),
                region: region.name.clone(),
                data: directory.path().join(region.name.as_str()),
                certs: certs.clone(),
                fault_api: true,
            };
            configs.push(config.clone());
            nodes.push(Node::start(config).await.unwrap());
        }
        let role = Role::Client("client".parse().unwrap());
        let own = Credentials::load(&certs, &Identity { cluster: topology.cluster.clone(), role }).unwrap();
        let mut clients = Vec::new();
        for region in &topology.regions {
            let session = halcyon_net::client::dial(&own, region).await.unwrap();
            clients.push(Client { reader: session.reader, writer: session.writer, last: 0, handle: session.handle });
        }
        let world = Self { clients, admins, nodes, configs, topology, directory };
        world.linked().await;
        world
    }

    async fn linked(&self) {
        for at in 0..self.admins.len() {
            let linked = |status: &Value| peers(status).all(|peer| peer["link_in"] == true && peer["link_out"] == true);
            self.until(at, linked).await;
        }
    }

    /// Stops a node, lets `change` have its data directory, and starts it again.
    pub(crate) async fn restart(&mut self, at: usize, change: impl FnOnce(&Path)) {
        self.nodes[at].stop();
        self.nodes[at].stopped().await.unwrap();
        change(&self.configs[at].data);
        // Its sockets are closed by tasks that end in a moment.
        let begun = async {
            loop {
                match Node::start(self.configs[at].clone()).await {
                    Ok(node) => return node,
                    Err(StartError::Bind(_) | StartError::Admin { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        self.nodes[at] = tokio::time::timeout(PATIENCE, begun).await.unwrap();
        self.clients[at] = self.dial(at, Role::Client("client".parse().unwrap())).await;
        self.linked().await;
    }

    /// A further connection, as somebody else.
    pub(crate) async fn dial(&self, at: usize, role: Role) -> Client {
        let certs = self.directory.path().join("certs");
        let own = Credentials::load(&certs, &Identity { cluster: self.topology.cluster.clone(), role }).unwrap();
        let session = halcyon_net::client::dial(&own, &self.topology.regions[at]).await.unwrap();
        Client { reader: session.reader, writer: session.writer, last: 0, handle: session.handle }
    }

    /// An answer of a node's admin plane: code and body.
    pub(crate) async fn http(&self, at: usize, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.admins[at]).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) async fn fault(&self, at: usize, path: &str) {
        let (code, body) = self.http(at, "POST", &format!("/fault/{path}")).await;
        assert_eq!(code, 200, "{path}: {body}");
    }

    pub(crate) async fn background(&self, state: &str) {
        for at in 0..self.admins.len() {
            self.fault(at, &format!("background?state={state}")).await;
        }
    }

    pub(crate) async fn status(&self, at: usize) -> Value {
        serde_json::from_str(&self.http(at, "GET", "/status").await.1).unwrap()
    }

    /// Asks for the status until it is as wanted.
    pub(crate) async fn until(&self, at: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let last = async {
            loop {
                let status = self.status(at).await;
                if wanted(&status) {
                    return status;
                }
            }
        };
        if let Ok(status) = tokio::time::timeout(PATIENCE, last).await {
            return status;
        }
        panic!("region {at} never came to that: {:#}", self.status(at).await)
    }

    /// The present actor of a region.
    pub(crate) async fn actor(&self, at: usize) -> String {
        self.status(at).await["actor"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn peers(status: &Value) -> impl Iterator<Item = &Value> {
    status["peers"].as_array().unwrap().iter()
}

pub(crate) fn peer(status: &Value, region: usize) -> &Value {
    peers(status).find(|peer| peer["region"] == NAMES[region]).unwrap()
}

/// `vv` or `received` of a status.
pub(crate) fn vector(status: &Value, which: &str) -> BTreeMap<String, u64> {
    serde_json::from_value(status[which].clone()).unwrap()
}

/// One connection; one request at a time.
pub(crate) struct Client {
    reader: FrameReader,
    writer: FrameWriter,
    last: u64,
    #[expect(dead_code, reason = "keeps the connection open")]
    handle: halcyon_net::LinkHandle,
}

impl Client {
    pub(crate) async fn ask(&mut self, body: Body) -> Result<Outcome, Refusal> {
        self.last += 1;
        let mut bytes = Vec::new();
        let request = Request { id: self.last, body };
        halcyon_net::frame::append(&mut bytes, |frame| codec::encode(frame, &request)).unwrap();
        self.writer.write(Bytes::from(bytes)).await.unwrap();
        let mut frames = Vec::new();
        let read = tokio::time::timeout(PATIENCE, self.reader.read(&mut frames)).await;
        assert_eq!(read.expect("an answer").unwrap(), 1);
        let response: Response = codec::decode(&frames[0]).unwrap();
        assert_eq!(response.id, self.last);
        response.result
    }

    /// An answer, unless the connection ends first.
    pub(crate) async fn try_ask(&mut self, body: Body) -> Option<Result<Outcome, Refusal>> {
        self.last += 1;
        let mut bytes = Vec::new();
        let request = Request { id: self.last, body };
        halcyon_net::frame::append(&mut bytes, |frame| codec::encode(frame, &request)).unwrap();
        self.writer.write(Bytes::from(bytes)).await.ok()?;
        let mut frames = Vec::new();
        self.reader.read(&mut frames).await.ok()?;
        codec::decode::<Response>(frames.first()?).ok().map(|response| response.result)
    }

    pub(crate) async fn write(&mut self, key: &str, op: Op) -> Result<Receipt, Refusal> {
        let updates = vec![Update { object: object(key), op }];
        self.commit(write(Seen::Present, updates)).await
    }

    pub(crate) async fn commit(&mut self, write: Write) -> Result<Receipt, Refusal> {
        match self.ask(Body::Write(write)).await? {
            Outcome::Written(receipt) => Ok(receipt),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn read(&mut self, key: &str, query: Query) -> Result<Answer, Refusal> {
        let body = Body::Read { session: Session::default(), within: None, object: object(key), query };
        match self.ask(body).await? {
            Outcome::Answer(answer) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }

    /// The digest and the number of rows.
    pub(crate) async fn digest(&mut self, at: UnixMs) -> ([u8; 32], u64) {
        match self.ask(Body::Digest { at }).await {
            Ok(Outcome::Digest { digest, rows, .. }) => (digest, rows),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn write(seen: Seen, updates: Vec<Update>) -> Write {
    let request = RequestId::mint(now(), &rand::random());
    Write { request, session: Session::default(), seen, updates }
}

pub(crate) fn set(value: &'static str) -> Op {
    Op::Set { value: Bytes::from_static(value.as_bytes()), ttl_ms: None }
}
