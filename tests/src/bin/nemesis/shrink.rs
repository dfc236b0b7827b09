//! The smallest part of a history that still shows a violation: what to read first, and what to keep.

use crate::cells::Cells;
use crate::check::{self, Checker, Violation};
use crate::facts::Facts;
use crate::history::{End, History};

/// How often it is tried to do without something.
const TRIES: usize = 1_000;

/// Cuts away whatever is not needed for `checker` to say the same. `None` if that is about the run as a whole.
pub(crate) fn shrink(history: &History, checker: &Checker, violation: &Violation) -> Option<History> {
    let mut small = history.clone();
    small.header.minutes = 0.0;
    let narrowed = narrowed(&small, violation);
    if shows(&narrowed, checker, violation) {
        small = narrowed;
    } else if !shows(&small, checker, violation) {
        return None;
    }
    let mut tries = 0;
    let mut size = small.calls.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < small.calls.len() && tries < TRIES {
            let mut fewer = small.clone();
            fewer.calls.drain(at..(at + size).min(small.calls.len()));
            tries += 1;
            if shows(&fewer, checker, violation) {
                small = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    for drop in [drop_faults, drop_end, trim] {
        let mut fewer = small.clone();
        drop(&mut fewer, violation);
        if shows(&fewer, checker, violation) {
            small = fewer;
        }
    }
    Some(small)
}

/// What a violation is most likely to need: the calls about its key, or, without one, all calls but nothing that was read.
fn narrowed(history: &History, violation: &Violation) -> History {
    let mut small = history.clone();
    let Some(key) = &violation.key else {
        for call in &mut small.calls {
            call.asked.reads.clear();
            if let Some(answered) = &mut call.answered {
                answered.values.clear();
                answered.again.clear();
            }
        }
        return small;
    };
    small.calls.retain(|call| {
        let asked = &call.asked;
        violation.calls.contains(&asked.call)
            || asked.updates.iter().any(|update| update.key == *key)
            || asked.reads.iter().any(|read| read.key == *key)
    });
    small
}

fn drop_faults(history: &mut History, _: &Violation) {
    history.faults.clear();
}

fn drop_end(history: &mut History, _: &Violation) {
    history.converged = None;
}

/// Reads of other keys are not needed where the violation is about one.
fn trim(history: &mut History, violation: &Violation) {
    let Some(key) = &violation.key else { return };
    for call in &mut history.calls {
        let Some(answered) = &mut call.answered else { continue };
        if answered.end != End::Read && !answered.again.is_empty() {
            continue;
        }
        let keep: Vec<bool> = call.asked.reads.iter().map(|read| read.key == *key).collect();
        let mut flags = keep.iter();
        answered.values.retain(|_| flags.next().copied().unwrap_or(false));
        let mut flags = keep.iter();
        call.asked.reads.retain(|_| flags.next().copied().unwrap_or(false));
    }
}

/// Whether a history shows this very violation, in the same words.
fn shows(history: &History, checker: &Checker, violation: &Violation) -> bool {
    let facts = Facts::of(history);
    let cells = Cells::of(&facts);
    check::one(checker, &facts, &cells).violations.iter().any(|other| other.what == violation.what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::Tale;
    use crate::op::{Type, Value, What};

    #[test]
    fn a_lost_element_is_shown_by_its_write_and_one_read() {
        let mut tale = Tale::default();
        for at in 1..=20 {
            let dot = format!("1.1:{at}");
            tale.write("a", 0, &[("k", What::Insert(at.to_string()))], &dot, &dot);
        }
        let rest = (2..=20).map(|at| at.to_string()).collect();
        tale.look("r", 0, ("k", Type::Set), Value::Texts(rest), "1.1:20");
        let history = tale.history();
        let checker = check::ALL.iter().find(|checker| checker.name == "elements").unwrap();
        let facts = Facts::of(&history);
        let verdict = check::one(checker, &facts, &Cells::of(&facts));
        let small = shrink(&history, checker, &verdict.violations[0]).unwrap();
        assert_eq!(small.calls.len(), 2, "{small:#?}");
    }
}
