//! Logs that are limited stay so: what every region has is dropped, what one lacks is kept for it, and once they are full of
//! that, writes wait for it.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use halcyon_tests::{Cluster, SMALL_LOGS, bulk, fill, until, write_bulk};
use serde_json::{Value, json};

/// What a region says of its logs.
async fn logs(cluster: &Cluster, region: usize) -> Value {
    let status = cluster.told(region).await;
    status.get("logs").cloned().expect("its logs")
}

/// Up to where a region has dropped the log of the first.
async fn floor(cluster: &Cluster, region: usize) -> u64 {
    cluster.floor(region, &cluster.actor(0).await).await
}

async fn uptime_ms(cluster: &Cluster, region: usize) -> u64 {
    let status = cluster.told(region).await;
    status.get("uptime_ms").and_then(Value::as_u64).expect("an uptime")
}

#[tokio::test]
async fn p6_a_log_that_is_limited_keeps_what_a_region_lacks_and_drops_what_all_have() {
    let mut cluster = Cluster::prepared(&std::env::temp_dir(), 3, true).await;
    cluster.configure(SMALL_LOGS);
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    let shop = cluster.client(0).await.keyspace("default");
    bulk(&shop, 10).await;
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
    bulk(&shop, 1).await;
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
    cluster.configure(SMALL_LOGS);
    cluster.restart(0).await;
    cluster.linked().await;
    let (shop, other) = (cluster.client(0).await.keyspace("default"), cluster.client(1).await.keyspace("default"));
    bulk(&shop, 1).await;
    cluster.converged().await;
    for other in [0, 1] {
        cluster.cut(2, other).await;
    }
    let written = 1 + fill(&shop).await;
    let logs_then = logs(&cluster, 0).await;
    assert_eq!((&logs_then["full"], &logs_then["held_up_by"]), (&json!(true), &json!(["ap-south"])), "{logs_then}");
    assert!(logs_then["unstable_ms"].as_u64().is_some_and(|age| age > 0), "{logs_then}");
    let status = cluster.told(0).await;
    assert!(status["alarms"].to_string().contains("writes are refused"), "{}", status["alarms"]);
    // Reads, and what others write.
    assert_eq!(shop.counter("written").get().await.expect("a read"), i128::from(written));
    other.counter("elsewhere").add(7).await.expect("the second region has room");
    until("what the second wrote is here", async || {
        let here = shop.counter("elsewhere").get().await.expect("a read");
        (here == 7).then_some(())
    })
    .await;
    assert_eq!(write_bulk(&shop, 0).await.expect_err("still full").name(), "LogFull");
    for other in [0, 1] {
        cluster.heal(2, other).await;
    }
    until("writes are taken again", async || write_bulk(&shop, 0).await.ok()).await;
    cluster.converged().await;
    assert_eq!(logs(&cluster, 0).await["full"], json!(false));
    assert_eq!(other.counter("written").get().await.expect("a read"), i128::from(written + 1));
}
