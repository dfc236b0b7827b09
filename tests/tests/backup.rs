//! Backups of a running region, and regions brought back from them.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail by panicking, as the test does"
)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use halcyon_client::{Client, Keyspace};
use halcyon_tests::{Cluster, Ended, Load, REGIONS, halcyon, halcyon_killed, noise, until};
use serde_json::Value;

fn backup_of(cluster: &Cluster, region: usize, dir: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec!["backup".into(), dir.into(), "--region".into(), REGIONS[region].into()];
    args.extend(cluster.flags().map(OsString::from));
    args.push("--json".into());
    args
}

async fn restore(cluster: &Cluster, backup: &Path, region: usize) -> Ended {
    make(cluster, &[], backup, region).await
}

/// Runs `halcyon restore`.
async fn make(cluster: &Cluster, flags: &[&str], from: &Path, region: usize) -> Ended {
    let mut args: Vec<OsString> = vec!["restore".into(), from.into(), "--data".into(), cluster.data(region).into()];
    args.extend([
        "--region".into(),
        REGIONS[region].into(),
        "--config".into(),
        cluster.config().into(),
        "--json".into(),
    ]);
    args.extend(flags.iter().map(OsString::from));
    halcyon(args).await
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).expect("one JSON document")
}

fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document.get(member).and_then(Value::as_str).expect("a text")
}

/// The old directory is worth keeping: it is moved, not deleted.
fn move_away(cluster: &Cluster, region: usize) -> PathBuf {
    let away = cluster.dir().join(format!("away-{region}"));
    fs::rename(cluster.data(region), &away).expect("a directory to move");
    away
}

async fn write(shop: &Keyspace, name: &str, writes: u64) {
    for number in 0..writes {
        let mut batch = shop.batch();
        batch.counter(name).add(1);
        batch.set(format!("{name}.members")).add(format!("{number}"));
        batch.commit().await.expect("p9: local writes never wait");
    }
}

async fn count(client: &Client, name: &str) -> i128 {
    client.keyspace("default").counter(name).get().await.expect("a region that serves")
}

async fn ballast(shop: &Keyspace, writes: u64) {
    for number in 0..writes {
        let value = noise(number);
        shop.register(format!("ballast:{number}")).set_bytes(value).await.expect("p9: local writes never wait");
    }
}

#[tokio::test]
async fn p2_a_region_restored_from_a_backup_under_load_begins_a_new_log_and_loses_nothing_that_others_have() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    let mut loads: Vec<_> =
        clients.iter().zip(["here", "there", "far"]).map(|(client, name)| Load::start(name, client, 4)).collect();
    loads[0].progress(200).await;
    let backup = cluster.dir().join("backup");
    let taken = json(&halcyon(backup_of(&cluster, 0, &backup)).await.succeeded());
    // A thousand more, which the backup lacks and the others have.
    loads[0].progress(1000).await;
    let mut settled = Vec::new();
    for load in loads {
        settled.push(load.settle().await);
    }
    let before = cluster.converged().await;
    cluster.kill(0);
    move_away(&cluster, 0);
    let restored = json(&restore(&cluster, &backup, 0).await.succeeded());
    assert_eq!(restored.get("vv"), taken.get("vv"));
    assert_ne!(text(&restored, "actor"), text(&taken, "actor"), "p2: a new actor");
    cluster.restart(0).await;
    cluster.linked().await;
    assert_eq!(cluster.converged().await, before, "the others gave back what the backup lacks");
    assert_eq!(cluster.actor(0).await, text(&restored, "actor"));
    write(&clients[0].keyspace("default"), "after", 1000).await;
    cluster.converged().await;
    cluster.histories_agree().await;
    for client in &clients {
        assert_eq!(count(client, "after").await, 1000);
        for load in &settled {
            load.is_whole_at(client).await;
        }
    }
    // Once more from the same backup: again another log, and the one in between is no less of a log.
    cluster.kill(0);
    fs::rename(cluster.data(0), cluster.dir().join("away again")).expect("a directory to move");
    let again = json(&restore(&cluster, &backup, 0).await.succeeded());
    assert_ne!(text(&again, "actor"), text(&restored, "actor"));
    cluster.restart(0).await;
    cluster.converged().await;
    assert_eq!(count(&clients[0], "after").await, 1000);
    cluster.histories_agree().await;
}

