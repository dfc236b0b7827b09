//! A set of very many members, deleted while others write.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]
#![expect(clippy::disallowed_methods, reason = "how long others wait is measured from outside")]

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use halcyon_client::{Client, Keyspace};
use halcyon_tests::{Cluster, PATIENCE};
use halcyon_types::limits::UPDATES_MAX;
use serde_json::Value;
use tokio::task::JoinSet;

const A: usize = 0;
const B: usize = 1;

/// Members of the set; `HALCYON_SET_MEMBERS` names another number.
const MEMBERS: u64 = 100_000;
/// What a process may hold more than before; and, where something was added unseen, so that the crowd cannot be dropped as a range,
/// for each member.
const MORE_MEMORY_MAX: u64 = 96 * 1024 * 1024;
const MORE_PER_MEMBER: u64 = 256;
/// A million names of 24 bytes are 24 MB; the deletion, and all that is said besides while it travels, is this at most.
const SENT_MAX: u64 = 256 * 1024;

fn member(number: u64) -> String {
    format!("member {number:017}")
}

async fn fill(shop: &Keyspace, members: u64) {
    let mut batches = JoinSet::new();
    for first in (0..members).step_by(UPDATES_MAX) {
        let mut batch = shop.batch();
        for number in first..members.min(first + UPDATES_MAX as u64) {
            batch.set("crowd").add(member(number));
        }
        batches.spawn(batch.commit());
        if batches.len() == 16 {
            batches.join_next().await.expect("one of them").expect("a task").expect("p9: local writes never wait");
        }
    }
    while let Some(batch) = batches.join_next().await {
        batch.expect("a task").expect("p9: local writes never wait");
    }
}

/// Bytes that a region has sent to all others.
async fn sent(cluster: &Cluster, region: usize) -> u64 {
    let status = cluster.told(region).await;
    let peers = status.get("peers").and_then(Value::as_array).into_iter().flatten();
    peers.filter_map(|peer| peer.get("sent_bytes").and_then(Value::as_u64)).sum()
}

/// A client that writes one counter after the other, and notes how long each took.
fn writes_of(client: &Client, ended: &Arc<AtomicBool>) -> tokio::task::JoinHandle<Vec<Duration>> {
    let (shop, ended) = (client.keyspace("default"), Arc::clone(ended));
    tokio::spawn(async move {
        let mut waits = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            let began = Instant::now();
            shop.counter("beside").add(1).await.expect("p9: local writes never wait");
            waits.push(began.elapsed());
        }
        waits
    })
}

fn tell(what: &str, mut waits: Vec<Duration>) {
    waits.sort();
    let at = |share: usize| waits.get((waits.len() * share / 100).min(waits.len() - 1));
    println!("{what}: {} writes, p50 {:?}, p99 {:?}, most {:?}", waits.len(), at(50), at(99), waits.last());
}

#[tokio::test]
async fn p6_a_crowd_is_deleted_by_one_small_record_while_others_write_and_what_was_added_unseen_stays() {
    let members = env::var("HALCYON_SET_MEMBERS").ok().and_then(|n| n.parse().ok()).unwrap_or(MEMBERS);
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let shop = clients[A].keyspace("default");
    let began = Instant::now();
    fill(&shop, members).await;
    cluster.converged().await;
    println!("{members} members, everywhere after {:?}", began.elapsed());
    // Added where the deletion has not been heard of, half of them anew.
    cluster.cut(A, B).await;
    cluster.cut(2, B).await;
    for number in members - 5..members + 5 {
        clients[B].keyspace("default").set("crowd").add(member(number)).await.expect("a write");
    }
    let memory: Vec<u64> = (0..3).map(|region| cluster.resident_bytes(region)).collect();
    let (sent_before, ended) = (sent(&cluster, A).await, Arc::new(AtomicBool::new(false)));
    let before = writes_of(&clients[A], &ended);
    let alone = writes_of(&clients[2], &ended);
    let began = Instant::now();
    let receipt = shop.set("crowd").clear().await.expect("a write");
    let answered = began.elapsed();
    let there = clients[2].session(receipt.token.clone()).wait(PATIENCE);
    assert_eq!(there.set("crowd").members().await.expect("a region that serves").len(), 0);
    println!("deleted in {answered:?}, elsewhere after {:?}", began.elapsed());
    let sent_after = sent(&cluster, A).await;
    ended.store(true, Ordering::Relaxed);
    let mut beside = 0;
    for (what, writer) in [("beside it", before), ("elsewhere", alone)] {
        let waits = writer.await.expect("a writer that did not fail");
        beside += waits.len();
        tell(what, waits);
    }
    let bytes = sent_after - sent_before;
    assert!(bytes < SENT_MAX + 1024 * beside as u64, "the deletion of {members} members took {bytes} bytes");
    cluster.heal(A, B).await;
    cluster.heal(2, B).await;
    cluster.converged().await;
    for client in &clients {
        let crowd = client.keyspace("default").set("crowd");
        assert_eq!(crowd.members().await.expect("a region that serves").len(), 10, "p6: what was added unseen stays");
        for number in [members - 5, members - 1, members, members + 4] {
            assert!(crowd.contains(member(number)).await.expect("a read"), "{}: {number}", client.region());
        }
    }
    for (region, before) in memory.into_iter().enumerate() {
        let after = cluster.resident_bytes(region);
        println!("region {region}: {} MiB before, {} MiB after", before >> 20, after >> 20);
        assert!(after < before + MORE_MEMORY_MAX + MORE_PER_MEMBER * members, "p10: {before} bytes became {after}");
    }
}
