//! How soon is a write of one region seen in another, at 5,000 writes a second?
//!
//! Three regions on loopback. Writes begin at a fixed rate, whether earlier ones have ended or not, and a write's own
//! latency counts from the moment it was due. Lag is what passes from a write's receipt until the other region answers a
//! session read with its token: that includes one round trip to that region, which is measured in the same run.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, root, run};
use halcyon_cli::bench::{self, End, Load, Op, Percentiles};
use halcyon_client::Client;
use halcyon_tests::Cluster;
use tokio::time::Instant;

const RATE: u64 = 5_000;
const ROUNDS: u64 = 5;
const ROUND: Duration = Duration::from_secs(6);
const KEYS: u64 = 100_000;
/// Enough that the rate is kept even while a tenth of a second of writes waits.
const IN_FLIGHT: usize = 512;
const READS: usize = 2_000;
/// What this version is to stay below.
const TARGET_MS: f64 = 20.0;

fn main() {
    run(measure());
}

fn load(seed: u64) -> Load {
    let end = End::After(ROUND);
    Load { op: Op::Incr, keys: KEYS, in_flight: IN_FLIGHT, end, rate: Some(RATE), seed, ..Load::default() }
}

#[derive(Default)]
struct Spread {
    p50: Rounds,
    p99: Rounds,
    max: Rounds,
}

impl Spread {
    fn push(&mut self, micros: &Percentiles) {
        let ms = |micros: u64| f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1000.0;
        self.p50.push(ms(micros.p50));
        self.p99.push(ms(micros.p99));
        self.max.push(ms(micros.max));
    }
}

/// The median of plain reads, one after the other, in milliseconds.
async fn round_trip(client: &Client) -> f64 {
    let mut rounds = Rounds::default();
    for _ in 0..READS {
        let began = Instant::now();
        client.token().await.expect("a read");
        rounds.push(began.elapsed().as_secs_f64() * 1e3);
    }
    rounds.median()
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-cluster-").tempdir_in(root()).expect("a directory");
    let cluster = Cluster::start_under(dir.path(), 3, false).await;
    let (here, there) = (cluster.client(0).await, cluster.client(1).await);
    let clients = [here.clone()];
    bench::preload(&here, "default", &load(0)).await.expect("a preload");
    cluster.converged().await;

    let idle = round_trip(&there).await;
    let (mut writes, mut lag, mut achieved) = (Spread::default(), Spread::default(), Rounds::default());
    for round in 1..=ROUNDS {
        let write = bench::run(&clients, "default", &load(2 * round)).await.expect("a round");
        let seen = bench::run_lag(&clients, "default", &load(2 * round + 1), &there).await.expect("a round");
        writes.push(&write.micros);
        lag.push(&seen.micros);
        achieved.push(seen.ops_per_s);
        println!("round {round} of {ROUNDS}: write p99 {} us, lag p99 {} us", write.micros.p99, seen.micros.p99);
    }
    cluster.converged().await;

    let (write99, lag99) = (writes.p99.median(), lag.p99.median());
    let mut report = Report::new("cluster");
    report.question(&format!(
        "How soon is a write seen in another region? Three regions on loopback, {RATE} writes/s at one"
    ));
    report.figure("a plain read at the other region, idle, p50", Figure::once(idle, "ms"));
    report.figure("write, from when it was due, p50", Figure::of(writes.p50, "ms"));
    report.figure("write, from when it was due, p99", Figure::of(writes.p99, "ms"));
    report.figure("write, from when it was due, max", Figure::of(writes.max, "ms"));
    report.figure("lag, from receipt to session read, p50", Figure::of(lag.p50, "ms").against("the plain read", idle));
    report.figure(
        "lag, from receipt to session read, p99",
        Figure::of(lag.p99, "ms").against("the write's p99", write99),
    );
    report.figure("lag, from receipt to session read, max", Figure::of(lag.max, "ms"));
    report.figure("lag p99, target 20 ms", Figure::once(lag99, "ms").against("the target", TARGET_MS));
    report.figure(
        "rate kept while lag was measured",
        Figure::of(achieved, "ops/s").against("the rate asked for", f64::from(u32::try_from(RATE).expect("a rate"))),
    );
    report.finish();
    println!("target {TARGET_MS} ms: {}", if lag99 < TARGET_MS { "reached" } else { "MISSED" });
}
