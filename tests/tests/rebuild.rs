//! A region that lacks what the others have dropped takes a copy of a peer's state, and is a member like any other then.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use halcyon_client::{Client, WriteError};
use halcyon_tests::{Cluster, Load, SMALL_LOGS, bulk, until};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// So many of so much outgrow what logs are limited to.
const WRITES: u64 = 600;

/// Whether a copy has taken the place of a region's first database.
fn is_copy(cluster: &Cluster, region: usize) -> bool {
    cluster.data(region).join("GENERATION").exists()
}

async fn count(client: &Client, name: &str) -> i128 {
    client.keyspace("default").counter(name).get().await.expect("a region that serves")
}

#[tokio::test]
async fn p6_a_region_that_has_lost_its_directory_takes_a_copy_where_logs_have_no_beginning() {
    let mut cluster = Cluster::prepared(&std::env::temp_dir(), 3, true).await;
    cluster.configure(SMALL_LOGS);
    for region in [A, B, C] {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    let shop = cluster.client(A).await.keyspace("default");
    bulk(&shop, WRITES).await;
    cluster.client(C).await.keyspace("default").counter("written").add(5).await.expect("a write");
    cluster.converged().await;
    let (first, former) = (cluster.actor(A).await, cluster.actor(C).await);
    for region in [A, B] {
        until("what all have is dropped", async || (cluster.floor(region, &first).await > 0).then_some(())).await;
    }
    cluster.kill(C);
    let data = cluster.data(C);
    fs::remove_dir_all(&data).expect("a directory");
    cluster.restart(C).await;
    // Whatever it takes, others write on meanwhile.
    bulk(&shop, 20).await;
    cluster.converged().await;
    assert!(is_copy(&cluster, C), "a copy has taken the place of what was begun");
    assert!(!data.join("db").exists(), "which is gone");
    assert!(cluster.floor(C, &first).await > 0, "its logs begin where the copy was made");
    let present = cluster.actor(C).await;
    assert_ne!(present, former, "p2: a new log");
    bulk(&cluster.client(C).await.keyspace("default"), 3).await;
    cluster.converged().await;
    // It goes on from there as from any directory.
    cluster.kill(C);
    cluster.restart(C).await;
    cluster.linked().await;
    bulk(&cluster.client(C).await.keyspace("default"), 2).await;
    cluster.converged().await;
    assert_eq!(cluster.actor(C).await, present);
    let written = count(&cluster.client(B).await, "written").await;
    assert_eq!(written, i128::from(WRITES + 20 + 5 + 3 + 2), "p6: each counts once");
}

#[tokio::test]
async fn p6_a_region_cut_off_while_others_dropped_what_it_lacks_goes_on_as_itself_with_what_it_wrote_alone() {
    let (cluster, written) = Cluster::starved(C).await;
    let clients = cluster.clients().await;
    let (first, actor) = (cluster.actor(A).await, cluster.actor(C).await);
    // Written before, during and after the copy, by a region that nobody hears at first.
    let mut loads = [Load::start("alone", &clients[C], 4), Load::start("elsewhere", &clients[A], 4)];
    for load in &mut loads {
        load.progress(200).await;
    }
    let unsent = cluster.applied(C, &actor).await;
    assert!(cluster.applied(A, &actor).await < unsent, "nobody else has it");
    cluster.rejoin(C).await;
    until("a copy has taken the place of its state", async || is_copy(&cluster, C).then_some(())).await;
    for load in &mut loads {
        load.progress(100).await;
    }
    let mut settled = Vec::new();
    for load in loads {
        settled.push(load.settle().await);
    }
    cluster.converged().await;
    cluster.histories_agree().await;
    assert_eq!(cluster.actor(C).await, actor, "it goes on as the same actor");
    assert!(cluster.applied(B, &actor).await > unsent, "what it wrote alone is elsewhere, too");
    assert!(cluster.floor(C, &first).await > 1, "its logs begin where the copy was made");
    let log = cluster.log(C);
    assert!(
        log.contains("takes a copy of the state of region") && log.contains("Nothing that it acknowledged is lost")
    );
    for client in &clients {
        assert_eq!(count(client, "written").await, i128::from(written), "p6: each counts once");
        for load in &settled {
            load.is_whole_at(client).await;
        }
    }
}

/// Increments at one region, each with its place in that region's log.
struct Increments {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Vec<u64>>,
}

/// Counters that are incremented together.
const COUNTERS: usize = 16;

fn counter(number: usize) -> String {
    format!("reset {number}")
}

impl Increments {
    fn begin(client: Client) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut seqs = Vec::new();
            while !stopping.load(Ordering::Relaxed) {
                let mut batch = client.keyspace("default").batch();
                for number in 0..COUNTERS {
                    batch.counter(counter(number)).add(1);
                }
                seqs.push(batch.commit().await.expect("p9: local writes never wait").dot.seq.0);
            }
            seqs
        });
        Self { stop, task }
    }

    async fn end(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("a writer that did not fail")
    }
}

