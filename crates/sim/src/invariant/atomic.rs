//! A transaction is seen whole or not at all (P5), by clients that read several objects at one snapshot: each stamp of a
//! group is written to all its objects by one record, so whatever the objects show must be of the same records.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use halcyon_crdt::Answer;
use halcyon_types::RegionId;
use halcyon_wire::{Body, Outcome, TransactionId};

use super::Invariant;
use super::exchange::Exchange;
use crate::workload::ClientId;
use crate::workload::aims::Part;
use crate::workload::words::{object_of, text};
use crate::world::{Observation, World};

/// One snapshot's view of a group.
#[derive(Debug, Default, Clone, PartialEq)]
struct View {
    /// The latest stamp, none or one, as registers and scores show it.
    latest: Option<BTreeSet<String>>,
    /// The stamps that no other has seen, as sets, lists and multi-value registers show them.
    newest: Option<BTreeSet<String>>,
    /// How many there have been, as counters show it.
    count: Option<i128>,
}

/// A client's transaction in a region, and a group.
type Name = (ClientId, RegionId, TransactionId, u8);

/// See above.
#[derive(Debug, Default)]
pub(super) struct Atomic {
    exchange: Exchange,
    views: BTreeMap<Name, View>,
    judged: u64,
}

impl Atomic {
    fn shows(&mut self, name: Name, part: Part, answer: &Answer) -> Result<(), String> {
        let view = self.views.entry(name).or_default();
        if *view != View::default() {
            self.judged += 1;
        }
        let noted = match answer {
            Answer::Value(value) => note(&mut view.latest, value.iter().map(|value| text(value)).collect()),
            Answer::Score(score) => note(&mut view.latest, score.iter().map(f64::to_string).collect()),
            Answer::Values(values) => note(&mut view.newest, values.iter().map(|value| text(value)).collect()),
            Answer::Page(page) => note(&mut view.newest, page.items.iter().map(|item| text(item)).collect()),
            Answer::Items(page) => note(&mut view.newest, page.items.iter().map(|item| text(&item.value)).collect()),
            Answer::Sum(sum) => note(&mut view.count, sum.unwrap_or_default()),
            _ => Ok(()),
        };
        noted.and_then(|()| view.agrees()).map_err(|why| {
            let (_, region, _, pair) = name;
            format!("region {region}, of the pair {pair}, at its {part:?}, within one snapshot: {why}")
        })
    }
}

/// Two objects of one kind show the same.
fn note<T: PartialEq + Debug>(known: &mut Option<T>, shown: T) -> Result<(), String> {
    match known {
        Some(known) if *known != shown => Err(format!("{shown:?}, and another {known:?}")),
        _ => {
            *known = Some(shown);
            Ok(())
        }
    }
}

impl View {
    /// Objects of different kinds show the same records.
    fn agrees(&self) -> Result<(), String> {
        let some = [
            self.latest.as_ref().map(|latest| !latest.is_empty()),
            self.newest.as_ref().map(|newest| !newest.is_empty()),
            self.count.map(|count| count > 0),
        ];
        let known: BTreeSet<bool> = some.into_iter().flatten().collect();
        if known.len() > 1 {
            return Err(format!("something is there and something is not: {self:?}"));
        }
        if let (Some(latest), Some(newest)) = (&self.latest, &self.newest)
            && !latest.is_subset(newest)
        {
            return Err(format!("the latest stamp is {latest:?}, and the newest are {newest:?}"));
        }
        let distinct = self.newest.as_ref().map_or(0, BTreeSet::len) as u64;
        if self.count.is_some_and(|count| count < i128::from(distinct)) {
            return Err(format!("fewer stamps than there are: {self:?}"));
        }
        Ok(())
    }
}

impl Invariant for Atomic {
    fn name(&self) -> &'static str {
        "transactions_are_seen_whole"
    }

    fn promise(&self) -> &'static str {
        "P5"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let asked = self.exchange.see(seen);
        let (Some(asked), Observation::Replied { client, region, response, .. }) = (asked, seen) else { return Ok(()) };
        match (&asked.body, &response.result) {
            (Body::Read { object, within: Some(within), .. }, Ok(Outcome::Answer(answer)))
                if within.updates.is_empty() =>
            {
                let Some((pair, part)) = Part::of(&object_of(object)) else { return Ok(()) };
                self.shows((*client, *region, within.transaction, pair), part, answer)
            }
            (Body::Begin { .. }, Ok(Outcome::Begun { transaction, .. })) => {
                // A number may come again in the region's next life.
                self.views.retain(|(of, at, number, _), _| (of, at, number) != (client, region, transaction));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use halcyon_crdt::Page;

    use super::*;
    use crate::invariant::exchange::fixture::region;

    fn shown(answers: &[(Part, Answer)]) -> Result<(), String> {
        let mut atomic = Atomic::default();
        let name = (ClientId(1), region(1), TransactionId(1), 0);
        answers.iter().try_for_each(|(part, answer)| atomic.shows(name, *part, answer))
    }

    fn value(stamp: &'static str) -> Answer {
        Answer::Value(Some(stamp.into()))
    }

    fn values(stamps: &[&'static str]) -> Answer {
        Answer::Values(stamps.iter().map(|stamp| (*stamp).into()).collect())
    }

    fn elements(stamps: &[&'static str]) -> Answer {
        Answer::Page(Page { items: stamps.iter().map(|stamp| (*stamp).into()).collect(), next: None })
    }

    #[test]
    fn a_transaction_that_is_seen_half_is_noticed() {
        use Part::{Counter, Field, Nested, Register, Score, Set, Values};
        assert_eq!(shown(&[(Register, value("5")), (Score, Answer::Score(Some(5.0))), (Field, value("5"))]), Ok(()));
        assert_eq!(
            shown(&[(Values, values(&["5", "5"])), (Set, elements(&["5"])), (Counter, Answer::Sum(Some(2)))]),
            Ok(())
        );
        assert!(shown(&[(Register, value("5")), (Score, Answer::Score(Some(4.0)))]).is_err());
        assert!(shown(&[(Register, value("5")), (Field, Answer::Value(None))]).is_err());
        assert!(shown(&[(Register, value("5")), (Values, values(&["4"]))]).is_err());
        assert!(shown(&[(Values, values(&["4", "5"])), (Set, elements(&["5"]))]).is_err());
        assert!(shown(&[(Counter, Answer::Sum(Some(3))), (Nested, Answer::Sum(Some(2)))]).is_err());
        assert!(shown(&[(Counter, Answer::Sum(None)), (Register, value("5"))]).is_err());
        assert!(shown(&[(Counter, Answer::Sum(Some(1))), (Set, elements(&["4", "5"]))]).is_err());
    }
}
