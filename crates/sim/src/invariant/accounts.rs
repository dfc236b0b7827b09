//! Exact accounts, without the oracle (P6): of counters that only go up and sets that only grow, everything acknowledged is
//! there, once for each record that it became, and nothing that nobody asked for. What was lost with a disk counts if somebody
//! comes to have it after all.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_crdt::{Answer, Object, Op, PageRequest, Query, read};
use halcyon_types::{Dot, KeyspaceId, RegionId, RequestId, UnixMs, VersionVector};
use halcyon_wire::{Body, Outcome, Record, Write};

use super::Invariant;
use super::exchange::Exchange;
use crate::workload::ClientId;
use crate::workload::aims::ALL_KEY;
use crate::workload::words::text;
use crate::world::{Node, Observation, World};

/// What one request puts into accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Amount(String, i64),
    Element(String, String),
}

/// See above.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    exchange: Exchange,
    asked: BTreeMap<RequestId, Vec<Entry>>,
    /// The records that requests became.
    made: BTreeMap<Dot, RequestId>,
    acked: BTreeSet<Dot>,
    /// What the read that a client waits for must show at least.
    owed: BTreeMap<(ClientId, u64), i128>,
    judged: u64,
}

/// Whether nothing is ever taken out of it.
fn is_account(key: &str) -> bool {
    key == ALL_KEY || key.starts_with("sum:") || key.starts_with("grow:")
}

impl Accounts {
    fn asked(&mut self, write: &Write) {
        let entries = write.updates.iter().filter(|update| update.object.path.is_empty()).filter_map(|update| {
            let key = text(&update.object.key);
            match &update.op {
                _ if !is_account(&key) => None,
                Op::Add { amount } => Some(Entry::Amount(key, *amount)),
                Op::Insert { element } => Some(Entry::Element(key, text(element))),
                _ => None,
            }
        });
        let entries: Vec<_> = entries.collect();
        if !entries.is_empty() {
            self.asked.insert(write.request, entries);
        }
    }

    fn made(&mut self, record: &Record) {
        if let Some(request) = record.request.filter(|request| self.asked.contains_key(request)) {
            self.made.insert(record.dot, request);
        }
    }

    /// What these records come to at a counter.
    fn sum<'a>(&self, key: &str, dots: impl Iterator<Item = &'a Dot>) -> i128 {
        let entries = dots.filter_map(|dot| self.asked.get(self.made.get(dot)?)).flatten();
        entries
            .map(|entry| if let Entry::Amount(of, n) = entry { if of == key { i128::from(*n) } else { 0 } } else { 0 })
            .sum()
    }

    fn elements<'a>(&self, key: &str, dots: impl Iterator<Item = &'a Dot>) -> BTreeSet<String> {
        let entries = dots.filter_map(|dot| self.asked.get(self.made.get(dot)?)).flatten();
        entries
            .filter_map(|entry| match entry {
                Entry::Element(of, element) if of == key => Some(element.clone()),
                _ => None,
            })
            .collect()
    }

    /// What acknowledged writes that `token` has seen come to.
    fn owed(&self, key: &str, token: &VersionVector) -> i128 {
        self.sum(key, self.acked.iter().filter(|dot| token.covers(**dot)))
    }

    fn shown(&mut self, of: (ClientId, u64), key: &str, sum: i128) -> Result<(), String> {
        let Some(owed) = self.owed.remove(&of) else { return Ok(()) };
        self.judged += 1;
        if sum >= owed {
            return Ok(());
        }
        Err(format!("client {} reads {sum} of {key} behind acknowledged writes of {owed}", of.0.0))
    }

    fn settles(&mut self, at: RegionId, key: &str, sum: i128, elements: &BTreeSet<String>) -> Result<(), String> {
        self.judged += 1;
        let all = self.sum(key, self.made.keys());
        if sum != all {
            return Err(format!("at the end {key} is {sum} at region {at}; its records come to {all}"));
        }
        let put = self.elements(key, self.made.keys());
        if *elements != put {
            return Err(format!("at the end {key} has {elements:?} at region {at}; its records have put {put:?}"));
        }
        match self.acked.iter().find(|dot| !self.made.contains_key(*dot)) {
            Some(dot) => Err(format!("{dot} was acknowledged, and no region has it")),
            None => Ok(()),
        }
    }

    fn keys(&self) -> BTreeSet<String> {
        let keys = self.asked.values().flatten().map(|entry| match entry {
            Entry::Amount(key, _) | Entry::Element(key, _) => key.clone(),
        });
        keys.collect()
    }
}

