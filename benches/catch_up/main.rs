//! How fast does a region catch up: from the others' logs, and by a copy of their state where logs have no beginning any more?
//!
//! Real nodes, on one machine. Beside them the same bytes are sent over the same kind of QUIC link by two threads that do nothing
//! else, and raw RocksDB commits as many increments: the two things that nothing can be faster than.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops, by panicking")]

mod copy;
mod log;
mod plain;

use halcyon_benches::{GROUP, Raw, Report, root, run, scale};
use std::time::Duration;

const ROUND: Duration = Duration::from_secs(2);

/// What nothing can be faster than.
struct Ceiling {
    /// Read-modify-writes of raw RocksDB, synced per group, a second.
    commits: f64,
    /// Bytes over one link, a second.
    link: f64,
}

fn main() {
    let dir = tempfile::Builder::new().prefix("bench-catch-up-").tempdir_in(root()).expect("a directory");
    let mut report = Report::new("catch_up");
    let raw = dir.path().join("raw");
    std::fs::create_dir_all(&raw).expect("a directory");
    let commits = Raw::preloaded(&raw).round(scale::length(ROUND), GROUP);
    run(async {
        let link = plain::measure(dir.path(), &mut report).await;
        let ceiling = Ceiling { commits, link };
        log::measure(&dir.path().join("log"), &ceiling, &mut report).await;
        copy::measure(&dir.path().join("copy"), &ceiling, &mut report).await;
        report.finish();
    });
}
