//! A live node under fire: a million malformed frames and ten thousand connections that come to nothing. It does not panic,
//! its memory stays within a bound, and whoever is honest is served all the while and loses nothing.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::thread;

use halcyon_client::Client;
use halcyon_tests::hostile::{Calls, Frames, Over, Pace, Stranger, idle_admin_connections};
use halcyon_tests::{Cluster, Load, until};

const MALFORMED: u64 = 1_000_000;
const CALLS: u64 = 10_000;
/// Idle connections to the admin port, twice.
const IDLE: usize = 300;
/// What a node's memory may grow by under all this: what an honest load of this length leaves in its caches and in the
/// database's write buffers, and the windows and buffers of connections that are being closed.
const GROWTH_KIB_MAX: u64 = 128 * 1024;

/// Runs an attack on a thread and a runtime of its own, while `meanwhile` goes on here.
async fn under<T: Send + 'static>(
    attack: impl FnOnce(tokio::runtime::Runtime) -> T + Send + 'static,
    mut meanwhile: impl AsyncFnMut(),
) -> T {
    let attack = thread::spawn(move || {
        attack(tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"))
    });
    while !attack.is_finished() {
        meanwhile().await;
    }
    attack.join().expect("an attack that came to its end")
}

/// Another honest client comes, writes, reads what it wrote, and goes.
async fn comes_and_is_served(cluster: &Cluster, number: &mut i64) {
    // The node may be full for a moment, and says so; whoever comes again is let in.
    let guest =
        until("an honest client is let in", async || Client::connect(cluster.client_config(0)).await.ok()).await;
    let guests = guest.keyspace("default").counter("guests");
    guests.add(1).await.expect("a region that serves");
    *number += 1;
    assert_eq!(guests.get().await.expect("a region that serves"), i128::from(*number));
}

#[tokio::test]
async fn a_node_under_fire_stands_and_serves_who_is_honest() {
    let mut cluster = Cluster::prepared(&std::env::temp_dir(), 2, true).await;
    cluster.restart(0).await;
    let stranger = Stranger::of(&cluster).await;
    let client = cluster.client(0).await;
    let mut load = Load::start("honest", &client, 2);
    load.progress(200).await;
    let before = cluster.memory_kib(0);
    let mut guests = 0;

    let whom = stranger.clone();
    let attack = move |runtime: tokio::runtime::Runtime| {
        runtime.block_on(Frames::send(&whom, MALFORMED, Pace::flat_out(Over::default())))
    };
    let frames = under(attack, async || {
        load.progress(20).await;
        comes_and_is_served(&cluster, &mut guests).await;
    })
    .await;
    println!("{frames:?}, {guests} guests");
    assert!(frames.malformed >= MALFORMED && frames.ended == frames.connections, "{frames:?}");
    assert!(frames.judged > 50_000, "what the decoder has seen of it: {frames:?}");
    let (after_frames, served) = (cluster.memory_kib(0), guests);

    let idle = idle_admin_connections(&cluster.admin_address(0), IDLE);
    let attack = move |runtime: tokio::runtime::Runtime| {
        runtime.block_on(Calls::make(&stranger, CALLS, Pace::flat_out(Over::default())))
    };
    let calls = under(attack, async || {
        load.progress(20).await;
        comes_and_is_served(&cluster, &mut guests).await;
        assert!(cluster.status(0).await.is_some(), "the admin plane answers beside {} idle connections", idle.len());
        assert!(cluster.descriptors(0) < IDLE, "idle connections have taken {} descriptors", cluster.descriptors(0));
    })
    .await;
    println!("{calls:?}, {} guests", guests - served);
    assert!(calls.total() >= CALLS && served > 0 && guests > served);

    let settled = load.settle().await;
    settled.is_whole_at(&client).await;
    // Everybody is gone but the honest one: its places, descriptors and memory are free again.
    until("only the honest client is left", async || {
        let status = cluster.status(0).await?;
        let sessions = status.get("queues")?.get("sessions")?.as_u64()?;
        (sessions == 1 && cluster.descriptors(0) < 128).then_some(())
    })
    .await;
    let after = cluster.memory_kib(0);
    println!("memory: {before} KiB before, {after_frames} KiB after the frames, {after} KiB after the calls");
    assert!(after < before + GROWTH_KIB_MAX, "memory has grown from {before} to {after} KiB");
    assert!(cluster.is_running(0));
    let log = cluster.log(0);
    assert!(!log.contains("panicked"), "{}", cluster.tail(0));
}
