//! A transaction's updates, folded into normal form in the order they were made.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use bytes::Bytes;
use halcyon_types::UnixMs;
use halcyon_types::limits::{ELEMENTS_MAX, UPDATES_MAX};
use halcyon_types::mutant::{Mutant, planted};

use super::lists::{self, Placer};
use super::vault::EscrowOp;
use super::{Origin, PrepareError};
use crate::apply::{Stamp, apply};
use crate::deadline;
use crate::effect::Effect;
use crate::hyperloglog::{Registers, observe};
use crate::key::{RowKey, RowPrefix};
use crate::kind::Kind;
use crate::layer::Layer;
use crate::list::element;
use crate::number::Number;
use crate::object::Object;
use crate::op::{End, Op, Place, Side, Update};
use crate::position::Position;
use crate::row;
use crate::rows::{Rows, RowsMut};
use crate::sorted_set::{added_rows, given_row};

pub(super) enum Write {
    Assign { payload: Bytes, expiry: Option<UnixMs> },
    Add { amount: Number },
    Observe { registers: Registers },
}

#[derive(Default)]
pub(super) struct Buffer {
    /// Each once, in the order they were first made.
    pub(super) clears: Vec<RowPrefix>,
    /// Of them, those that the client asked for and that may hold bounded counters.
    pub(super) deleted: Vec<RowPrefix>,
    /// By row, counter or generations: what later updates overwrite or add to.
    pub(super) writes: BTreeMap<Bytes, Write>,
    pub(super) escrow: Vec<(Object, EscrowOp)>,
}

impl Buffer {
    pub(super) fn of<V: Rows>(
        updates: &[Update],
        origin: Origin<'_>,
        view: &mut V,
    ) -> Result<Self, PrepareError<V::Error>> {
        if updates.len() > UPDATES_MAX {
            return Err(PrepareError::TooLarge { what: "updates", count: updates.len(), max: UPDATES_MAX });
        }
        let mut elements = 0;
        for update in updates {
            update.check()?;
            elements += update.op.elements();
        }
        if elements > ELEMENTS_MAX {
            return Err(PrepareError::TooLarge { what: "elements", count: elements, max: ELEMENTS_MAX });
        }
        let mut fold = Fold {
            buffer: Self::default(),
            origin,
            view: Layer::over(view),
            placer: Placer::new(origin),
            mirrors: updates.iter().any(|update| update.op.kind() == Some(Kind::List)),
            elements,
            cleared: BTreeSet::new(),
            ended: BTreeSet::new(),
        };
        for update in updates {
            fold.update(update)?;
        }
        Ok(fold.buffer)
    }
}

struct Fold<'a, V> {
    buffer: Buffer,
    origin: Origin<'a>,
    /// What the transaction saw; and, if it works on lists, what it has done to them since.
    view: Layer<V>,
    placer: Placer<'a>,
    mirrors: bool,
    /// How many elements it has carried, or found in lists, so far.
    elements: usize,
    /// The buffer's clears.
    cleared: BTreeSet<RowPrefix>,
    /// Keys that had ended and have been cleared for that.
    ended: BTreeSet<Object>,
}

