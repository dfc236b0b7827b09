//! Cut cables: a detour where there is one, local service where there is none, and agreement after the heal.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use halcyon_client::{Client, SessionToken};
use halcyon_tests::{Cluster, Load, PATIENCE};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

async fn add(client: &Client, key: &str, amount: i64) -> SessionToken {
    let receipt = client.keyspace("default").counter(key).add(amount).await.expect("p9: local writes never wait");
    receipt.token.into()
}

/// What `client`'s region shows once it has seen `token`; waits as long as the harness does.
async fn sum_after(client: &Client, token: &SessionToken, key: &str) -> i128 {
    let read = client.session(token.clone()).wait(PATIENCE).counter(key).get().await;
    read.unwrap_or_else(|error| panic!("{} has not seen {key}: {error}", client.region()))
}

#[tokio::test]
async fn p4_a_cut_link_is_bridged_by_the_third_region_both_ways() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    cluster.cut(A, B).await;
    for round in 0..5 {
        let key = format!("round:{round}");
        let from_a = add(&clients[A], &key, 1).await;
        assert_eq!(sum_after(&clients[B], &from_a, &key).await, 1, "B sees A's write through C");
        let mut from_b = add(&clients[B], &key, 10).await;
        from_b.join(&from_a);
        assert_eq!(sum_after(&clients[A], &from_b, &key).await, 11, "A sees B's write through C");
    }
    // Without C, there is no way.
    cluster.cut(B, C).await;
    let unseen = add(&clients[A], "unseen", 1).await;
    assert_eq!(sum_after(&clients[C], &unseen, "unseen").await, 1);
    assert_eq!(clients[B].keyspace("default").counter("unseen").get().await.unwrap(), 0, "the cut is real");
    cluster.heal(A, B).await;
    assert_eq!(sum_after(&clients[B], &unseen, "unseen").await, 1, "and healed");
    cluster.heal(B, C).await;
    cluster.converged().await;
}

#[tokio::test]
async fn p4_a_link_cut_one_way_is_bridged_that_way() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    cluster.cut_one_way(A, B).await;
    for round in 0..5 {
        let key = format!("round:{round}");
        let from_a = add(&clients[A], &key, 1).await;
        assert_eq!(sum_after(&clients[B], &from_a, &key).await, 1, "the deaf way is bridged");
        let from_b = add(&clients[B], &key, 10).await;
        assert_eq!(sum_after(&clients[A], &from_b, &key).await, 11, "the other way is as before");
    }
    // Each region hears the next one only: everything travels once around the ring.
    cluster.cut_one_way(B, C).await;
    cluster.cut_one_way(C, A).await;
    for (from, to) in [(A, B), (B, C), (C, A), (B, A), (C, B), (A, C)] {
        let key = format!("ring:{from}:{to}");
        let token = add(&clients[from], &key, 1).await;
        assert_eq!(sum_after(&clients[to], &token, &key).await, 1, "from {from} to {to}");
    }
    for (one, other) in [(A, B), (B, C), (C, A)] {
        cluster.heal(one, other).await;
    }
    cluster.converged().await;
}

#[tokio::test]
async fn p9_a_region_cut_off_serves_reads_and_writes_and_p3_all_agree_after_heal() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let before = add(&clients[A], "both-sides", 1).await;
    assert_eq!(sum_after(&clients[C], &before, "both-sides").await, 1);
    cluster.isolate(C).await;

    let mut loads: Vec<_> =
        clients.iter().zip(["a", "b", "c"]).map(|(client, name)| Load::start(name, client, 4)).collect();
    add(&clients[A], "both-sides", 10).await;
    add(&clients[C], "both-sides", 100).await;
    for load in &mut loads {
        load.progress(300).await;
    }
    // Each side reads its own and not the other's: nothing waits for a region that cannot be heard.
    let c = clients[C].keyspace("default");
    assert_eq!(c.counter("both-sides").get().await.unwrap(), 101);
    assert_eq!(c.counter("a").get().await.unwrap(), 0, "the cut is real");
    assert_eq!(clients[A].keyspace("default").counter("c").get().await.unwrap(), 0, "in both directions");

    // Heal under load.
    cluster.rejoin(C).await;
    for load in &mut loads {
        load.progress(50).await;
    }
    let mut settled = Vec::new();
    for load in loads {
        settled.push(load.settle().await);
    }
    cluster.converged().await;
    for client in &clients {
        assert_eq!(client.keyspace("default").counter("both-sides").get().await.unwrap(), 111);
        for load in &settled {
            load.is_whole_at(client).await;
        }
    }
}

#[tokio::test]
async fn p6_concurrent_updates_on_both_sides_of_a_cut_all_survive() {
    let cluster = Cluster::start(2).await;
    let clients = cluster.clients().await;
    let (a, b) = (clients[A].keyspace("default"), clients[B].keyspace("default"));
    let mut seed = a.batch();
    seed.counter("count").add(5);
    seed.set("cart").add("kept").add("fought-over");
    seed.map("lines").counter("22465").add(1);
    seed.register("last").set("before");
    let token = seed.commit().await.unwrap().token;
    clients[B].session(token).wait(PATIENCE).token().await.unwrap();

    cluster.cut(A, B).await;
    a.counter("count").reset().await.unwrap();
    b.counter("count").add(7).await.unwrap();
    a.set("cart").remove("fought-over").await.unwrap();
    b.set("cart").add("fought-over").await.unwrap();
    a.delete("lines").await.unwrap();
    b.map("lines").counter("22465").add(10).await.unwrap();
    a.register("last").delete().await.unwrap();
    b.register("last").set("during").await.unwrap();
    cluster.heal(A, B).await;
    cluster.converged().await;
    for client in &clients {
        let shop = client.keyspace("default");
        assert_eq!(shop.counter("count").get().await.unwrap(), 7, "inc ‖ reset: only the inc");
        let cart = shop.set("cart").members().await.unwrap();
        assert_eq!(cart, ["fought-over", "kept"], "add ‖ remove: in");
        assert_eq!(shop.map("lines").counter("22465").get().await.unwrap(), 10, "any op ‖ delete key: only that op");
        let last: Option<String> = shop.register("last").get().await.unwrap();
        assert_eq!(last.as_deref(), Some("during"), "set ‖ delete: the set");
    }
}
