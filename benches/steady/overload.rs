//! More than a node can take, and more than its queue holds: as much as a client on the same machine can ask for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, Target, float, root, scale};
use halcyon_client::{Client, WriteError};
use halcyon_tests::Cluster;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::Instant;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 16;
/// Over all connections: at its limit, and far past it.
const AT_THE_LIMIT: usize = 2048;
const PAST_IT: usize = CONNECTIONS * 4096;
const KEYS: u64 = 100_000;
/// Of the rate at the limit, what is acknowledged all the same.
const KEPT: f64 = 0.9;
/// The longest that an acknowledged write may have waited.
const WAIT_MS_MAX: f64 = 1000.0;

/// What one round has shown.
struct Seen {
    acked_per_s: f64,
    offered_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
}

pub(crate) async fn measure(report: &mut Report) {
    let dir = tempfile::Builder::new().prefix("bench-overload-").tempdir_in(root()).expect("a directory");
    let cluster = Cluster::start_under(dir.path(), 1, false).await;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let config = cluster.client_config(0).in_flight(PAST_IT / CONNECTIONS);
        clients.push(Client::connect(config).await.expect("a region that serves"));
    }
    let ([mut limit, mut acked], [mut offered, mut kept]) =
        ([const { Rounds::new() }; 2], [const { Rounds::new() }; 2]);
    let ([mut p50, mut p99], [mut before, mut refused]) = ([const { Rounds::new() }; 2], [const { Rounds::new() }; 2]);
    for round in 1..=scale::rounds(ROUNDS) {
        let at = offer(&clients, AT_THE_LIMIT).await;
        let past = offer(&clients, PAST_IT).await;
        limit.push(at.acked_per_s);
        before.push(at.p99_ms);
        acked.push(past.acked_per_s);
        offered.push(past.offered_per_s / at.acked_per_s);
        refused.push(1.0 - past.acked_per_s / past.offered_per_s);
        kept.push(past.acked_per_s / at.acked_per_s);
        p50.push(past.p50_ms);
        p99.push(past.p99_ms);
        println!(
            "round {round}: at the limit {:.0}/s, p99 {:.1} ms; offered {:.0}/s: {:.0}/s, p99 {:.1} ms",
            at.acked_per_s, at.p99_ms, past.offered_per_s, past.acked_per_s, past.p99_ms
        );
    }
    let rate = limit.median();
    report.question(&format!(
        "One node, {PAST_IT} increments in flight against {AT_THE_LIMIT}, refused ones tried again at once"
    ));
    report.figure("acknowledged at the limit", Figure::of(limit, "ops/s"));
    report.figure("p99 at the limit", Figure::of(before, "ms"));
    report.figure("offered, in units of the limit", Figure::ratio_to("the limit", offered));
    report.figure("refused of what was offered", Figure::of(refused, ""));
    report.figure("acknowledged of that", Figure::of(acked, "ops/s").against("the limit", rate));
    report.figure("round by round", Figure::ratio_to("the limit", kept).target(Target::AtLeast(KEPT)));
    report.figure("p50 of what was acknowledged", Figure::of(p50, "ms"));
    report.figure("p99 of what was acknowledged", Figure::of(p99, "ms").target(Target::AtMost(WAIT_MS_MAX)));
}

/// Keeps so many increments in flight; what is refused is asked again at once.
async fn offer(clients: &[Client], in_flight: usize) -> Seen {
    let (began, length) = (Instant::now(), scale::length(ROUND));
    let offered = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for (worker, client) in clients.iter().cycle().take(in_flight).cloned().enumerate() {
        let offered = Arc::clone(&offered);
        workers.spawn(async move {
            let (shop, mut waits, mut number) = (client.keyspace("default"), Vec::new(), worker as u64);
            while began.elapsed() < length {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (key, asked) = (format!("bench:{:08}", (number >> 33) % KEYS), Instant::now());
                offered.fetch_add(1, Ordering::Relaxed);
                match shop.counter(key).add(1).await {
                    Ok(_) => waits.push(asked.elapsed()),
                    // To give way is all that a refusal costs.
                    Err(WriteError::Refused(_)) => tokio::task::yield_now().await,
                    Err(error) => panic!("neither done nor refused: {error}"),
                }
            }
            waits
        });
    }
    let mut micros = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).expect("a histogram");
    while let Some(waits) = workers.join_next().await {
        for wait in waits.expect("a worker that ends") {
            micros.saturating_record(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX));
        }
    }
    let took = began.elapsed().as_secs_f64();
    let ms = |quantile| float(micros.value_at_quantile(quantile)) / 1000.0;
    Seen {
        acked_per_s: float(micros.len()) / took,
        offered_per_s: float(offered.load(Ordering::Relaxed)) / took,
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
    }
}
