//! Lists: who pushed to an end was beyond all that it saw there, and stays beyond it; who inserted behind an element stays
//! behind it (P3). And sorted sets: in the order of scores, each member once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judged, looks};
use crate::cells::Cells;
use crate::facts::{Copy, Facts};
use crate::op::{Type, Value, What};

/// How an element came into its list.
struct Born<'a> {
    copy: &'a Copy,
    call: u64,
    how: &'a What,
}

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut born: BTreeMap<(&str, &str), Born<'_>> = BTreeMap::new();
    for write in &facts.writes {
        let (Some(copy), Some(first)) = (write.only(), write.calls.first()) else { continue };
        for update in write.updates {
            if let What::PushBack(value) | What::PushFront(value) | What::InsertAfter(_, value) = &update.what {
                born.insert((&update.key, value), Born { copy, call: first.asked.call, how: &update.what });
            }
        }
    }
    let mut judged = Judged::default();
    // Elsewhere elements move about, or are replaced in place.
    for look in looks(facts, &[Type::List]).filter(|look| !look.read.key.starts_with("moves:")) {
        let Value::Row(row) = look.value else { continue };
        let there: Vec<_> =
            row.iter().map(|value| (value, born.get(&(look.read.key.as_str(), value.as_str())))).collect();
        for (at, (value, born)) in there.iter().enumerate() {
            let Some(born) = born else { continue };
            let mut has_a_place = false;
            for (other_at, (other, older)) in there.iter().enumerate().filter(|(other_at, _)| *other_at != at) {
                let Some(older) = older else { continue };
                let behind = match born.how {
                    What::InsertAfter(target, _) if target == *other => true,
                    What::PushBack(_) if born.copy.sees_least.covers(older.copy.dot) => true,
                    What::PushFront(_) if born.copy.sees_least.covers(older.copy.dot) => false,
                    _ => continue,
                };
                has_a_place = true;
                if (at > other_at) != behind {
                    let side = if behind { "behind" } else { "before" };
                    let what = format!("{value:?} must stand {side} {other:?}, which its writer had seen: {row:?}");
                    judged.wrong(look, &what, [born.call, older.call]);
                }
            }
            judged.judged += u64::from(has_a_place);
        }
    }
    for look in looks(facts, &[Type::Zset]) {
        let Value::Scores(scores) = look.value else { continue };
        let members: BTreeSet<_> = scores.iter().map(|(member, _)| member).collect();
        judged.judged += u64::from(scores.len() > 1);
        if !scores.is_sorted_by_key(|(member, score)| (*score, member)) || members.len() < scores.len() {
            judged.wrong(look, &format!("members out of order, or twice: {scores:?}"), []);
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};

    #[test]
    fn what_was_pushed_behind_stays_behind_what_its_writer_saw() {
        let push = |value: &str| What::PushBack(value.to_owned());
        let mut tale = Tale::default();
        tale.write("a", 0, &[("list:k", push("1"))], "1.1:1", "1.1:1")
            .write("a", 0, &[("list:k", push("2"))], "1.1:2", "1.1:2")
            .write("a", 0, &[("list:k", What::PushFront("0".to_owned()))], "1.1:3", "1.1:3")
            .write("a", 0, &[("list:k", What::InsertAfter("0".to_owned(), "½".to_owned()))], "1.1:4", "1.1:4");
        let read = |row: &[&str]| {
            let row = Value::Row(row.iter().map(|&value| value.to_owned()).collect());
            tale.clone().look("r", 0, ("list:k", Type::List), row, "1.1:4").history()
        };
        holds(judge, &read(&["0", "½", "1", "2"]));
        assert_eq!(how_much(judge, &read(&["0", "½", "1", "2"])), 3, "all but the first to come");
        assert_eq!(how_much(judge, &read(&["1"])), 0, "one alone stands nowhere");
        violates(judge, &read(&["0", "½", "2", "1"]));
        violates(judge, &read(&["½", "0", "1", "2"]));
        violates(judge, &read(&["1", "0", "½", "2"]));
    }

    #[test]
    fn members_stand_in_the_order_of_their_scores() {
        let read = |scores: &[(&str, i64)]| {
            let scores = scores.iter().map(|(member, score)| ((*member).to_owned(), *score)).collect();
            Tale::default().look("r", 0, ("zset:k", Type::Zset), Value::Scores(scores), "-").history()
        };
        holds(judge, &read(&[("b", 1), ("a", 2), ("c", 2)]));
        assert_eq!(how_much(judge, &read(&[("b", 1)])), 0, "one is in order");
        violates(judge, &read(&[("a", 2), ("b", 1)]));
        violates(judge, &read(&[("c", 2), ("a", 2)]));
        violates(judge, &read(&[("a", 1), ("a", 2)]));
    }
}
