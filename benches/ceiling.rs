//! What does raw RocksDB do with the rows of an increment? The ceiling of every other bench.

use std::time::Duration;

use halcyon_benches::{Figure, GROUP, KEYS, Raw, Report, Rounds, root, scale, warn_if_busy};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
const GROUPS: usize = 400;

fn main() {
    warn_if_busy();
    let dir = tempfile::Builder::new().prefix("bench-ceiling-").tempdir_in(root());
    let dir = dir.unwrap_or_else(|error| panic!("no directory in {}: {error}", root().display()));
    let mut raw = Raw::preloaded(dir.path());
    raw.round(scale::length(ROUND), GROUP);
    let speed: Rounds = (0..scale::rounds(ROUNDS)).map(|_| raw.round(scale::length(ROUND), GROUP)).collect();
    let groups: Rounds = (0..GROUPS).map(|_| raw.time_group(GROUP).as_secs_f64() * 1e6).collect();

    let mut report = Report::new("ceiling");
    report.question(&format!(
        "What does raw RocksDB do? state row + log row per operation, {KEYS} keys preloaded, one sync per {GROUP}"
    ));
    report.figure("read-modify-writes, synced", Figure::of(speed, "ops/s"));
    report.figure("one group of them, synced", Figure::of(groups, "us"));
    report.finish();
}
