//! The checkers: each reads the history alone, and says what it found wrong and how much it had to judge.
//!
//! | checker | promise | what it wants |
//! |---|---|---|
//! | [`elements`] | P1, P6 | what was added is there until a removal that saw it; what a removal saw is gone |
//! | [`registers`] | P6 | a value that was written, and that no later writer had seen |
//! | [`concurrent_values`] | P6 | of a multi-value register: exactly the values that no writer had seen |
//! | [`counters`] | P6 | every sum within [definite, definite + unknown]; exact where nothing is unknown |
//! | [`bounded`] | P8 | never below nought, and what was granted less what was spent |
//! | [`lists`] | P3 | who pushed behind what it saw stays behind it |
//! | [`causal`] | P4 | who has seen an effect has seen its causes: by vectors, and by values alone |
//! | [`sessions`] | P4 | a session, and a region, never goes back; one reads one's own writes and notes |
//! | [`atomic`] | P5 | a transaction's keys change together |
//! | [`checked`] | P5 | of two transactions that checked the same read, one is refused |
//! | [`dots`] | P2 | one write per dot, one dot per request and region |
//! | [`deadlines`] | | what has expired is gone, what has not is there |
//! | [`convergence`] | P1, P3 | after the heal, in time: equal vectors, digests and reads, all answered, and every acked dot |
//! | [`availability`] | P9 | regions that live ack writes, whatever is cut |
//!
//! What a checker counts as judged is what it could have found wrong. And a run in which clients hardly met, or never ran out
//! of rights, has shown little, however much was judged: [`conflicts`] counts that.

pub(crate) mod atomic;
pub(crate) mod availability;
pub(crate) mod bounded;
pub(crate) mod causal;
pub(crate) mod checked;
pub(crate) mod concurrent_values;
pub(crate) mod conflicts;
pub(crate) mod convergence;
pub(crate) mod counters;
pub(crate) mod deadlines;
pub(crate) mod dots;
pub(crate) mod elements;
pub(crate) mod lists;
pub(crate) mod registers;
pub(crate) mod sessions;
#[cfg(test)]
pub(crate) mod tell;

use std::slice;

use crate::cells::Cells;
use crate::facts::{Facts, Look};
use crate::history::History;
use crate::op::{Read, Type};

/// What a checker has found.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// How many things it could have found wrong.
    pub(crate) judged: u64,
    pub(crate) violations: Vec<Violation>,
}

/// Something that must not be.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) what: String,
    /// The calls that show it.
    pub(crate) calls: Vec<u64>,
    /// The key that it is about, if it is about one.
    pub(crate) key: Option<String>,
}

/// One checker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checker {
    pub(crate) name: &'static str,
    pub(crate) judge: fn(&Facts<'_>, &Cells) -> Judged,
    /// With fewer things to judge, per minute of the run, the run has shown nothing. About a sixth of what a busy machine
    /// brings.
    pub(crate) enough: u32,
}

/// All of them.
pub(crate) const ALL: [Checker; 14] = [
    Checker { name: "elements", judge: elements::judge, enough: 10_000 },
    Checker { name: "registers", judge: registers::judge, enough: 150 },
    Checker { name: "concurrent-values", judge: concurrent_values::judge, enough: 2_500 },
    Checker { name: "counters", judge: counters::judge, enough: 400 },
    Checker { name: "bounded", judge: bounded::judge, enough: 100 },
    Checker { name: "lists", judge: lists::judge, enough: 2_000 },
    Checker { name: "causal", judge: causal::judge, enough: 10_000 },
    Checker { name: "sessions", judge: sessions::judge, enough: 1_500 },
    Checker { name: "atomic", judge: atomic::judge, enough: 60 },
    Checker { name: "checked", judge: checked::judge, enough: 2 },
    Checker { name: "dots", judge: dots::judge, enough: 500 },
    Checker { name: "deadlines", judge: deadlines::judge, enough: 50 },
    Checker { name: "convergence", judge: convergence::judge, enough: 300 },
    Checker { name: "availability", judge: availability::judge, enough: 2 },
];

/// One checker's findings, and whether it had enough to judge.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) checker: &'static str,
    pub(crate) judged: u64,
    /// With fewer, the run has shown nothing.
    pub(crate) wanted: u64,
    pub(crate) violations: Vec<Violation>,
}

/// Runs every checker, and then counts the conflicts.
pub(crate) fn all(history: &History) -> Vec<Verdict> {
    let facts = Facts::of(history);
    let cells = Cells::of(&facts);
    ALL.iter().chain(&conflicts::ALL).map(|checker| one(checker, &facts, &cells)).collect()
}

/// Runs one.
pub(crate) fn one(checker: &Checker, facts: &Facts<'_>, cells: &Cells) -> Verdict {
    let Judged { judged, mut violations } = (checker.judge)(facts, cells);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of minutes, parsed as positive"
    )]
    let wanted = (f64::from(checker.enough) * facts.history.header.minutes) as u64;
    if judged < wanted {
        let what = format!("the run had {judged} of them, and wants {wanted}: it shows nothing");
        violations.push(Violation { what, calls: Vec::new(), key: None });
    }
    Verdict { checker: checker.name, judged, wanted, violations }
}

impl Judged {
    fn violation(&mut self, what: String, calls: impl IntoIterator<Item = u64>, key: Option<&str>) {
        self.violations.push(Violation { what, calls: calls.into_iter().collect(), key: key.map(str::to_owned) });
    }

    /// About a read.
    fn wrong(&mut self, look: &Look<'_>, what: &str, others: impl IntoIterator<Item = u64>) {
        let Look { call, read, .. } = look;
        let what = format!("{} in region {}, {}: {what}", call.asked.process, call.asked.region, place(read));
        self.violation(what, [call.asked.call].into_iter().chain(others), Some(&read.key));
    }
}

/// What was read, in words.
fn place(read: &Read) -> String {
    let path = [slice::from_ref(&read.key), &read.path].concat().join("/");
    format!("{path} ({:?})", read.kind)
}

/// The calls that wrote something at an address or below.
fn writers(facts: &Facts<'_>, cells: &Cells, address: &str) -> Vec<u64> {
    let addings = cells.below(address).flat_map(|(_, addings)| addings);
    let writes = addings.filter_map(|adding| facts.writes.get(adding.write));
    writes.flat_map(|write| &write.calls).map(|call| call.asked.call).collect()
}

/// Whether a look is at something that has a deadline: [`deadlines`] judges those.
fn has_deadline(look: &Look<'_>) -> bool {
    look.read.key.starts_with("short") || look.read.key.starts_with("long")
}

/// The looks at objects of these kinds that have no deadline.
fn looks<'a, 'f>(facts: &'f Facts<'a>, kinds: &'static [Type]) -> impl Iterator<Item = &'f Look<'a>> {
    facts.looks.iter().filter(move |look| kinds.contains(&look.read.kind) && !has_deadline(look))
}

/// Judges looks at elements.
fn compared(facts: &Facts<'_>, cells: &Cells, kinds: &'static [Type]) -> Judged {
    let mut judged = Judged::default();
    for look in looks(facts, kinds) {
        let compared = crate::compare::elements(facts, cells, look.read, look.value, &look.view);
        judged.judged += compared.judged.len() as u64;
        for wrong in compared.wrong {
            judged.wrong(look, &wrong.what, writers(facts, cells, &wrong.address));
        }
    }
    judged
}
