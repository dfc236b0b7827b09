//! What a process does next: drawn from its dice, over every type.
//!
//! Keys belong to an epoch of some seconds, so that collections stay small enough to be read whole and judged, and are
//! shared by all processes of the epoch, so that they meet. Most values name the write that made them, and are written
//! once; some elements come from a small pool that all processes fight over.

mod updates;

use std::collections::{BTreeMap, VecDeque};

use halcyon_tests::{Dice, REGIONS};

use crate::history::How;
use crate::op::{Read, Type, Update, What};

/// What a process is about to do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) how: How,
    pub(crate) reads: Vec<Read>,
    pub(crate) updates: Vec<Update>,
}

/// How long keys are written to.
const EPOCH_MS: u64 = 8_000;
/// Keys of one family and epoch.
const SLOTS: u64 = 2;
/// What a process remembers of a collection.
const REMEMBERED: usize = 24;
/// Over by the end of a run.
pub(crate) const SHORT_MS: u64 = 1_500;
/// Far longer than any run, and than any clock is put ahead.
const LONG_MS: u64 = 6 * 3_600_000;

/// Draws, and remembers what it has seen where, so that removals find something.
#[derive(Debug)]
pub(crate) struct Drawer {
    dice: Dice,
    process: String,
    made: u64,
    seen: BTreeMap<String, Vec<String>>,
    /// Keys with a long deadline that are to be kept for good.
    to_persist: Vec<String>,
    /// Keys that end soon, and from when on they are to be written to again.
    to_revive: VecDeque<(String, u64)>,
}

/// Families of keys; each is of one type, but for the last.
const FAMILIES: [&str; 15] = [
    "set", "zset", "ranks", "list", "moves", "edits", "count", "reset", "flag", "reg", "mv", "map", "hll", "bounded",
    "all",
];

impl Drawer {
    pub(crate) fn new(seed: u64, process: &str) -> Self {
        Self {
            dice: Dice::new(seed),
            process: process.to_owned(),
            made: 0,
            seen: BTreeMap::new(),
            to_persist: Vec::new(),
            to_revive: VecDeque::new(),
        }
    }

    pub(crate) const fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    /// Notes what is at a key, for later.
    pub(crate) fn learn(&mut self, key: &str, elements: impl IntoIterator<Item = String>) {
        let seen = self.seen.entry(key.to_owned()).or_default();
        seen.extend(elements);
        let old = seen.len().saturating_sub(REMEMBERED);
        seen.drain(..old);
    }

    pub(crate) fn next(&mut self, at_ms: u64, region: usize, session: bool) -> Plan {
        let plain = |reads, updates| Plan { how: How::Plain, reads, updates };
        match self.dice.below(100) {
            0..34 => {
                let mut updates = self.updates(at_ms, 3);
                // Rights are moved by themselves: a refusal would take the rest of the batch with it.
                if updates.iter().any(|update| matches!(update.what, What::Spend(_) | What::Transfer(..))) {
                    updates.truncate(1);
                }
                let how = if session && self.dice.below(4) == 0 { How::Context } else { How::Plain };
                Plan { how, reads: Vec::new(), updates }
            }
            34..38 => plain(Vec::new(), self.deadline(at_ms)),
            38..64 => plain(vec![self.read(at_ms)], Vec::new()),
            64..72 => Plan { how: How::Transaction, reads: self.group_reads(at_ms), updates: Vec::new() },
            72..80 => {
                let how = if self.dice.below(2) == 0 { How::Plain } else { How::Transaction };
                Plan { how, reads: Vec::new(), updates: self.group(at_ms) }
            }
            80..85 => self.checked(at_ms, region),
            85..89 => Plan { how: How::Transaction, reads: self.reads(at_ms, 6), updates: Vec::new() },
            89..95 => self.replacement(at_ms, session),
            _ => Plan { how: How::Transaction, reads: self.reads(at_ms, 3), updates: self.updates(at_ms, 4) },
        }
    }

