//! Cutting a program that fails down to what fails.

use std::collections::BTreeSet;

use halcyon_sim::scenario::{CommandOp, StepKind};

/// The steps that have a meaning: what names a transaction that is not open, or a token that was not saved, is left out.
pub(crate) fn sensible(steps: &[StepKind]) -> Vec<StepKind> {
    let (mut open, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    let keep = |step: &&StepKind| match step {
        StepKind::Save { token, .. } => {
            tokens.insert(token.clone());
            true
        }
        StepKind::Begin { region, transaction } => {
            open.insert((*region, transaction.clone()));
            true
        }
        StepKind::Buffer { region, transaction, .. } => open.contains(&(*region, transaction.clone())),
        StepKind::Commit { region, transaction } => open.remove(&(*region, transaction.clone())),
        StepKind::Write { context: Some(token), .. } => tokens.contains(token),
        _ => true,
    };
    steps.iter().filter(keep).cloned().collect()
}

/// The smallest program found that still fails.
pub(crate) fn shrink(steps: Vec<StepKind>, fails: impl Fn(&[StepKind]) -> bool) -> Vec<StepKind> {
    let mut best = steps;
    loop {
        let before = best.clone();
        let mut size = best.len().div_ceil(2);
        while size > 0 {
            let mut at = 0;
            while at < best.len() {
                let mut fewer = best.clone();
                fewer.drain(at..(at + size).min(fewer.len()));
                let fewer = sensible(&fewer);
                if fails(&fewer) {
                    best = fewer;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
        for at in 0..best.len() {
            for simpler in simpler(&best[at]) {
                let mut tried = best.clone();
                tried[at] = simpler;
                if fails(&tried) {
                    best = tried;
                    break;
                }
            }
        }
        if best == before {
            return best;
        }
    }
}

fn simpler(step: &StepKind) -> Vec<StepKind> {
    match step {
        StepKind::Transaction { region, commands } if commands.len() == 1 => {
            vec![StepKind::Write { region: *region, command: commands[0].clone(), context: None }]
        }
        StepKind::Transaction { region, commands } => (0..commands.len())
            .map(|at| {
                let mut commands = commands.clone();
                commands.remove(at);
                StepKind::Transaction { region: *region, commands }
            })
            .collect(),
        StepKind::Write { region, command, context } => {
            let mut simpler = Vec::new();
            if context.is_some() {
                simpler.push(StepKind::Write { region: *region, command: command.clone(), context: None });
            }
            let mut fewer = command.clone();
            let (CommandOp::ListPush { values, .. }
            | CommandOp::ListInsert { values, .. }
            | CommandOp::ListInsertAt { values, .. }
            | CommandOp::SetAdd(values)
            | CommandOp::SetRemove(values)
            | CommandOp::HllAdd(values)) = &mut fewer.op
            else {
                return simpler;
            };
            if values.len() > 1 {
                values.pop();
                simpler.push(StepKind::Write { region: *region, command: fewer, context: context.clone() });
            }
            simpler
        }
        StepKind::Pull { from, to, own: true } => vec![StepKind::Pull { from: *from, to: *to, own: false }],
        _ => Vec::new(),
    }
}
