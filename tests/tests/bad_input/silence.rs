//! A region that does not answer: whoever asks is told so, soon, and the others are not concerned.

use halcyon_client::{Client, ConnectError, ReadError, WriteError};
use halcyon_tests::{Cluster, halcyon, halcyon_with_input};
use std::time::Duration;

#[tokio::test]
async fn commands_name_a_region_that_does_not_answer_and_how_to_start_it() {
    let mut cluster = Cluster::start(2).await;
    cluster.kill(1);
    let [config, file, certs, dir] = cluster.flags();
    let flags = [config.as_str(), &file, &certs, &dir];

    let status = halcyon(["status"].into_iter().chain(flags)).await.refused(&["eu-west", "remedy"]);
    assert!(status.stdout.contains("unreachable"), "the page shows it: {status}");
    let us = status.stdout.lines().find(|line| line.trim_start().starts_with("us-east"));
    assert!(us.is_some_and(|line| !line.contains("unreachable")), "the other one is shown all the same: {status}");

    let exec = ["exec", "--region", "eu-west"].into_iter().chain(flags);
    let _ = halcyon_with_input(exec, "incr k 1\n".to_owned()).await.refused(&["eu-west", "halcyon node"]);

    let csv = cluster.dir().join("week.csv");
    let text = halcyon_cli::retail::generate(1, halcyon_cli::retail::Shape { lines: 20, skus: 5, homes: 2 });
    std::fs::write(&csv, text).unwrap();
    let csv = csv.to_string_lossy().into_owned();
    let _ = halcyon(["replay", csv.as_str()].into_iter().chain(flags)).await.refused(&["eu-west", "halcyon node"]);

    let exec = ["exec", "--region", "us-east"].into_iter().chain(flags);
    let ended = halcyon_with_input(exec, "incr k 1\ncounter k\n".to_owned()).await.succeeded();
    assert!(ended.stdout.contains("{\"ok\":1}"), "{ended}");
}

#[tokio::test]
async fn the_sdk_says_which_region_does_not_answer_and_what_became_of_a_write() {
    let mut cluster = Cluster::start(2).await;
    let (quick, slow) = (Duration::from_millis(200), Duration::from_millis(500));
    let config = cluster.client_config(1).connect_timeout(quick).request_timeout(slow);
    let db = Client::connect(config.clone()).await.unwrap();
    let k = db.keyspace("default").counter("k");
    k.add(1).await.unwrap();
    cluster.kill(1);
    let error = Client::connect(config.clone()).await.expect_err("a dead region");
    assert!(matches!(&error, ConnectError::NotReachable { tried } if tried.len() == 1), "{error}");
    assert!(error.to_string().contains("eu-west"), "{error}");
    match k.add(1).await {
        Err(error @ (WriteError::NotReachable { .. } | WriteError::OutcomeUnknown(_))) => {
            assert!(error.to_string().contains("eu-west"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    match k.get().await {
        Err(error @ (ReadError::NotReachable { .. } | ReadError::NoAnswer { .. })) => {
            assert!(error.to_string().contains("eu-west"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    // With leave to fail over, the other region answers what was never sent.
    let roaming = Client::connect(config.failover(true)).await.unwrap();
    assert_eq!(roaming.region().as_str(), "us-east");
    roaming.keyspace("default").counter("elsewhere").add(3).await.unwrap();
}
