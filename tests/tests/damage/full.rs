//! A full disk below one region: it stops with a clear message and loses nothing, and the others do not notice (P1, P9).

use std::env::temp_dir;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use halcyon_tests::{Cluster, Dice, Load, until};

use crate::facts::{Facts, impatient};

const FULL: usize = 2;
const OTHER: usize = 0;

/// A small disk of its own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None if this user may not mount.
    fn mount(at: PathBuf, size: &str) -> Option<Self> {
        fs::create_dir_all(&at).expect("a directory");
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).output();
        mounted.is_ok_and(|mounted| mounted.status.success()).then_some(Self(at))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let done = Command::new("mount").args(["-o", &options]).arg(&self.0).status().expect("mount");
        assert!(done.success());
    }

    /// Leaves no byte free.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("somebody-elses");
        let mut file = File::create(&path).expect("a file");
        let block = vec![0x5A; 4096];
        while file.write_all(&block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// A cluster of which one region has a small disk; none if that cannot be had here.
async fn cluster_on(root: &Path, size: &str) -> Option<(Cluster, SmallDisk)> {
    let Some(disk) = SmallDisk::mount(root.to_owned(), size) else {
        halcyon_tests::skip("a full disk: this user may not mount a tmpfs");
        return None;
    };
    let mut cluster = Cluster::prepared(&temp_dir(), 3, true).await;
    cluster.keep_data_in(FULL, &root.join("data"));
    for region in 0..3 {
        cluster.restart(region).await;
    }
    cluster.linked().await;
    Some((cluster, disk))
}

fn is_about_room(said: &str) -> bool {
    said.contains("disk is full") && said.contains("make room")
}

/// Writes large values until the region takes no more; what it acked goes to `facts` first.
async fn write_until_it_stops(cluster: &mut Cluster, facts: &mut Facts, dice: &mut Dice) {
    let client = impatient(cluster, FULL).await.expect("a region that serves");
    // Far more than there is room for; an answer that is late on a busy machine is no sign of a full disk.
    for _ in 0..10_000 {
        if !cluster.is_running(FULL) {
            return;
        }
        facts.try_write(&client, dice).await.ok();
    }
}

/// A region that has room answers an impatient client.
async fn is_prompt(cluster: &Cluster) {
    let client = impatient(cluster, OTHER).await.expect("p9: a region that has room");
    for _ in 0..20 {
        client.keyspace("default").counter("prompt").add(1).await.expect("p9: a region that has room");
    }
}

#[tokio::test]
async fn p1_a_full_disk_under_load_loses_nothing_and_the_other_regions_do_not_notice() {
    let root = tempfile::tempdir().expect("a directory");
    let Some((mut cluster, disk)) = cluster_on(root.path(), "48m").await else { return };
    let (mut dice, mut facts) = (Dice::new(6), Facts::default());
    let mut load = Load::start("others", &cluster.client(OTHER).await, 4);
    let before = cluster.log(FULL).len();
    write_until_it_stops(&mut cluster, &mut facts, &mut dice).await;
    assert!(!cluster.ended(FULL).await.success());
    let said = cluster.log(FULL).get(before..).unwrap_or_default().to_owned();
    assert!(is_about_room(&said), "{said}");
    assert!(!said.contains("panicked at"), "{said}");
    is_prompt(&cluster).await;
    load.progress(50).await;

    // A start on a disk that is still full: it fails and says so, or it goes on and stops at the next write.
    let filler = disk.fill();
    for _ in 0..2 {
        let before = cluster.log(FULL).len();
        if cluster.try_start(FULL).await.is_ok() {
            assert!(!cluster.ended(FULL).await.success());
        }
        let said = cluster.log(FULL).get(before..).unwrap_or_default().to_owned();
        assert!(is_about_room(&said), "{said}");
    }
    is_prompt(&cluster).await;

    fs::remove_file(filler).expect("a file");
    disk.resize("512m");
    cluster.restart(FULL).await;
    let settled = load.settle().await;
    facts.are_everywhere(&cluster).await;
    for client in cluster.clients().await {
        settled.is_whole_at(&client).await;
    }
    facts.write(&cluster.client(FULL).await, &mut dice, 4).await;
    facts.are_everywhere(&cluster).await;
}

#[tokio::test]
async fn a_disk_that_fills_up_under_an_idle_region_stops_it_at_the_next_write_or_never() {
    let root = tempfile::tempdir().expect("a directory");
    let Some((mut cluster, disk)) = cluster_on(root.path(), "64m").await else { return };
    let (mut dice, mut facts) = (Dice::new(7), Facts::default());
    facts.write(&cluster.client(FULL).await, &mut dice, 4).await;
    facts.are_everywhere(&cluster).await;
    let filler = disk.fill();
    // Reads need no room.
    let client = impatient(&cluster, FULL).await.expect("a region that serves");
    let answers = facts.ask(&client).await;
    assert!(answers.are_all(), "{answers:?}");
    facts.write(&cluster.client(OTHER).await, &mut dice, 30).await;
    until("it has stopped", async || (!cluster.is_running(FULL)).then_some(())).await;
    assert!(!cluster.ended(FULL).await.success());
    fs::remove_file(filler).expect("a file");
    cluster.restart(FULL).await;
    facts.are_everywhere(&cluster).await;
}