    fn unique(&mut self) -> String {
        self.made += 1;
        format!("{}.{}", self.process, self.made)
    }

    fn epoch(&mut self, at_ms: u64) -> u64 {
        let epoch = at_ms / EPOCH_MS;
        if self.dice.below(10) == 0 { epoch.saturating_sub(1) } else { epoch }
    }

    fn key(&mut self, family: &str, at_ms: u64) -> String {
        format!("{family}:{}:{}", self.epoch(at_ms), self.dice.below(SLOTS))
    }

    fn family(&mut self) -> &'static str {
        pick(&mut self.dice, &FAMILIES)
    }

    /// Up to so many, each of another key.
    fn updates(&mut self, at_ms: u64, most: u64) -> Vec<Update> {
        let mut updates: Vec<Update> = Vec::new();
        for _ in 0..=self.dice.below(most) {
            let family = self.family();
            let update = self.update(family, at_ms);
            if updates.iter().all(|other| other.key != update.key) {
                updates.push(update);
            }
        }
        updates
    }

    fn reads(&mut self, at_ms: u64, most: u64) -> Vec<Read> {
        let mut reads = Vec::new();
        for _ in 0..=self.dice.below(most) {
            let read = self.read(at_ms);
            if !reads.contains(&read) {
                reads.push(read);
            }
        }
        reads
    }

    fn read(&mut self, at_ms: u64) -> Read {
        let family = self.family();
        let key = self.key(family, at_ms);
        let mut kinds = kinds_of(family).to_vec();
        let kind = pick(&mut self.dice, &kinds);
        let mut read = Read::new(&key, kind);
        if family == "map" && self.dice.below(3) > 0 {
            read.path.push(format!("f{}", self.dice.below(5)));
            kinds = vec![Type::Counter, Type::Register, Type::Mv, Type::Set, Type::Map];
            read.kind = pick(&mut self.dice, &kinds);
            if self.dice.below(4) == 0 {
                read.path.push(format!("g{}", self.dice.below(3)));
                read.kind = Type::Counter;
            }
        }
        read
    }

    /// Takes away, or replaces, what others add to at the same time: in a transaction, or as a session has seen it.
    fn replacement(&mut self, at_ms: u64, session: bool) -> Plan {
        let (family, kind, what) = match self.dice.below(7) {
            0 => ("set", Type::Set, What::Clear(Type::Set)),
            1 => ("set", Type::Set, What::Remove(self.contended())),
            2 => ("mv", Type::Mv, What::Clear(Type::Mv)),
            3 => ("mv", Type::Mv, What::SetMv(self.unique())),
            4 => ("flag", Type::Flag, What::Clear(Type::Flag)),
            5 => ("reset", Type::Counter, What::Clear(Type::Counter)),
            _ => ("all", Type::Set, What::Delete),
        };
        let key = self.key(family, at_ms);
        let update = Update { key: key.clone(), path: Vec::new(), what };
        if session && self.dice.below(2) == 0 {
            return Plan { how: How::Context, reads: Vec::new(), updates: vec![update] };
        }
        Plan { how: How::Transaction, reads: vec![Read::new(&key, kind)], updates: vec![update] }
    }

    /// A marker into one object of every type.
    fn group(&mut self, at_ms: u64) -> Vec<Update> {
        let (epoch, marker) = (self.epoch(at_ms), self.unique());
        let key = |kind: Type| group_key(epoch, kind);
        let update = |kind, what| Update { key: key(kind), path: Vec::new(), what };
        vec![
            update(Type::Set, What::Insert(marker.clone())),
            update(Type::Counter, What::Add(1)),
            update(Type::List, What::PushBack(marker.clone())),
            update(Type::Zset, What::Incr(marker.clone(), 1)),
            Update { path: vec![marker.clone()], ..update(Type::Map, What::Enable) },
            update(Type::Register, What::Set(marker.clone())),
            update(Type::Mv, What::SetMv(marker.clone())),
            update(Type::Bounded, What::Raise(1)),
            update(Type::Hll, What::Observe(vec![marker])),
        ]
    }

    fn group_reads(&mut self, at_ms: u64) -> Vec<Read> {
        let epoch = self.epoch(at_ms);
        GROUP.iter().map(|kind| Read::new(&group_key(epoch, *kind), *kind)).collect()
    }

    /// Reads something of this region's alone, and changes it if nobody else has.
    fn checked(&mut self, at_ms: u64, region: usize) -> Plan {
        let name = REGIONS.get(region).copied().unwrap_or("?");
        // One object of an epoch, so that they meet.
        let epoch = at_ms / EPOCH_MS;
        let kind = match epoch % 3 {
            0 => Type::Register,
            1 => Type::Set,
            _ => Type::Counter,
        };
        let key = format!("checked:{name}:{epoch}:{}", slug(kind));
        let what = match kind {
            Type::Register => What::Set(self.unique()),
            Type::Set => What::Insert(self.unique()),
            _ => What::Add(1),
        };
        Plan {
            how: How::Checked,
            reads: vec![Read::new(&key, kind)],
            updates: vec![Update { key, path: Vec::new(), what }],
        }
    }

    /// Something that ends by itself, or would.
    fn deadline(&mut self, at_ms: u64) -> Vec<Update> {
        let name = self.unique();
        let update = |key: &str, what| Update { key: key.to_owned(), path: Vec::new(), what };
        if let Some((key, _)) = self.to_revive.pop_front_if(|(_, from)| *from <= at_ms) {
            return vec![update(&key, What::Insert(name))];
        }
        match self.dice.below(6) {
            0 => vec![update(&format!("short-value:{name}"), What::SetFor(name, SHORT_MS))],
            1 => vec![update(&format!("long-value:{name}"), What::SetFor(name, LONG_MS))],
            2 | 3 => {
                let key = format!("short:{name}");
                if self.dice.below(4) > 0 {
                    self.to_revive.push_back((key.clone(), at_ms + 4 * SHORT_MS));
                }
                vec![update(&key, What::Insert(name)), update(&key, What::Expire(SHORT_MS))]
            }
            _ => {
                if let Some(key) = self.to_persist.pop() {
                    return vec![update(&key, What::Persist)];
                }
                let key = format!("long:{name}");
                self.to_persist.push(key.clone());
                vec![update(&key, What::Insert(name)), update(&key, What::Expire(LONG_MS))]
            }
        }
    }
}

