//! Generations: rights of bounded counters, checked and moved on the live rows; the newest of a `HyperLogLog`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use halcyon_types::limits::ESCROW_OWNERS_MAX;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_types::{ActorId, Dot, RegionId, VersionVector};

use super::clears::scan_apart;
use super::{Origin, PrepareError};
use crate::bounded_counter::{generations, holders};
use crate::effect::Effect;
use crate::escrow::{self, Escrow, Generation};
use crate::key::RowPrefix;
use crate::kind::Kind;
use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// What a transaction does to a bounded counter.
#[derive(Debug, Clone, Copy)]
pub(super) enum EscrowOp {
    Raise(u64),
    Spend(u64),
    Transfer(RegionId, u64),
}

/// A bounded counter of which a region's rights run low.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Which.
    pub counter: Object,
    /// What the region has left.
    pub own: i128,
    /// What would be its share if all that is left were shared out evenly.
    pub share: i128,
    /// Who may spend how much.
    pub holders: Vec<(ActorId, i128)>,
}

/// The bounded counters that a transaction touches, as they will be.
pub(super) struct Vaults<'a> {
    origin: Origin<'a>,
    clears: &'a [RowPrefix],
    open: BTreeMap<Object, Vault>,
}

struct Vault {
    generations: BTreeMap<Dot, Generation>,
    changed: BTreeSet<Dot>,
}

impl<'a> Vaults<'a> {
    pub(super) const fn new(origin: Origin<'a>, clears: &'a [RowPrefix]) -> Self {
        Self { origin, clears, open: BTreeMap::new() }
    }

    pub(super) fn carry_out<R: Rows>(
        &mut self,
        live: &mut R,
        counter: &Object,
        op: EscrowOp,
    ) -> Result<(), PrepareError<R::Error>> {
        let origin = self.origin;
        if !self.open.contains_key(counter) {
            let rows = counter.of_kind(Kind::BoundedCounter);
            let mut generations = generations(live, &rows).map_err(PrepareError::Rows)?;
            if self.clears.iter().any(|clear| clear.contains(rows.as_bytes())) {
                generations.retain(|generation, _| !origin.ctx.covers(*generation));
            }
            self.open.insert(counter.clone(), Vault { generations, changed: BTreeSet::new() });
        }
        let Some(vault) = self.open.get_mut(counter) else { return Ok(()) };
        let own = origin.dot.actor;
        match op {
            EscrowOp::Raise(amount) => {
                let newest = vault.generations.last_key_value().map_or(origin.dot, |(generation, _)| *generation);
                vault.change(newest, own, amount, |escrow| escrow.grant(own, amount))
            }
            EscrowOp::Spend(amount) => vault.draw(counter, own, amount, Escrow::spend),
            EscrowOp::Transfer(region, amount) => {
                if own.region() == Some(region) {
                    return Err(PrepareError::ToItself);
                }
                let to = *origin.actors.get(&region).ok_or(PrepareError::UnknownRegion { region })?;
                vault.draw(counter, own, amount, |escrow, part| escrow.grant(to, part))
            }
        }
    }

    /// Where this region's rights run low, as the rows will be.
    pub(super) fn shortages(&self) -> Vec<Shortage> {
        let own = self.origin.dot.actor;
        self.open.iter().filter_map(|(counter, vault)| vault.shortage(counter, own)).collect()
    }

    /// The rows as they will be.
    pub(super) fn into_effects(self) -> impl Iterator<Item = Effect> {
        let Origin { dot, .. } = self.origin;
        self.open.into_iter().flat_map(move |(counter, vault)| {
            let generations = counter.of_kind(Kind::BoundedCounter);
            let changed = vault.changed.into_iter().map(move |generation| {
                let rows = vault.generations.get(&generation);
                let escrow = rows.and_then(|rows| rows.get(&dot.actor)).cloned().unwrap_or_default();
                (generation, escrow)
            });
            changed.map(move |(generation, escrow)| Effect::Hold {
                generations: generations.clone(),
                generation: (generation != dot).then_some(generation),
                escrow,
            })
        })
    }
}

