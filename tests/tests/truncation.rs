//! Logs that are limited stay so: what every region has is dropped, what one lacks is kept for it, and once they are full of
//! that, writes wait for it.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use halcyon_client::{Keyspace, WriteError};
use halcyon_tests::{Cluster, until};
use serde_json::{Value, json};

const LOG_BYTES_MAX: &str = "[replication]\nlog_bytes_max = \"64MiB\"";
/// So many of so much fill the logs, what is kept in memory before it becomes a file, which is what counts, included.
const WRITES_MAX: u64 = 3000;
const BYTES: usize = 256 * 1024;

async fn write(shop: &Keyspace, writes: u64) {
    for number in 0..writes {
        write_one(shop, number).await.expect("p9: local writes never wait");
    }
}

async fn write_one(shop: &Keyspace, number: u64) -> Result<(), WriteError> {
    let mut batch = shop.batch();
    batch.counter("written").add(1);
    // No run of equal bytes: files are packed.
    let mut state = number;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()
    });
    batch.register("ballast").set_bytes(noise.take(BYTES / 8).flatten().collect::<Vec<u8>>());
    batch.commit().await.map(drop)
}

/// Writes until the region's logs are full. How often it could.
async fn fill(shop: &Keyspace) -> u64 {
    for number in 0..WRITES_MAX {
        match write_one(shop, number).await {
            Ok(()) => {}
            Err(error) if error.name() == "LogFull" => return number,
            Err(error) => panic!("refused otherwise: {error}"),
        }
    }
    panic!("{WRITES_MAX} writes do not fill the logs")
}

/// What a region says of its logs.
async fn logs(cluster: &Cluster, region: usize) -> Value {
    let status = cluster.status(region).await.expect("a region that serves");
    status.get("logs").cloned().expect("its logs")
}

/// Up to where a region has dropped the log of the first.
async fn floor(cluster: &Cluster, region: usize) -> u64 {
    let first = cluster.status(0).await.expect("a region that serves");
    let actor = first.get("actor").and_then(Value::as_str).expect("an actor");
    let status = cluster.status(region).await.expect("a region that serves");
    status.get("floors").and_then(|floors| floors.get(actor)?.as_u64()).unwrap_or(0)
}

async fn uptime_ms(cluster: &Cluster, region: usize) -> u64 {
    let status = cluster.status(region).await.expect("a region that serves");
    status.get("uptime_ms").and_then(Value::as_u64).expect("an uptime")
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
    let lacking = fill(&shop).await;
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
    assert_eq!(written, i128::from(had + lacking + 1));
    for region in 0..3 {
        assert!(floor(&cluster, region).await > had, "a floor stays");
    }
}

#[tokio::test]
async fn full_logs_refuse_writes_and_nothing_else_until_the_region_that_is_missed_is_back() {
    let mut cluster = Cluster::prepared(&std::env::temp_dir(), 3, true).await;
    cluster.restart(1).await;
    cluster.restart(2).await;
    // The first alone is limited so: the second goes on writing.
    cluster.configure(LOG_BYTES_MAX);
    cluster.restart(0).await;
    cluster.linked().await;
    let (shop, other) = (cluster.client(0).await.keyspace("default"), cluster.client(1).await.keyspace("default"));
    write(&shop, 1).await;
    cluster.converged().await;
    for other in [0, 1] {
        cluster.cut(2, other).await;
    }
    let written = 1 + fill(&shop).await;
    let logs_then = logs(&cluster, 0).await;
    assert_eq!((&logs_then["full"], &logs_then["held_up_by"]), (&json!(true), &json!(["ap-south"])), "{logs_then}");
    assert!(logs_then["unstable_ms"].as_u64().is_some_and(|age| age > 0), "{logs_then}");
    let status = cluster.status(0).await.expect("a region that serves");
    assert!(status["alarms"].to_string().contains("writes are refused"), "{}", status["alarms"]);
    // Reads, and what others write.
    assert_eq!(shop.counter("written").get().await.expect("a read"), i128::from(written));
    other.counter("elsewhere").add(7).await.expect("the second region has room");
    until("what the second wrote is here", async || {
        let here = shop.counter("elsewhere").get().await.expect("a read");
        (here == 7).then_some(())
    })
    .await;
    assert_eq!(write_one(&shop, 0).await.expect_err("still full").name(), "LogFull");
    for other in [0, 1] {
        cluster.heal(2, other).await;
    }
    until("writes are taken again", async || write_one(&shop, 0).await.ok()).await;
    cluster.converged().await;
    assert_eq!(logs(&cluster, 0).await["full"], json!(false));
    assert_eq!(other.counter("written").get().await.expect("a read"), i128::from(written + 1));
}
