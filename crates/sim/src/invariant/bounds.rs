//! Bounded counters stay within their bound, at every step of every region (P8): no value below zero, no rights but those
//! there are, and nobody spends what was never raised.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_crdt::{Answer, Effect, Kind, Object, Op, Query};
use halcyon_types::{Dot, RegionId, RequestId, UnixMs, VersionVector};
use halcyon_wire::{Body, Record};

use super::Invariant;
use crate::workload::words::object_of;
use crate::world::{Node, Observation, World};

/// See above.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Every bounded counter that anybody asked for.
    counters: BTreeSet<Object>,
    asked: BTreeMap<RequestId, Vec<(Object, i128)>>,
    made: BTreeMap<Dot, RequestId>,
    /// Raised less spent, deletions aside: they take rights away, and never give any.
    left: BTreeMap<Object, i128>,
    judged: u64,
}

impl Bounds {
    fn asked(&mut self, body: &Body) {
        let Body::Write(write) = body else { return };
        let mut moves: Vec<(Object, i128)> = Vec::new();
        for update in &write.updates {
            let amount = match update.op {
                Op::Raise { amount } => i128::from(amount),
                Op::Spend { amount } => -i128::from(amount),
                Op::Transfer { .. } => 0,
                // What a transaction deletes, it has not moved.
                Op::Delete => {
                    let root = |object: &Object| (object.keyspace, object.key.clone());
                    let gone = |object: &Object| {
                        root(object) == root(&update.object) && object.path.starts_with(&update.object.path)
                    };
                    moves.retain(|(object, _)| !gone(object));
                    continue;
                }
                Op::Clear { kind: Kind::BoundedCounter } => {
                    moves.retain(|(object, _)| *object != update.object);
                    continue;
                }
                _ => continue,
            };
            self.counters.insert(update.object.clone());
            moves.push((update.object.clone(), amount));
        }
        if !moves.is_empty() {
            self.asked.insert(write.request, moves);
        }
    }

    fn made(&mut self, record: &Record) -> Result<(), String> {
        let Some(request) = record.request else { return Ok(()) };
        let Some(moves) = self.asked.get(&request) else { return Ok(()) };
        if self.made.insert(record.dot, request).is_some() {
            return Ok(());
        }
        for (object, amount) in moves {
            self.judged += 1;
            let left = self.left.entry(object.clone()).or_default();
            *left += amount;
            if *left < 0 {
                let object = object_of(object);
                return Err(format!("{} spends more of {object:?} than was ever raised: {left}", record.dot));
            }
        }
        Ok(())
    }

    /// What is lost with a disk was neither raised nor spent.
    fn lose(&mut self, left: &VersionVector) {
        let (asked, sums) = (&self.asked, &mut self.left);
        self.made.retain(|dot, request| {
            let stays = left.covers(*dot);
            for (object, amount) in asked.get(request).into_iter().flatten().filter(|_| !stays) {
                *sums.entry(object.clone()).or_default() -= amount;
            }
            stays
        });
    }

    fn stands(&mut self, at: RegionId, object: &Object, value: i128, rights: &[i128]) -> Result<(), String> {
        self.judged += 1;
        let sum: i128 = rights.iter().sum();
        if value >= 0 && sum == value {
            return Ok(());
        }
        let object = object_of(object);
        Err(format!("at region {at} {object:?} is {value}, and {rights:?} may be spent"))
    }

    fn look(&mut self, node: &Node, object: &Object) -> Result<(), String> {
        let mut rows = node.reader().snapshot();
        let mut ask = |query| halcyon_crdt::read::look(&mut rows, object, &query, UnixMs(0)).map_err(|e| e.to_string());
        let value = if let Answer::Sum(value) = ask(Query::Value)? { value.unwrap_or_default() } else { 0 };
        let rights = if let Answer::Rights(rights) = ask(Query::Rights)? { rights } else { Vec::new() };
        let rights: Vec<_> = rights.into_iter().map(|(_, amount)| amount).collect();
        self.stands(node.region(), object, value, &rights)
    }
}

/// The keys whose bounded counters a record changes.
fn touched(record: &Record) -> impl Iterator<Item = Object> {
    record.effects.iter().filter_map(|effect| match effect {
        Effect::Hold { generations, .. } => Object::root_of(generations.as_bytes()),
        Effect::Clear { prefix, .. } => Object::root_of(prefix.as_bytes()),
        _ => None,
    })
}

impl Invariant for Bounds {
    fn name(&self) -> &'static str {
        "bounds_hold_at_every_step"
    }

    fn promise(&self) -> &'static str {
        "P8"
    }

    fn see(&mut self, world: &World, seen: &Observation<'_>) -> Result<(), String> {
        match seen {
            Observation::Asked { request, .. } => {
                self.asked(&request.body);
                Ok(())
            }
            Observation::SetBack { left, .. } => {
                self.lose(left);
                Ok(())
            }
            Observation::Applied { region, records, .. } => {
                records.iter().try_for_each(|(record, _)| self.made(record))?;
                let Some(node) = world.node(*region) else { return Ok(()) };
                let keys: BTreeSet<_> = records.iter().flat_map(|(record, _)| touched(record)).collect();
                let of_keys = self.counters.iter().filter(|object| keys.contains(&object.root()));
                let objects: Vec<_> = of_keys.cloned().collect();
                objects.iter().try_for_each(|object| self.look(node, object))
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
    use halcyon_types::KeyspaceId;

    use super::*;
    use crate::invariant::exchange::fixture::{record, region, request, vv};

    #[test]
    fn a_value_below_zero_and_rights_out_of_nothing_are_noticed() {
        let (mut bounds, object) = (Bounds::default(), Object::new(KeyspaceId::FIRST, "stock"));
        assert_eq!(bounds.stands(region(1), &object, 5, &[2, 3]), Ok(()));
        assert!(bounds.stands(region(1), &object, -1, &[]).is_err());
        assert!(bounds.stands(region(1), &object, 5, &[2, 4]).is_err());
        assert!(bounds.stands(region(1), &object, 5, &[2]).is_err());
    }

    #[test]
    fn spending_what_was_never_raised_is_noticed() {
        let (mut bounds, object) = (Bounds::default(), Object::new(KeyspaceId::FIRST, "stock"));
        bounds.asked = [(request(1), vec![(object.clone(), 5)]), (request(2), vec![(object, -4)])].into();
        let made = |seq, of| Record { request: Some(request(of)), ..record(1, seq, &[]).0 };
        assert_eq!(bounds.made(&made(1, 1)), Ok(()));
        assert_eq!(bounds.made(&made(2, 2)), Ok(()));
        assert_eq!(bounds.made(&made(2, 2)), Ok(()), "seen again");
        assert!(bounds.made(&made(3, 2)).is_err());
        bounds.lose(&vv(&[(1, 1), (3, 2)]));
        assert!(bounds.made(&made(2, 2)).is_err(), "of what was lost nothing is left over");
        bounds.lose(&vv(&[(1, 1)]));
        assert_eq!(bounds.made(&made(2, 3)), Ok(()));
    }
}
