//! The SDK over real QUIC and real certificates, against a region made of a listener and a map of receipts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use halcyon_client::{Client, Config, ConnectError, RequestId, Role, Topology};
use halcyon_crdt::{Answer, Page};
use halcyon_net::{ClientListener, Credentials, Identity, Session, authority};
use halcyon_types::limits::CONNECTION_REQUESTS_MAX;
use halcyon_types::{ActorId, Dot, Seq, UnixMs, VersionVector};
use halcyon_wire::{Body, Outcome, Receipt, Request, Response, TransactionId, codec};

const REGIONS_TOML: &str = r#"cluster = "shop"
[[region]]
id = 1
name = "us-east"
peer = "127.0.0.1:1"
client = "127.0.0.1:PORT"
admin = "127.0.0.1:1"
[[keyspace]]
id = 10
name = "default"
"#;

/// What the region has committed, by request; the number of times each was seen.
type Log = Arc<Mutex<BTreeMap<RequestId, (Receipt, u32)>>>;

struct Region {
    config: Config,
    listener: ClientListener,
    log: Log,
    dir: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "certificates are valid from now")]
fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    UnixMs(since.as_millis().try_into().unwrap())
}

/// Files as `halcyon certs init` leaves them, and a region that listens.
fn region() -> Region {
    let dir = tempfile::tempdir().unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let toml = REGIONS_TOML.replace("PORT", &port.to_string());
    let regions_toml = dir.path().join("regions.toml");
    std::fs::write(&regions_toml, &toml).unwrap();
    let topology = Topology::parse(&toml).unwrap();
    authority::init(dir.path(), &topology, now(), authority::CERTIFICATE_VALID).unwrap();
    let role = Role::Region(topology.regions[0].name.clone());
    let own = credentials(dir.path(), &topology, role);
    let listener = ClientListener::from_socket(socket, &own, 10).unwrap();
    let config = Config::from_files(&regions_toml, dir.path()).unwrap();
    Region { config, listener, log: Log::default(), dir }
}

fn credentials(dir: &Path, topology: &Topology, role: Role) -> Credentials {
    let cluster = topology.cluster.clone();
    Credentials::load(dir, &Identity { cluster, role }).unwrap()
}

fn carry_out(log: &Log, body: Body) -> Outcome {
    let mut log = log.lock().unwrap();
    let sum = i128::try_from(log.len()).unwrap();
    match body {
        Body::Write(write) => {
            let actor = ActorId::from_u64(1 << 48);
            let seq = Seq(u64::try_from(log.len()).unwrap() + 1);
            let (receipt, copies) = log.entry(write.request).or_insert_with(|| {
                let token = VersionVector::from_iter([(actor, seq)]);
                let dot = Dot { actor, seq };
                (Receipt { dot, token }, 0)
            });
            *copies += 1;
            Outcome::Written(receipt.clone())
        }
        Body::Read { .. } => Outcome::Answer(Answer::Sum(Some(sum))),
        Body::Scan { .. } => Outcome::Keys(Page::default()),
        Body::Begin { .. } => Outcome::Begun { transaction: TransactionId(1), token: VersionVector::new() },
        Body::Abort { .. } => Outcome::Ended,
        Body::Token { .. } => Outcome::Token(VersionVector::new()),
        Body::Members { .. } => panic!("nobody here changes members"),
        Body::Copy { .. } => {
            Outcome::Page(halcyon_wire::CopyPage { head: None, entries: bytes::Bytes::new(), count: 0, next: None })
        }
        Body::Digest { .. } => Outcome::Digest { vv: VersionVector::new(), digest: [7; 32], rows: log.len() as u64 },
    }
}

