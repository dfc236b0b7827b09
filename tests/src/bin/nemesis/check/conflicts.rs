//! Whether clients met at all: how often two wrote beside each other what only merging can settle, and how often a region
//! had no rights left to spend. Without that a store that simply takes whatever comes last would pass.
//!
//! Two records are beside each other if by the time either was acked its region had not seen the other.

use std::collections::BTreeMap;
use std::ptr;

use super::{Checker, Judged};
use crate::cells::{Cells, base};
use crate::facts::{Copy, Facts, Write};
use crate::history::End;
use crate::op::What;

/// What is counted. None of it can be wrong; there can be too little of it.
pub(crate) const ALL: [Checker; 6] = [
    Checker { name: "register-siblings", judge: registers, enough: 40 },
    Checker { name: "value-siblings", judge: values, enough: 50 },
    Checker { name: "additions-beside-removals", judge: additions, enough: 5 },
    Checker { name: "enablings-beside-clears", judge: enablings, enough: 7 },
    Checker { name: "increments-beside-resets", judge: increments, enough: 7 },
    Checker { name: "refused-spends", judge: refused_spends, enough: 6 },
];

fn registers(facts: &Facts<'_>, _: &Cells) -> Judged {
    siblings(facts, |what| matches!(what, What::Set(_)))
}

fn values(facts: &Facts<'_>, _: &Cells) -> Judged {
    siblings(facts, |what| matches!(what, What::SetMv(_)))
}

fn additions(facts: &Facts<'_>, cells: &Cells) -> Judged {
    let is_element = |address: &str| ["/set/e:", "/zset/e:", "/list/e:"].iter().any(|kind| address.contains(kind));
    beside_removals(facts, cells, is_element)
}

fn enablings(facts: &Facts<'_>, cells: &Cells) -> Judged {
    beside_removals(facts, cells, |address| address.ends_with("/flag/"))
}

fn increments(facts: &Facts<'_>, cells: &Cells) -> Judged {
    beside_removals(facts, cells, |address| address.ends_with("/count/"))
}

/// Spends that a region has refused for want of rights.
fn refused_spends(facts: &Facts<'_>, _: &Cells) -> Judged {
    let spends = |write: &&Write<'_>| write.updates.iter().any(|update| matches!(update.what, What::Spend(_)));
    let refused = |write: &&Write<'_>| {
        let ends = write.calls.iter().filter_map(|call| call.answered.as_ref()).map(|answered| &answered.end);
        ends.into_iter().any(|end| matches!(end, End::Refused(why) if why == "InsufficientRights"))
    };
    count(facts.writes.iter().filter(spends).filter(refused))
}

/// Values of one register that were each written without another.
fn siblings(facts: &Facts<'_>, sets: fn(&What) -> bool) -> Judged {
    let mut of_register: BTreeMap<String, Vec<&Write<'_>>> = BTreeMap::new();
    for write in &facts.writes {
        for update in write.updates.iter().filter(|update| sets(&update.what)) {
            of_register.entry(base(&update.key, &update.path)).or_default().push(write);
        }
    }
    let met = |writes: &Vec<&Write<'_>>| {
        writes.iter().filter(|one| writes.iter().any(|other| are_beside(one, other))).count() as u64
    };
    Judged { judged: of_register.values().map(met).sum(), violations: Vec::new() }
}

/// Additions to such addresses that a removal did not see, and that did not see the removal.
fn beside_removals(facts: &Facts<'_>, cells: &Cells, at: impl Fn(&str) -> bool) -> Judged {
    count(cells.below("").filter(|(address, _)| at(address)).flat_map(|(address, addings)| {
        let writes = addings.iter().filter_map(|adding| facts.writes.get(adding.write));
        writes.filter(move |one| cells.removers(facts, address).any(|other| are_beside(one, other)))
    }))
}

fn count(those: impl Iterator) -> Judged {
    Judged { judged: those.count() as u64, violations: Vec::new() }
}

fn are_beside(one: &Write<'_>, other: &Write<'_>) -> bool {
    let beside = |one: &Copy, other: &Copy| !one.told.covers(other.dot) && !other.told.covers(one.dot);
    !ptr::eq(one, other) && one.copies.iter().any(|one| other.copies.iter().any(|other| beside(one, other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Judge, Tale, how_much};
    use crate::op::Type;

    /// One writes in region 0, another in region 1, which has seen the first up to `seen`.
    fn two(one: What, other: What, seen: &str) -> crate::history::History {
        let mut tale = Tale::default();
        tale.write("a", 0, &[("k", one)], "1.1:1", "1.1:1").write("b", 1, &[("k", other)], "2.1:1", seen);
        tale.history()
    }

    #[test]
    fn siblings_are_values_that_have_not_seen_each_other() {
        let set = |value: &str| What::Set(value.to_owned());
        let set_mv = |value: &str| What::SetMv(value.to_owned());
        assert_eq!(how_much(registers, &two(set("x"), set("y"), "2.1:1")), 2);
        assert_eq!(how_much(registers, &two(set("x"), set("y"), "1.1:1,2.1:1")), 0, "the second had seen the first");
        assert_eq!(how_much(values, &two(set_mv("x"), set_mv("y"), "2.1:1")), 2);
        assert_eq!(how_much(values, &two(set_mv("x"), set_mv("y"), "1.1:1,2.1:1")), 0, "the second had seen the first");
    }

    #[test]
    fn an_addition_is_beside_a_removal_if_neither_saw_the_other() {
        let cases: [(Judge, What, What); 3] = [
            (additions, What::Insert("x".to_owned()), What::Remove("x".to_owned())),
            (enablings, What::Enable, What::Clear(Type::Flag)),
            (increments, What::Add(1), What::Clear(Type::Counter)),
        ];
        for (judge, add, remove) in cases {
            assert_eq!(how_much(judge, &two(add.clone(), remove.clone(), "2.1:1")), 1, "{add:?}");
            assert_eq!(how_much(judge, &two(add.clone(), remove.clone(), "1.1:1,2.1:1")), 0, "{add:?}");
            assert_eq!(how_much(judge, &two(add.clone(), add, "2.1:1")), 0, "nothing is removed");
        }
    }

    #[test]
    fn a_spend_is_refused_for_want_of_rights_and_for_nothing_else() {
        let mut tale = Tale::default();
        tale.refused("a", 0, &[("k", What::Spend(1))]);
        assert_eq!(how_much(refused_spends, &tale.history()), 0);
        tale.but(|call| call.answered.as_mut().unwrap().end = End::Refused("InsufficientRights".to_owned()));
        assert_eq!(how_much(refused_spends, &tale.history()), 1);
    }

    #[test]
    fn a_run_in_which_nobody_met_has_shown_nothing() {
        let mut history = two(What::Set("x".to_owned()), What::Set("y".to_owned()), "1.1:1,2.1:1");
        history.header.minutes = 2.0;
        let facts = Facts::of(&history);
        for kind in &ALL {
            let verdict = crate::check::one(kind, &facts, &Cells::of(&facts));
            assert!(verdict.wanted > 0, "{}", kind.name);
            assert_eq!(verdict.violations.len(), 1, "{}", kind.name);
        }
    }
}
