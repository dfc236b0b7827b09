//! How many increments a second does one node acknowledge as durable, against raw RocksDB in the same run?
//!
//! Rounds of the ceiling and of the node take turns, so that both meet the same moods of the machine. The node is a
//! process of its own, a cluster of one region; the increments come through the SDK over QUIC, on one connection, spread
//! evenly over a million keys that were preloaded in batches.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::time::Duration;

use halcyon_benches::{Figure, GROUP, KEYS, Raw, Report, Rounds, root, run};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_tests::Cluster;

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
const WARM_UP: Duration = Duration::from_secs(1);
const IN_FLIGHT: usize = 256;
/// Share of the ceiling that this version is to reach.
const TARGET: f64 = 0.35;

fn main() {
    run(measure());
}

fn load(in_flight: usize, seed: usize) -> Load {
    let (end, seed) = (End::After(ROUND), u64::try_from(seed).expect("a small number"));
    Load { op: Op::Incr, keys: KEYS, in_flight, end, warmup: WARM_UP, seed, ..Load::default() }
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-node-").tempdir_in(root()).expect("a directory");
    let mut raw = Raw::preloaded(&dir.path().join("raw"));
    let cluster = Cluster::start_under(dir.path(), 1, false).await;
    let client = cluster.client(0).await;
    let clients = [client.clone()];
    bench::preload(&client, "default", &load(IN_FLIGHT, 0)).await.expect("a preload");

    raw.round(WARM_UP, GROUP);
    let [mut ceiling, mut wide, mut group, mut node, mut ratio] = [const { Rounds::new() }; 5];
    let [mut busy50, mut busy99, mut idle50, mut idle99] = [const { Rounds::new() }; 4];
    for round in 1..=ROUNDS {
        let most = raw.round(ROUND, GROUP);
        wide.push(raw.round(ROUND, u32::try_from(IN_FLIGHT).expect("a small number")));
        group.push(raw.time_group().as_secs_f64() * 1e6);
        let busy = bench::run(&clients, "default", &load(IN_FLIGHT, round)).await.expect("a round");
        ceiling.push(most);
        node.push(busy.ops_per_s);
        ratio.push(busy.ops_per_s / most);
        busy50.push(micros(busy.micros.p50));
        busy99.push(micros(busy.micros.p99));
        println!("round {round} of {ROUNDS}: ceiling {most:.0} ops/s, node {:.0} ops/s", busy.ops_per_s);
    }
    for round in 1..=ROUNDS.div_ceil(2) {
        let idle = bench::run(&clients, "default", &load(1, ROUNDS + round)).await.expect("a round");
        idle50.push(micros(idle.micros.p50));
        idle99.push(micros(idle.micros.p99));
    }

    let (most, widest, group_time) = (ceiling.median(), wide.median(), group.median());
    let mut report = Report::new("node");
    report.question(&format!("How many durable increments a second does one node acknowledge? {KEYS} keys, in rounds"));
    report.figure(&format!("ceiling: raw RocksDB, one sync per {GROUP}"), Figure::of(ceiling, "ops/s"));
    report.figure(
        &format!("node: SDK, QUIC, {IN_FLIGHT} in flight"),
        Figure::of(node.clone(), "ops/s").against("the ceiling", most),
    );
    // The node syncs whatever waits, so with so many in flight its groups may be larger than the ceiling's.
    report.figure(
        &format!("raw RocksDB, one sync per {IN_FLIGHT}"),
        Figure::of(wide, "ops/s").against("the ceiling", most),
    );
    report.figure("the node again", Figure::of(node, "ops/s").against(&format!("raw at {IN_FLIGHT}"), widest));
    report.figure(
        "ratio, round by round (target 0.35)",
        Figure::of(ratio.clone(), "of it").against("the target", TARGET),
    );
    report.question("How long does an increment take?");
    report.figure("one raw group, synced", Figure::of(group, "us"));
    report
        .figure(&format!("p50 at {IN_FLIGHT} in flight"), Figure::of(busy50, "us").against("a raw group", group_time));
    report
        .figure(&format!("p99 at {IN_FLIGHT} in flight"), Figure::of(busy99, "us").against("a raw group", group_time));
    report.figure("p50 at 1 in flight", Figure::of(idle50, "us").against("a raw group", group_time));
    report.figure("p99 at 1 in flight", Figure::of(idle99, "us").against("a raw group", group_time));
    report.finish();
    println!("target {TARGET}: {}", if ratio.median() >= TARGET { "reached" } else { "MISSED" });
}

fn micros(micros: u64) -> f64 {
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX))
}
