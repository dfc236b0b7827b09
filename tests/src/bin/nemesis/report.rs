//! What a run or a judgement prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::{self, Verdict, Violation};
use crate::history::{Answered, Call, End, History};
use crate::op::What;

/// Of one checker's violations, so many are told.
const TOLD: usize = 3;
/// Of one violation's calls, so many.
const CALLS: usize = 12;
const LINE: usize = 400;

/// Calls by what they do, and how they ended.
pub(crate) fn calls(history: &History) -> String {
    let mut table: BTreeMap<&str, [u64; 4]> = BTreeMap::new();
    for call in &history.calls {
        let ended = match call.answered.as_ref().map(|answered| &answered.end) {
            Some(End::Read) => 0,
            Some(End::Written { .. }) => 1,
            Some(End::Refused(_)) => 2,
            Some(End::Unknown(_)) | None => 3,
        };
        for name in names(call) {
            if let Some(count) = table.entry(name).or_default().get_mut(ended) {
                *count += 1;
            }
        }
    }
    let mut text = format!("{:<16} {:>8} {:>8} {:>8} {:>8}\n", "ops", "read", "acked", "refused", "unknown");
    for (name, [read, acked, refused, unknown]) in table {
        writeln!(text, "{name:<16} {read:>8} {acked:>8} {refused:>8} {unknown:>8}").expect("text takes text");
    }
    text
}

/// The types that a call has to do with, as rows of the table.
fn names(call: &Call) -> Vec<&'static str> {
    let of_update = |what: &What| match what {
        What::Set(_) | What::SetFor(..) => "register",
        What::SetMv(_) => "mv-register",
        What::Add(_) => "counter",
        What::Enable => "flag",
        What::Insert(_) | What::Remove(_) => "set",
        What::Score(..) | What::Incr(..) | What::RemoveMember(_) => "sorted-set",
        What::PushBack(_)
        | What::PushFront(_)
        | What::InsertAfter(..)
        | What::Replace(..)
        | What::RemoveValue(_)
        | What::MoveToBack(_)
        | What::MoveToFront(_) => "list",
        What::Observe(_) => "hyperloglog",
        What::Raise(_) | What::Spend(_) | What::Transfer(..) => "bounded-counter",
        What::Expire(_) | What::Persist => "deadline",
        What::Clear(_) | What::Delete => "delete",
    };
    let mut names: Vec<_> = call.asked.updates.iter().map(|update| of_update(&update.what)).collect();
    names.extend((!call.asked.reads.is_empty()).then_some("read"));
    names.extend((call.asked.how > crate::history::How::Context).then_some("transaction"));
    names.extend(call.asked.updates.iter().any(|update| !update.path.is_empty()).then_some("map"));
    names.sort_unstable();
    names.dedup();
    names
}

/// Why things were refused.
pub(crate) fn refusals(history: &History) -> String {
    let mut table: BTreeMap<&str, u64> = BTreeMap::new();
    for Answered { end, .. } in history.calls.iter().filter_map(|call| call.answered.as_ref()) {
        if let End::Refused(why) = end {
            *table.entry(why).or_default() += 1;
        }
    }
    counts("refused as", table.into_iter())
}

/// A line of counts.
pub(crate) fn counts<'a>(title: &str, counts: impl Iterator<Item = (&'a str, u64)>) -> String {
    let counts: Vec<_> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    format!("{title}: {}\n", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") })
}

/// What each checker had to judge, and what conflicts there were; each with what a run wants at least.
pub(crate) fn judged(verdicts: &[Verdict]) -> String {
    let (judged, met) = verdicts.split_at_checked(check::ALL.len()).unwrap_or((verdicts, &[]));
    let line = |title: &str, verdicts: &[Verdict]| {
        let counts = verdicts.iter().map(|it| format!("{} {} ({})", it.checker, it.judged, it.wanted));
        format!("{title} (wanted): {}\n", counts.collect::<Vec<_>>().join(", "))
    };
    line("judged", judged) + &line("conflicts", met)
}

/// One violation, with the calls that show it.
pub(crate) fn violation(history: &History, checker: &str, violation: &Violation) -> String {
    let mut text = format!("VIOLATION of {checker}: {}\n", cut(&violation.what, 4 * LINE));
    let shown: Vec<_> = history.calls.iter().filter(|call| violation.calls.contains(&call.asked.call)).collect();
    for call in shown.iter().take(CALLS) {
        text += &self::call(call);
    }
    if shown.len() > CALLS {
        writeln!(text, "  … and {} calls more", shown.len() - CALLS).expect("text takes text");
    }
    text
}

fn call(call: &Call) -> String {
    let json = |it: Result<String, serde_json::Error>| it.unwrap_or_default();
    let asked = cut(&json(serde_json::to_string(&call.asked)), LINE);
    let answered = call
        .answered
        .as_ref()
        .map_or_else(|| "never answered".to_owned(), |answered| cut(&json(serde_json::to_string(answered)), LINE));
    format!("  {asked}\n    {answered}\n")
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most).chain(['…']).collect() }
}

/// Every violation, of each checker the first few.
pub(crate) fn violations(history: &History, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for verdict in verdicts {
        for one in verdict.violations.iter().take(TOLD) {
            text += &violation(history, verdict.checker, one);
        }
        if verdict.violations.len() > TOLD {
            writeln!(text, "  … and {} violations of {} more", verdict.violations.len() - TOLD, verdict.checker)
                .expect("text takes text");
        }
    }
    text
}
