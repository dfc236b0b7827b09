//! What does the committer add to what the database costs? Increments, synced in groups, without a network.
//!
//! Raw RocksDB and the committer take turns, group by group of the same size. A million counters, preloaded many to a
//! record; keys are drawn from all of them, or from a thousand, whose rows come from the committer's cache.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

use std::time::Duration;

use halcyon_benches::{Draw, Figure, KEYS, Raw, Report, Rounds, Solo, root, scale, warn_if_busy};
use halcyon_crdt::{Object, Op, Update};
use halcyon_types::KeyspaceId;
use halcyon_types::limits::UPDATES_MAX;
use tokio::time::Instant;

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);
const HOT_KEYS: u64 = 1_000;
const CASES: [(u64, u32); 4] = [(KEYS, 128), (KEYS, 1024), (HOT_KEYS, 128), (HOT_KEYS, 1024)];

fn increment(key: u64) -> Update {
    Update { object: Object::new(KeyspaceId::FIRST, format!("bench:{key:08}")), op: Op::Add { amount: 1 } }
}

fn preloaded(dir: &std::path::Path) -> Solo {
    let mut solo = Solo::open(dir);
    for from in (0..KEYS).step_by(UPDATES_MAX) {
        solo.stage((from..KEYS.min(from + UPDATES_MAX as u64)).map(increment).collect());
        solo.commit();
    }
    solo
}

/// Works for about so long; says how many operations a second.
fn round(solo: &mut Solo, draw: &mut Draw, keys: u64, group: u32) -> f64 {
    let (began, mut ops) = (Instant::now(), 0_u32);
    while began.elapsed() < scale::length(ROUND) {
        for _ in 0..group {
            solo.stage(vec![increment(draw.below(keys))]);
        }
        solo.commit();
        ops += group;
    }
    f64::from(ops) / began.elapsed().as_secs_f64()
}

fn main() {
    warn_if_busy();
    let dir = tempfile::Builder::new().prefix("bench-commit-").tempdir_in(root()).expect("a directory");
    let mut raw = Raw::preloaded(&dir.path().join("raw"));
    let mut solo = preloaded(&dir.path().join("solo"));
    let mut draw = Draw::new(7);
    let mut cases = CASES.map(|case| (case, [const { Rounds::new() }; 3]));
    for number in 0..=scale::rounds(ROUNDS) {
        for ((keys, group), [most, ours, ratio]) in &mut cases {
            let raw = raw.round(scale::length(ROUND), *group);
            let solo = round(&mut solo, &mut draw, *keys, *group);
            // The first round warms up.
            if number > 0 {
                most.push(raw);
                ours.push(solo);
                ratio.push(solo / raw);
            }
        }
    }
    let mut report = Report::new("commit");
    for ((keys, group), [most, ours, ratio]) in cases {
        report.question(&format!("Increments of {keys} counters, one sync per {group}"));
        let ceiling = most.median();
        report.figure(&format!("raw RocksDB, {KEYS} rows"), Figure::of(most, "ops/s"));
        report.figure("the committer", Figure::of(ours, "ops/s").against("raw RocksDB", ceiling));
        report.figure("ratio, round by round", Figure::ratio_to("raw RocksDB", ratio));
    }
    report.finish();
}
