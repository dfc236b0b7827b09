//! Transactions are visible whole or not at all (P5): a marker that one record wrote to an object of every type is found in
//! all of them or in none, by whoever reads them at one moment. No dot and no token is believed here.

use std::collections::BTreeMap;

use super::{Judged, writers};
use crate::cells::Cells;
use crate::facts::{Facts, Look};
use crate::op::{Type, Value};

const GROUP: &str = "group:";

pub(crate) fn judge(facts: &Facts<'_>, cells: &Cells) -> Judged {
    let mut judged = Judged::default();
    for looks in facts.looks.chunk_by(|one, other| one.call.asked.call == other.call.asked.call) {
        // Of several groups read at one moment, each for itself.
        let mut groups: BTreeMap<&str, Vec<&Look<'_>>> = BTreeMap::new();
        for look in looks.iter().filter(|look| look.read.key.starts_with(GROUP)) {
            let group = look.read.key.rsplit_once(':').map_or("", |(group, _)| group);
            groups.entry(group).or_default().push(look);
        }
        for group in groups.values().filter(|group| group.len() > 1) {
            one_moment(&mut judged, facts, cells, group);
        }
    }
    judged
}

fn one_moment(judged: &mut Judged, facts: &Facts<'_>, cells: &Cells, looks: &[&Look<'_>]) {
    let of = |kind: Type| looks.iter().find(|look| look.read.kind == kind);
    let (Some(set), Some(list)) = (of(Type::Set), of(Type::List)) else { return };
    let (Value::Texts(markers), Value::Row(row)) = (set.value, list.value) else { return };
    // A marker that two regions were asked for may be there twice; where multiplicity shows, it must be the same.
    let times = row.iter().fold(BTreeMap::<&str, i64>::new(), |mut times, marker| {
        *times.entry(marker.as_str()).or_default() += 1;
        times
    });
    let total: i64 = times.values().sum();
    let many = i64::try_from(markers.len()).unwrap_or(i64::MAX);
    judged.judged += u64::from(!markers.is_empty());
    for look in looks {
        let agrees = match look.value {
            Value::Texts(found) if look.read.kind == Type::Mv => {
                found.is_empty() == markers.is_empty() && found.iter().all(|marker| markers.contains(marker))
            }
            Value::Texts(found) => sorted(found) == sorted(markers),
            Value::Row(_) => {
                times.len() == markers.len() && markers.iter().all(|marker| times.contains_key(marker.as_str()))
            }
            Value::Scores(found) => {
                found.len() == times.len()
                    && found.iter().all(|(marker, score)| times.get(marker.as_str()) == Some(score))
            }
            Value::Text(found) => found.is_none() == markers.is_empty() && found.iter().all(|it| markers.contains(it)),
            Value::Sum(sum) => *sum == total,
            Value::Count(count) => count.abs_diff(u64::try_from(many).unwrap_or(0)) <= 2 + markers.len() as u64 / 20,
            Value::Is(_) => true,
        };
        if !agrees {
            let found = look.value;
            let what = format!("one moment shows {found:?} here, and in the set {markers:?} ({total} in the list)");
            judged.wrong(look, &what, writers(facts, cells, &format!("{}/", look.read.key)));
        }
    }
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<_> = names.iter().collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::Read;

    #[test]
    fn a_moment_that_shows_half_of_a_transaction_is_caught() {
        let texts = |names: &[&str]| Value::Texts(names.iter().map(|&name| name.to_owned()).collect());
        let row = |names: &[&str]| Value::Row(names.iter().map(|&name| name.to_owned()).collect());
        let moment = |set: &[&str], list: &[&str], sum: i64, last: Option<&str>| {
            let all = vec![
                (Read::new("group:1:set", Type::Set), texts(set)),
                (Read::new("group:1:list", Type::List), row(list)),
                (Read::new("group:1:counter", Type::Counter), Value::Sum(sum)),
                (Read::new("group:1:register", Type::Register), Value::Text(last.map(str::to_owned))),
            ];
            Tale::default().looks("r", 0, all, "-").history()
        };
        holds(judge, &moment(&["a", "b"], &["b", "a"], 2, Some("b")));
        holds(judge, &moment(&["a", "b"], &["b", "a", "a"], 3, Some("b")));
        holds(judge, &moment(&[], &[], 0, None));
        violates(judge, &moment(&["a", "b"], &["b"], 1, Some("b")));
        violates(judge, &moment(&["a", "b"], &["b", "a"], 1, Some("b")));
        violates(judge, &moment(&["a", "b"], &["b", "a"], 2, Some("c")));
        violates(judge, &moment(&["a"], &["a"], 1, None));
        assert_eq!(how_much(judge, &moment(&[], &[], 0, None)), 0, "nothing there shows nothing");
    }
}