impl Vault {
    /// Low is less than half of an even share, while others hold more.
    fn shortage(&self, counter: &Object, own: ActorId) -> Option<Shortage> {
        let holders = holders(&self.generations);
        let (others, own): (Vec<_>, Vec<_>) = holders.iter().copied().partition(|(actor, _)| *actor != own);
        let own = own.first().map_or(0, |(_, rights)| *rights);
        let left = own + others.iter().map(|(_, rights)| rights).sum::<i128>();
        let share = left / i128::try_from(others.len() + 1).unwrap_or(1);
        (!others.is_empty() && 2 * own < share).then(|| Shortage { counter: counter.clone(), own, share, holders })
    }

    fn change<E>(
        &mut self,
        generation: Dot,
        own: ActorId,
        amount: u64,
        change: impl FnOnce(Escrow) -> Option<Escrow>,
    ) -> Result<(), PrepareError<E>> {
        let row = self.generations.entry(generation).or_default().entry(own).or_default();
        *row = change(std::mem::take(row)).ok_or(PrepareError::RightsOverflow { amount })?;
        if row.granted.len() > ESCROW_OWNERS_MAX {
            let count = row.granted.len();
            return Err(PrepareError::TooLarge { what: "owners of rights", count, max: ESCROW_OWNERS_MAX });
        }
        self.changed.insert(generation);
        Ok(())
    }

    /// Takes `amount` out of the rights of `own`: of one generation if one has enough, else of several, newest first.
    fn draw<E>(
        &mut self,
        counter: &Object,
        own: ActorId,
        amount: u64,
        mut take: impl FnMut(Escrow, u64) -> Option<Escrow>,
    ) -> Result<(), PrepareError<E>> {
        let rights = self.generations.iter().rev().map(|(dot, rows)| (*dot, escrow::rights(rows, own)));
        let mut rights: Vec<(Dot, i128)> = rights.filter(|(_, rights)| *rights > 0).collect();
        if let Some(enough) = rights.iter().find(|(_, rights)| *rights >= i128::from(amount)) {
            rights = vec![*enough];
        }
        if rights.iter().map(|(_, rights)| rights).sum::<i128>() < i128::from(amount) {
            let holders = holders(&self.generations);
            let counter = counter.clone();
            return Err(PrepareError::InsufficientRights { counter, needed: amount, own, holders });
        }
        let mut left = amount;
        for (generation, rights) in rights {
            let part = left.min(u64::try_from(rights).unwrap_or(u64::MAX));
            if part > 0 {
                self.change(generation, own, part, |escrow| take(escrow, part))?;
                left -= part;
            }
        }
        Ok(())
    }
}

/// A bounded counter may be deleted only where all its rights are: a decrement elsewhere must not be lost.
pub(super) fn check_deletable<R: Rows>(
    live: &mut R,
    prefix: &RowPrefix,
    own: ActorId,
) -> Result<(), PrepareError<R::Error>> {
    let mut counters: BTreeSet<RowPrefix> = BTreeSet::new();
    scan_apart(
        live,
        prefix,
        |summary| summary.escrows > 0,
        |key, row| {
            if let (Row::Escrow(_), Some(counter)) = (row, RowPrefix::of_escrow_row(key)) {
                counters.insert(counter);
            }
            ControlFlow::Continue(())
        },
    )
    .map_err(PrepareError::Rows)?;
    for counter in counters {
        let generations = generations(live, &counter).map_err(PrepareError::Rows)?;
        let value: i128 = generations.values().map(escrow::value).sum();
        let rights: i128 = generations.values().map(|generation| escrow::rights(generation, own)).sum();
        if rights != value && !planted(Mutant::DeletedWithRightsOut) {
            return Err(PrepareError::RightsOutstanding { holders: holders(&generations) });
        }
    }
    Ok(())
}

/// The newest generation of a `HyperLogLog` that the transaction's own clears leave.
pub(super) fn newest_generation<R: Rows>(
    live: &mut R,
    below: &RowPrefix,
    ctx: &VersionVector,
    clears: &[RowPrefix],
) -> Result<Option<Dot>, PrepareError<R::Error>> {
    let cleared = clears.iter().any(|clear| clear.contains(below.as_bytes()));
    let mut newest = None;
    live.scan(below, below.as_bytes(), |key, row| {
        if let Some(dot) = row.generation(key)
            && !(cleared && ctx.covers(dot))
        {
            newest = Some(dot);
        }
        ControlFlow::Continue(())
    })
    .map_err(PrepareError::Rows)?;
    Ok(newest)
}
