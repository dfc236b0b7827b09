//! Processes that reach each other only by way of others, and a region that has much to catch up on while all go on.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail by panicking, as the test does"
)]
#![expect(clippy::disallowed_methods, reason = "how long others wait is measured from outside")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use halcyon_client::Client;
use halcyon_tests::{Cluster, Load, PATIENCE, until};
use tokio::task::JoinSet;

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// For so long the others are written while one region is away, by so many writers.
const AWAY: Duration = Duration::from_secs(4);
const WRITERS: u64 = 512;
/// Waits that are measured before it comes back.
const WAITS: usize = 50;
/// How much longer than then the others may wait for each other, and for their own writes, while it catches up: it shares two
/// cores and one disk with them.
const SLOWER_MAX: u32 = 100;
/// What counts as no wait at all.
const WAIT_LEAST: Duration = Duration::from_millis(5);

#[tokio::test]
async fn p3_five_regions_in_a_chain_with_a_link_that_flaps_agree_and_send_little_in_vain() {
    let cluster = Cluster::start(5).await;
    for region in 0..5 {
        for other in region + 2..5 {
            cluster.cut(region, other).await;
        }
    }
    let clients = cluster.clients().await;
    let mut loads: Vec<_> = (0..5).map(|region| Load::start(&format!("load {region}"), &clients[region], 2)).collect();
    for _ in 0..5 {
        cluster.cut(1, 2).await;
        for load in &mut loads {
            load.progress(10).await;
        }
        cluster.heal(1, 2).await;
        for load in &mut loads {
            load.progress(20).await;
        }
    }
    let mut settled = Vec::new();
    for load in loads {
        settled.push(load.settle().await);
    }
    cluster.converged().await;
    for client in &clients {
        for load in &settled {
            load.is_whole_at(client).await;
        }
    }
    for region in 0..5 {
        let (brought, in_vain) = cluster.brought(region).await;
        assert!(in_vain * 2 <= brought, "region {region}: {in_vain} of {brought} records in vain");
        let alarms = cluster.alarms(region).await;
        assert!(alarms.is_empty(), "region {region}: {alarms:?}");
    }
}

/// How long until a write at one region is seen at another.
async fn lag(from: &Client, to: &Client) -> Duration {
    let began = Instant::now();
    let receipt = from.keyspace("default").counter("live").add(1).await.expect("p9: local writes never wait");
    to.session(receipt.token).wait(PATIENCE).token().await.expect("it is seen");
    began.elapsed()
}

/// And until one is acknowledged where it is made.
async fn write(client: &Client) -> Duration {
    let began = Instant::now();
    client.keyspace("default").counter("own").add(1).await.expect("p9: local writes never wait");
    began.elapsed()
}

/// Measures again and again until told to stop.
async fn measure(stop: &AtomicBool, mut wait: impl AsyncFnMut() -> Duration) -> Vec<Duration> {
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        waits.push(wait().await);
    }
    waits
}

/// Writes with many in flight, for so long.
async fn burst(client: &Client, length: Duration) {
    let (began, mut writers) = (Instant::now(), JoinSet::new());
    for writer in 0..WRITERS {
        let shop = client.keyspace("default");
        writers.spawn(async move {
            for number in 0.. {
                if began.elapsed() > length {
                    return number;
                }
                shop.counter(format!("{writer}.{}", number % 16)).add(1).await.expect("p9: local writes never wait");
            }
            0
        });
    }
    let mut all = 0;
    while let Some(writer) = writers.join_next().await {
        all += writer.expect("a writer that did not fail");
    }
    println!("{all} writes while one region is away");
}

/// The waits of which half were shorter.
fn median(mut waits: Vec<Duration>) -> Duration {
    waits.sort();
    waits[waits.len() / 2].max(WAIT_LEAST)
}

#[tokio::test]
async fn p9_a_region_that_has_much_to_catch_up_on_starves_nobody() {
    let cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let mut before = [const { Vec::new() }; 3];
    for _ in 0..WAITS {
        before[0].push(lag(&clients[A], &clients[B]).await);
        before[1].push(lag(&clients[C], &clients[A]).await);
        before[2].push(write(&clients[C]).await);
    }
    cluster.isolate(C).await;
    burst(&clients[A], AWAY).await;
    let missed = clients[A].token().await.expect("a region that serves");
    cluster.rejoin(C).await;
    let drained = AtomicBool::new(false);
    let drain = async {
        until("it has caught up", async || {
            clients[C].token().await.expect("a region that serves").covers_all(&missed).then_some(())
        })
        .await;
        drained.store(true, Ordering::Relaxed);
    };
    let ((), beside, out, own) = tokio::join!(
        drain,
        measure(&drained, async || lag(&clients[A], &clients[B]).await),
        measure(&drained, async || lag(&clients[C], &clients[A]).await),
        measure(&drained, async || write(&clients[C]).await),
    );
    let names = ["from the first to the second", "from the one behind to the first", "at the one behind"];
    for ((before, during), what) in before.into_iter().zip([beside, out, own]).zip(names) {
        let waits = during.len();
        let (before, during) = (median(before), median(during));
        println!("{what}: {before:?} before, {during:?} over {waits} waits");
        assert!(during <= before * SLOWER_MAX, "{what}: {before:?} before, {during:?} while it catches up");
    }
    cluster.converged().await;
}
