//! A region that lacks what the others have dropped takes a copy of a peer's state, and is a member like any other then.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::fs;

use halcyon_client::Keyspace;
use halcyon_tests::{Cluster, until};
use serde_json::Value;

const LOG_BYTES_MAX: &str = "[replication]\nlog_bytes_max = \"64MiB\"";
/// So many of so much outgrow what logs are limited to.
const WRITES: u64 = 600;
const BYTES: usize = 256 * 1024;

async fn write(shop: &Keyspace, writes: u64) {
    for number in 0..writes {
        let mut batch = shop.batch();
        batch.counter("written").add(1);
        batch.set("numbers").add(number.to_string());
        // No run of equal bytes: files are packed.
        let mut state = number;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()
        });
        let ballast = format!("ballast {}", number % 100);
        batch.register(&ballast).set_bytes(noise.take(BYTES / 8).flatten().collect::<Vec<u8>>());
        batch.commit().await.expect("p9: local writes never wait");
    }
}

async fn status(cluster: &Cluster, region: usize) -> Value {
    cluster.status(region).await.expect("a region that serves")
}

async fn actor(cluster: &Cluster, region: usize) -> String {
    let status = status(cluster, region).await;
    status.get("actor").and_then(Value::as_str).expect("an actor").to_owned()
}

/// Up to where a region has dropped a log.
async fn floor(cluster: &Cluster, region: usize, actor: &str) -> u64 {
    let status = status(cluster, region).await;
    status.get("floors").and_then(|floors| floors.get(actor)?.as_u64()).unwrap_or(0)
}

#[tokio::test]
async fn p6_a_region_that_has_lost_its_directory_takes_a_copy_where_logs_have_no_beginning() {
    let mut cluster = Cluster::prepared(&std::env::temp_dir(), 3, true).await;
    cluster.configure(LOG_BYTES_MAX);
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    let shop = cluster.client(0).await.keyspace("default");
    write(&shop, WRITES).await;
    cluster.client(2).await.keyspace("default").counter("written").add(5).await.expect("a write");
    cluster.converged().await;
    let (first, former) = (actor(&cluster, 0).await, actor(&cluster, 2).await);
    for region in [0, 1] {
        until("what all have is dropped", async || (floor(&cluster, region, &first).await > 0).then_some(())).await;
    }
    cluster.kill(2);
    let data = cluster.data(2);
    fs::remove_dir_all(&data).expect("a directory");
    cluster.restart(2).await;
    // Whatever it takes, others write on meanwhile.
    write(&shop, 20).await;
    cluster.converged().await;
    assert!(data.join("GENERATION").exists(), "a copy has taken the place of what was begun");
    assert!(!data.join("db").exists(), "which is gone");
    assert!(floor(&cluster, 2, &first).await > 0, "its logs begin where the copy was made");
    let present = actor(&cluster, 2).await;
    assert_ne!(present, former, "p2: a new log");
    let shop = cluster.client(2).await.keyspace("default");
    write(&shop, 3).await;
    cluster.converged().await;
    // It goes on from there as from any directory.
    cluster.kill(2);
    cluster.restart(2).await;
    cluster.linked().await;
    write(&cluster.client(2).await.keyspace("default"), 2).await;
    cluster.converged().await;
    assert_eq!(actor(&cluster, 2).await, present);
    let written =
        cluster.client(1).await.keyspace("default").counter("written").get().await.expect("a region that serves");
    assert_eq!(written, i128::from(WRITES + 20 + 5 + 3 + 2), "p6: each counts once");
}