/// What a region that is cut off has written, and then loses, is in no other region: only the backup can give it to them.
#[tokio::test]
async fn p6_what_only_a_backup_has_reaches_the_others_from_it() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    write(&clients[0].keyspace("default"), "before", 20).await;
    cluster.converged().await;
    cluster.isolate(0).await;
    write(&clients[0].keyspace("default"), "alone", 30).await;
    let backup = cluster.dir().join("backup");
    let _ = halcyon(backup_of(&cluster, 0, &backup)).await.succeeded();
    cluster.kill(0);
    move_away(&cluster, 0);
    let _ = restore(&cluster, &backup, 0).await.succeeded();
    cluster.restart(0).await;
    cluster.rejoin(0).await;
    cluster.linked().await;
    cluster.converged().await;
    for client in &clients {
        assert_eq!((count(client, "before").await, count(client, "alone").await), (20, 30));
    }
    cluster.histories_agree().await;
}

/// Flips a bit two thirds into the newest log of a region's directory.
fn damage(data: &Path) {
    let files = fs::read_dir(data.join("db")).expect("a database").map(|entry| entry.expect("an entry").path());
    let log = files.filter(|path| path.extension().is_some_and(|kind| kind == "log")).max().expect("a log");
    let mut bytes = fs::read(&log).expect("a log");
    let at = bytes.len() / 3 * 2;
    bytes[at] ^= 1;
    fs::write(log, bytes).expect("a log");
}

#[tokio::test]
async fn p6_what_is_whole_of_a_damaged_log_reaches_the_others() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    write(&clients[0].keyspace("default"), "before", 20).await;
    cluster.converged().await;
    cluster.isolate(0).await;
    write(&clients[0].keyspace("default"), "alone", 200).await;
    let former = cluster.actor(0).await;
    cluster.kill(0);
    damage(&cluster.data(0));
    let refused = cluster.try_start(0).await.expect_err("a damaged log");
    assert!(refused.contains("is damaged") && refused.contains("--salvage"), "{refused}");
    let away = move_away(&cluster, 0);
    let salvaged = json(&make(&cluster, &["--salvage"], &away, 0).await.succeeded());
    assert_ne!(text(&salvaged, "actor"), former, "p2: a new actor");
    let lost = salvaged.get("lost").expect("what was left out");
    assert_eq!(lost.get("cuts").and_then(Value::as_array).map(Vec::len), Some(1), "{lost}");
    let change = |name| lost.get(name).and_then(Value::as_u64).expect("the number of a change");
    assert!(change("synced_change") > change("last_change"), "{lost}");
    cluster.restart(0).await;
    cluster.rejoin(0).await;
    cluster.linked().await;
    cluster.converged().await;
    let saved = count(&clients[0], "alone").await;
    assert!(saved > 50 && saved < 200, "{saved}");
    for client in &clients {
        assert_eq!((count(client, "before").await, count(client, "alone").await), (20, saved));
    }
    cluster.histories_agree().await;
}

#[tokio::test]
async fn p3_a_backup_of_one_region_restores_another_and_a_whole_cluster() {
    let mut cluster = Cluster::start(3).await;
    let clients = cluster.clients().await;
    for client in &clients {
        write(&client.keyspace("default"), "sold", 50).await;
    }
    let before = cluster.converged().await;
    let backup = cluster.dir().join("backup");
    let _ = halcyon(backup_of(&cluster, 1, &backup)).await.succeeded();
    for region in 0..3 {
        cluster.kill(region);
        move_away(&cluster, region);
        let _ = restore(&cluster, &backup, region).await.succeeded();
    }
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    assert_eq!(cluster.converged().await, before);
    for client in &clients {
        write(&client.keyspace("default"), "sold", 10).await;
    }
    cluster.converged().await;
    for client in &clients {
        assert_eq!(count(client, "sold").await, 180);
    }
}

