//! Random programs, short and full of conflict: a function of their seed.

use std::collections::BTreeSet;

use halcyon_sim::dice::Dice;
use halcyon_sim::scenario::{Command, Region, StepKind};
use halcyon_sim::workload::diet::Diet;

use crate::motif::motif;

const NAMES: [&str; 2] = ["t", "u"];

/// The program of a seed.
pub(crate) fn program(diet: Diet, seed: u64) -> Vec<StepKind> {
    let mut dice = Dice::new(seed);
    let mut steps = Vec::new();
    // Half of them begin with something that everybody knows.
    if dice.one_in(2) {
        for _ in 0..=dice.index(3) {
            steps.push(StepKind::Write { region: Region::A, command: command(diet, &mut dice), context: None });
        }
        steps.push(StepKind::Sync);
    }
    let length = 4 + dice.index(24);
    let mut open = BTreeSet::new();
    let mut tokens = BTreeSet::new();
    let turn = if dice.one_in(3) { dice.index(length) } else { length };
    for at in 0..length {
        if at == turn {
            steps.extend(motif(diet, &mut dice));
        }
        steps.push(step(diet, &mut dice, &mut open, &mut tokens));
    }
    steps
}

fn command(diet: Diet, dice: &mut Dice) -> Command {
    let (object, op) = diet.write(dice);
    Command { object, op }
}

fn step(diet: Diet, dice: &mut Dice, open: &mut BTreeSet<(Region, String)>, tokens: &mut BTreeSet<String>) -> StepKind {
    let region = *dice.of(&Region::ALL);
    let chosen: Vec<_> = open.iter().cloned().collect();
    match dice.index(100) {
        0..34 => StepKind::Write { region, command: command(diet, dice), context: None },
        34..44 => {
            let known: Vec<_> = tokens.iter().cloned().collect();
            let context = (!known.is_empty()).then(|| dice.pick(&known).unwrap().clone());
            StepKind::Write { region, command: command(diet, dice), context }
        }
        44..50 => {
            let most = 2 + dice.index(3);
            StepKind::Transaction { region, commands: (0..most).map(|_| command(diet, dice)).collect() }
        }
        50..54 => {
            let token = dice.word(&["p", "q"]);
            tokens.insert(token.clone());
            StepKind::Save { region, token }
        }
        54..59 => {
            let transaction = dice.word(&NAMES);
            open.insert((region, transaction.clone()));
            StepKind::Begin { region, transaction }
        }
        59..68 if !chosen.is_empty() => {
            let (region, transaction) = dice.pick(&chosen).unwrap().clone();
            StepKind::Buffer { region, transaction, command: command(diet, dice) }
        }
        68..74 if !chosen.is_empty() => {
            let (region, transaction) = dice.pick(&chosen).unwrap().clone();
            open.remove(&(region, transaction.clone()));
            StepKind::Commit { region, transaction }
        }
        74..80 if diet.is_timed() => StepKind::Advance(*dice.of(&[1, 10, 20, 50])),
        80..83 => StepKind::Clock { region, ms: *dice.of(&[0, 10, 20, 100, 3_600_000]) },
        83..86 => StepKind::Sync,
        _ => {
            let to = *dice.of(&Region::ALL);
            if to == region {
                return StepKind::Write { region, command: command(diet, dice), context: None };
            }
            StepKind::Pull { from: region, to, own: dice.one_in(3) }
        }
    }
}
