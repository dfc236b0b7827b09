//! Whichever sync fails, of whatever file, at a start or behind the writes: the node stops, says why, and has lost nothing.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::fs;

use halcyon_client::Keyspace;
use halcyon_tests::power::{Failing, Leaves, Shim, Trouble};
use halcyon_tests::{Cluster, Dice, until};

/// More starts than a first one has syncs.
const SYNCS_MAX: u64 = 60;
/// A few hundred of these fill what is kept in memory before it becomes a file.
const HEAVY_BYTES: usize = 256 * 1024;

/// It has stopped by itself because of the sync, and says so.
fn check_ended(cluster: &mut Cluster, what: &str) {
    let (file, ended) = (cluster.disk(0).failed_sync(), cluster.bury(0));
    assert!(file.is_some(), "{what}: no sync has failed: {}", cluster.tail(0));
    assert_eq!(ended.code(), Some(1), "{what}: of its own accord, and not well");
    let said = cluster.tail(0);
    assert!(said.contains("error: ") && said.contains("Input/output error"), "{what} of {file:?}: {said}");
}

#[tokio::test]
async fn a_first_start_ends_whichever_of_its_syncs_fails_and_can_be_repeated() {
    let Some(shim) = Shim::built() else { return };
    let mut cluster = Cluster::on_disks(&std::env::temp_dir(), 1, shim).await;
    let mut dice = Dice::new(3);
    for at in 1..SYNCS_MAX {
        let how = if at % 2 == 0 { Failing::Kept } else { Failing::Lost };
        cluster.spawn(0, Trouble { fail_sync: Some((at, how)), ..Trouble::default() });
        if cluster.ready_or_ended(0).await.is_ok() && cluster.disk(0).failed_sync().is_none() {
            assert!(at > 10, "a first start has more than {at} syncs");
            let sold = cluster.client(0).await.keyspace("default").counter("sold").add(1).await;
            sold.expect("a region that serves");
            return;
        }
        until("it stops by itself", async || (!cluster.is_running(0)).then_some(())).await;
        check_ended(&mut cluster, &format!("sync {at}"));
        cluster.disk(0).cut(&mut dice, Leaves::Nothing);
    }
    panic!("a first start has more than {SYNCS_MAX} syncs");
}

/// Logs of the database: a second one is begun when what is in memory is to become a file, which is synced behind the
/// writes.
fn logs(cluster: &Cluster) -> usize {
    let there = fs::read_dir(cluster.data(0).join("db")).expect("the database's directory");
    there.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".log")).count()
}

async fn write(shop: &Keyspace, number: i64) {
    let mut batch = shop.batch();
    batch.counter("written").add(number);
    batch.register("ballast").set_bytes(vec![7; HEAVY_BYTES]);
    batch.commit().await.expect("a region that serves");
}

#[tokio::test]
async fn p1_a_sync_that_fails_behind_the_writes_stops_a_node_that_nobody_writes_to() {
    let Some(shim) = Shim::built() else { return };
    let mut cluster = Cluster::on_disks(&std::env::temp_dir(), 1, shim).await;
    cluster.spawn(0, Trouble { fail_sync: Some((1, Failing::Lost)), fail_of: ".sst", ..Trouble::default() });
    cluster.ready(0).await;
    let shop = cluster.client(0).await.keyspace("default");
    let mut acked = 0;
    let begun = logs(&cluster);
    while logs(&cluster) == begun {
        write(&shop, 1).await;
        acked += 1;
    }
    // From here on nobody writes.
    until("it stops by itself", async || (!cluster.is_running(0)).then_some(())).await;
    check_ended(&mut cluster, "a file of what was in memory");
    cluster.disk(0).cut(&mut Dice::new(3), Leaves::Nothing);
    cluster.spawn(0, Trouble::default());
    cluster.ready(0).await;
    let there = cluster.client(0).await.keyspace("default").counter("written").get().await;
    assert_eq!(there.expect("a region that serves"), acked, "p1");
}
