//! Batches and causes, watched from every region while they arrive.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::collections::{BTreeMap, BTreeSet};

use halcyon_client::Client;
use halcyon_tests::{Cluster, PATIENCE};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Elements of each batch.
const PARTS: usize = 4;
const BATCHES: usize = 200;

/// How many parts of each batch there are. All of the set fits one page, and a page is read at one snapshot.
async fn parts_by_batch(client: &Client) -> BTreeMap<String, usize> {
    let page = client.keyspace("default").set("parts").page(None, 1024).await.expect("a region that serves");
    assert!(page.next.is_none(), "one page is one snapshot");
    let mut batches = BTreeMap::new();
    for part in page.items {
        let part = String::from_utf8(part.to_vec()).expect("text");
        let (batch, _) = part.split_once('.').expect("batch.part");
        *batches.entry(batch.to_owned()).or_default() += 1;
    }
    batches
}

/// Reads as fast as the region answers, until all is there; says how many different states it has met.
fn watch_parts(client: Client) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let mut met = BTreeSet::new();
        loop {
            let batches = parts_by_batch(&client).await;
            assert!(batches.values().all(|parts| *parts == PARTS), "half a batch in {}: {batches:?}", client.region());
            // One writer's batches arrive in its order.
            assert!(batches.keys().enumerate().all(|(n, batch)| *batch == format!("{n:03}")), "a gap in {batches:?}");
            met.insert(batches.len());
            if batches.len() == BATCHES {
                return met.len();
            }
        }
    })
}

#[tokio::test]
async fn p5_a_batch_is_seen_whole_or_not_at_all_in_every_region() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let watchers: Vec<_> = clients.iter().cloned().map(watch_parts).collect();
    for batch in 0..BATCHES {
        let mut whole = clients[0].keyspace("default").batch();
        for part in 0..PARTS {
            whole.set("parts").add(format!("{batch:03}.{part}"));
        }
        whole.commit().await.unwrap();
    }
    for watcher in watchers {
        let met = timeout(PATIENCE, watcher).await.expect("all batches arrive").expect("no half batch");
        assert!(met > 3, "a watcher that met {met} states has not watched anything arrive");
    }
}

/// Two counters that every batch raises together: whichever is read second is never behind.
fn watch_pair(client: Client) -> JoinHandle<usize> {
    tokio::spawn(async move {
        let shop = client.keyspace("default");
        let (left, right) = (shop.counter("left"), shop.counter("right"));
        let mut met = BTreeSet::new();
        loop {
            for (first, second) in [(&left, &right), (&right, &left)] {
                let (one, other) = (first.get().await.expect("a read"), second.get().await.expect("a read"));
                assert!(other >= one, "half a batch in {}: {one}, then {other}", client.region());
                met.insert(other);
                if other == i128::try_from(BATCHES).expect("few") {
                    return met.len();
                }
            }
        }
    })
}

#[tokio::test]
async fn p5_objects_of_one_batch_move_together_in_every_region() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let watchers: Vec<_> = clients.iter().cloned().map(watch_pair).collect();
    for _ in 0..BATCHES {
        let mut pair = clients[0].keyspace("default").batch();
        pair.counter("left").add(1);
        pair.counter("right").add(1);
        pair.commit().await.unwrap();
    }
    for watcher in watchers {
        let met = timeout(PATIENCE, watcher).await.expect("all batches arrive").expect("no half batch");
        assert!(met > 3, "a watcher that met {met} states has not watched anything arrive");
    }
}

/// The cause is written in the first region, the effect in the second once it has seen the cause, and the third hears the
/// second at once but the first late: without the order of causes, it would show the effect alone.
#[tokio::test]
async fn p4_no_region_shows_an_effect_before_its_cause() {
    const ROUNDS: i64 = 25;
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    cluster.fault(0, 2, "delay_ms=60").await;
    let third = clients[2].keyspace("default");
    let watcher = tokio::spawn(async move {
        let mut met = BTreeSet::new();
        loop {
            let effect = third.counter("effect").get().await.expect("a read");
            let cause = third.counter("cause").get().await.expect("a read");
            assert!(cause >= effect, "p4: effect {effect} is shown, its cause is not: {cause}");
            met.insert(effect);
            if effect == i128::from(ROUNDS) {
                return met.len();
            }
        }
    });
    for _ in 0..ROUNDS {
        let receipt = clients[0].keyspace("default").counter("cause").add(1).await.unwrap();
        // Writes-follow-reads: the second region has applied the cause before it writes the effect.
        clients[1].session(receipt.token).wait(PATIENCE).token().await.unwrap();
        clients[1].keyspace("default").counter("effect").add(1).await.unwrap();
    }
    let met = timeout(PATIENCE, watcher).await.expect("all effects arrive").expect("no effect before its cause");
    assert!(met > 3, "a watcher that met {met} states has not watched anything arrive");
    cluster.fault(0, 2, "delay_ms=0").await;
    cluster.converged().await;
}