/// A counter and a set, as a node has them now.
fn read_account(node: &Node, key: &str) -> Result<(i128, BTreeSet<String>), String> {
    let mut rows = node.reader().snapshot();
    let object = Object::new(KeyspaceId::FIRST, key.to_owned());
    let sum = match read(&mut rows, &object, &Query::Sum, UnixMs(0)) {
        Ok(Answer::Sum(sum)) => sum.unwrap_or_default(),
        Ok(_) | Err(halcyon_crdt::ReadError::WrongType { .. }) => 0,
        Err(error) => return Err(error.to_string()),
    };
    let (mut elements, mut after) = (BTreeSet::new(), None);
    loop {
        let query = Query::Elements(PageRequest { after, items_max: 1024 });
        match read(&mut rows, &object, &query, UnixMs(0)) {
            Ok(Answer::Page(page)) => {
                elements.extend(page.items.iter().map(|element| text(element)));
                after = page.next;
            }
            Ok(_) | Err(halcyon_crdt::ReadError::WrongType { .. }) => after = None,
            Err(error) => return Err(error.to_string()),
        }
        if after.is_none() {
            return Ok((sum, elements));
        }
    }
}

impl Invariant for Accounts {
    fn name(&self) -> &'static str {
        "each_increment_counts_once"
    }

    fn promise(&self) -> &'static str {
        "P6"
    }

    fn see(&mut self, _world: &World, seen: &Observation<'_>) -> Result<(), String> {
        let answered = self.exchange.see(seen);
        match seen {
            Observation::Asked { client, request, .. } => match &request.body {
                Body::Write(write) => self.asked(write),
                Body::Read { session, within: None, object, query: Query::Sum, .. } if object.path.is_empty() => {
                    let key = text(&object.key);
                    if is_account(&key) && !session.token.is_empty() {
                        self.owed.insert((*client, request.id), self.owed(&key, &session.token));
                    }
                }
                _ => {}
            },
            Observation::SetBack { left, .. } => {
                self.made.retain(|dot, _| left.covers(*dot));
                self.acked.retain(|dot| left.covers(*dot));
            }
            Observation::Applied { records, .. } => records.iter().for_each(|(record, _)| self.made(record)),
            Observation::Replied { client, response, .. } => match (answered.map(|open| open.body), &response.result) {
                (Some(Body::Write(write)), Ok(Outcome::Written(receipt)))
                    if self.asked.contains_key(&write.request) =>
                {
                    self.acked.insert(receipt.dot);
                }
                (Some(Body::Read { object, .. }), Ok(Outcome::Answer(Answer::Sum(sum)))) => {
                    return self.shown((*client, response.id), &text(&object.key), sum.unwrap_or_default());
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, world: &World) -> Result<(), String> {
        for key in self.keys() {
            for region in world.regions() {
                let Some(node) = world.node(region) else { continue };
                let (sum, elements) = read_account(node, &key)?;
                self.settles(region, &key, sum, &elements)?;
            }
        }
        Ok(())
    }

    fn judged(&self) -> u64 {
        self.judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invariant::exchange::fixture::{dot, region, request, vv};

    fn books() -> Accounts {
        let mut accounts = Accounts::default();
        let entry = |n, element: &str| {
            vec![Entry::Amount("all".to_owned(), n), Entry::Element("all".to_owned(), element.to_owned())]
        };
        accounts.asked = [(request(1), entry(3, "a")), (request(2), entry(4, "b"))].into();
        // The first was carried out in two regions.
        accounts.made = [(dot(1, 1), request(1)), (dot(2, 1), request(1)), (dot(1, 2), request(2))].into();
        accounts.acked = [dot(1, 1), dot(1, 2)].into();
        accounts
    }

    fn set(elements: &[&str]) -> BTreeSet<String> {
        elements.iter().map(|element| (*element).to_owned()).collect()
    }

    #[test]
    fn a_sum_or_a_set_that_is_off_by_one_is_noticed() {
        assert_eq!(books().settles(region(1), "all", 10, &set(&["a", "b"])), Ok(()));
        assert!(books().settles(region(1), "all", 7, &set(&["a", "b"])).is_err());
        assert!(books().settles(region(1), "all", 10, &set(&["a"])).is_err());
        assert!(books().settles(region(1), "all", 10, &set(&["a", "b", "c"])).is_err());
        let mut lost = books();
        lost.acked.insert(dot(2, 2));
        assert!(lost.settles(region(1), "all", 10, &set(&["a", "b"])).is_err());
    }

    #[test]
    fn a_read_that_shows_less_than_was_acknowledged_is_noticed() {
        let mut accounts = books();
        assert_eq!(accounts.owed("all", &vv(&[(1, 2)])), 7);
        assert_eq!(accounts.owed("all", &vv(&[(1, 1)])), 3);
        accounts.owed.insert((ClientId(1), 5), 7);
        assert!(accounts.shown((ClientId(1), 5), "all", 6).is_err());
    }
}
