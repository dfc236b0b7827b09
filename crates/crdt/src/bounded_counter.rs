//! Bounded counter: never below zero, in any partition. The right to lower it is held in escrow (O'Neil, "The Escrow
//! Transactional Method", 1986): one row `B ‖ generation ‖ owner` per owner, see [`crate::escrow`]. A generation begins when
//! the counter is raised from nothing, and dies whole when it is deleted.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use halcyon_types::{ActorId, Dot};

use crate::escrow::{self, Generation};
use crate::key::{RowKey, RowPrefix};
use crate::kind::{Kind, Shape};
use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// Every generation of the bounded counter whose rows these are.
pub(crate) fn generations<R: Rows>(rows: &mut R, below: &RowPrefix) -> Result<BTreeMap<Dot, Generation>, R::Error> {
    let mut generations: BTreeMap<Dot, Generation> = BTreeMap::new();
    rows.scan(below, below.as_bytes(), |key, row| {
        if let Row::Escrow(escrow) = row
            && let Some(generation) = RowKey::generation_of(key, Shape::Escrow)
            && let Some((_, owner)) = RowPrefix::of_counter_row(key)
        {
            generations.entry(generation).or_default().insert(owner, escrow.clone());
        }
        ControlFlow::Continue(())
    })?;
    Ok(generations)
}

/// What it is worth, or `None` if it was never raised, or deleted.
pub(crate) fn value<R: Rows>(rows: &mut R, object: &Object) -> Result<Option<i128>, R::Error> {
    let generations = generations(rows, &object.of_kind(Kind::BoundedCounter))?;
    Ok((!generations.is_empty()).then(|| generations.values().map(escrow::value).sum()))
}

/// Who may spend how much, of those who may spend anything.
pub(crate) fn rights<R: Rows>(rows: &mut R, object: &Object) -> Result<Vec<(ActorId, i128)>, R::Error> {
    Ok(holders(&generations(rows, &object.of_kind(Kind::BoundedCounter))?))
}

/// Who may spend how much over all generations, of those who may spend anything.
pub(crate) fn holders(generations: &BTreeMap<Dot, Generation>) -> Vec<(ActorId, i128)> {
    let mut rights: BTreeMap<ActorId, i128> = BTreeMap::new();
    for generation in generations.values() {
        let owners = generation.iter().flat_map(|(owner, row)| row.granted.keys().chain([owner]));
        let mut owners: Vec<ActorId> = owners.copied().collect();
        owners.sort_unstable();
        owners.dedup();
        for owner in owners {
            *rights.entry(owner).or_default() += escrow::rights(generation, owner);
        }
    }
    rights.into_iter().filter(|(_, amount)| *amount > 0).collect()
}
