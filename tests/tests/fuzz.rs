//! A moment of fuzzing in every test run: the corpora, what once failed, and a bounded number of mutations.

#![expect(clippy::expect_used, reason = "the helpers of a test fail by panicking, as the test does")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

use halcyon_tests::fuzz::{
    Campaign, Tally, Target, UnderWay, attempt, files, folder, inputs, keep, seeds, targets, tell, watch,
};
use tempfile::TempDir;

/// Mutations of a target.
const MUTATIONS: u64 = 2000;
/// Those of which an input makes several stores, and how many of them.
const SLOW: [&str; 2] = ["disk", "programs"];
const FEWER: u64 = 250;
/// Set, the corpora are written and not compared.
const WRITE: &str = "HALCYON_WRITE_CORPORA";
/// Set, this process is a lane, and notes its inputs there.
const LANE: &str = "HALCYON_FUZZ_TEST_LANE";
const UNDER_WAY: &str = "HALCYON_FUZZ_TEST_UNDER_WAY";

#[test]
fn every_corpus_and_everything_that_once_failed_violates_no_law() {
    for (name, body) in targets() {
        let inputs = inputs(name);
        assert!(inputs.len() >= 10, "{name} has a corpus of {}", inputs.len());
        for (path, data) in inputs {
            attempt(body, &data).unwrap_or_else(|message| panic!("{}: {message}", path.display()));
        }
    }
}

#[test]
fn the_corpora_are_those_that_their_seeds_make() {
    for (name, _) in targets() {
        let made = seeds(name);
        let names: BTreeSet<_> = made.iter().map(|(file, _)| file).collect();
        assert_eq!(names.len(), made.len(), "{name}: two files of one name");
        assert!(made.len() <= 100 && made.iter().all(|(_, data)| data.len() < 8192), "{name}: corpora are small");
        if std::env::var_os(WRITE).is_some() {
            let dir = folder().join("corpus").join(name);
            fs::create_dir_all(&dir).unwrap();
            for (file, data) in &made {
                fs::write(dir.join(file), data).unwrap();
            }
        }
        let there = files("corpus", name);
        let there = there.iter().map(|(path, data)| (path.file_name().unwrap().to_string_lossy().into_owned(), data));
        let there: Vec<_> = there.collect();
        let mut made: Vec<_> = made.iter().map(|(file, data)| (file.clone(), data)).collect();
        made.sort();
        assert!(there == made, "fuzz/corpus/{name} is not what its seeds make; empty it and set {WRITE}=1");
    }
}

#[test]
fn mutations_of_each_corpus_violate_no_law() {
    let few = std::thread::spawn(|| lane("slow", Duration::from_mins(1)));
    let many = lane("fast", Duration::from_mins(1));
    let tallies: BTreeMap<_, _> = few.join().unwrap().into_iter().chain(many).collect();
    assert_eq!(tallies.len(), targets().count());
    for (name, tally) in tallies {
        if let Some(finding) = tally.findings.first() {
            let file = keep(&name, finding);
            panic!("{name}: {} with {} ({} bytes)", finding.message, file.display(), finding.input.len());
        }
        assert_eq!(tally.executions, if SLOW.contains(&&*name) { FEWER } else { MUTATIONS });
    }
}

#[test]
fn an_input_that_breaks_a_law_or_overflows_the_stack_or_never_ends_is_found_and_kept() {
    // Laws are asserted by panics, so a campaign that cannot see one sees nothing.
    for (planted, said, limit) in
        [("breaks", "a version", 60), ("overflows", "SIGABRT", 60), ("never-ends", "no end", 3)]
    {
        let tallies = lane(planted, Duration::from_secs(limit));
        let [finding, ..] = &tallies["frames"].findings[..] else { panic!("{planted}: not found") };
        assert!(finding.message.contains(said), "{planted}: {}", finding.message);
        assert_eq!(finding.input.first(), Some(&1), "{planted}");
    }
}

/// Runs a lane in a process of its own.
fn lane(name: &str, limit: Duration) -> BTreeMap<String, Tally> {
    let dir = TempDir::new().expect("a directory");
    let under_way = dir.path().join("under-way");
    let mut lane = Command::new(std::env::current_exe().expect("this program"));
    lane.args(["--exact", "a_lane_of_these_tests", "--nocapture"]).env(LANE, name).env(UNDER_WAY, &under_way);
    watch(lane, &under_way, limit)
}

/// Not a test of its own: another process for those above.
#[test]
fn a_lane_of_these_tests() {
    let (Some(lane), Some(under_way)) = (std::env::var_os(LANE), std::env::var_os(UNDER_WAY)) else { return };
    let (slow, fast): (Vec<_>, Vec<_>) = targets().partition(|(name, _)| SLOW.contains(name));
    let (targets, mutations): (Vec<Target>, u64) = match lane.to_str() {
        Some("slow") => (slow, FEWER),
        Some("fast") => (fast, MUTATIONS),
        Some("breaks") => (vec![("frames", breaks)], 16),
        Some("overflows") => (vec![("frames", overflows)], 16),
        Some("never-ends") => (vec![("frames", never_ends)], 16),
        _ => panic!("no lane: {lane:?}"),
    };
    // The test runner has begun a line of its own.
    println!();
    let mut campaign = Campaign::new(targets, 7, UnderWay::create(under_way.as_ref()));
    campaign.round(|had| had < mutations, tell);
}

fn is_versioned(data: &[u8]) -> bool {
    data.first() == Some(&1)
}

fn breaks(data: &[u8]) {
    assert!(!is_versioned(data), "a version");
}

fn overflows(data: &[u8]) {
    fn deeper(depth: u64) -> u64 {
        if depth == u64::MAX { 0 } else { 1 + std::hint::black_box(deeper(std::hint::black_box(depth + 1))) }
    }
    assert!(!is_versioned(data) || deeper(0) > 0);
}

fn never_ends(data: &[u8]) {
    while is_versioned(std::hint::black_box(data)) {
        std::hint::spin_loop();
    }
}
