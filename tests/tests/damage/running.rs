//! A disk that goes bad under a running node.

use std::env::temp_dir;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use halcyon_tests::{Cluster, Dice};

use crate::facts::{Facts, impatient};

const VICTIM: usize = 2;
const OTHER: usize = 0;

/// Flips a bit in every KiB of every table, in place: an open file sees it.
fn spoil_tables(cluster: &Cluster) {
    for entry in fs::read_dir(cluster.data(VICTIM).join("db")).expect("a database") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|kind| kind != "sst") {
            continue;
        }
        let file = File::options().read(true).write(true).open(&path).expect("a table");
        let len = file.metadata().expect("a table").len();
        for at in (300..len).step_by(1024) {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).expect("a byte");
            file.write_all_at(&[byte[0] ^ 0x10], at).expect("a byte");
        }
    }
}

#[tokio::test]
async fn damage_under_a_running_node_is_told_to_readers_stops_the_committer_and_is_never_served() {
    let mut cluster = Cluster::start_under(&temp_dir(), 3, true).await;
    let (mut dice, mut facts) = (Dice::new(5), Facts::default());
    for region in 0..3 {
        facts.write(&cluster.client(region).await, &mut dice, 30).await;
    }
    facts.are_everywhere(&cluster).await;
    cluster.kill(VICTIM);
    cluster.restart(VICTIM).await;
    spoil_tables(&cluster);

    let client = impatient(&cluster, VICTIM).await.expect("a region that serves");
    let answers = facts.ask(&client).await;
    assert!(!answers.storage.is_empty() && answers.silent == 0, "readers are told: {answers:?}");
    for reason in &answers.storage {
        assert!(reason.contains("damaged") && reason.contains("move the data directory away"), "{reason}");
    }
    assert!(cluster.is_running(VICTIM), "a reader stops nobody");
    let status = cluster.status(VICTIM).await.expect("a node that answers");
    assert_eq!(status["health"], "alarmed", "{status}");
    assert!(status["alarms"].to_string().contains("damaged"), "{status}");

    // A write of another region onto rows that cannot be read: nothing may be made of it.
    let before = cluster.log(VICTIM).len();
    facts.write(&cluster.client(OTHER).await, &mut dice, 20).await;
    let ended = cluster.ended(VICTIM).await;
    assert!(ended.code().is_some_and(|code| code != 0), "{ended}");
    let said = cluster.log(VICTIM).get(before..).unwrap_or_default().to_owned();
    assert!(said.contains("damaged") && said.contains("move the data directory away"), "{said}");
    assert!(!said.contains("panicked at"), "{said}");

    // Starting it again does not help, and says the same each time.
    for _ in 0..2 {
        let before = cluster.log(VICTIM).len();
        if cluster.try_start(VICTIM).await.is_ok() {
            assert!(!cluster.ended(VICTIM).await.success());
        }
        let said = cluster.log(VICTIM).get(before..).unwrap_or_default().to_lowercase();
        assert!(said.contains("damaged") && said.contains("directory away"), "{said}");
    }
    cluster.move_data_away(VICTIM);
    cluster.restart(VICTIM).await;
    facts.are_everywhere(&cluster).await;
}
