//! What does one node acknowledge as durable, and answer, and how soon?
//!
//! Increments and reads are set against the skeleton and against raw reads of the same run: rounds of both take turns, so
//! that they meet the same moods of the machine. Then one table of the usual operations over the depth of the queue. The node is a
//! process of its own, a cluster of one region; operations come through the SDK over QUIC, on one connection, on keys that
//! were preloaded in batches.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

mod increments;
mod reads;
mod table;

use halcyon_benches::skeleton::Skeleton;
use halcyon_benches::{Raw, Report, root, run, scale};
use halcyon_cli::bench::{self, Load, Op};
use halcyon_client::Client;
use halcyon_tests::Cluster;

fn main() {
    run(measure());
}

/// What the parts work with.
struct Stage {
    skeleton: Skeleton,
    raw: Raw,
    client: Client,
}

async fn measure() {
    let dir = tempfile::Builder::new().prefix("bench-node-").tempdir_in(root()).expect("a directory");
    let skeleton = Skeleton::start(env!("CARGO_BIN_EXE_skeleton"), &dir.path().join("skeleton")).await;
    let raw = Raw::preloaded(&dir.path().join("raw"));
    let cluster = Cluster::start_under(&dir.path().join("node"), 1, false).await;
    let client = cluster.client(0).await;
    preload(&client, Op::Incr).await;

    let (mut stage, mut report) = (Stage { skeleton, raw, client }, Report::new("node"));
    increments::measure(&mut stage, &mut report).await;
    preload(&stage.client, Op::Set).await;
    reads::measure(&mut stage, &mut report).await;
    preload(&stage.client, Op::Sadd).await;
    preload(&stage.client, Op::Hset).await;
    table::measure(&stage.client, &mut report).await;
    report.finish();
}

async fn preload(client: &Client, op: Op) {
    let load = Load { op, keys: scale::keys(), value_bytes: 64, ..Load::default() };
    bench::preload(client, "default", &load).await.expect("a preload");
}
