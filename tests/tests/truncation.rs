//! Logs that are limited stay so: what every region has is dropped, what one lacks is kept for it.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use halcyon_client::Keyspace;
use halcyon_tests::{Cluster, until};

const LOG_BYTES_MAX: &str = "[replication]\nlog_bytes_max = \"64MiB\"";
/// So many of so much fill what is kept in memory before it becomes a file, which is what counts.
const WRITES: u64 = 600;
const BYTES: usize = 256 * 1024;

async fn write(shop: &Keyspace, writes: u64) {
    for number in 0..writes {
        let mut batch = shop.batch();
        batch.counter("written").add(1);
        // No run of equal bytes: files are packed.
        let mut state = number;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()
        });
        batch.register("ballast").set_bytes(noise.take(BYTES / 8).flatten().collect::<Vec<u8>>());
        batch.commit().await.expect("p9: local writes never wait");
    }
}

/// Up to where a region has dropped the log of the first.
async fn floor(cluster: &Cluster, region: usize) -> u64 {
    let first = cluster.status(0).await.expect("a region that serves");
    let actor = first.get("actor").and_then(serde_json::Value::as_str).expect("an actor");
    let status = cluster.status(region).await.expect("a region that serves");
    status.get("floors").and_then(|floors| floors.get(actor)?.as_u64()).unwrap_or(0)
}

async fn uptime_ms(cluster: &Cluster, region: usize) -> u64 {
    let status = cluster.status(region).await.expect("a region that serves");
    status.get("uptime_ms").and_then(serde_json::Value::as_u64).expect("an uptime")
}

#[tokio::test]
async fn p6_a_log_that_is_limited_keeps_what_a_region_lacks_and_drops_what_all_have() {
    let mut cluster = Cluster::prepared(&std::env::temp_dir(), 3, true).await;
    cluster.configure(LOG_BYTES_MAX);
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    let shop = cluster.client(0).await.keyspace("default");
    write(&shop, 10).await;
    cluster.converged().await;
    for other in [0, 1] {
        cluster.cut(2, other).await;
    }
    write(&shop, WRITES).await;
    // They look each second, and nobody drops what the third region lacks.
    let (begun, had) = (uptime_ms(&cluster, 0).await, 10);
    until("they have looked twice", async || (uptime_ms(&cluster, 0).await > begun + 2500).then_some(())).await;
    for region in [0, 1] {
        assert!(floor(&cluster, region).await <= had, "region {region} dropped what the third lacks");
    }
    for other in [0, 1] {
        cluster.heal(2, other).await;
    }
    cluster.converged().await;
    for region in 0..3 {
        until("what all have is dropped", async || (floor(&cluster, region).await > had).then_some(())).await;
    }
    for region in 0..3 {
        assert!(cluster.terminate(region).await.success());
    }
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    let shop = cluster.client(2).await.keyspace("default");
    write(&shop, 1).await;
    cluster.converged().await;
    let written = shop.counter("written").get().await.expect("a region that serves");
    assert_eq!(written, i128::from(had + WRITES + 1));
    for region in 0..3 {
        assert!(floor(&cluster, region).await > had, "a floor stays");
    }
}
