//! Fuzzing: every body there is, the corpora that its mutations begin with, and a runner that needs no special toolchain.
//!
//! The bodies that need no more than the core, the store and the kernel are the simulator crate's
//! ([`halcyon_sim::fuzz`]); two that need the SDK and the network's framing stand here. `fuzz/` runs each under libFuzzer,
//! the binary `fuzz` runs them under seeded mutations on a stable toolchain, `tests/fuzz.rs` does for a moment in every test
//! run.
//!
//! Corpora stand in `fuzz/corpus/NAME`, made by [`seeds`] and kept current by a test; what once failed is kept in
//! `fuzz/regressions/NAME`, under a name that says what it was.

mod campaign;
mod framing;
mod mutate;
mod seeds;
mod sessions;
mod under_way;
mod watch;

pub use campaign::{Campaign, Finding, Tally, attempt, keep};
pub use halcyon_sim::fuzz::Target;
pub use mutate::Mutator;
pub use seeds::seeds;
pub use under_way::UnderWay;
pub use watch::{tell, watch};

use std::fs;
use std::path::{Path, PathBuf};

const OWN: [Target; 2] = [("framing", framing::body), ("sessions", sessions::body)];

/// Every target.
pub fn targets() -> impl Iterator<Item = Target> {
    halcyon_sim::fuzz::TARGETS.iter().copied().chain(OWN)
}

/// Runs one body.
///
/// # Panics
/// There is no such target, or `data` violates a law.
pub fn run(name: &str, data: &[u8]) {
    let found = targets().find(|(target, _)| *target == name);
    let (_, body) = found.expect("a target of this name");
    body(data);
}

/// The folder of fuzzing: `fuzz/` of this repository.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).join("fuzz")
}

/// The files of a target below a folder of [`folder`], in the order of their names.
///
/// # Panics
/// A file cannot be read.
pub fn files(of: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(folder().join(of).join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of a folder").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).expect("a file that is there"))).collect()
}

/// What mutations of a target begin with: its corpus, and what once failed.
pub fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    [files("corpus", target), files("regressions", target)].concat()
}
