//! Causal order (P4), shown twice.
//!
//! *By vectors:* a region that says it has seen a record has seen what the record's region had seen when it was asked
//! for. *By values alone*, with no token of the reader believed: a process that has read a value finds, in whatever it
//! reads next in that region or behind that session, everything that the value's writer had seen; and nothing that the
//! value's writer saw removed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judged, has_deadline, writers};
use crate::cells::{Cells, base, slug};
use crate::compare::elements;
use crate::facts::{Copy, Facts, Look, View};
use crate::op::{Type, Value};
use crate::vector::{Dot, Vector};

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    let mut judged = Judged::default();
    vectors(&mut judged, facts);
    values(&mut judged, facts, cells);
    judged
}

fn vectors(judged: &mut Judged, facts: &Facts<'_>) {
    let mut said = BTreeSet::new();
    for told in &facts.told {
        let causes = facts.with_causes(told.token);
        let region = told.call.asked.region;
        judged.judged += u64::from(has_third(facts, region, told.token) && said.insert((region, told.token)));
        if !causes.within(told.token) {
            let missing: Vec<_> =
                causes.iter().filter(|dot| !told.token.covers(*dot)).map(|dot| dot.to_string()).collect();
            let what = format!(
                "region {} says it has seen {}, and not {}, which comes before something of that",
                told.call.asked.region,
                told.token,
                missing.join(", ")
            );
            judged.violation(what, [told.call.asked.call], None);
        }
    }
}

/// Whether a region that has seen so much must have seen something of one region for something of another. Of its own it
/// has seen all there is.
fn has_third(facts: &Facts<'_>, region: usize, seen: &Vector) -> bool {
    let foreign = |dot: &Dot| usize::from(dot.actor.region) != region + 1;
    seen.iter().filter(foreign).any(|dot| {
        let mut causes = facts.causes(dot).into_iter().flat_map(Vector::iter);
        causes.any(|cause| foreign(&cause) && cause.actor.region != dot.actor.region)
    })
}

/// What a process must have in sight, by what it has read: per region, and, of a session, everywhere.
#[derive(Default)]
struct Sight {
    of_region: BTreeMap<usize, Vector>,
    of_session: Vector,
}

fn values(judged: &mut Judged, facts: &Facts<'_>, cells: &Cells) {
    let mut sights: BTreeMap<&str, Sight> = BTreeMap::new();
    for looks in facts.looks.chunk_by(|one, other| one.call.asked.call == other.call.asked.call) {
        let Some(first) = looks.first() else { continue };
        let asked = &first.call.asked;
        let sight = sights.entry(&asked.process).or_default();
        let mut least = sight.of_region.get(&asked.region).cloned().unwrap_or_default();
        if asked.session.is_some() {
            least.join(&sight.of_session);
        }
        let before = least.clone();
        // All looks of a transaction are of one moment: what one shows, the others must have.
        for (_, copy) in looks.iter().flat_map(|look| shown(facts, cells, look)) {
            least.see(copy.dot);
        }
        let least = facts.with_causes(&least);
        for look in looks.iter().filter(|look| !has_deadline(look)) {
            let view = View { least: least.clone(), most: None, until: look.view.until };
            let compared = elements(facts, cells, look.read, look.value, &view);
            // That a value is there proves nothing of itself.
            let shown = shown(facts, cells, look).into_iter().filter(|(_, copy)| !before.covers(copy.dot));
            let shown: BTreeSet<_> = shown.map(|(name, _)| name).collect();
            judged.judged += compared.judged.iter().filter(|name| !shown.contains(name)).count() as u64;
            for wrong in compared.wrong {
                let what = format!("{}, by what this process had read before", wrong.what);
                judged.wrong(look, &what, writers(facts, cells, &wrong.address));
            }
        }
        if asked.session.is_some() {
            sight.of_session.join(&least);
        }
        sight.of_region.entry(asked.region).or_default().join(&least);
    }
}

/// The records that a look shows: those of values that only one record can have brought.
fn shown<'f>(facts: &'f Facts<'_>, cells: &Cells, look: &Look<'f>) -> Vec<(&'f String, &'f Copy)> {
    let names: Vec<&String> = match look.value {
        Value::Texts(names) | Value::Row(names) if look.read.kind != Type::Map => names.iter().collect(),
        Value::Scores(scores) => scores.iter().map(|(member, _)| member).collect(),
        Value::Text(name) => name.iter().collect(),
        _ => Vec::new(),
    };
    let below = format!("{}{}", base(&look.read.key, &look.read.path), slug(look.read.kind));
    let only = |name: &'f String| match cells.at(&format!("{below}e:{name}/")) {
        [adding] => facts.writes.get(adding.write).and_then(|write| write.only()).map(|copy| (name, copy)),
        _ => None,
    };
    names.into_iter().filter_map(only).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::What;

    /// x is written; somebody who has seen it writes y.
    fn cause_and_effect() -> Tale {
        let insert = |name: &str| What::Insert(name.to_owned());
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", insert("x"))], "1.1:1", "1.1:1")
            .write("b", 1, &[("l", insert("y"))], "2.1:1", "1.1:1,2.1:1")
            .session("1.1:1");
        tale
    }

    fn found(names: &[&str]) -> Value {
        Value::Texts(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn a_region_that_has_the_effect_and_not_the_cause_is_caught_by_its_vector() {
        let tale = cause_and_effect();
        let whole = tale.clone().look("r", 2, ("l", Type::Set), found(&["y"]), "1.1:1,2.1:1").history();
        holds(judge, &whole);
        // In region 1 the cause came first. In region 2 the token is judged; that y is there proves nothing of itself.
        assert_eq!(how_much(judge, &whole), 1);
        violates(judge, &tale.clone().look("r", 2, ("l", Type::Set), found(&["y"]), "2.1:1").history());
    }

    #[test]
    fn a_reader_who_saw_the_effect_sees_the_cause_by_values_alone() {
        let mut tale = cause_and_effect();
        tale.plain("r", 2, ("l", Type::Set), found(&["y"]));
        assert_eq!(how_much(judge, &tale.history()), 0, "an effect alone");
        holds(judge, &tale.clone().plain("r", 2, ("k", Type::Set), found(&["x"])).history());
        assert_eq!(how_much(judge, &tale.clone().plain("r", 2, ("k", Type::Set), found(&["x"])).history()), 1);
        violates(judge, &tale.clone().plain("r", 2, ("k", Type::Set), found(&[])).history());
        // Another process, or the same one elsewhere without a session, may be behind.
        holds(judge, &tale.clone().plain("s", 2, ("k", Type::Set), found(&[])).history());
        holds(judge, &tale.clone().plain("r", 1, ("k", Type::Set), found(&[])).history());
    }

    #[test]
    fn a_session_sees_the_cause_in_another_region_too() {
        let mut tale = cause_and_effect();
        tale.plain("r", 2, ("l", Type::Set), found(&["y"])).session("-");
        holds(judge, &tale.clone().plain("r", 1, ("k", Type::Set), found(&["x"])).session("2.1:1").history());
        violates(judge, &tale.plain("r", 1, ("k", Type::Set), found(&[])).session("2.1:1").history());
    }
}
