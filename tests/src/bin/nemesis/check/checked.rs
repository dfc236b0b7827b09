//! Transactions whose reads are checked (P5): where only such transactions of one region write, each of those that were
//! acked has changed what it read, so no two of them can have read the same. That shows something where another one had read
//! it too, and was refused.

use std::collections::BTreeMap;

use super::Judged;
use crate::cells::Cells;
use crate::facts::Facts;
use crate::history::{Answered, End, How};

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let mut judged = Judged::default();
    // Who read the same, and of them, who changed it.
    let mut readers: BTreeMap<(&str, String), (u64, Vec<u64>)> = BTreeMap::new();
    for call in facts.history.calls.iter().filter(|call| call.asked.how == How::Checked) {
        let Some(Answered { end, values, .. }) = &call.answered else { continue };
        for (read, value) in call.asked.reads.iter().zip(values) {
            let (refused, winners) = readers.entry((&read.key, format!("{value:?}"))).or_default();
            match end {
                End::Refused(_) => *refused += 1,
                End::Written { .. } => winners.push(call.asked.call),
                End::Read | End::Unknown(_) => {}
            }
        }
    }
    for ((key, value), (refused, winners)) in readers {
        if winners.len() > 1 {
            judged.violation(format!("checked transactions have all changed {key} from {value}"), winners, Some(key));
        } else if winners.len() == 1 {
            judged.judged += refused;
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::{Read, Type, Update, Value, What};

    #[test]
    fn two_winners_over_one_value_are_caught() {
        let tale = |first: i64, second: i64| {
            let mut tale = Tale::default();
            for (before, dot) in [(first, "1.1:1"), (second, "1.1:2")] {
                tale.write("a", 0, &[], dot, dot).but(|call| {
                    call.asked.how = How::Checked;
                    call.asked.reads = vec![Read::new("checked:k", Type::Counter)];
                    call.asked.updates = vec![Update { key: "checked:k".into(), path: vec![], what: What::Add(1) }];
                    call.answered.as_mut().unwrap().values = vec![Value::Sum(before)];
                });
            }
            tale.history()
        };
        holds(judge, &tale(0, 1));
        violates(judge, &tale(0, 0));
    }

    #[test]
    fn a_winner_shows_something_where_another_had_read_the_same() {
        let mut tale = Tale::default();
        let read = |call: &mut crate::history::Call, end: End| {
            call.asked.how = How::Checked;
            call.asked.reads = vec![Read::new("checked:k", Type::Counter)];
            *call.answered.as_mut().unwrap() = Answered { values: vec![Value::Sum(0)], end, ..Answered::default() };
        };
        let written = End::Written { dot: "1.1:1".parse().unwrap(), token: "1.1:1".parse().unwrap() };
        tale.refused("a", 0, &[]).but(|call| read(call, written));
        assert_eq!(how_much(judge, &tale.history()), 0, "alone");
        tale.refused("b", 0, &[]).but(|call| read(call, End::Refused("Changed".to_owned())));
        assert_eq!(how_much(judge, &tale.history()), 1);
    }
}
