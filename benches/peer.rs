//! How fast are records taken that another region has made?
//!
//! First the committer alone: one makes records, another, on a database of its own, reads and applies the very same ones in groups
//! of the same size; both begin with the same million counters, and take turns. Then real nodes: one of two regions is
//! away while the other is written, and comes back; from its start until both have seen the same.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::path::Path;
use std::time::Duration;

use halcyon_benches::{Draw, Figure, Report, Rounds, Solo, Target, float, root, run, scale};
use halcyon_cli::bench::{self, End, Load, Op};
use halcyon_crdt::{Object, Update};
use halcyon_store::{RocksSettings, Settings};
use halcyon_tests::Cluster;
use halcyon_types::KeyspaceId;
use halcyon_types::limits::UPDATES_MAX;
use halcyon_wire::StoredRecord;
use tokio::time::{Instant, sleep, timeout};

const ROUNDS: usize = 7;
const GROUPS: [u64; 2] = [128, 1024];
/// Records of a round.
const RECORDS: u64 = 64 * 1024;
/// Catching up: rounds, and records that the region has missed.
const RETURNS: usize = 3;
const MISSED: u64 = 400_000;
const MISSED_KEYS: u64 = 100_000;
const PATIENCE: Duration = Duration::from_mins(2);
const TARGET: Target = Target::AtLeast(1.0);

fn main() {
    let dir = tempfile::Builder::new().prefix("bench-peer-").tempdir_in(root()).expect("a directory");
    let mut report = Report::new("peer");
    run(async {
        let local = apply(&dir.path().join("solo"), &mut report);
        catch_up(&dir.path().join("nodes"), local, &mut report).await;
        report.finish();
    });
}

fn increment(key: u64) -> Update {
    Update {
        object: Object::new(KeyspaceId::FIRST, format!("bench:{key:08}")),
        op: halcyon_crdt::Op::Add { amount: 1 },
    }
}

/// Two committers, of which one takes what the other makes.
struct Pair {
    origin: Solo,
    replica: Solo,
    draw: Draw,
}

impl Pair {
    fn preloaded(dir: &Path) -> Self {
        let open = |number: u16| {
            let dir = dir.join(number.to_string());
            std::fs::create_dir_all(&dir).expect("a directory");
            Solo::of_region(number, &dir, RocksSettings::default(), Settings::default())
        };
        let mut pair = Self { origin: open(1), replica: open(2), draw: Draw::new(7) };
        for from in (0..scale::keys()).step_by(UPDATES_MAX) {
            pair.origin.stage((from..scale::keys().min(from + UPDATES_MAX as u64)).map(increment).collect());
            let made = pair.origin.commit().own;
            pair.take(&made, 1);
        }
        pair
    }

    /// Seconds that it takes to make so many records, and the records.
    fn make(&mut self, records: u64, group: u64) -> (f64, Vec<StoredRecord>) {
        let (began, mut made) = (Instant::now(), Vec::new());
        for _ in 0..records / group {
            for _ in 0..group {
                self.origin.stage(vec![increment(self.draw.below(scale::keys()))]);
            }
            made.extend(self.origin.commit().own);
        }
        (began.elapsed().as_secs_f64(), made)
    }

    /// Seconds that it takes to read and apply them.
    fn take(&mut self, records: &[StoredRecord], group: usize) -> f64 {
        let began = Instant::now();
        for records in records.chunks(group) {
            for record in records {
                self.replica.receive(self.origin.actor(), record);
            }
            self.replica.commit();
        }
        began.elapsed().as_secs_f64()
    }
}

/// Says how many records a second the committer makes, in the larger groups.
fn apply(dir: &Path, report: &mut Report) -> f64 {
    let mut pair = Pair::preloaded(dir);
    let mut cases = GROUPS.map(|group| (group, [const { Rounds::new() }; 3]));
    let records = scale::count(RECORDS);
    for round in 0..=scale::rounds(ROUNDS) {
        for (group, [local, applied, ratio]) in &mut cases {
            let (making, made) = pair.make(records, *group);
            let taking = pair.take(&made, usize::try_from(*group).expect("a small number"));
            // The first round warms up.
            if round > 0 {
                local.push(float(records) / making);
                applied.push(float(records) / taking);
                ratio.push(making / taking);
            }
        }
    }
    let mut most = f64::NAN;
    for (group, [local, applied, ratio]) in cases {
        most = local.median();
        report.question(&format!(
            "Received increments at the committer alone, {} counters, one sync per {group}",
            scale::keys()
        ));
        report.figure("made by a committer", Figure::of(local, "records/s"));
        report.figure("read and applied by another", Figure::of(applied, "records/s").against("made", most));
        report.figure("round by round", Figure::ratio_to("made", ratio).target(TARGET));
    }
    most
}

async fn catch_up(dir: &Path, committer: f64, report: &mut Report) {
    let mut cluster = Cluster::start_under(dir, 2, false).await;
    let here = cluster.client(0).await;
    let missed = scale::count(MISSED);
    let load = |seed| Load {
        op: Op::Incr,
        keys: MISSED_KEYS,
        in_flight: 1024,
        end: End::Ops(missed),
        warmup: Duration::ZERO,
        seed,
        ..Load::default()
    };
    bench::preload(&here, "default", &load(0)).await.expect("a preload");
    cluster.converged().await;
    let [mut written, mut caught_up, mut serving, mut first, mut ratio] = [const { Rounds::new() }; 5];
    for round in 1..=scale::rounds(RETURNS) {
        let _ = cluster.terminate(1).await;
        let wrote = bench::run(std::slice::from_ref(&here), "default", &load(round as u64)).await.expect("a round");
        let goal = here.token().await.expect("a region that serves");
        let began = Instant::now();
        cluster.restart(1).await;
        serving.push(began.elapsed().as_secs_f64());
        let there = cluster.client(1).await;
        let (mut seen, mut moved) = (there.token().await.expect("a region that serves"), None);
        let agreeing = async {
            let begun_with = seen.clone();
            while seen != goal {
                sleep(Duration::from_millis(1)).await;
                seen = there.token().await.expect("a region that serves");
                moved = moved.or_else(|| (seen != begun_with).then(|| began.elapsed().as_secs_f64()));
            }
        };
        timeout(PATIENCE, agreeing).await.expect("a region that catches up");
        first.push(moved.unwrap_or_else(|| began.elapsed().as_secs_f64()));
        let rate = float(missed) / began.elapsed().as_secs_f64();
        println!("return {round}: written at {:.0}/s, caught up at {rate:.0}/s", wrote.ops_per_s);
        written.push(wrote.ops_per_s);
        caught_up.push(rate);
        ratio.push(rate / wrote.ops_per_s);
    }
    let most = written.median();
    report.question(&format!(
        "A region comes back that has missed {missed} increments: from its start until both are equal"
    ));
    report.figure("written meanwhile, by the other", Figure::of(written, "records/s"));
    report.figure("caught up", Figure::of(caught_up.clone(), "records/s").against("written meanwhile", most));
    report.figure("round by round", Figure::ratio_to("written meanwhile", ratio).target(TARGET));
    report.figure(
        "the same, to the committer",
        Figure::of(caught_up, "records/s").against("made by a committer", committer),
    );
    report.figure("from its start until it serves", Figure::of(serving, "s"));
    report.figure("from its start until the first of them has come", Figure::of(first, "s"));
}
