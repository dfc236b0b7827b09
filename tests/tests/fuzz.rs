//! A moment of fuzzing in every test run: the corpora, what once failed, and a bounded number of mutations.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use halcyon_tests::fuzz::{Campaign, Tally, Target, attempt, files, folder, inputs, keep, seeds, targets};

/// Mutations of a target.
const MUTATIONS: u64 = 2000;
/// Those of which an input makes several stores, and how many of them.
const SLOW: [&str; 2] = ["disk", "programs"];
const FEWER: u64 = 250;
/// Set, the corpora are written and not compared.
const WRITE: &str = "HALCYON_WRITE_CORPORA";

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
    let (slow, fast): (Vec<_>, Vec<_>) = targets().partition(|(name, _)| SLOW.contains(name));
    let few = std::thread::spawn(|| campaign(slow, FEWER));
    let many = campaign(fast, MUTATIONS);
    for (name, tally) in few.join().unwrap().into_iter().chain(many) {
        if let Some(finding) = tally.findings.first() {
            let file = keep(finding);
            panic!("{name}: {} with {} ({} bytes)", finding.message, file.display(), finding.input.len());
        }
        assert_eq!(tally.executions, if SLOW.contains(&name) { FEWER } else { MUTATIONS });
    }
}

fn campaign(targets: Vec<Target>, mutations: u64) -> BTreeMap<&'static str, Tally> {
    let mut campaign = Campaign::new(targets, 7);
    campaign.round(|had| had < mutations);
    campaign.finish()
}

#[test]
fn a_body_that_breaks_a_law_is_found_and_its_message_is_kept() {
    // The laws are asserted by panics, so a campaign that cannot see one sees nothing.
    let mut campaign = Campaign::new([("frames", fails_on_versions as fn(&[u8]))], 7);
    campaign.round(|had| had < 16);
    let tallies = campaign.finish();
    let [finding, ..] = &tallies["frames"].findings[..] else { panic!("not found") };
    assert!(finding.message.contains("a version") && finding.input.first() == Some(&1));
}

fn fails_on_versions(data: &[u8]) {
    assert_ne!(data.first(), Some(&1), "a version");
}
