//! One flipped bit in a data directory, in each kind of file, again and again: the node says so and does not start, or it
//! serves nothing that is wrong.

use std::collections::BTreeMap;
use std::env::temp_dir;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use halcyon_tests::{Cluster, Dice, until};

use crate::facts::{Facts, impatient};

const VICTIM: usize = 2;
const OTHER: usize = 0;
/// A round flips one bit in each kind of file, and some more in tables.
const ROUNDS: usize = 2;

/// The kind of a file, by its name: one flip in each kind is a round.
fn kind_of(path: &Path) -> String {
    let name = path.file_name().expect("a name").to_string_lossy();
    match name.rsplit_once('.') {
        Some((_, kind @ ("log" | "sst"))) => kind.to_owned(),
        _ => name.split(['-', '.']).next().expect("a beginning").to_owned(),
    }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut kinds: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            for (kind, found) in files(&path) {
                kinds.entry(kind).or_default().extend(found);
            }
        } else {
            kinds.entry(kind_of(&path)).or_default().push(path);
        }
    }
    for found in kinds.values_mut() {
        found.sort();
    }
    kinds
}

/// Flips one bit; says which. An empty file has none.
fn flip(path: &Path, dice: &mut Dice) -> Option<String> {
    let mut bytes = fs::read(path).expect("a file");
    let bit = dice.below((bytes.len() as u64 * 8).max(1));
    let at = usize::try_from(bit / 8).expect("a position");
    *bytes.get_mut(at)? ^= 1 << (bit % 8);
    fs::write(path, &bytes).expect("a file");
    Some(format!("{} byte {at} of {} bit {}", path.display(), bytes.len(), bit % 8))
}

fn replace(data: &Path, with: &Path) {
    fs::remove_dir_all(data).ok();
    let copied = Command::new("cp").arg("-a").arg(with).arg(data).status().expect("cp");
    assert!(copied.success());
}

/// How a node took a flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It did not start, and said why.
    Refused,
    /// It stopped when it met the damage, and said why.
    Stopped,
    /// Whoever read what was damaged was told.
    Told,
    /// It was no damage to anything that is read.
    Harmless,
}

/// An operator can see what is wrong and what to do.
fn says_what_to_do(said: &str, flipped: &str) {
    let error = said.lines().rev().take(4).collect::<Vec<_>>().join("\n");
    assert!(!said.contains("panicked at"), "{flipped}: {said}");
    let remedy = ["move the directory away", "move the data directory away", "Move the directory away", "newer binary"];
    assert!(remedy.iter().any(|remedy| error.contains(remedy)), "{flipped}: no remedy in: {error}");
}

async fn take(cluster: &mut Cluster, facts: &mut Facts, dice: &mut Dice, flipped: &str) -> Outcome {
    let before = cluster.log(VICTIM).len();
    if let Err(said) = cluster.try_start(VICTIM).await {
        says_what_to_do(&said, flipped);
        return Outcome::Refused;
    }
    let mut told = false;
    if let Some(client) = impatient(cluster, VICTIM).await {
        let answers = facts.ask(&client).await;
        told |= !answers.storage.is_empty();
        for reason in answers.storage {
            assert!(reason.contains("move the data directory away"), "{flipped}: {reason}");
        }
    }
    // Its committer reads what others write onto.
    facts.write(&cluster.client(OTHER).await, dice, 3).await;
    let there = cluster.client(OTHER).await;
    let here = impatient(cluster, VICTIM).await;
    let end = until(flipped, async || {
        if !cluster.is_running(VICTIM) {
            return Some(Outcome::Stopped);
        }
        match here.as_ref()?.digest().await {
            Ok(digest) => {
                let other = there.digest().await.expect("a region that serves");
                if digest.token != other.token {
                    return None;
                }
                assert_eq!(digest, other, "p3: {flipped}");
                Some(if told { Outcome::Told } else { Outcome::Harmless })
            }
            Err(error) if error.to_string().contains("damaged") => Some(Outcome::Told),
            Err(_) => None,
        }
    })
    .await;
    if end == Outcome::Stopped {
        assert!(cluster.ended(VICTIM).await.code().is_some_and(|code| code != 0));
        says_what_to_do(cluster.log(VICTIM).get(before..).unwrap_or_default(), flipped);
    } else {
        cluster.kill(VICTIM);
    }
    end
}

#[tokio::test]
async fn one_flipped_bit_in_any_file_is_refused_or_told_or_harmless_and_never_served() {
    let (mut cluster, mut dice, mut facts) =
        (Cluster::start_under(&temp_dir(), 3, true).await, Dice::new(4), Facts::default());
    // Several starts: each writes what it replays as table files, and the last leaves a log.
    for round in 0..5 {
        for region in 0..3 {
            facts.write(&cluster.client(region).await, &mut dice, 4).await;
        }
        facts.are_everywhere(&cluster).await;
        if round < 4 {
            cluster.kill(VICTIM);
            cluster.restart(VICTIM).await;
        }
    }
    let mut outcomes: BTreeMap<String, BTreeMap<Outcome, usize>> = BTreeMap::new();
    let whole = cluster.dir().join("whole");
    for by_signal in [true, false] {
        if by_signal {
            assert!(cluster.terminate(VICTIM).await.success());
        } else {
            cluster.kill(VICTIM);
        }
        replace(&whole, &cluster.data(VICTIM));
        for _ in 0..ROUNDS {
            // Tables have the most to get wrong.
            let kinds = files(&whole);
            let tables = kinds.get_key_value("sst").into_iter().cycle().take(3);
            for (kind, found) in kinds.iter().chain(tables) {
                let path = &found[usize::try_from(dice.below(found.len() as u64)).expect("an index")];
                let data = cluster.data(VICTIM);
                replace(&data, &whole);
                let spoilt = data.join(path.strip_prefix(&whole).expect("a file below it"));
                let Some(flipped) = flip(&spoilt, &mut dice) else { continue };
                let outcome = take(&mut cluster, &mut facts, &mut dice, &flipped).await;
                *outcomes.entry(kind.clone()).or_default().entry(outcome).or_default() += 1;
            }
        }
        if by_signal {
            replace(&cluster.data(VICTIM), &whole);
            cluster.restart(VICTIM).await;
            facts.are_everywhere(&cluster).await;
            facts.write(&cluster.client(VICTIM).await, &mut dice, 4).await;
            facts.are_everywhere(&cluster).await;
        }
    }
    println!("damage: {outcomes:?}");
    for kind in ["log", "MANIFEST", "HALCYON", "CURRENT"] {
        let served = |outcome: &Outcome| matches!(outcome, Outcome::Told | Outcome::Stopped);
        assert!(
            !outcomes[kind].keys().any(served),
            "{kind} is known to be damaged before anybody is served: {outcomes:?}"
        );
    }
    assert!(outcomes["log"].contains_key(&Outcome::Refused), "{outcomes:?}");
    // What every refusal advises: the directory is moved away, and an empty one takes its place.
    replace(&cluster.data(VICTIM), &whole);
    let log = &files(&cluster.data(VICTIM))["log"];
    flip(log.iter().max_by_key(|log| fs::metadata(log).expect("a log").len()).expect("a log"), &mut dice)
        .expect("a log with bits");
    let said = cluster.try_start(VICTIM).await.expect_err("a log with a flipped bit");
    says_what_to_do(&said, "the last flip");
    cluster.move_data_away(VICTIM);
    cluster.restart(VICTIM).await;
    facts.are_everywhere(&cluster).await;
    facts.write(&cluster.client(VICTIM).await, &mut dice, 4).await;
    facts.are_everywhere(&cluster).await;
}
