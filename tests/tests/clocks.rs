//! The clocks of real nodes: each shows the others', one that is far off is followed by nobody, and a test clock is nobody's judge.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a missing field fails the test, as it should")]

use std::time::Duration;

use halcyon_tests::{Cluster, PATIENCE, until};
use halcyon_types::limits::DRIFT_MAX;
use serde_json::{Value, json};

/// The status of a node, once it says this of its clock, how far it is off aside.
async fn clock(cluster: &Cluster, region: usize, heard: u64, test: bool) -> Value {
    until("every clock is heard", async || {
        let status = cluster.status(region).await?;
        let clock = &status["clock"];
        (clock["heard"] == heard && clock["test"] == test && clock["refuses_writes"] == false).then_some(status)
    })
    .await
}

#[tokio::test]
async fn nodes_show_each_others_clocks_and_a_test_clock_says_nothing_of_them() {
    let cluster = Cluster::start(3).await;
    cluster.linked().await;
    for region in 0..3 {
        let status = clock(&cluster, region, 3, false).await;
        assert_eq!(status["clock"]["off_ms"].as_i64().map(|ms| ms.abs() < 250), Some(true), "{status}");
        assert!(status["peers"].as_array().unwrap().iter().all(|peer| peer["clock_offset_ms"].is_i64()), "{status}");
    }
    let hour_ahead = cluster.status(0).await.unwrap()["wall_ms"].as_u64().unwrap() + 3_600_000;
    let set = cluster.post(0, &format!("/fault/clock?ms={hour_ahead}")).await.expect("an answer");
    assert_eq!(set.0, 200);
    let status = clock(&cluster, 0, 1, true).await;
    assert_eq!((&status["clock"]["off_ms"], &status["wall_ms"]), (&Value::Null, &json!(hour_ahead)));
    for region in [1, 2] {
        clock(&cluster, region, 2, false).await;
    }
    for region in 0..3 {
        let client = cluster.client(region).await;
        client.keyspace("default").counter("k").add(1).await.expect("a write, whatever the test clock says");
    }
    cluster.converged().await;
    cluster.post(0, "/fault/clock").await.expect("an answer");
    for region in 0..3 {
        let status = clock(&cluster, region, 3, false).await;
        assert_eq!((&status["health"], &status["alarms"]), (&json!("ok"), &json!([])), "{status}");
    }
}

const HOUR: Duration = Duration::from_hours(1);

/// How far a region's stamps are ahead of its wall clock.
async fn stamps_ahead(cluster: &Cluster, region: usize) -> Duration {
    let status = cluster.told(region).await;
    let ms = |name: &str| status[name].as_u64().expect("a time");
    Duration::from_millis(ms("hlc_ms").saturating_sub(ms("wall_ms")))
}

#[tokio::test]
async fn p3_a_clock_an_hour_ahead_is_followed_by_nobody_and_stamps_no_write_once_others_are_heard() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let shop = |region: usize| clients[region].keyspace("default");
    shop(0).register("price").set("before").await.unwrap();
    cluster.converged().await;
    assert!(cluster.terminate(0).await.success());
    if !cluster.put_clock_ahead(0, HOUR) {
        return;
    }
    // The others' ends of its cables: its own process knows of nothing.
    for other in [1, 2] {
        cluster.fault(other, 0, "state=cut").await;
    }
    cluster.restart(0).await;
    shop(0).register("price").set("ahead").await.expect("p9: alone, it cannot know");
    let alone = clock(&cluster, 0, 1, false).await;
    assert!(stamps_ahead(&cluster, 0).await < DRIFT_MAX, "by its own clock: {alone}");
    shop(1).counter("elsewhere").add(1).await.unwrap();
    cluster.rejoin(0).await;
    cluster.linked().await;
    let status = until("it knows that its clock is off", async || {
        let status = cluster.status(0).await?;
        (status["clock"]["refuses_writes"] == true).then_some(status)
    })
    .await;
    let off = status["clock"]["off_ms"].as_i64().expect("a difference");
    assert!((off - 3_600_000).abs() < 5000, "{status}");
    let refused = shop(0).counter("k").add(1).await.expect_err("stamped an hour ahead");
    assert_eq!(refused.name(), "ClockSkew", "{refused}");
    let alarms = cluster.alarms(0).await.join("\n");
    assert!(alarms.contains("clock is off") && alarms.contains("NTP"), "{alarms}");
    // Reads go on, and so does what others write; what it has written is everywhere, and followed by no clock.
    until("what others write arrives", async || {
        (shop(0).counter("elsewhere").get().await.expect("a read") == 1).then_some(())
    })
    .await;
    cluster.converged().await;
    for region in [1, 2] {
        let price: Option<String> = shop(region).register("price").get().await.unwrap();
        assert_eq!(price.as_deref(), Some("ahead"));
        shop(region).counter("after").add(1).await.unwrap();
        assert!(stamps_ahead(&cluster, region).await <= DRIFT_MAX, "region {region} follows a clock an hour ahead");
        clock(&cluster, region, 3, false).await;
    }
    // Whoever has seen it may overwrite it, whatever its stamp.
    let receipt = shop(2).register("price").set("later").await.unwrap();
    for client in &clients {
        let session = client.session(receipt.token.clone()).wait(PATIENCE);
        let seen: Option<String> = session.register("price").get().await.unwrap();
        assert_eq!(seen.as_deref(), Some("later"), "p4, {}", client.region());
    }
    // Its clock is set right.
    assert!(cluster.terminate(0).await.success());
    assert!(cluster.put_clock_ahead(0, Duration::ZERO));
    cluster.restart(0).await;
    cluster.linked().await;
    clock(&cluster, 0, 3, false).await;
    for region in 0..3 {
        shop(region).counter("k").add(1).await.unwrap();
    }
    for region in [1, 2] {
        assert!(stamps_ahead(&cluster, region).await <= DRIFT_MAX, "region {region} follows a clock an hour ahead");
    }
    cluster.converged().await;
}