#[tokio::test]
async fn a_backup_that_was_killed_half_way_is_refused_by_name_and_a_whole_one_verifies() {
    let mut cluster = Cluster::start(1).await;
    let db = cluster.client(0).await;
    ballast(&db.keyspace("default"), 400).await;
    let (half, whole) = (cluster.dir().join("half"), cluster.dir().join("whole"));
    let begun = half.join("part-000001");
    halcyon_killed(backup_of(&cluster, 0, &half), || fs::metadata(&begun).is_ok_and(|part| part.len() > 1 << 20)).await;
    assert!(begun.exists() && !half.join("manifest.json").exists(), "it was killed half-way");
    // The region lives on, and gives out another: the one that nobody waits for any more takes no place for ever.
    let done = until("the region gives out a copy again", async || {
        let ended = halcyon(backup_of(&cluster, 0, &whole)).await;
        ended.status.success().then_some(ended)
    });
    let taken = json(&done.await);
    assert!(taken.get("parts").and_then(Value::as_u64).expect("a number") > 1, "{taken}");
    let verify = |dir: &Path| halcyon([OsString::from("backup"), dir.into(), "--verify".into()]);
    let _ = verify(&whole).await.succeeded();
    let _ = verify(&half).await.refused(&["manifest.json", "cut short"]);
    let _ = halcyon(backup_of(&cluster, 0, &whole)).await.refused(&["is not empty"]);
    let _ = restore(&cluster, &whole, 0).await.refused(&["is not a new or empty directory", "move it away"]);
    cluster.kill(0);
    move_away(&cluster, 0);
    let _ = restore(&cluster, &half, 0).await.refused(&["manifest.json", "cut short"]);
    assert!(!cluster.data(0).exists());
    let part = whole.join("part-000002");
    let mut bytes = fs::read(&part).expect("a part");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, &bytes).expect("a part");
    let _ = restore(&cluster, &whole, 0).await.refused(&["part-000002", "is damaged"]);
    assert!(!cluster.data(0).exists());
    bytes[middle] ^= 1;
    fs::write(&part, &bytes).expect("a part");
    let _ = restore(&cluster, &whole, 0).await.succeeded();
    cluster.restart(0).await;
    let value = db.keyspace("default").register("ballast:399").get_bytes().await.expect("a region that serves");
    assert_eq!(value.map(|value| value.len()), Some(noise(399).len()));
}

#[tokio::test]
async fn only_an_admin_may_take_a_backup() {
    let cluster = Cluster::start(1).await;
    let backup = cluster.dir().join("backup");
    // The client's certificate under an admin's name: the file's name opens no door.
    let certs = cluster.dir().join("certs");
    for end in ["pem", "key"] {
        fs::copy(certs.join(format!("admin-admin.{end}")), certs.join(format!("kept.{end}"))).expect("a file");
        fs::copy(certs.join(format!("client-client.{end}")), certs.join(format!("admin-admin.{end}"))).expect("a file");
    }
    let refused = halcyon(backup_of(&cluster, 0, &backup)).await.refused(&["admin"]);
    assert!(!backup.exists(), "{refused}");
    // A client that asks by hand.
    let client = cluster.client(0).await;
    let refused = client.copy().await.expect_err("clients take no copies").to_string();
    assert!(refused.contains("needs an admin's certificate") && refused.contains("client"), "{refused}");
    client.keyspace("default").counter("k").add(1).await.expect("the connection goes on");
}
