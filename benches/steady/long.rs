//! A long time at 70 % of the limit.

use std::env;
use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, Target, float, root, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use halcyon_tests::Cluster;
use serde_json::Value;
use tokio::time::Instant;

const MINUTES: u64 = 2;
/// One point of the curve.
const SLICE: Duration = Duration::from_secs(2);
/// How the limit is found.
const LIMIT_ROUNDS: usize = 5;
const LIMIT_IN_FLIGHT: usize = 512;
const SHARE: f64 = 0.7;
/// Enough that the rate is kept even while a tenth of a second of writes waits.
const IN_FLIGHT: usize = 4096;
const KEYS: u64 = 1_000_000;
/// Small enough that the logs are truncated over and over.
const LOG_BYTES_MAX: &str = "64MiB";
/// Parts of the run that are shown and compared.
const PARTS: usize = 10;
/// What flat means: the last part against the seventh; the caches are full by then, if the run is long enough to tell.
const FLAT: f64 = 1.25;
const MINUTES_LEAST: u64 = 10;
/// The longest that any write may wait.
const STALL_MS_MAX: f64 = 100.0;
const MB: f64 = 1e6;

/// One part of the run.
#[derive(Default)]
struct Part {
    p99_ms: Rounds,
    max_ms: Rounds,
    kept: Rounds,
    resident_mb: Rounds,
    disk_mb: Rounds,
}

pub(crate) async fn measure(report: &mut Report) {
    let dir = tempfile::Builder::new().prefix("bench-long-").tempdir_in(root()).expect("a directory");
    let mut cluster = Cluster::prepared(dir.path(), 3, false).await;
    cluster.configure(&format!("[replication]\nlog_bytes_max = \"{LOG_BYTES_MAX}\""));
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    let client = cluster.client(0).await;
    let keys = scale::count(KEYS);
    let load = Load { op: Op::Incr, keys, warmup: Duration::ZERO, ..Load::default() };
    bench::preload(&client, "default", &load).await.expect("a preload");
    let limit = limit(&client, &load).await;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    let rate = (limit.median() * SHARE) as u64;
    let length = scale::length(Duration::from_mins(minutes()));
    let (began, mut parts) = (Instant::now(), Vec::new());
    parts.resize_with(PARTS, Part::default);
    let mut number = 0;
    while began.elapsed() < length {
        number += 1;
        let end = End::After(SLICE);
        let slice = Load { in_flight: IN_FLIGHT, rate: Some(rate), end, seed: number, ..load.clone() };
        let part = began.elapsed().as_secs_f64() / length.as_secs_f64() * float(PARTS as u64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of the run")]
        let part = parts.get_mut((part as usize).min(PARTS - 1)).expect("a part of the run");
        let seen = bench::run(std::slice::from_ref(&client), "default", &slice).await.expect("no write fails");
        part.p99_ms.push(float(seen.micros.p99) / 1000.0);
        part.max_ms.push(float(seen.micros.max) / 1000.0);
        part.kept.push(seen.ops_per_s);
        part.resident_mb.push(float(cluster.resident_bytes(0)) / MB);
        let status = cluster.status(0).await.unwrap_or_default();
        part.disk_mb.push(status.pointer("/disk/bytes").and_then(Value::as_f64).unwrap_or(f64::NAN) / MB);
    }
    let status = cluster.status(0).await.unwrap_or_default();
    tell(report, limit, rate, &parts, &status);
}

/// What is asked for behind `--minutes`.
fn minutes() -> u64 {
    let args: Vec<String> = env::args().collect();
    let asked = args.iter().position(|arg| arg == "--minutes").and_then(|at| args.get(at + 1)?.parse().ok());
    asked.unwrap_or(MINUTES)
}

/// What all three regions can follow.
async fn limit(client: &Client, load: &Load) -> Rounds {
    let mut limit = Rounds::new();
    for seed in 1..=LIMIT_ROUNDS as u64 {
        let end = End::After(scale::length(SLICE));
        let most = Load { in_flight: LIMIT_IN_FLIGHT, end, seed: 1000 + seed, ..load.clone() };
        limit.push(bench::run(std::slice::from_ref(client), "default", &most).await.expect("a round").ops_per_s);
    }
    limit
}

fn tell(report: &mut Report, limit: Rounds, rate: u64, parts: &[Part], status: &Value) {
    let minutes = minutes();
    report.question(&format!(
        "Three regions for {minutes} minutes, one written at {:.0} % of the limit, {rate}/s, logs limited to {LOG_BYTES_MAX}",
        SHARE * 100.0
    ));
    report.figure("the limit", Figure::of(limit, "ops/s"));
    let all = |figure: fn(&Part) -> &Rounds| -> Rounds { parts.iter().flat_map(|part| figure(part).iter()).collect() };
    let (_, longest) = all(|part| &part.max_ms).spread();
    report.figure("rate kept", Figure::of(all(|part| &part.kept), "ops/s").against("the rate asked for", float(rate)));
    report.figure("longest wait of any write", Figure::once(longest, "ms").target(Target::AtMost(STALL_MS_MAX)));
    if let [.., seventh, _, _, last] = parts {
        let grown = |figure: fn(&Part) -> &Rounds, unit| {
            Figure::once(figure(last).median(), unit).against("the seventh", figure(seventh).median())
        };
        let flat = |figure: Figure| if minutes >= MINUTES_LEAST { figure.target(Target::AtMost(FLAT)) } else { figure };
        report.figure("p99 in the last tenth", flat(grown(|part| &part.p99_ms, "ms")));
        report.figure("memory in the last tenth", flat(grown(|part| &part.resident_mb, "MB")));
        report.figure("disk in the last tenth", grown(|part| &part.disk_mb, "MB"));
    }
    let sum = |vector: &str| -> u64 {
        status.get(vector).and_then(Value::as_object).into_iter().flatten().filter_map(|(_, seq)| seq.as_u64()).sum()
    };
    report.figure("records truncated", Figure::once(float(sum("floors")), "").against("all records", float(sum("vv"))));
    report.question("The same, tenth by tenth");
    for (part, number) in parts.iter().zip(1..) {
        report.figure(&format!("{number}: p99"), Figure::of(part.p99_ms.clone(), "ms"));
        report.figure(&format!("{number}: longest"), Figure::of(part.max_ms.clone(), "ms"));
        report.figure(&format!("{number}: memory of the node"), Figure::of(part.resident_mb.clone(), "MB"));
        report.figure(&format!("{number}: disk of the node"), Figure::of(part.disk_mb.clone(), "MB"));
    }
}
