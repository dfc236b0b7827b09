//! A region whose directory is gone, or an older copy of itself: it begins a new log, says what was lost, and forks nothing.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::fs;
use std::path::{Path, PathBuf};

use halcyon_client::Client;
use halcyon_tests::{Cluster, REGIONS, copy_dir};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

async fn sell(client: &Client, times: u64) {
    for _ in 0..times {
        client.keyspace("default").counter("sold").add(1).await.expect("p9: local writes never wait");
    }
}

async fn sold_everywhere(cluster: &Cluster, sold: i128) {
    cluster.converged().await;
    cluster.histories_agree().await;
    for client in cluster.clients().await {
        let there = client.keyspace("default").counter("sold").get().await.expect("a region that serves");
        assert_eq!(there, sold, "{}: each counts once", client.region());
    }
}

/// An alarm of the region, which is in its log, too.
async fn alarm_that_says(cluster: &Cluster, region: usize, says: &[&str]) {
    let alarms = cluster.alarms(region).await;
    let said = alarms.iter().find(|alarm| says.iter().all(|words| alarm.contains(words)));
    let said = said.unwrap_or_else(|| panic!("{says:?} is in none of {alarms:#?}"));
    assert!(cluster.log(region).contains(said.as_str()), "the log tells it, too");
}

/// The first region's directory, as it is now that the others have all of it.
async fn set_aside(cluster: &mut Cluster) -> PathBuf {
    cluster.converged().await;
    assert!(cluster.terminate(A).await.success());
    let aside = cluster.dir().join("aside");
    copy_dir(&cluster.data(A), &aside);
    cluster.restart(A).await;
    cluster.linked().await;
    aside
}

/// Stops the first region, whose directory is then the one that was set aside.
fn roll_back(cluster: &mut Cluster, aside: &Path) {
    cluster.kill(A);
    let data = cluster.data(A);
    fs::remove_dir_all(&data).expect("a directory");
    copy_dir(aside, &data);
}

#[tokio::test]
async fn p2_a_region_whose_directory_is_gone_says_up_to_where_others_had_its_log_and_doubles_nothing() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let stock = |region: usize| clients[region].keyspace("default").bounded_counter("stock");
    stock(A).increase(100).await.expect("a write");
    sell(&clients[A], 20).await;
    cluster.converged().await;
    stock(A).transfer(REGIONS[B], 30).await.expect("a write");
    cluster.converged().await;
    let former = cluster.actor(A).await;
    let known = cluster.applied(B, &former).await;
    cluster.isolate(A).await;
    // A tail that no other region has.
    sell(&clients[A], 15).await;
    for _ in 0..15 {
        stock(A).decrease(1).await.expect("it holds seventy");
    }
    stock(B).decrease(10).await.expect("it holds thirty");
    cluster.kill(A);
    fs::remove_dir_all(cluster.data(A)).expect("a directory");
    cluster.restart(A).await;
    cluster.rejoin(A).await;
    cluster.linked().await;
    sold_everywhere(&cluster, 20).await;
    let present = cluster.actor(A).await;
    assert_ne!(present, former, "p2: a new log");
    for region in [A, B, C] {
        assert_eq!(cluster.applied(region, &former).await, known, "what others had of the former log, and no more");
    }
    alarm_that_says(&cluster, A, &["begins a new log", &former, &format!("up to {known}"), "is lost"]).await;
    sell(&clients[A], 10).await;
    sold_everywhere(&cluster, 30).await;
    // Whatever is left to be spent, and by whom: never more than there was.
    let mut spent = 10;
    for _ in 0..70 {
        for region in [A, B, C] {
            spent += if stock(region).decrease(2).await.is_ok() { 2 } else { 0 };
        }
    }
    cluster.converged().await;
    for region in [A, B, C] {
        let left = stock(region).value().await.expect("a region that serves");
        assert_eq!(left, 100 - spent, "p8: what was spent in the lost tail is lost, the rest counts once");
        assert!(left >= 0, "p8: the bound holds");
    }
}

#[tokio::test]
async fn p2_an_older_copy_of_a_directory_is_noticed_by_those_who_know_more_of_its_log() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    sell(&clients[A], 20).await;
    let aside = set_aside(&mut cluster).await;
    let former = cluster.actor(A).await;
    for client in &clients {
        sell(client, 10).await;
    }
    cluster.converged().await;
    let known = cluster.applied(B, &former).await;
    roll_back(&mut cluster, &aside);
    sell(&clients[B], 5).await;
    cluster.restart(A).await;
    // At once, so that it waits for what the others know.
    sell(&clients[A], 5).await;
    cluster.linked().await;
    sold_everywhere(&cluster, 60).await;
    assert_ne!(cluster.actor(A).await, former, "p2: a new log");
    for region in [A, B, C] {
        assert_eq!(cluster.applied(region, &former).await, known, "the former log is what it was");
    }
    alarm_that_says(&cluster, A, &["older copy", &former, &known.to_string(), "A new log is begun"]).await;
}

#[tokio::test]
async fn p2_an_older_copy_of_a_directory_that_nobody_can_tell_about_begins_a_new_log_to_write() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    sell(&clients[A], 20).await;
    let aside = set_aside(&mut cluster).await;
    let former = cluster.actor(A).await;
    for client in &clients {
        sell(client, 10).await;
    }
    cluster.converged().await;
    let known = cluster.applied(B, &former).await;
    roll_back(&mut cluster, &aside);
    // The others' ends are cut, so that it hears nobody when it starts.
    for other in [B, C] {
        cluster.fault(other, A, "state=cut").await;
    }
    cluster.restart(A).await;
    let there = clients[A].keyspace("default").counter("sold").get().await.expect("p9: what it has can be read");
    assert_eq!(there, 20, "and is what it was");
    sell(&clients[B], 5).await;
    // P9's one exception: the first write waits for as long as somebody might be heard.
    sell(&clients[A], 5).await;
    let present = cluster.actor(A).await;
    assert_ne!(present, former, "p2: a new log, as its own may have gone on");
    cluster.rejoin(A).await;
    cluster.linked().await;
    sold_everywhere(&cluster, 60).await;
    assert_eq!(cluster.actor(A).await, present);
    for region in [A, B, C] {
        assert_eq!(cluster.applied(region, &former).await, known, "the former log is what it was");
    }
}
