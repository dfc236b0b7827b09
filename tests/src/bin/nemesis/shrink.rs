//! The smallest part of a history that still shows a violation: what to read first, and what to keep.

use crate::cells::Cells;
use crate::check::{self, Checker, Violation};
use crate::facts::Facts;
use crate::history::{End, History};

/// Past this many calls, only what the violation names is kept: judging is no longer quick enough to try.
const TRIED_MAX: usize = 1_500;

/// Cuts away whatever is not needed for `checker` to find something wrong. `None` if a violation is of the run as a whole.
pub(crate) fn shrink(history: &History, checker: &Checker, violation: &Violation) -> Option<History> {
    let mut small = history.clone();
    small.header.minutes = 0.0;
    let about = |key: &str| violation.key.as_deref() == Some(key);
    small.calls.retain(|call| {
        let asked = &call.asked;
        violation.calls.contains(&asked.call)
            || asked.updates.iter().any(|update| about(&update.key))
            || asked.reads.iter().any(|read| about(&read.key))
    });
    if !shows(&small, checker, violation) {
        small.calls.clone_from(&history.calls);
        if !shows(&small, checker, violation) || small.calls.len() > TRIED_MAX {
            return None;
        }
    }
    if small.calls.len() <= TRIED_MAX {
        let mut size = small.calls.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < small.calls.len() {
                let mut fewer = small.clone();
                fewer.calls.drain(at..(at + size).min(small.calls.len()));
                if shows(&fewer, checker, violation) {
                    small = fewer;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
    }
    if checker.name != "availability" && checker.name != "deadlines" {
        small.faults.clear();
    }
    if checker.name != "convergence" {
        small.converged = None;
    }
    for call in &mut small.calls {
        trim(call, violation);
    }
    shows(&small, checker, violation).then_some(small)
}

/// Reads of other keys are not needed where the violation is about one.
fn trim(call: &mut crate::history::Call, violation: &Violation) {
    let (Some(key), Some(answered)) = (&violation.key, &mut call.answered) else { return };
    if key.starts_with("group:") || answered.end != End::Read && !answered.again.is_empty() {
        return;
    }
    let keep: Vec<bool> = call.asked.reads.iter().map(|read| read.key == *key).collect();
    let mut flags = keep.iter();
    answered.values.retain(|_| flags.next().copied().unwrap_or(false));
    let mut flags = keep.iter();
    call.asked.reads.retain(|_| flags.next().copied().unwrap_or(false));
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
