//! What does a write cost the more regions there are? From two to nine on this machine, one of them written at a steady rate.
//!
//! Of the writing node, processor time and bytes per write, over what a region alone needs, shared out over its links: a mesh
//! sends each record once per peer, so that both must stay what they are. What a link carries of a write is told over the record
//! as it stands in the log, too: datagrams, heartbeats and acknowledgements are the rest. The other nodes do their work on the same cores.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, Solo, Target, float, root, run, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use halcyon_crdt::{Object, Update};
use halcyon_tests::Cluster;
use halcyon_types::KeyspaceId;
use serde_json::Value;

const COUNTS: [usize; 4] = [2, 3, 5, 9];
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(5);
const RATE: u64 = 2000;
const IN_FLIGHT: usize = 512;
const KEYS: u64 = 100_000;
/// What constant means.
const CONSTANT: f64 = 1.05;

/// What one write costs the node that takes it.
#[derive(Clone, Copy)]
struct Cost {
    micros: f64,
    bytes: f64,
}

fn main() {
    run(async {
        let dir = tempfile::Builder::new().prefix("bench-regions-").tempdir_in(root()).expect("a directory");
        let mut rows = Vec::new();
        for count in [1].into_iter().chain(COUNTS) {
            let cluster = Cluster::start_under(dir.path(), count, false).await;
            let client = cluster.client(0).await;
            let mut costs = Vec::new();
            for round in 0..scale::rounds(ROUNDS) {
                costs.push(cost(&cluster, &client, round as u64).await);
            }
            println!("{count} regions: {:.1} us", costs.last().map_or(f64::NAN, |cost| cost.micros));
            rows.push((count, costs));
        }
        let object = Object::new(KeyspaceId::FIRST, "bench:00000000");
        let increment = Update { object, op: halcyon_crdt::Op::Add { amount: 1 } };
        tell(&rows, Solo::open(&dir.path().join("solo")).record_bytes(&increment));
    });
}

async fn cost(cluster: &Cluster, client: &Client, seed: u64) -> Cost {
    let end = End::After(scale::length(ROUND));
    let load = Load { op: Op::Incr, keys: KEYS, in_flight: IN_FLIGHT, rate: Some(RATE), end, seed, ..Load::default() };
    let load = Load { warmup: Duration::ZERO, ..load };
    let (before, sent_before) = (cluster.processor_time(0), sent(cluster).await);
    let writes = float(bench::run(std::slice::from_ref(client), "default", &load).await.expect("a round").ops);
    let took = cluster.processor_time(0).saturating_sub(before);
    Cost { micros: took.as_secs_f64() * 1e6 / writes, bytes: (sent(cluster).await - sent_before) / writes }
}

/// Bytes that the node has sent to its peers.
async fn sent(cluster: &Cluster) -> f64 {
    let status = cluster.status(0).await.expect("a region that serves");
    let peers = status.get("peers").and_then(Value::as_array).into_iter().flatten();
    peers.filter_map(|peer| peer.get("sent_bytes").and_then(Value::as_f64)).sum()
}

/// `record` bytes are those of an increment as it stands in a log.
fn tell(rows: &[(usize, Vec<Cost>)], record: f64) {
    let mut report = Report::new("regions");
    report.question(&format!("What does an increment cost the node that takes it, at {RATE}/s?"));
    let median = |costs: &[Cost], of: fn(&Cost) -> f64| costs.iter().map(of).collect::<Rounds>();
    let Some(((_, alone), others)) = rows.split_first() else { return };
    let alone = median(alone, |cost| cost.micros);
    let base = alone.median();
    report.figure("a region alone, processor time", Figure::of(alone, "us"));
    // The first link brings what all of them share: heartbeats to answer, acknowledgements to take in.
    let (mut micros_of_three, mut bytes_of_two) = (f64::NAN, f64::NAN);
    for (count, costs) in others {
        #[expect(clippy::cast_precision_loss, reason = "a few regions")]
        let links = (count - 1) as f64;
        let micros: Rounds = costs.iter().map(|cost| (cost.micros - base) / links).collect();
        let bytes: Rounds = costs.iter().map(|cost| cost.bytes / links).collect();
        match count {
            2 => bytes_of_two = bytes.median(),
            3 => micros_of_three = micros.median(),
            _ => {}
        }
        let total = median(costs, |cost| cost.micros);
        report.figure(&format!("{count} regions, processor time"), Figure::of(total, "us"));
        let over = Figure::of(bytes.clone(), "B").against("the encoded record", record);
        let (mut micros, mut bytes) = (Figure::of(micros, "us"), Figure::of(bytes, "B"));
        if *count > 3 {
            micros = micros.against("three regions", micros_of_three).target(Target::AtMost(CONSTANT));
            bytes = bytes.against("two regions", bytes_of_two).target(Target::AtMost(CONSTANT));
        }
        report.figure(&format!("{count} regions, processor time beyond one alone, per link"), micros);
        report.figure(&format!("{count} regions, bytes per link"), bytes);
        report.figure(&format!("{count} regions, the same over the record of {record:.0} B"), over);
    }
    report.finish();
}