fn pick<T: Copy>(dice: &mut Dice, from: &[T]) -> T {
    let at = usize::try_from(dice.below(from.len() as u64)).unwrap_or(0);
    *from.get(at).expect("something to pick from")
}

/// The types of a group, in the order of its reads.
pub(crate) const GROUP: [Type; 9] =
    [Type::Set, Type::Counter, Type::List, Type::Zset, Type::Map, Type::Register, Type::Mv, Type::Bounded, Type::Hll];

fn group_key(epoch: u64, kind: Type) -> String {
    format!("group:{epoch}:{}", slug(kind))
}

fn slug(kind: Type) -> String {
    format!("{kind:?}").to_lowercase()
}

/// What is at the keys of a family.
fn kinds_of(family: &str) -> &'static [Type] {
    match family {
        "set" => &[Type::Set],
        "zset" | "ranks" => &[Type::Zset],
        "list" | "moves" | "edits" => &[Type::List],
        "count" | "reset" => &[Type::Counter],
        "flag" => &[Type::Flag],
        "reg" => &[Type::Register],
        "mv" => &[Type::Mv],
        "map" => &[Type::Map],
        "hll" => &[Type::Hll],
        "bounded" => &[Type::Bounded],
        _ => &[Type::Set, Type::Counter, Type::Mv, Type::Map],
    }
}
