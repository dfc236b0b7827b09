//! From the logs: a region was away, and all of what it missed is still there.

use std::path::Path;
use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, Solo, float, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_crdt::{Object, Update};
use halcyon_tests::Cluster;
use halcyon_types::KeyspaceId;
use tokio::time::{Instant, sleep, timeout};

use crate::Ceiling;

const ROUNDS: usize = 5;
/// Records that the region has missed.
const MISSED: u64 = 100_000;
const KEYS: u64 = 100_000;
const PATIENCE: Duration = Duration::from_mins(2);

/// Bytes of an increment's record as it stands in a log.
fn record_bytes(dir: &Path) -> f64 {
    std::fs::create_dir_all(dir).expect("a directory");
    let object = Object::new(KeyspaceId::FIRST, "bench:00000000");
    Solo::open(dir).record_bytes(&Update { object, op: halcyon_crdt::Op::Add { amount: 1 } })
}

pub(crate) async fn measure(dir: &Path, ceiling: &Ceiling, report: &mut Report) {
    let bytes = record_bytes(&dir.join("solo"));
    let cluster = Cluster::start_under(dir, 2, true).await;
    let (here, there) = (cluster.client(0).await, cluster.client(1).await);
    let missed = scale::count(MISSED);
    let load = |seed| Load {
        op: Op::Incr,
        keys: KEYS,
        in_flight: 1024,
        end: End::Ops(missed),
        warmup: Duration::ZERO,
        seed,
        ..Load::default()
    };
    let mut speed = Rounds::new();
    // The first round warms up.
    for round in 0..=scale::rounds(ROUNDS) {
        cluster.cut(0, 1).await;
        bench::run(std::slice::from_ref(&here), "default", &load(round as u64)).await.expect("a round");
        let goal = here.token().await.expect("a region that serves");
        let begun_with = there.token().await.expect("a region that serves");
        cluster.heal(0, 1).await;
        // From the first record on: how long a link takes to come back is another question.
        let mut began = None;
        let agreeing = async {
            let mut seen = begun_with.clone();
            while seen != goal {
                sleep(Duration::from_millis(1)).await;
                let before = Instant::now();
                seen = there.token().await.expect("a region that serves");
                if seen != begun_with {
                    began = began.or(Some(before));
                }
            }
        };
        timeout(PATIENCE, agreeing).await.expect("a region that catches up");
        let took = began.map_or(f64::NAN, |began: Instant| began.elapsed().as_secs_f64());
        if round > 0 {
            speed.push(float(missed) / took);
            println!("from the log: {:.0} records/s", speed.last());
        }
    }
    report.question(&format!(
        "From the log: a link comes back behind which {missed} increments wait, from the first that arrives"
    ));
    report.figure("increments by raw RocksDB", Figure::once(ceiling.commits, "records/s"));
    report.figure("caught up", Figure::of(speed.clone(), "records/s").against("raw RocksDB", ceiling.commits));
    let per_second: Rounds = speed.iter().map(|speed| speed * bytes / 1e6).collect();
    let name = format!("the same, {bytes:.0} B each");
    report.figure(&name, Figure::of(per_second, "MB/s").against("a plain copy", ceiling.link / 1e6));
}
