//! Who put what where, and who took it away: for every element of every object, the writes that added it and those that
//! removed it; and from that, whether somebody who had seen so much must, may or must not find it.
//!
//! This is the one rule of all types, told from outside: *a removal removes exactly what it saw*. Nothing here knows
//! rows, entries or stamps.

use std::collections::BTreeMap;

use crate::facts::{Copy, Facts, View, Write};
use crate::op::{Type, Update, What};

/// An element of an object: `key/f:field/…/kind/e:element/`.
pub(crate) type Address = String;

/// One write adds to one address.
#[derive(Debug, Clone)]
pub(crate) struct Adding {
    pub(crate) write: usize,
    nth: usize,
    /// It may be hidden by another that did not see it.
    weak: bool,
    pub(crate) amount: i64,
}

#[derive(Debug, Clone)]
struct Removing {
    write: usize,
    nth: usize,
    below: Address,
}

/// Every address that was ever written to.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    addings: BTreeMap<Address, Vec<Adding>>,
    removings: BTreeMap<Address, Vec<Removing>>,
}

/// How many copies of something there are, for somebody who had seen so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Alive {
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// Whether any was acked, and may have been in sight.
    pub(crate) acked: bool,
}

impl Alive {
    pub(crate) const fn and(self, other: Self) -> Self {
        Self { least: self.least + other.least, most: self.most + other.most, acked: self.acked || other.acked }
    }

    /// Whether somebody could be wrong about it: it must be there, or what was acked must be gone. What was only ever refused,
    /// is unknown, or was out of sight says nothing.
    pub(crate) const fn is_decided(self) -> bool {
        self.least > 0 || (self.most == 0 && self.acked)
    }
}

/// Where an object begins.
pub(crate) fn base(key: &str, path: &[String]) -> Address {
    path.iter().fold(format!("{key}/"), |address, field| format!("{address}f:{field}/"))
}

/// How a kind is called in addresses.
pub(crate) const fn slug(kind: Type) -> &'static str {
    match kind {
        Type::Register => "reg/",
        Type::Mv => "mv/",
        Type::Counter => "count/",
        Type::Flag => "flag/",
        Type::Set => "set/",
        Type::Zset => "zset/",
        Type::List => "list/",
        Type::Hll => "hll/",
        Type::Bounded => "bounded/",
        Type::Map => "f:",
        Type::Deadline => "deadline/",
    }
}

/// Where it stands that a register has a value, whichever.
pub(crate) const HAS_VALUE: &str = "has/";

