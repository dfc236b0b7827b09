//! And Redis beside it, where it is installed: one process that syncs every write, the same connections, the same depth.
//!
//! Redis has no peers and keeps one order of writes; a comparison of what a synced write costs, nothing more. Both are loaded
//! on a million keys, by `redis-benchmark` and by the SDK, in turns.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use halcyon_benches::{Figure, Report, Rounds, root, run, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_client::Client;
use halcyon_tests::Cluster;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 50;
/// Requests sent ahead on each connection, and requests of a round of Redis.
const DEPTHS: [(usize, u64); 2] = [(16, 300_000), (1, 60_000)];
const PATIENCE: Duration = Duration::from_secs(30);

/// Name, what Redis is told, what Halcyon does, and reads in a hundred.
const OPERATIONS: [(&str, &[&str], Op, u64); 5] = [
    ("SET, 64 B", &["SET", "value:__rand_int__", VALUE], Op::Set, 0),
    ("INCR", &["INCR", "counter:__rand_int__"], Op::Incr, 0),
    ("SADD", &["SADD", "set:__rand_int__", "element:__rand_int__"], Op::Sadd, 0),
    ("HSET, 64 B", &["HSET", "map:__rand_int__", "field", VALUE], Op::Hset, 0),
    ("GET", &["GET", "value:__rand_int__"], Op::Set, 100),
];
const VALUE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn main() {
    run(measure());
}

struct Redis {
    _process: Child,
    port: u16,
}

impl Redis {
    /// Starts one in `dir`; none if it is not installed.
    async fn start(dir: &Path) -> Option<Self> {
        std::fs::create_dir_all(dir).expect("a directory");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
            .args(["--appendfsync", "always", "--dir"])
            .arg(dir)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let up = async {
            while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, up).await.expect("redis-server that listens");
        Some(Self { _process: process, port })
    }

    /// Operations a second.
    async fn round(&self, depth: usize, requests: u64, command: &[&str]) -> f64 {
        let asked = Command::new("redis-benchmark")
            .args(["-p", &self.port.to_string(), "-c", &CONNECTIONS.to_string(), "-P", &depth.to_string()])
            .args(["-n", &requests.to_string(), "-r", &scale::keys().to_string(), "--csv"])
            .args(command)
            .output()
            .await
            .expect("redis-benchmark");
        // The last line: the command in quotes, then numbers in quotes, the first of them the rate.
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        let last = said.lines().rfind(|line| line.starts_with('"'));
        let rate =
            last.and_then(|line| line.split("\",\"").nth(1)).and_then(|rate| rate.trim_matches('"').parse().ok());
        rate.unwrap_or_else(|| panic!("redis-benchmark said {said:?}, {}", String::from_utf8_lossy(&asked.stderr)))
    }
}

async fn halcyon(clients: &[Client], op: Op, reads_percent: u64, depth: usize, seed: u64) -> f64 {
    let length = scale::length(ROUND);
    let load = Load {
        op,
        reads_percent,
        keys: scale::keys(),
        value_bytes: 64,
        in_flight: CONNECTIONS * depth,
        end: End::After(length),
        warmup: length / 5,
        seed,
        ..Load::default()
    };
    bench::run(clients, "default", &load).await.expect("a round").ops_per_s
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-redis-").tempdir_in(root()).expect("a directory");
    let mut report = Report::new("redis");
    let Some(redis) = Redis::start(&dir.path().join("redis")).await else {
        println!("redis-server is not in PATH: nothing is measured beside it");
        report.question("Redis beside it: redis-server is not in PATH");
        return report.finish();
    };
    let cluster = Cluster::start_under(&dir.path().join("node"), 1, false).await;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(cluster.client(0).await);
    }
    for (depth, requests) in DEPTHS {
        let mut rows = OPERATIONS.map(|operation| (operation, [const { Rounds::new() }; 3]));
        for round in 1..=scale::rounds(ROUNDS) {
            for ((name, command, op, reads), [theirs, ours, ratio]) in &mut rows {
                let most = redis.round(depth, scale::count(requests), command).await;
                let rate = halcyon(&clients, *op, *reads, depth, round as u64).await;
                println!("{name}, {depth} deep: redis {most:.0}/s, halcyon {rate:.0}/s");
                theirs.push(most);
                ours.push(rate);
                ratio.push(rate / most);
            }
        }
        report
            .question(&format!("Redis, appendfsync always, beside one node: {CONNECTIONS} connections, {depth} deep"));
        for ((name, ..), [theirs, ours, ratio]) in rows {
            let most = theirs.median();
            report.figure(&format!("Redis, {name}"), Figure::of(theirs, "ops/s"));
            report.figure(&format!("Halcyon, {name}"), Figure::of(ours, "ops/s").against("Redis", most));
            report.figure(&format!("{name}, round by round"), Figure::ratio_to("Redis", ratio));
        }
    }
    report.finish();
}
