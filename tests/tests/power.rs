//! Power cuts: what was acked is there when the power is back; and the harness that says so can tell when it is not.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use halcyon_client::Client;
use halcyon_tests::power::{Disk, Failing, Leaves, Shim, Trouble};
use halcyon_tests::{Cluster, Dice, Load, until};

const WRITERS: usize = 8;

/// One region alone: with others about, they would give back what a disk has lost.
async fn alone() -> Option<Cluster> {
    Some(Cluster::on_disks(&std::env::temp_dir(), 1, Shim::built()?).await)
}

async fn started(cluster: &mut Cluster, trouble: Trouble) {
    cluster.spawn(0, trouble);
    cluster.ready(0).await;
}

async fn impatient(cluster: &Cluster) -> Client {
    let config = cluster.client_config(0);
    let config = config.request_timeout(Duration::from_millis(300)).connect_timeout(Duration::from_millis(200));
    Client::connect(config).await.expect("a region that serves")
}

#[tokio::test]
async fn p1_every_acked_write_survives_a_power_cut() {
    let Some(mut cluster) = alone().await else { return };
    let mut dice = Dice::new(4);
    started(&mut cluster, Trouble::default()).await;
    let reader = cluster.client(0).await;
    let mut load = Load::start("alone", &impatient(&cluster).await, WRITERS);
    for cycle in 0..6 {
        load.progress(1 + dice.below(100)).await;
        cluster.kill(0);
        let acked = load.acked();
        let cut = cluster.disk(0).cut(&mut dice, Leaves::Drawn);
        started(&mut cluster, Trouble { sync_delay: Duration::from_micros(500 * cycle), ..Trouble::default() }).await;
        let there = load.seen_by(&reader).await;
        let lost: Vec<_> = acked.difference(&there).collect();
        assert!(lost.is_empty(), "p1: cycle {cycle} ({cut}) has lost {lost:?}");
    }
    load.progress(1).await;
    load.settle().await.is_whole_at(&reader).await;
}

/// A directory is its parent's entry: everything in it may have been synced, and go with it.
#[tokio::test]
async fn p1_a_new_data_directory_survives_a_power_cut() {
    let Some(mut cluster) = alone().await else { return };
    started(&mut cluster, Trouble::default()).await;
    cluster.client(0).await.keyspace("default").counter("sold").add(12).await.expect("a region that serves");
    cluster.kill(0);
    let cut = cluster.disk(0).cut(&mut Dice::new(1), Leaves::Nothing);
    started(&mut cluster, Trouble::default()).await;
    let sold = cluster.client(0).await.keyspace("default").counter("sold").get().await;
    assert_eq!(sold.expect("a region that serves"), 12, "after {cut}");
}

/// A sync that failed leaves nobody knowing what is on the disk, so nothing may be built on it.
#[tokio::test]
async fn p1_a_node_whose_sync_fails_stops_and_has_lost_nothing() {
    let Some(mut cluster) = alone().await else { return };
    let mut dice = Dice::new(7);
    started(&mut cluster, Trouble::default()).await;
    let reader = cluster.client(0).await;
    let mut load = Load::start("alone", &impatient(&cluster).await, WRITERS);
    load.progress(10).await;
    cluster.kill(0);
    for (round, how) in [Failing::Kept, Failing::Lost, Failing::Kept, Failing::Lost].into_iter().enumerate() {
        // Behind those of the start.
        let fail_sync = Some((60 + dice.below(60), how));
        cluster.spawn(0, Trouble { fail_sync, ..Trouble::default() });
        until("it stops by itself", async || (!cluster.is_running(0)).then_some(())).await;
        let (file, ended) = (cluster.disk(0).failed_sync(), cluster.bury(0));
        assert!(ended.code().is_some_and(|code| code != 0), "of its own accord, and not well: {ended}");
        assert!(file.is_some(), "because of the sync: {}", cluster.tail(0));
        let acked = load.acked();
        if round >= 2 {
            cluster.disk(0).cut(&mut dice, Leaves::Nothing);
        }
        started(&mut cluster, Trouble::default()).await;
        let there = load.seen_by(&reader).await;
        let lost: Vec<_> = acked.difference(&there).collect();
        assert!(lost.is_empty(), "p1: {how:?} of {file:?} has lost {lost:?}");
        load.progress(1).await;
        cluster.kill(0);
    }
    started(&mut cluster, Trouble::default()).await;
    load.settle().await.is_whole_at(&reader).await;
}

/// The proof of the tests above: where they could not fail, they would prove nothing.
#[tokio::test]
async fn a_node_whose_syncs_do_nothing_is_seen_to_lose_acked_writes() {
    let Some(mut cluster) = alone().await else { return };
    started(&mut cluster, Trouble::default()).await;
    let reader = cluster.client(0).await;
    let mut load = Load::start("alone", &impatient(&cluster).await, WRITERS);
    load.progress(100).await;
    cluster.kill(0);
    started(&mut cluster, Trouble { ignores_sync: true, ..Trouble::default() }).await;
    load.progress(100).await;
    cluster.kill(0);
    let acked = load.acked();
    cluster.disk(0).cut(&mut Dice::new(5), Leaves::Nothing);
    started(&mut cluster, Trouble::default()).await;
    let there = load.seen_by(&reader).await;
    let lost = acked.difference(&there).count();
    assert!(lost >= 100, "a disk that lies must show: {} acked, {} there", acked.len(), there.len());
}

