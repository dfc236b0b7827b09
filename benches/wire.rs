//! How many bytes does an operation take on a link to a peer?
//!
//! Two regions; one is written, many operations in flight, until both have seen the same. What QUIC counts at both ends of both
//! links is added up: datagrams with all that it adds to records, acknowledgements, heartbeats and versions of vectors included.
//! Keys have 16 bytes; nothing packs them, nor values and elements, for links pack what they carry.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use halcyon_benches::{Draw, Figure, Report, Rounds, Solo, Target, float, root, run, scale};
use halcyon_client::{Client, Keyspace};
use halcyon_crdt::{Object, Op, Update};
use halcyon_tests::Cluster;
use halcyon_types::KeyspaceId;
use serde_json::Value;
use tokio::task::JoinSet;

const ROUNDS: usize = 3;
const OPERATIONS: u64 = 100_000;
const IN_FLIGHT: u64 = 1024;
const KEYS: u64 = 10_000;

/// What is written, and the most bytes that it may take.
const CASES: [(&str, Write, f64); 3] = [
    ("register, value of 64 B", Write::Register, 110.0),
    ("increment", Write::Increment, 50.0),
    ("set add, element of 8 B", Write::SetAdd, 55.0),
];

#[derive(Clone, Copy)]
enum Write {
    Register,
    Increment,
    SetAdd,
}

fn main() {
    run(measure());
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-wire-").tempdir_in(root()).expect("a directory");
    let cluster = Cluster::start_under(dir.path(), 2, false).await;
    let client = cluster.client(0).await;
    let operations = scale::count(OPERATIONS) / IN_FLIGHT * IN_FLIGHT;
    let mut cases = CASES.map(|case| (case, Rounds::new()));
    for _ in 0..scale::rounds(ROUNDS) {
        for ((name, write, _), bytes) in &mut cases {
            let before = sent(&cluster).await;
            load(&client, *write, operations).await;
            cluster.converged().await;
            bytes.push(float(sent(&cluster).await - before) / float(operations));
            println!("{name}: {:.1} bytes", bytes.last());
        }
    }
    let mut report = Report::new("wire");
    report.question(&format!("Bytes of one operation on a link, both directions, keys of 16 B, {IN_FLIGHT} in flight"));
    for ((name, _, most), bytes) in cases {
        report.figure(name, Figure::of(bytes, "B").target(Target::AtMost(most)));
    }
    report.question("And of that, the record as it is encoded, its deps as far as they have changed");
    let mut solo = Solo::open(&dir.path().join("solo"));
    for (name, write, _) in CASES {
        report.figure(name, Figure::once(record_bytes(&mut solo, write), "B"));
    }
    report.finish();
}

fn record_bytes(solo: &mut Solo, write: Write) -> f64 {
    let (name, op) = match write {
        Write::Register => ("wire-value:00000", Op::Set { value: vec![b'0'; 64].into(), ttl_ms: None }),
        Write::Increment => ("wire-count:00000", Op::Add { amount: 1 }),
        Write::SetAdd => ("wire-setof:00000", Op::Insert { element: vec![0; 8].into() }),
    };
    solo.record_bytes(&Update { object: Object::new(KeyspaceId::FIRST, name), op })
}

/// Bytes that both regions have sent each other.
async fn sent(cluster: &Cluster) -> u64 {
    let mut bytes = 0;
    for region in 0..cluster.regions() {
        let status = cluster.status(region).await.expect("a region that answers");
        let peers = status.get("peers").and_then(Value::as_array).expect("peers");
        bytes += peers.iter().filter_map(|peer| peer.get("sent_bytes").and_then(Value::as_u64)).sum::<u64>();
    }
    bytes
}

async fn load(client: &Client, write: Write, operations: u64) {
    let mut workers = JoinSet::new();
    for worker in 0..IN_FLIGHT {
        let keyspace = client.keyspace("default");
        workers.spawn(async move {
            for number in (worker..operations).step_by(usize::try_from(IN_FLIGHT).expect("a small number")) {
                one(&keyspace, write, number).await;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.expect("a worker that ends");
    }
}

async fn one(keyspace: &Keyspace, write: Write, number: u64) {
    let kind = match write {
        Write::Register => 1,
        Write::Increment => 2,
        Write::SetAdd => 3,
    };
    let key = noise::<16>((kind << 32) | (number % KEYS));
    let written = match write {
        Write::Register => keyspace.register(key).set_bytes(noise::<64>((kind << 48) | number)).await,
        Write::Increment => keyspace.counter(key).add(1).await,
        Write::SetAdd => keyspace.set(key).add(noise::<8>((kind << 48) | number)).await,
    };
    written.expect("a write");
}

/// Bytes in which there is nothing to find, the same for the same seed.
fn noise<const N: usize>(seed: u64) -> [u8; N] {
    let mut draw = Draw::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    // The first numbers of neighbouring seeds are neighbours, too.
    for _ in 0..8 {
        draw.below(256);
    }
    std::array::from_fn(|_| u8::try_from(draw.below(251)).expect("a byte"))
}
