//! Which region is used, and when another one is.

use std::time::Duration;

use halcyon_crdt::query::Answer;
use halcyon_types::VersionVector;
use halcyon_wire::Outcome;
use tokio::time::Instant;

use crate::config::Settings;
use crate::error::{ConnectError, ReadError};
use crate::fake::{cluster, connected, settle, written};

fn preferring(region: &str) -> Settings {
    Settings { region: Some(region.to_owned()), ..Settings::default() }
}

#[tokio::test(start_paused = true)]
async fn the_nearest_region_is_used_and_the_others_are_let_go() {
    let (net, [east, south, west]) = cluster(["ap-south", "eu-west", "us-east"]);
    for (region, rtt_ms) in [(&east, 80), (&south, 30), (&west, 31)] {
        region.set_rtt_ms(rtt_ms);
    }
    let db = net.connect(&Settings::default()).await.unwrap();
    assert_eq!(db.region().as_str(), "eu-west");
    let mut other = west.accept().await;
    assert!(other.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_cut_off_does_not_hold_up_the_race() {
    let (net, [east, west]) = cluster(["eu-west", "us-east"]);
    east.cut();
    let start = Instant::now();
    let db = net.connect(&Settings::default()).await.unwrap();
    assert_eq!(db.region().as_str(), "us-east");
    assert!(start.elapsed() < Duration::from_millis(100));
    drop(west);
}

#[tokio::test(start_paused = true)]
async fn a_named_region_is_used_however_far_it_is() {
    let (net, [east, west]) = cluster(["eu-west", "us-east"]);
    west.set_rtt_ms(300);
    let db = net.connect(&preferring("us-east")).await.unwrap();
    assert_eq!(db.region().as_str(), "us-east");
    assert!(east.is_unvisited().await);
}

#[tokio::test(start_paused = true)]
async fn a_named_region_that_is_down_is_used_once_it_is_back() {
    let (net, [east, west]) = cluster(["eu-west", "us-east"]);
    east.stop();
    let db = net.connect(&preferring("eu-west")).await.unwrap();
    assert_eq!(db.region().as_str(), "us-east");
    let _server = west.accept().await;
    east.start();
    let mut server = east.accept().await;
    settle().await;
    assert_eq!(db.region().as_str(), "eu-west");
    let counter = db.keyspace("default").counter("k");
    let _writing = tokio::spawn(async move { counter.add(1).await });
    server.write().await;
}

#[tokio::test(start_paused = true)]
async fn no_client_without_a_region_and_the_error_names_each_and_why() {
    let (net, [east, west]) = cluster(["eu-west", "us-east"]);
    east.stop();
    west.cut();
    let error = net.connect(&Settings::default()).await.unwrap_err();
    let ConnectError::NotReachable { tried } = &error else { panic!("{error}") };
    assert_eq!(tried.len(), 2, "{error}");
    assert!(error.to_string().contains("eu-west: nobody is there"), "{error}");
    assert!(error.to_string().contains("us-east: no connection within 2000 ms"), "{error}");

    let (net, _regions) = cluster(["eu-west"]);
    let error = net.connect(&preferring("mars")).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no region \"mars\" in regions.toml; it has: eu-west");
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_read_is_asked_again_in_another_region() {
    let (net, [east, west]) = cluster(["eu-west", "us-east"]);
    let db = net.connect(&preferring("eu-west")).await.unwrap();
    let mut server = east.accept().await;
    let counter = db.keyspace("default").counter("k");
    let reading = tokio::spawn(async move { counter.get().await });
    server.next().await.unwrap();
    east.stop();
    drop(server);
    let mut server = west.accept().await;
    let request = server.next().await.unwrap();
    server.answer(request.id, Ok(Outcome::Answer(Answer::Sum(Some(5)))));
    assert_eq!(reading.await.unwrap(), Ok(5));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_nobody_answers_says_which_region_was_asked() {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let counter = shop.counter("k");
    let reading = tokio::spawn(async move { counter.get().await });
    server.next().await.unwrap();
    match reading.await.unwrap() {
        Err(ReadError::NoAnswer { region, .. }) => assert_eq!(region.as_str(), "us-east"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_failover_regions_connection_is_not_renewed_once_nobody_needs_it() {
    let (net, [east, west]) = cluster(["eu-west", "us-east"]);
    let db = net.connect(&preferring("eu-west")).await.unwrap();
    east.stop();
    drop(east.accept().await);
    settle().await;
    let counter = db.keyspace("default").counter("k");
    let writing = tokio::spawn(async move { counter.add(1).await });
    let mut server = west.accept().await;
    let (id, write) = server.write().await;
    server.answer(id, written(write.request));
    writing.await.unwrap().unwrap();
    east.start();
    let mut back = east.accept().await;
    drop(server);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(west.is_unvisited().await);
    let asking = tokio::spawn(async move { db.token().await });
    let request = back.next().await.unwrap();
    back.answer(request.id, Ok(Outcome::Token(VersionVector::new())));
    asking.await.unwrap().unwrap();
}
