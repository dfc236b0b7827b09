//! A campaign: mutated inputs, round-robin over the targets, and what came of them.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Mutator, Target, UnderWay, folder, inputs};

/// Distinct failures of a target that are kept: the first ones are enough to work on.
const FINDINGS_MAX: usize = 8;

/// A law that an input has violated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    /// What was said.
    pub message: String,
    /// The input.
    pub input: Vec<u8>,
}

/// What one target has had.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Inputs run.
    pub executions: u64,
    /// Those that violated a law, one for each distinct message.
    pub findings: Vec<Finding>,
}

/// Targets, their corpora and their mutations.
#[derive(Debug)]
pub struct Campaign {
    streams: Vec<Stream>,
    under_way: UnderWay,
}

#[derive(Debug)]
struct Stream {
    target: Target,
    corpus: Vec<Vec<u8>>,
    mutator: Mutator,
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
    /// A campaign against `targets`, with the mutations of `seed`; each input is noted before it is run.
    pub fn new(targets: impl IntoIterator<Item = Target>, seed: u64, under_way: UnderWay) -> Self {
        let stream = |target: Target| {
            let corpus = inputs(target.0).into_iter().map(|(_, data)| data).collect();
            Stream { target, corpus, mutator: Mutator::new(seed) }
        };
        Self { streams: targets.into_iter().map(stream).collect(), under_way }
    }

    /// The corpora as they are. Tells what came of each.
    pub fn corpora(&mut self, mut tell: impl FnMut(&'static str, Tally)) {
        for Stream { target, corpus, .. } in &self.streams {
            let mut tally = Tally::default();
            for input in corpus {
                tally.run(*target, input.clone(), &mut self.under_way);
            }
            tell(target.0, tally);
        }
    }

    /// A turn of every target, which ends where `goes_on` says so of the number of inputs that it has had. Tells what came
    /// of each. What a target is given is its own stream, however long the turns are.
    pub fn round(&mut self, mut goes_on: impl FnMut(u64) -> bool, mut tell: impl FnMut(&'static str, Tally)) {
        for Stream { target, corpus, mutator } in &mut self.streams {
            let mut tally = Tally::default();
            while goes_on(tally.executions) {
                tally.run(*target, mutator.mutate(corpus), &mut self.under_way);
            }
            tell(target.0, tally);
        }
    }
}

impl Tally {
    /// Runs a body on one more input.
    fn run(&mut self, (target, body): Target, input: Vec<u8>, under_way: &mut UnderWay) {
        self.executions += 1;
        under_way.note(target, &input);
        if let Err(message) = attempt(body, &input) {
            self.note(Finding { message, input });
        }
    }

    /// Adds what another turn or another stream of mutations had.
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

/// Saves the input of a failure of a target, and says where.
///
/// # Panics
/// It cannot be written.
pub fn keep(target: &str, finding: &Finding) -> PathBuf {
    let dir = folder().join("artifacts").join(target);
    fs::create_dir_all(&dir).expect("a folder for failures");
    let file = dir.join(format!("{:016x}", hash(&finding.input)));
    fs::write(&file, &finding.input).expect("a failure's input");
    file
}

/// FNV-1a: names files, no more.
fn hash(data: &[u8]) -> u64 {
    data.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}