/// Answers everything, the newest first; after `writes` writes it drops the connection without answering them.
async fn serve(mut session: Session, log: Log, mut writes: usize) {
    let mut frames = Vec::new();
    while session.reader.read(&mut frames).await.is_ok_and(|count| count > 0) {
        let mut out = Vec::new();
        for frame in frames.drain(..).rev() {
            let Request { id, body } = codec::decode(&frame).unwrap();
            writes = writes.saturating_sub(usize::from(matches!(body, Body::Write(_))));
            let result = Ok(carry_out(&log, body));
            halcyon_net::frame::append(&mut out, |out| codec::encode(out, &Response { id, result })).unwrap();
        }
        if writes == 0 {
            session.handle.close("the test says so");
            return;
        }
        if session.writer.write(out.into()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn four_thousand_writes_in_flight_are_each_answered_with_their_own_receipt() {
    let Region { config, mut listener, log, dir: _dir } = region();
    let serving = tokio::spawn({
        let log = Arc::clone(&log);
        async move { serve(listener.accept().await.unwrap(), log, usize::MAX).await }
    });
    let db = Client::connect(config.in_flight(CONNECTION_REQUESTS_MAX)).await.unwrap();
    let shop = db.keyspace("default");
    let writing: Vec<_> = (0..CONNECTION_REQUESTS_MAX)
        .map(|i| {
            let mut batch = shop.batch();
            batch.counter(format!("k{i}")).add(1);
            let id = halcyon_client::request_id();
            (id, tokio::spawn(batch.request(id).commit()))
        })
        .collect();
    for (id, writing) in writing {
        let receipt = writing.await.unwrap().unwrap();
        assert_eq!(log.lock().unwrap()[&id], (receipt, 1));
    }
    assert_eq!(shop.counter("k").get().await.unwrap(), CONNECTION_REQUESTS_MAX as i128);
    assert_eq!(db.digest().await.unwrap().rows, CONNECTION_REQUESTS_MAX as u64);
    drop((db, shop));
    serving.await.unwrap();
}

#[tokio::test]
async fn writes_whose_connection_breaks_before_the_answer_happen_once() {
    let Region { config, mut listener, log, dir: _dir } = region();
    let serving = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for writes in [1, 3, usize::MAX] {
                serve(listener.accept().await.unwrap(), Arc::clone(&log), writes).await;
            }
        }
    });
    let db = Client::connect(config.request_timeout(Duration::from_secs(30))).await.unwrap();
    let shop = db.keyspace("default");
    let writing: Vec<_> = (0..50)
        .map(|_| {
            let counter = shop.counter("k");
            tokio::spawn(async move { counter.add(1).await })
        })
        .collect();
    let mut dots = Vec::new();
    for writing in writing {
        dots.push(writing.await.unwrap().unwrap().dot);
    }
    dots.sort();
    dots.dedup();
    assert_eq!((dots.len(), log.lock().unwrap().len()), (50, 50));
    assert!(log.lock().unwrap().values().any(|(_, copies)| *copies > 1), "none was sent twice");
    drop((db, shop));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_client_of_another_cluster_is_told_so_by_name() {
    let here = region();
    let there = region();
    let strangers = credentials(there.dir.path(), here.config.topology(), Role::Client("client".parse().unwrap()));
    let config = Config::new(here.config.topology().clone(), strangers);
    let error = Client::connect(config).await.unwrap_err();
    let ConnectError::NotReachable { tried } = &error else { panic!("{error}") };
    assert_eq!(tried[0].region.as_str(), "us-east");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[test]
fn files_that_cannot_be_used_are_refused_with_the_file_and_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("regions.toml");
    let refused = |dir: &Path| Config::from_files(&file, dir).unwrap_err().to_string();
    assert!(refused(dir.path()).contains("--config"));
    std::fs::write(&file, "cluster = 3").unwrap();
    assert!(refused(dir.path()).contains("regions.toml: line 1"), "{}", refused(dir.path()));
    std::fs::write(&file, REGIONS_TOML.replace("PORT", "2")).unwrap();
    assert!(refused(dir.path()).contains("halcyon certs init"), "{}", refused(dir.path()));
}
