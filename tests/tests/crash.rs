//! Killed nodes: what was acked is there when they come back, what was unanswered is counted once, and nobody else waits.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::time::Duration;
use std::{env, fs};

use halcyon_client::{Client, RequestId, WriteError, request_id};
use halcyon_crdt::{Object, Op, Update};
use halcyon_net::{Credentials, Identity, Role, Session, client, frame};
use halcyon_tests::{Cluster, Dice, Load, PATIENCE, until};
use halcyon_types::topology::Topology;
use halcyon_wire::{Body, Request, Seen, Write, codec};

const WRITERS: usize = 16;

/// A client that soon says it does not know, so that a scenario sees lost answers instead of the SDK's own patience.
async fn impatient(cluster: &Cluster, region: usize) -> Client {
    let config = cluster.client_config(region);
    let config = config.request_timeout(Duration::from_millis(300)).connect_timeout(Duration::from_millis(200));
    Client::connect(config).await.expect("a region that serves")
}

/// Adds one to a counter without ever reading the answer. The connection lasts as long as what is returned.
async fn send_add(cluster: &Cluster, key: &str, request: RequestId) -> Session {
    let text = fs::read_to_string(cluster.config()).expect("the cluster's file");
    let topology = Topology::parse(&text).expect("a topology");
    let role = Role::Client("client".parse().expect("a name"));
    let own = Credentials::load(&cluster.certs(), &Identity { cluster: topology.cluster.clone(), role });
    let region = topology.regions.first().expect("a region");
    let mut session = client::dial(&own.expect("certificates"), region).await.expect("admitted");
    let keyspace = topology.keyspaces.first().expect("a keyspace").id;
    let update = Update { object: Object::new(keyspace, key.to_owned()), op: Op::Add { amount: 1 } };
    let waits_for_nothing = halcyon_wire::Session::default();
    let body = Body::Write(Write { request, session: waits_for_nothing, seen: Seen::Present, updates: vec![update] });
    let mut bytes = Vec::new();
    frame::append(&mut bytes, |out| codec::encode(out, &Request { id: 1, body })).expect("a small frame");
    session.writer.write(bytes.into()).await.expect("a connection that stands");
    session
}

#[tokio::test]
async fn p1_every_acked_write_survives_kill_9_under_load() {
    let mut dice = Dice::new(1);
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let mut victim = Load::start("victim", &impatient(&cluster, 0).await, WRITERS);
    let mut other = Load::start("other", &clients[1], 4);
    for cycle in 0..4 {
        victim.progress(20 + dice.below(200)).await;
        cluster.kill(0);
        let acked = victim.acked();
        // P9: the others neither stop nor fail while a region is dead.
        other.progress(50).await;
        cluster.restart(0).await;
        let there = victim.seen_by(&clients[0]).await;
        let lost: Vec<_> = acked.difference(&there).collect();
        assert!(lost.is_empty(), "p1: cycle {cycle} has lost {lost:?}");
    }
    victim.progress(1).await;
    let (victim, other) = (victim.settle().await, other.settle().await);
    cluster.converged().await;
    for client in &clients {
        victim.is_whole_at(client).await;
        other.is_whole_at(client).await;
    }
}

/// How often [`p1_regions_killed_at_random_a_hundred_times_under_load_lose_and_double_nothing`] kills; `HALCYON_KILLS` names another.
const KILLS: u64 = 100;