impl<V: Rows> Fold<'_, V> {
    fn update(&mut self, Update { object, op }: &Update) -> Result<(), PrepareError<V::Error>> {
        self.begin_anew(object)?;
        let now = self.origin.now;
        match op {
            Op::Set { value, ttl_ms } => {
                let expiry = ttl_ms.map(|ms| UnixMs(now.0.saturating_add(ms)));
                self.assign_until(&object.register(), value.clone(), expiry)
            }
            Op::SetMv { value } => self.assign(&object.single(Kind::MvRegister), value.clone()),
            Op::Enable => self.assign(&object.single(Kind::Flag), Bytes::new()),
            Op::Insert { element } => self.assign(&object.element(element), Bytes::new()),
            Op::Add { amount } => self.add(&object.counter(), Number::Whole(*amount)),
            Op::Remove { element } => self.clear(object.of_kind(Kind::Set).component(element)),
            Op::Score { member, score } => {
                let members = object.members();
                self.clear(added_rows(&members, member))?;
                self.assign(&given_row(&members, member), Bytes::copy_from_slice(&score.to_be_bytes()))
            }
            Op::AddScore { member, amount } => self.add(&added_rows(&object.members(), member), Number::Float(*amount)),
            Op::RemoveMember { member } => self.clear(object.members().component(member)),
            Op::Observe { elements } => {
                self.observe(&object.of_kind(Kind::HyperLogLog), elements);
                Ok(())
            }
            Op::Raise { amount } => {
                self.escrow(object, EscrowOp::Raise(*amount));
                Ok(())
            }
            Op::Spend { amount } => {
                self.escrow(object, EscrowOp::Spend(*amount));
                Ok(())
            }
            Op::Transfer { to, amount } => {
                self.escrow(object, EscrowOp::Transfer(*to, *amount));
                Ok(())
            }
            Op::Expire { ttl_ms } => {
                let deadline = UnixMs(now.0.saturating_add(*ttl_ms));
                self.assign(&object.single(Kind::Deadline), deadline::payload(Some(deadline)))
            }
            Op::Persist => self.assign(&object.single(Kind::Deadline), deadline::payload(None)),
            Op::Clear { kind } => self.delete(object, object.of_kind(*kind)),
            Op::Delete => self.delete(object, object.below()),
            Op::Push { end, values } => self.push(&object.of_kind(Kind::List), *end, values),
            Op::InsertAt { place, side, values } => self.insert(&object.of_kind(Kind::List), place, *side, values),
            Op::SetAt { place, value } => {
                let list = object.of_kind(Kind::List);
                for position in self.found(&list, place)? {
                    self.assign(&element(&list, &position), value.clone())?;
                }
                Ok(())
            }
            Op::RemoveAt { place } => {
                let list = object.of_kind(Kind::List);
                for position in self.found(&list, place)? {
                    self.clear(RowPrefix::from_bytes(element(&list, &position).as_bytes().clone()))?;
                }
                Ok(())
            }
            Op::MoveTo { place, end } => {
                let list = object.of_kind(Kind::List);
                let position = lists::existing(&mut self.view, &list, place)?;
                let value = lists::value(&mut self.view, &list, &position)?;
                self.clear(RowPrefix::from_bytes(element(&list, &position).as_bytes().clone()))?;
                self.push(&list, *end, &[value])
            }
        }
    }

    /// A write to a key that has ended begins with clearing it.
    fn begin_anew(&mut self, object: &Object) -> Result<(), PrepareError<V::Error>> {
        let key = object.root();
        if !deadline::is_past(self.view.under(), &key, self.origin.now).map_err(PrepareError::Rows)?
            || self.ended.contains(&key)
            || planted(Mutant::EndedKeyKept)
        {
            return Ok(());
        }
        self.clear(key.below())?;
        self.ended.insert(key);
        Ok(())
    }

    /// The elements at `place`.
    fn found(&mut self, list: &RowPrefix, place: &Place) -> Result<Vec<Position>, PrepareError<V::Error>> {
        let found = lists::all(&mut self.view, list, place)?;
        self.elements += found.len();
        if self.elements > ELEMENTS_MAX {
            return Err(PrepareError::TooLarge { what: "elements", count: self.elements, max: ELEMENTS_MAX });
        }
        Ok(found)
    }

    fn push(&mut self, list: &RowPrefix, end: End, values: &[Bytes]) -> Result<(), PrepareError<V::Error>> {
        for value in values {
            let position = self.placer.at_end(&mut self.view, list, end)?;
            self.assign(&element(list, &position), value.clone())?;
        }
        Ok(())
    }

    fn insert(
        &mut self,
        list: &RowPrefix,
        place: &Place,
        side: Side,
        values: &[Bytes],
    ) -> Result<(), PrepareError<V::Error>> {
        let mut beside: Position = lists::existing(&mut self.view, list, place)?;
        let mut side = side;
        for value in values {
            beside = self.placer.beside(&mut self.view, list, &beside, side)?;
            // In order: each behind the one before it.
            side = Side::After;
            self.assign(&element(list, &beside), value.clone())?;
        }
        Ok(())
    }

    fn assign(&mut self, row: &RowKey, payload: Bytes) -> Result<(), PrepareError<V::Error>> {
        self.assign_until(row, payload, None)
    }

    fn assign_until(
        &mut self,
        row: &RowKey,
        payload: Bytes,
        expiry: Option<UnixMs>,
    ) -> Result<(), PrepareError<V::Error>> {
        self.forget(row)?;
        self.mirror(|| Effect::Assign { row: row.clone(), expiry, payload: payload.clone() })?;
        self.buffer.writes.insert(row.as_bytes().clone(), Write::Assign { payload, expiry });
        Ok(())
    }

    fn add(&mut self, counter: &RowPrefix, amount: Number) -> Result<(), PrepareError<V::Error>> {
        let amount = match self.buffer.writes.get(counter.as_bytes()) {
            Some(Write::Add { amount: before }) => {
                before.checked_add(amount).ok_or(PrepareError::CounterOverflow { before: *before, amount })?
            }
            _ => amount,
        };
        self.buffer.writes.insert(Bytes::copy_from_slice(counter.as_bytes()), Write::Add { amount });
        Ok(())
    }

    fn observe(&mut self, generations: &RowPrefix, elements: &[Bytes]) {
        let key = Bytes::copy_from_slice(generations.as_bytes());
        let write = self.buffer.writes.entry(key).or_insert_with(|| Write::Observe { registers: Registers::default() });
        if let Write::Observe { registers } = write {
            for element in elements {
                let (index, rank) = observe(element);
                registers.raise(index, rank);
            }
        }
    }

    fn escrow(&mut self, counter: &Object, op: EscrowOp) {
        self.buffer.escrow.push((counter.clone(), op));
    }

    /// A clear that the client asked for.
    fn delete(&mut self, object: &Object, prefix: RowPrefix) -> Result<(), PrepareError<V::Error>> {
        // What has ended is nobody's any more.
        if !self.ended.contains(&object.root()) {
            self.buffer.deleted.push(prefix.clone());
        }
        self.clear(prefix)
    }

    /// A clear cancels what its own transaction wrote earlier below the prefix.
    fn clear(&mut self, prefix: RowPrefix) -> Result<(), PrepareError<V::Error>> {
        let behind = (Bound::Included(prefix.as_bytes()), Bound::Unbounded);
        let own = self.buffer.writes.range::<[u8], _>(behind).map(|(key, _)| key);
        let own: Vec<Bytes> = own.take_while(|key| prefix.contains(key)).cloned().collect();
        for key in own {
            if let Some(Write::Assign { .. }) = self.buffer.writes.remove(&key) {
                self.forget(&RowKey::from_bytes(key))?;
            }
        }
        self.buffer.escrow.retain(|(counter, _)| !prefix.contains(counter.of_kind(Kind::BoundedCounter).as_bytes()));
        self.mirror(|| Effect::Clear { prefix: prefix.clone(), intervals: Vec::new() })?;
        if self.cleared.insert(prefix.clone()) {
            self.buffer.clears.push(prefix);
        }
        Ok(())
    }

    /// Lets later updates of lists see what this one does.
    fn mirror(&mut self, effect: impl FnOnce() -> Effect) -> Result<(), PrepareError<V::Error>> {
        if !self.mirrors {
            return Ok(());
        }
        let Origin { dot, hlc, ctx, .. } = self.origin;
        apply(&mut self.view, Stamp { dot, hlc, ctx }, &[effect()]).map_err(PrepareError::Rows)
    }

    /// Takes what an earlier update put into `row` out of what later ones see: the record's ctx does not cover its own dot.
    fn forget(&mut self, row: &RowKey) -> Result<(), PrepareError<V::Error>> {
        if !self.mirrors {
            return Ok(());
        }
        let own = self.origin.dot;
        self.view.change(row, |row| row::retain(row, |entry| entry.dot != own)).map_err(PrepareError::Rows)
    }
}
