//! A campaign: mutated inputs, round-robin over the targets, and what came of them.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use super::{Mutator, Target, folder, inputs};

/// Distinct failures of a target that are kept: the first ones are enough to work on.
const FINDINGS_MAX: usize = 8;

/// A law that an input has violated.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Of which target.
    pub target: &'static str,
    /// What was said.
    pub message: String,
    /// The input.
    pub input: Vec<u8>,
}

/// What one target has had.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Inputs run.
    pub executions: u64,
    /// Those that violated a law, one for each distinct message.
    pub findings: Vec<Finding>,
}

/// Targets, their corpora and their mutations.
#[derive(Debug)]
pub struct Campaign {
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    target: Target,
    corpus: Vec<Vec<u8>>,
    mutator: Mutator,
    tally: Tally,
}

/// Runs a body on an input.
///
/// # Errors
/// What it said when it panicked.
pub fn attempt(body: fn(&[u8]), data: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| body(data))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
    })
}

impl Campaign {
    /// A campaign against `targets`, with the mutations of `seed`.
    pub fn new(targets: impl IntoIterator<Item = Target>, seed: u64) -> Self {
        let lane = |target: Target| {
            let corpus = inputs(target.0).into_iter().map(|(_, data)| data).collect();
            Lane { target, corpus, mutator: Mutator::new(seed), tally: Tally::default() }
        };
        Self { lanes: targets.into_iter().map(lane).collect() }
    }

    /// A turn of every target, which ends where `goes_on` says so of the number of inputs that it has had. What a target is
    /// given is its own stream, however long the turns are.
    pub fn round(&mut self, mut goes_on: impl FnMut(u64) -> bool) {
        for Lane { target: (name, body), corpus, mutator, tally } in &mut self.lanes {
            let mut had = 0;
            while goes_on(had) {
                tally.run(name, *body, mutator.mutate(corpus));
                had += 1;
            }
        }
    }

    /// What came of it, by target.
    pub fn finish(self) -> BTreeMap<&'static str, Tally> {
        self.lanes.into_iter().map(|lane| (lane.target.0, lane.tally)).collect()
    }
}

impl Tally {
    /// Runs a body on one more input.
    pub fn run(&mut self, target: &'static str, body: fn(&[u8]), input: Vec<u8>) {
        self.executions += 1;
        if let Err(message) = attempt(body, &input) {
            self.note(Finding { target, message, input });
        }
    }

    /// Adds what another stream of mutations had.
    pub fn join(&mut self, other: Self) {
        self.executions += other.executions;
        other.findings.into_iter().for_each(|finding| self.note(finding));
    }

    /// Keeps a failure, if there is none like it.
    fn note(&mut self, finding: Finding) {
        let kind =
            |message: &str| message.split(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).next().map(str::to_owned);
        let known = self.findings.iter().any(|other| kind(&other.message) == kind(&finding.message));
        if !known && self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

/// Saves the input of a failure, and says where.
///
/// # Panics
/// It cannot be written.
pub fn keep(finding: &Finding) -> PathBuf {
    let dir = folder().join("artifacts").join(finding.target);
    fs::create_dir_all(&dir).expect("a folder for failures");
    let file = dir.join(format!("{:016x}", hash(&finding.input)));
    fs::write(&file, &finding.input).expect("a failure's input");
    file
}

/// FNV-1a: names files, no more.
fn hash(data: &[u8]) -> u64 {
    data.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}
