//! By a copy: the others have dropped what the region lacks. It serves its old state until the copy takes that one's place; for a
//! moment then it answers nobody.

use std::path::Path;
use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, float, scale};
use halcyon_cli::bench::{self, Load, Op};
use halcyon_client::Client;
use halcyon_tests::Cluster;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::Ceiling;

const ROUNDS: usize = 3;
const AWAY: usize = 2;
/// A client gives a request up so soon, and asks again.
const ASK_AGAIN: Duration = Duration::from_millis(20);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What one copy took.
struct Took {
    /// From the first page to the state that it has become.
    seconds: f64,
    bytes: f64,
    /// The longest that a client had no answer.
    silence: Duration,
}

pub(crate) async fn measure(dir: &Path, ceiling: &Ceiling, report: &mut Report) {
    std::fs::create_dir_all(dir).expect("a directory");
    let cluster = Cluster::with_small_logs(dir, 3).await;
    let rows = scale::keys();
    let load = Load { op: Op::Incr, keys: rows, in_flight: 1024, ..Load::default() };
    bench::preload(&cluster.client(0).await, "default", &load).await.expect("a preload");
    cluster.converged().await;
    let [mut speed, mut bytes, mut per_second, mut silence] = [const { Rounds::new() }; 4];
    for _ in 0..scale::rounds(ROUNDS) {
        cluster.starve(AWAY).await;
        let took = copied(&cluster).await;
        speed.push(float(rows) / took.seconds);
        bytes.push(took.bytes / 1e6);
        per_second.push(took.bytes / took.seconds / 1e6);
        silence.push(took.silence.as_secs_f64() * 1e3);
        println!("by a copy: {:.0} rows/s, {:.0} ms without an answer", speed.last(), silence.last());
        cluster.converged().await;
    }
    report.question(&format!(
        "By a copy: a region comes back that lacks what has been dropped, {rows} counters and a hundred large registers"
    ));
    report.figure("increments by raw RocksDB", Figure::once(ceiling.commits, "rows/s"));
    report.figure(
        "copied, from the first page to the switch",
        Figure::of(speed, "rows/s").against("raw RocksDB", ceiling.commits),
    );
    report.figure("the same, on the wire", Figure::of(per_second, "MB/s").against("a plain copy", ceiling.link / 1e6));
    report.figure("all of it, on the wire", Figure::of(bytes, "MB"));
    report.figure("the longest that a client waited for an answer, the switch included", Figure::of(silence, "ms"));
}

/// How often its state has been replaced, as its directory tells.
fn generation(cluster: &Cluster) -> Option<Vec<u8>> {
    std::fs::read(cluster.data(AWAY).join("GENERATION")).ok()
}

/// Bytes that each of the others has sent to it over the links that stand.
async fn sent(cluster: &Cluster) -> f64 {
    let mut most: f64 = 0.0;
    for region in [0, 1] {
        let Some(status) = cluster.status(region).await else { continue };
        let peers = status.get("peers").and_then(Value::as_array).into_iter().flatten();
        let to_it = peers.skip(1).filter_map(|peer| peer.get("sent_bytes").and_then(Value::as_f64));
        most = most.max(to_it.sum());
    }
    most
}

async fn copied(cluster: &Cluster) -> Took {
    let before = generation(cluster);
    let config = cluster.client_config(AWAY).request_timeout(ASK_AGAIN);
    let client = Client::connect(config.connect_timeout(ASK_AGAIN)).await.expect("a region that serves");
    cluster.rejoin(AWAY).await;
    let healed = Instant::now();
    let (mut begun, mut bytes) = (None, 0.0_f64);
    let (mut answered, mut silence) = (Instant::now(), Duration::ZERO);
    while generation(cluster) == before {
        assert!(healed.elapsed() < Duration::from_mins(3), "it takes a copy");
        let now = sent(cluster).await;
        // Heartbeats and hellos are less.
        if now > 512.0 * 1024.0 {
            begun = begun.or_else(|| Some(Instant::now()));
        }
        bytes = bytes.max(now);
        ask(&client, &mut answered, &mut silence).await;
        sleep(LOOK_EVERY).await;
    }
    let seconds = begun.unwrap_or(healed).elapsed().as_secs_f64();
    // The switch is on disk; until it answers again it may take a moment.
    let switched = Instant::now();
    while answered < switched {
        ask(&client, &mut answered, &mut silence).await;
    }
    Took { seconds, bytes, silence }
}

async fn ask(client: &Client, answered: &mut Instant, silence: &mut Duration) {
    if client.keyspace("default").counter("bench:00000000").get().await.is_ok() {
        *silence = (*silence).max(answered.elapsed());
        *answered = Instant::now();
    }
}
