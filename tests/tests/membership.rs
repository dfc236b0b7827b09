//! Regions that join and are retired while the others serve.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail by panicking, as the test does"
)]

use halcyon_client::{Change, Client, ReadError, WriteError, request_id};
use halcyon_tests::{Cluster, Ended, Load, REGIONS, halcyon, until};
use serde_json::{Value, json};

async fn region(cluster: &Cluster, via: usize, args: &[&str]) -> Ended {
    let args = ["region"].into_iter().chain(args.iter().copied()).chain(["--region", REGIONS[via]]);
    halcyon(args.map(str::to_owned).chain(cluster.flags())).await
}

async fn add(cluster: &Cluster, via: usize, newcomer: &[String]) -> Ended {
    let args: Vec<&str> = ["add"].into_iter().chain(newcomer.iter().map(String::as_str)).collect();
    region(cluster, via, &args).await
}

async fn status(cluster: &Cluster, region: usize) -> Value {
    cluster.status(region).await.expect("a region that serves")
}

/// Who is a member, and how it is, as a region says.
async fn states(cluster: &Cluster, region: usize) -> Vec<(String, String)> {
    let status = status(cluster, region).await;
    let text = |member: &Value, field: &str| member[field].as_str().expect("a text").to_owned();
    let members = status["members"].as_array().expect("members");
    members.iter().map(|member| (text(member, "region"), text(member, "state"))).collect()
}

async fn all_are(cluster: &Cluster, regions: usize, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect();
    for region in 0..regions {
        until("the members are known", async || (states(cluster, region).await == expected).then_some(())).await;
    }
}

#[tokio::test]
async fn p6_a_fourth_region_joins_under_load_while_its_source_is_restarted() {
    let mut cluster = Cluster::start(3).await;
    let mut load = Load::start("orders", &cluster.client(1).await, 4);
    load.progress(100).await;
    let (fourth, told) = cluster.newcomer("sa-east").await;
    cluster.restart(fourth).await;
    // Nobody knows it: it serves nobody, and begins no cluster of its own.
    until("it is refused", async || cluster.log(fourth).contains("does not admit this one").then_some(())).await;
    load.progress(100).await;
    assert_eq!(status(&cluster, fourth).await["standing"], json!("joining"));
    let added = add(&cluster, 0, &told).await.succeeded();
    assert!(added.stdout.contains("certs issue") && added.stdout.contains("halcyon node"), "{added}");
    cluster.kill(0);
    load.progress(100).await;
    cluster.restart(0).await;
    until("it serves", async || (cluster.status(fourth).await?["standing"] == json!("serving")).then_some(())).await;
    let mut there = Load::start("late", &cluster.client(fourth).await, 2);
    there.progress(20).await;
    load.progress(100).await;
    let (load, there) = (load.settle().await, there.settle().await);
    cluster.linked().await;
    cluster.converged().await;
    for region in 0..4 {
        let client = cluster.client(region).await;
        load.is_whole_at(&client).await;
        there.is_whole_at(&client).await;
    }
    let serving = ["us-east", "eu-west", "ap-south", "sa-east"].map(|name| (name, "serving"));
    all_are(&cluster, 4, &serving).await;
    // The facts are on every disk.
    for region in 0..4 {
        cluster.kill(region);
    }
    for region in 0..4 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    all_are(&cluster, 4, &serving).await;
    assert!(region(&cluster, 0, &["retire", "sa-east"]).await.status.success());
}

async fn count(client: &Client) -> i128 {
    client.keyspace("default").counter("last").get().await.expect("a region that serves")
}

#[tokio::test]
async fn p6_survivors_end_with_what_one_of_them_has_of_a_dead_region_and_wait_for_it_no_more() {
    let mut cluster = Cluster::start(3).await;
    let (first, second, third) = (cluster.client(0).await, cluster.client(1).await, cluster.client(2).await);
    third.keyspace("default").counter("last").add(1).await.expect("a write");
    cluster.converged().await;
    let actor = status(&cluster, 2).await["actor"].as_str().expect("an actor").to_owned();
    cluster.cut(2, 0).await;
    cluster.cut(0, 1).await;
    for _ in 0..5 {
        third.keyspace("default").counter("last").add(1).await.expect("a write");
    }
    until("the second has it", async || (count(&second).await == 6).then_some(())).await;
    assert_eq!(count(&first).await, 1, "the first has not");
    cluster.kill(2);
    let refused = region(&cluster, 0, &["retire", "ap-south"]).await.refused(&["1 of 3 members are reached"]);
    assert!(refused.stdout.is_empty());
    cluster.heal(0, 1).await;
    until("it is retired", async || region(&cluster, 0, &["retire", "ap-south"]).await.status.success().then_some(()))
        .await;
    until("the first has it too", async || (count(&first).await == 6).then_some(())).await;
    for at in [0, 1] {
        until("its log is closed", async || {
            let status = status(&cluster, at).await;
            let held = status["logs"]["held_up_by"].as_array().expect("a list").is_empty();
            (status["closed"][&actor] == json!(6) && held).then_some(())
        })
        .await;
    }
    first.keyspace("default").counter("last").add(1).await.expect("a write");
    until("the others go on", async || (count(&second).await == 7).then_some(())).await;
    all_are(&cluster, 2, &[("us-east", "serving"), ("eu-west", "serving"), ("ap-south", "retired")]).await;
    // It comes back: it is told, and says so.
    cluster.restart(2).await;
    until("it has heard", async || (cluster.status(2).await?["standing"] == json!("retired")).then_some(())).await;
    let third = cluster.client(2).await;
    let write = third.keyspace("default").counter("last").add(1).await;
    assert!(matches!(&write, Err(error) if error.name() == "Retired"), "{write:?}");
    assert!(!matches!(write, Err(WriteError::OutcomeUnknown(_))));
    cluster.kill(2);
    cluster.forget_last();
    cluster.converged().await;
}

#[tokio::test]
async fn changes_that_cannot_be_are_refused_with_their_reason() {
    let mut cluster = Cluster::start(2).await;
    let (_, told) = cluster.newcomer("sa-east").await;
    let with = |at: usize, value: &str| {
        let mut args = told.clone();
        value.clone_into(&mut args[at]);
        args
    };
    let _ = add(&cluster, 0, &with(0, "1")).await.refused(&["region id 1 is us-east's", "never used again"]);
    let _ = add(&cluster, 0, &with(0, "0")).await.refused(&["1..=65535"]);
    let _ = add(&cluster, 0, &with(1, "eu-west")).await.refused(&["is called eu-west already"]);
    let _ = add(&cluster, 0, &with(3, "127.0.0.1")).await.refused(&["HOST:PORT"]);
    let _ = region(&cluster, 0, &["retire", "mars"]).await.refused(&["no region of this cluster is called mars"]);
    let _ = region(&cluster, 0, &["retire", "us-east"]).await.refused(&["cannot retire itself"]);
    let _ = region(&cluster, 0, &["replace", "mars"]).await.refused(&["no region of this cluster is called mars"]);
    let change = Change::Retire { name: "eu-west".parse().expect("a name") };
    let denied = cluster.client(0).await.change_members(request_id(), change).await;
    assert!(matches!(&denied, Err(ReadError::Refused(refusal)) if refusal.name() == "Forbidden"), "{denied:?}");
    let _ = region(&cluster, 0, &["retire", "eu-west"]).await.succeeded();
    let _ = region(&cluster, 0, &["retire", "eu-west"]).await.refused(&["was retired"]);
    let _ = add(&cluster, 0, &with(0, "2")).await.refused(&["never used again"]);
}