#[tokio::test]
async fn p1_regions_killed_at_random_a_hundred_times_under_load_lose_and_double_nothing() {
    let kills = env::var("HALCYON_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut dice = Dice::new(100);
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let mut loads = Vec::new();
    for region in 0..3 {
        loads.push(Load::start(&format!("load {region}"), &impatient(&cluster, region).await, 4));
    }
    for _ in 0..kills {
        let [victim, watched] =
            [dice.below(3), dice.below(3)].map(|region| usize::try_from(region).expect("one of three"));
        // At times while it is still finding out where it stands.
        if dice.below(3) > 0 {
            loads[watched].progress(1 + dice.below(30)).await;
        }
        cluster.kill(victim);
        cluster.restart(victim).await;
    }
    let mut settled = Vec::new();
    for mut load in loads {
        load.progress(1).await;
        settled.push(load.settle().await);
    }
    cluster.converged().await;
    cluster.histories_agree().await;
    for (region, client) in clients.iter().enumerate() {
        for load in &settled {
            load.is_whole_at(client).await;
        }
        // The others would give back what a disk has lost, and hide the loss; but they say so.
        let alarms = cluster.alarms(region).await;
        assert!(!alarms.iter().any(|alarm| alarm.contains("older copy")), "p1: {alarms:?}");
        assert!(!cluster.log(region).contains("older copy"), "p1: a disk had lost what it had shown");
    }
}

/// With other regions about, they would give back what a disk has lost, and hide the loss.
#[tokio::test]
async fn p1_every_acked_write_survives_kill_9_with_no_other_region_to_ask() {
    let mut dice = Dice::new(11);
    let mut cluster = Cluster::start(1).await;
    let reader = cluster.client(0).await;
    let mut load = Load::start("alone", &impatient(&cluster, 0).await, WRITERS);
    for cycle in 0..6 {
        load.progress(1 + dice.below(300)).await;
        cluster.kill(0);
        let acked = load.acked();
        cluster.restart(0).await;
        let there = load.seen_by(&reader).await;
        let lost: Vec<_> = acked.difference(&there).collect();
        assert!(lost.is_empty(), "p1: cycle {cycle} has lost {lost:?}");
    }
    load.progress(1).await;
    load.settle().await.is_whole_at(&reader).await;
}

#[tokio::test]
async fn p6_a_request_id_is_remembered_across_a_kill_and_counts_once() {
    let mut cluster = Cluster::start(1).await;
    let db = cluster.client(0).await;
    let mut batch = db.keyspace("default").batch();
    batch.counter("sold").add(12);
    let batch = batch.request(request_id());
    let first = batch.clone().commit().await.unwrap();
    cluster.kill(0);
    cluster.restart(0).await;
    let again = batch.clone().commit().await.unwrap();
    assert_eq!(again.dot, first.dot, "the answer names the first commit");
    assert!(first.token.le(&again.token));
    assert_eq!(db.keyspace("default").counter("sold").get().await.unwrap(), 12);
    cluster.terminate(0).await;
    cluster.restart(0).await;
    assert_eq!(batch.commit().await.unwrap().dot, first.dot, "a clean stop forgets no more than a kill");
    assert_eq!(db.keyspace("default").counter("sold").get().await.unwrap(), 12);
}

#[tokio::test]
async fn p6_a_write_whose_answer_was_lost_is_retried_and_counts_once() {
    let mut cluster = Cluster::start(1).await;
    let db = cluster.client(0).await;
    for round in 0..5 {
        let (key, request) = (format!("round:{round}"), request_id());
        // Sent by hand, so that nobody reads the answer: all that shows it was committed is that it can be read.
        let unread = send_add(&cluster, &key, request).await;
        let sold = db.keyspace("default").counter(&key);
        until("the write is seen", async || (sold.get().await.ok()? == 1).then_some(())).await;
        cluster.kill(0);
        drop(unread);
        cluster.restart(0).await;
        let mut batch = db.keyspace("default").batch();
        batch.counter(&key).add(1);
        let receipt = batch.request(request).commit().await.unwrap();
        assert_eq!(receipt.dot.seq.0, round + 1, "the answer names the commit before the kill");
        assert_eq!(sold.get().await.unwrap(), 1, "round {round}: once");
    }
}

#[tokio::test]
async fn p6_writes_that_a_kill_left_without_an_answer_count_once_when_retried() {
    let mut dice = Dice::new(6);
    let mut cluster = Cluster::start(1).await;
    for round in 0..5_u64 {
        let (eager, patient) = (impatient(&cluster, 0).await, cluster.client(0).await);
        let key = format!("round:{round}");
        let sold = patient.keyspace("default").counter(&key);
        let writes: Vec<_> = (0..200)
            .map(|_| {
                let counter = eager.keyspace("default").counter(&key);
                tokio::spawn(async move { counter.add(1).await })
            })
            .collect();
        let some = i128::from(dice.below(100));
        until("some of the writes are seen", async || (sold.get().await.ok()? >= some).then_some(())).await;
        cluster.kill(0);
        let (mut unanswered, mut never_sent) = (Vec::new(), 0);
        for write in writes {
            match write.await.unwrap() {
                Ok(_) => {}
                Err(WriteError::OutcomeUnknown(it)) => unanswered.push(it),
                Err(WriteError::NotReachable { .. }) => never_sent += 1,
                Err(other) => panic!("{other}"),
            }
        }
        cluster.restart(0).await;
        for write in unanswered {
            patient.retry(write).await.unwrap();
        }
        assert_eq!(sold.get().await.unwrap(), 200 - never_sent, "round {round}: each that was sent, once");
    }
}

#[tokio::test]
async fn a_node_told_to_stop_answers_what_it_has_begun_and_comes_back() {
    let mut cluster = Cluster::start(2).await;
    let clients = cluster.clients().await;
    let mut load = Load::start("clean", &impatient(&cluster, 0).await, WRITERS);
    load.progress(200).await;
    let status = cluster.terminate(0).await;
    assert!(status.success(), "SIGTERM is a clean stop: {status}");
    cluster.restart(0).await;
    load.progress(200).await;
    let load = load.settle().await;
    cluster.converged().await;
    for client in &clients {
        load.is_whole_at(client).await;
    }
}

#[tokio::test]
async fn p9_the_others_serve_while_one_region_is_dead_and_it_catches_up() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    cluster.kill(2);
    let mut receipts = Vec::new();
    for (client, n) in clients.iter().take(2).zip([3, 5]) {
        receipts.push(client.keyspace("default").counter("while-dead").add(n).await.unwrap());
    }
    // Seen across the two that live, though the third hears of neither.
    let (here, there) = (&clients[0], &clients[1]);
    let token = receipts.pop().unwrap().token;
    assert!(here.session(token).wait(PATIENCE).counter("while-dead").get().await.unwrap() >= 5);
    let token = receipts.pop().unwrap().token;
    assert!(there.session(token).wait(PATIENCE).counter("while-dead").get().await.unwrap() >= 3);
    cluster.restart(2).await;
    cluster.converged().await;
    assert_eq!(clients[2].keyspace("default").counter("while-dead").get().await.unwrap(), 8);
}