/// The last reset of a counter, and between which places of the increments' log it lies.
#[derive(Clone, Copy, Default)]
struct Reset {
    after: u64,
    upto: u64,
    /// What the same region has added since.
    added: u64,
}

#[tokio::test]
async fn p6_counters_reset_while_their_region_takes_a_copy_keep_exactly_what_the_resets_had_not_seen() {
    let (cluster, _) = Cluster::starved(B).await;
    let (here, there) = (cluster.client(A).await, cluster.client(B).await);
    let first = here.keyspace("default").register("begun").set("").await.expect("a write").dot.actor;
    let increments = Increments::begin(here.clone());
    // So that the copy lasts: its pages go one way as slowly as the requests for them go the other.
    for other in [A, C] {
        cluster.fault(other, B, "delay_ms=150").await;
        cluster.fault(B, other, "delay_ms=150").await;
    }
    let shop = there.keyspace("default");
    let mut resets = [Reset::default(); COUNTERS];
    let mut during = 0;
    let mut healed = false;
    for round in 0_usize.. {
        let (number, was_copy) = (round % COUNTERS, is_copy(&cluster, B));
        let after = there.token().await.expect("a region that serves").as_vector().get(first).0;
        let name = counter(number);
        let committed = shop.counter(&name).reset().await;
        let receipt = match committed {
            // The node begins anew from its copy: nobody has answered, and the same request is asked again.
            Err(WriteError::OutcomeUnknown(unanswered)) => there.retry(unanswered).await.expect("an answer"),
            committed => committed.expect("p9: local writes never wait"),
        };
        let upto = receipt.token.get(first).0;
        resets[number] = Reset { after, upto, added: 0 };
        during += usize::from(healed && !was_copy);
        if round == 2 * COUNTERS {
            cluster.rejoin(B).await;
            healed = true;
        }
        if was_copy && number + 1 == COUNTERS {
            break;
        }
    }
    assert!(during > COUNTERS, "resets while a copy was taken: {during}");
    for (number, reset) in resets.iter_mut().enumerate().skip(COUNTERS / 2) {
        shop.counter(counter(number)).add(3).await.expect("a write");
        reset.added = 3;
    }
    let seqs = increments.end().await;
    for other in [A, C] {
        cluster.fault(other, B, "delay_ms=0").await;
        cluster.fault(B, other, "delay_ms=0").await;
    }
    cluster.converged().await;
    let unseen = |seq: u64| seqs.iter().filter(|increment| **increment > seq).count() as u64;
    for (number, reset) in resets.iter().enumerate() {
        let (least, most) = (unseen(reset.upto) + reset.added, unseen(reset.after) + reset.added);
        let sum = count(&here, &counter(number)).await;
        assert!(sum >= i128::from(least) && sum <= i128::from(most), "p6: {sum} is not in {least}..={most}");
    }
    // With nobody adding, a reset is exact.
    for number in 0..COUNTERS {
        shop.counter(counter(number)).reset().await.expect("a write");
    }
    here.keyspace("default").counter(counter(0)).add(7).await.expect("a write");
    cluster.converged().await;
    for client in cluster.clients().await {
        assert_eq!((count(&client, &counter(0)).await, count(&client, &counter(1)).await), (7, 0), "p6");
    }
}
