//! How many increments a second does one node acknowledge as durable, and how soon, against the skeleton in the same run?
//!
//! Rounds of the skeleton and of the node take turns, so that both meet the same moods of the machine. The node is a
//! process of its own, a cluster of one region; the increments come through the SDK over QUIC, on one connection, spread
//! evenly over a million keys that were preloaded in batches, or over a thousand of them.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::time::Duration;

use halcyon_benches::skeleton::{self, Skeleton};
use halcyon_benches::{Figure, KEYS, Report, Rounds, root, run};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use halcyon_tests::Cluster;
use hdrhistogram::Histogram;

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const HOT_KEYS: u64 = 1_000;

/// What is measured: keys, operations in flight, and the least ratio of rates to the skeleton's that is wanted.
const CASES: [(u64, usize, f64); 5] =
    [(KEYS, 1, 0.77), (KEYS, 128, 0.8), (KEYS, 1024, 0.8), (HOT_KEYS, 128, 1.1), (HOT_KEYS, 1024, 1.1)];

fn main() {
    run(measure());
}

fn load(keys: u64, in_flight: usize, seed: u64) -> Load {
    let (end, warmup) = (End::After(ROUND), ROUND / 10);
    Load { op: Op::Incr, keys, in_flight, end, warmup, seed, ..Load::default() }
}

/// What one case has shown of one side.
#[derive(Default)]
struct Side {
    rate: Rounds,
    p50: Rounds,
    p99: Rounds,
}

/// The same of both, and their ratios round by round.
#[derive(Default)]
struct Case {
    skeleton: Side,
    node: Side,
    ratio: Side,
}

impl Case {
    async fn round(&mut self, (keys, in_flight): (u64, usize), seed: u64, skeleton: &mut Skeleton, client: &Client) {
        let (rate, micros) = skeleton.run(skeleton::Load { keys: Some(keys), in_flight, length: ROUND }).await;
        let clients = [client.clone()];
        let node = bench::run(&clients, "default", &load(keys, in_flight, seed)).await.expect("a round");
        let (s50, s99) = (quantile(&micros, 0.5), quantile(&micros, 0.99));
        let (n50, n99) = (float(node.micros.p50), float(node.micros.p99));
        let sides = [
            (&mut self.skeleton, [rate, s50, s99]),
            (&mut self.node, [node.ops_per_s, n50, n99]),
            (&mut self.ratio, [node.ops_per_s / rate, n50 / s50, n99 / s99]),
        ];
        for (side, [rate, p50, p99]) in sides {
            side.rate.push(rate);
            side.p50.push(p50);
            side.p99.push(p99);
        }
        println!("{keys} keys, {in_flight} in flight: skeleton {rate:.0}/s, node {:.0}/s", node.ops_per_s);
    }
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-node-").tempdir_in(root()).expect("a directory");
    let mut skeleton = Skeleton::start(env!("CARGO_BIN_EXE_skeleton"), &dir.path().join("skeleton")).await;
    let cluster = Cluster::start_under(&dir.path().join("node"), 1, false).await;
    let client = cluster.client(0).await;
    bench::preload(&client, "default", &load(KEYS, 256, 0)).await.expect("a preload");

    let mut cases = CASES.map(|(keys, in_flight, target)| ((keys, in_flight), target, Case::default()));
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        for (what, _, case) in &mut cases {
            case.round(*what, u64::try_from(round).expect("a small number"), &mut skeleton, &client).await;
        }
    }

    let mut report = Report::new("node");
    for ((keys, in_flight), target, case) in cases {
        let Case { skeleton, node, ratio } = case;
        report.question(&format!("Durable increments at one node, {keys} keys, {in_flight} in flight"));
        for (what, unit, skeleton, node) in [
            ("acknowledged", "ops/s", skeleton.rate, node.rate),
            ("p50", "us", skeleton.p50, node.p50),
            ("p99", "us", skeleton.p99, node.p99),
        ] {
            let most = skeleton.median();
            report.figure(&format!("skeleton, {what}"), Figure::of(skeleton, unit));
            report.figure(&format!("node, {what}"), Figure::of(node, unit).against("the skeleton", most));
        }
        report.figure("rates, round by round", Figure::of(ratio.rate, "of it").against("the target", target));
        report.figure("p50, round by round", Figure::of(ratio.p50, "of it"));
        report.figure("p99, round by round", Figure::of(ratio.p99, "of it"));
    }
    report.finish();
}

fn quantile(micros: &Histogram<u64>, quantile: f64) -> f64 {
    float(micros.value_at_quantile(quantile))
}

fn float(micros: u64) -> f64 {
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX))
}
