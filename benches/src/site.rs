//! Where a bench works, and on what.

use std::env;
use std::fs;
use std::future::Future;
use std::path::PathBuf;

use crate::scale::quick;

/// The target directory: data is measured on the disk that builds are on, not on whatever `/tmp` is.
pub fn root() -> PathBuf {
    let ours = env::current_exe().expect("a path of our own");
    // TARGET/release/deps/BENCH, TARGET/release/PROGRAM
    let dir = ours.parent().expect("a program in a directory");
    let up = if dir.ends_with("deps") { 2 } else { 1 };
    dir.ancestors().nth(up).expect("a bench in the target directory").to_owned()
}

/// Where reports go: those of quick runs apart.
pub fn reports() -> PathBuf {
    let reports = root().join("bench");
    if quick() { reports.join("quick") } else { reports }
}

/// A count as a figure.
#[expect(clippy::cast_precision_loss, reason = "a figure needs no more than 52 bits")]
pub const fn float(count: u64) -> f64 {
    count as f64
}

/// Says so if somebody else is at work on this machine: the spread then tells how far to trust the figures.
pub fn warn_if_busy() {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = load.split_whitespace().next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    if load > 0.5 {
        println!("this machine is busy (load {load}): expect a wide spread");
    }
}

/// Runs a bench on one thread, as an application's event loop would.
pub fn run(bench: impl Future<Output = ()>) {
    warn_if_busy();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(bench);
}