/// What an update adds (and by how much), and what it removes.
fn meaning(update: &Update) -> (Vec<(Address, i64, bool)>, Vec<Address>) {
    let base = base(&update.key, &update.path);
    let at = |kind: Type| format!("{base}{}", slug(kind));
    let element = |kind: Type, name: &str| format!("{}e:{name}/", at(kind));
    let adds = |address| vec![(address, 0, false)];
    match &update.what {
        What::Set(value) => {
            let adds = vec![(element(Type::Register, value), 0, true), (format!("{base}{HAS_VALUE}"), 0, false)];
            (adds, vec![at(Type::Register)])
        }
        What::SetMv(value) => (adds(element(Type::Mv, value)), vec![at(Type::Mv)]),
        What::Add(amount) => (vec![(at(Type::Counter), *amount, false)], vec![]),
        What::Enable => (adds(at(Type::Flag)), vec![]),
        What::Insert(name) => (adds(element(Type::Set, name)), vec![]),
        What::Remove(name) => (vec![], vec![element(Type::Set, name)]),
        What::Score(member, _) => (adds(element(Type::Zset, member)), vec![]),
        What::Incr(member, amount) => (vec![(element(Type::Zset, member), *amount, false)], vec![]),
        What::RemoveMember(member) => (vec![], vec![element(Type::Zset, member)]),
        What::PushBack(value) | What::PushFront(value) | What::InsertAfter(_, value) => {
            (adds(element(Type::List, value)), vec![])
        }
        What::Replace(old, new) => (vec![(element(Type::List, new), 0, true)], vec![element(Type::List, old)]),
        What::RemoveValue(value) => (vec![], vec![element(Type::List, value)]),
        What::Observe(names) => (names.iter().map(|name| (element(Type::Hll, name), 0, false)).collect(), vec![]),
        What::Raise(amount) => (vec![(at(Type::Bounded), signed(*amount), false)], vec![]),
        What::Spend(amount) => (vec![(at(Type::Bounded), -signed(*amount), false)], vec![]),
        What::Clear(Type::Register) => (vec![], vec![at(Type::Register), format!("{base}{HAS_VALUE}")]),
        What::Clear(kind) => (vec![], vec![at(*kind)]),
        What::Delete => (vec![], vec![base]),
        // A move keeps the element; deadlines have a checker of their own, which looks at other keys.
        What::MoveToBack(_)
        | What::MoveToFront(_)
        | What::SetFor(..)
        | What::Transfer(..)
        | What::Expire(_)
        | What::Persist => (vec![], vec![]),
    }
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

impl Cells {
    pub(crate) fn of(facts: &Facts<'_>) -> Self {
        let mut addings: BTreeMap<Address, Vec<Adding>> = BTreeMap::new();
        let mut of_key: BTreeMap<&str, Vec<Removing>> = BTreeMap::new();
        for (write, of) in facts.writes.iter().enumerate() {
            for (nth, update) in of.updates.iter().enumerate() {
                let (adds, removes) = meaning(update);
                for (address, amount, weak) in adds {
                    addings.entry(address).or_default().push(Adding { write, nth, weak, amount });
                }
                let removes = removes.into_iter().map(|below| Removing { write, nth, below });
                of_key.entry(&update.key).or_default().extend(removes);
            }
        }
        let mut removings = BTreeMap::new();
        for address in addings.keys() {
            let key = address.split('/').next().unwrap_or_default();
            let those: Vec<_> = of_key.get(key).into_iter().flatten().collect();
            let those = those.into_iter().filter(|it| address.starts_with(&it.below)).cloned().collect();
            removings.insert(address.clone(), those);
        }
        Self { addings, removings }
    }

    /// All that was ever added below.
    pub(crate) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [Adding])> {
        let from = self.addings.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        from.take_while(move |(address, _)| address.starts_with(prefix))
            .map(|(address, addings)| (address.as_str(), addings.as_slice()))
    }

    /// All that was ever added at an address.
    pub(crate) fn at(&self, address: &str) -> &[Adding] {
        self.addings.get(address).map_or(&[], Vec::as_slice)
    }

    /// How many copies of all that was added at an address there are.
    pub(crate) fn alive(&self, facts: &Facts<'_>, address: &str, view: &View) -> Alive {
        let alive = |adding| self.alive_of(facts, address, adding, view);
        self.at(address).iter().map(alive).fold(Alive::default(), Alive::and)
    }

    /// The writes that remove what is at an address.
    pub(crate) fn removers<'f, 'a>(&self, facts: &'f Facts<'a>, address: &str) -> impl Iterator<Item = &'f Write<'a>> {
        let removings = self.removings.get(address).into_iter().flatten();
        removings.filter_map(|it| facts.writes.get(it.write))
    }

    /// How many copies of one addition there are.
    pub(crate) fn alive_of(&self, facts: &Facts<'_>, address: &str, adding: &Adding, view: &View) -> Alive {
        let write = facts.writes.get(adding.write).expect("a write of these facts");
        let removings = self.removings.get(address).map_or(&[][..], Vec::as_slice);
        let taken_back = removings.iter().any(|it| it.write == adding.write && it.nth > adding.nth);
        if write.is_refused() || write.asked > view.until || taken_back {
            return Alive::default();
        }
        let removers = || {
            let others = removings.iter().filter(|it| it.write != adding.write);
            others.filter_map(|it| facts.writes.get(it.write)).filter(|it| !it.is_refused() && it.asked < view.until)
        };
        let acked = write.copies.iter().any(|copy| view.may_have(copy.dot));
        let mut alive = Alive { least: 0, most: write.loose, acked };
        for copy in &write.copies {
            let removed = removers().any(|remover| surely_removes(remover, copy, view));
            let spared = !adding.weak && removers().all(|remover| !may_remove(remover, copy, view));
            alive.least += usize::from(view.least.covers(copy.dot) && spared);
            alive.most += usize::from(view.may_have(copy.dot) && !removed);
        }
        alive
    }
}

fn surely_removes(remover: &Write<'_>, what: &Copy, view: &View) -> bool {
    remover.copies.iter().any(|copy| view.least.covers(copy.dot) && copy.sees_least.covers(what.dot))
}

fn may_remove(remover: &Write<'_>, what: &Copy, view: &View) -> bool {
    let loose = remover.loose > 0 && remover.loose_sees.as_ref().is_none_or(|sees| sees.covers(what.dot));
    loose || remover.copies.iter().any(|copy| view.may_have(copy.dot) && copy.sees_most.covers(what.dot))
}
