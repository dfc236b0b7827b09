//! The clocks of real nodes, which are one machine's: each shows the others', and a test clock is nobody's judge.

#![expect(clippy::indexing_slicing, reason = "a missing field fails the test, as it should")]

use halcyon_tests::{Cluster, until};
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