/// And the proof of the soak, which asks more questions: it must see what such a disk has lost.
#[test]
fn a_soak_on_disks_that_lie_fails_and_says_how_much_is_lost() {
    if Shim::built().is_none() {
        return;
    }
    // What such a disk leaves may be no directory at all, before anything was acked: then another one is asked.
    let mut said = String::new();
    for seed in 3..12 {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
        command.args(["--lying-disks", "--kills", "0", "--power-cuts", "20", "--sync-failures", "0", "--garbled", "0"]);
        command.args(["--seed", &seed.to_string()]).env("TMPDIR", dir.path());
        let ended = command.output().expect("a soak");
        said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(!ended.status.success(), "must fail: {said}");
        let closing = said.lines().last().and_then(|line| line.strip_suffix(" lost"));
        if closing.and_then(|line| line.rsplit(' ').next()).is_some_and(|lost| lost != "0") {
            return;
        }
    }
    panic!("must say what is lost: {said}");
}

/// Runs a stand-in for a node for a while, and kills it. The numbers it has said.
fn said_by_a_stand_in(shim: &Shim, disk: &Disk, args: &[&str], dice: &mut Dice) -> BTreeSet<u64> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    command.args(args).current_dir(disk.files());
    // Longer than it takes to write, so that nearly every kill meets a number that waits for its sync.
    let trouble = Trouble { sync_delay: Duration::from_millis(2), ..Trouble::default() };
    let mut child = command.envs(disk.env(shim, &trouble)).stdout(Stdio::piped()).spawn().expect("a stand-in");
    let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
    let number = |line: std::io::Result<String>| line.ok()?.parse::<u64>().ok();
    let some = usize::try_from(5 + dice.below(20)).expect("a small number");
    let mut numbers: BTreeSet<_> = said.by_ref().take(some).filter_map(number).collect();
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    numbers.extend(said.filter_map(number));
    numbers
}

/// What one that writes has acked and is not there after its death.
fn lost_by_a_stand_in(shim: &Shim, dir: &Path, early: bool, power_cut: bool, dice: &mut Dice) -> usize {
    let disk = Disk::new(dir, &format!("{early}-{power_cut}"));
    let file = disk.files().join("numbers");
    let path = file.to_str().expect("a plain path");
    let args = if early { vec!["tattle", path, "--early"] } else { vec!["tattle", path] };
    let (mut acked, mut lost) = (BTreeSet::new(), 0);
    for _ in 0..8 {
        acked.extend(said_by_a_stand_in(shim, &disk, &args, dice));
        if power_cut {
            disk.cut(dice, Leaves::Nothing);
        }
        let text = std::fs::read_to_string(&file).expect("a file of numbers");
        let there: BTreeSet<u64> = text.lines().filter_map(|line| line.parse().ok()).collect();
        lost += acked.difference(&there).count();
        acked = there;
    }
    lost
}

/// A kill leaves what was written, synced or not. So a harness that only kills finds no missing sync, ever.
#[test]
fn an_ack_before_its_sync_is_found_by_a_power_cut_and_by_nothing_less() {
    let Some(shim) = Shim::built() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut dice = Dice::new(3);
    let mut lost = |early, power_cut| lost_by_a_stand_in(shim, dir.path(), early, power_cut, &mut dice);
    assert_eq!(lost(false, true), 0, "who acks after the sync loses nothing");
    assert_eq!(lost(true, false), 0, "kills alone show nothing");
    assert!(lost(true, true) >= 4, "power cuts show who acks before the sync");
}

/// How often a file is longer after a power cut than one that cuts it off has said that it is.
fn grown_again_by_power_cuts(shim: &Shim, dir: &Path, early: bool, leaves: Leaves, dice: &mut Dice) -> usize {
    let grown = (0..16).filter(|round| {
        let disk = Disk::new(dir, &format!("{early}-{leaves:?}-{round}"));
        let file = disk.files().join("shorter");
        let path = file.to_str().expect("a plain path");
        let args = if early { vec!["shorten", path, "--early"] } else { vec!["shorten", path] };
        let said = said_by_a_stand_in(shim, &disk, &args, dice);
        disk.cut(dice, leaves);
        let bytes = std::fs::read(&file).expect("a file");
        assert!(
            bytes.iter().copied().eq((0..=u8::MAX).cycle().take(bytes.len())),
            "what is there again is what was there"
        );
        said.first().is_some_and(|least| bytes.len() as u64 > *least)
    });
    grown.count()
}

/// A cut-off is a change like another: until its sync, the end may be there again when the power is back.
#[test]
fn a_cut_off_counts_once_it_is_synced_and_may_be_undone_before() {
    let Some(shim) = Shim::built() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut dice = Dice::new(6);
    let mut grown = |early, leaves| grown_again_by_power_cuts(shim, dir.path(), early, leaves, &mut dice);
    assert_eq!(grown(false, Leaves::Nothing), 0, "what was synced stays cut off");
    assert_eq!(grown(false, Leaves::Drawn), 0, "whatever the dice say");
    assert!(grown(true, Leaves::Nothing) >= 8, "what was not comes back");
    assert!((1..16).contains(&grown(true, Leaves::Drawn)), "now and then");
}
