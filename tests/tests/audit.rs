//! A flipped bit in a row on disk is found within an audit's period, alarmed with keyspace and keys, and mended from a peer.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use halcyon_client::{Keyspace, Refusal};
use halcyon_tests::{Cluster, Ended, REGIONS, halcyon, until};
use serde_json::Value;

const VICTIM: usize = 2;
const KEYS: u64 = 600;

async fn fill(shop: &Keyspace) {
    for first in (0..KEYS).step_by(20) {
        let mut batch = shop.batch();
        for number in first..first + 20 {
            batch.register(format!("article {number:04}")).set_bytes(format!("{number:0200}"));
        }
        batch.counter("filled").add(1);
        batch.commit().await.expect("p9: local writes never wait");
    }
}

/// The largest table of rows.
fn table_of_rows(dir: &Path) -> PathBuf {
    let tables = fs::read_dir(dir.join("db")).expect("a database").map(|entry| entry.expect("an entry").path());
    // A table says in its properties whose it is.
    let is_of_rows = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        bytes.windows(9).any(|part| part == b"namestate")
    };
    let rows = tables.filter(|path| path.extension().is_some_and(|kind| kind == "sst") && is_of_rows(path));
    rows.max_by_key(|path| fs::metadata(path).map_or(0, |data| data.len())).expect("a table of rows")
}

async fn repair(cluster: &Cluster, more: &[&str]) -> Ended {
    let mut args: Vec<OsString> = vec!["repair".into(), "--region".into(), REGIONS[VICTIM].into()];
    args.extend(cluster.flags().map(OsString::from));
    args.extend(more.iter().map(OsString::from));
    halcyon(args).await
}

async fn status(cluster: &Cluster, region: usize) -> Value {
    cluster.status(region).await.expect("a region that serves")
}

fn number(status: &Value, pointer: &str) -> u64 {
    status.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

#[tokio::test]
async fn a_flipped_bit_in_a_row_on_disk_is_found_named_and_mended_from_a_peer() {
    let mut cluster = Cluster::prepared(&std::env::temp_dir(), 3, true).await;
    cluster.configure("[audit]\nperiod = \"2s\"");
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    fill(&cluster.client(0).await.keyspace("default")).await;
    let whole = cluster.converged().await;
    for region in 0..3 {
        let audited = async || {
            let status = status(&cluster, region).await;
            (number(&status, "/audit/last/rows") == whole.rows && number(&status, "/audit/last/compared") > 0)
                .then_some(status)
        };
        let status = until("all rows are audited", audited).await;
        assert_eq!(status.get("health"), Some(&"ok".into()), "nothing is wrong: {status:#}");
    }
    // Each start writes what it replays as a table.
    for _ in 0..2 {
        assert!(cluster.terminate(VICTIM).await.success());
        cluster.restart(VICTIM).await;
    }
    assert!(cluster.terminate(VICTIM).await.success());
    let table = table_of_rows(&cluster.data(VICTIM));
    let mut bytes = fs::read(&table).expect("a table");
    // Rows come first in a table, and fill most of it.
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).expect("a byte") ^= 4;
    fs::write(&table, &bytes).expect("a table");
    cluster.restart(VICTIM).await;
    let found = async || {
        let status = status(&cluster, VICTIM).await;
        status.pointer("/audit/damaged/0").is_some().then_some(status)
    };
    let damaged = until("the damage is found", found).await;
    let finding = damaged.pointer("/audit/damaged/0").expect("a finding");
    assert_eq!(finding.get("keyspace"), Some(&"default".into()), "{finding}");
    let key = |member| finding.get(member).and_then(Value::as_str).expect("a key").to_owned();
    assert!(key("from").starts_with("article ") && key("to").starts_with("article "), "{finding}");
    assert!(key("from") < key("to"), "{finding}");
    assert!(key("to") < format!("article {KEYS:04}"), "not all to the end: {finding}");
    let alarms = damaged.get("alarms").map(Value::to_string).unwrap_or_default();
    assert!(alarms.contains("keyspace") && alarms.contains(&key("to")) && alarms.contains("orrupt"), "{alarms}");
    cluster.linked().await;

    // It serves on; only an operator mends it, who is told before what would be done.
    let client = cluster.client(VICTIM).await;
    assert_eq!(
        client.keyspace("default").counter("filled").get().await.expect("a region that serves"),
        i128::from(KEYS / 20)
    );
    let refused = client.repair(None, true).await.expect_err("no admin");
    assert!(matches!(refused, halcyon_client::ReadError::Refused(Refusal::Forbidden { .. })), "{refused}");
    let looked = repair(&cluster, &[]).await.succeeded();
    assert!(looked.stdout.contains("would take the place") && looked.stdout.contains(&key("to")), "{looked}");
    let _ = repair(&cluster, &["--from", REGIONS[VICTIM]]).await.refused(&["itself", "--from"]);
    let _ = repair(&cluster, &["--from", REGIONS[0], "--yes"]).await.succeeded();
    assert_eq!(cluster.converged().await.digest, whole.digest);
    let mended = async || {
        let status = status(&cluster, VICTIM).await;
        let clean = status.pointer("/audit/damaged").and_then(Value::as_array).is_some_and(Vec::is_empty);
        (clean && number(&status, "/audit/last/rows") == whole.rows).then_some(())
    };
    until("all rows are read again", mended).await;
    // And it is a member like any other.
    let shop = cluster.client(VICTIM).await.keyspace("default");
    shop.register("article 0300").set_bytes("new").await.expect("a write");
    cluster.converged().await;
}
