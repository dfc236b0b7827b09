//! What is written: operations of every type, on few keys and few elements, so that conflicts are the rule.

use crate::dice::Dice;
use crate::scenario::{CommandOp, ListEnd, ListSide, ObjectRef, Region, vocabulary};

/// What writes are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diet {
    /// Registers, with and without a time to live.
    Registers,
    /// Multi-value registers.
    Values,
    /// Counters.
    Counters,
    /// Flags and sets.
    Sets,
    /// All types, as fields of maps.
    Maps,
    /// Sorted sets.
    SortedSets,
    /// Lists.
    Lists,
    /// `HyperLogLog`s.
    HyperLogLogs,
    /// Bounded counters.
    BoundedCounters,
    /// All types, and deadlines of their keys.
    Deadlines,
    /// All of it.
    Mixed,
}

/// All but [`Diet::Maps`], [`Diet::Deadlines`] and [`Diet::Mixed`], which are made of these.
const TYPES: [Diet; 8] = [
    Diet::Registers,
    Diet::Values,
    Diet::Counters,
    Diet::Sets,
    Diet::SortedSets,
    Diet::Lists,
    Diet::HyperLogLogs,
    Diet::BoundedCounters,
];

const FIELDS: [&str; 4] = ["f", "f/g", "f/g/h", "u"];

impl Diet {
    /// A write: where, and what.
    pub fn write(self, dice: &mut Dice) -> (ObjectRef, CommandOp) {
        match self {
            Self::Maps => {
                let at = if dice.one_in(8) { key(dice) } else { field(dice) };
                let op = if dice.one_in(5) { clear(dice) } else { dice.of(&TYPES).op(dice) };
                (at, op)
            }
            Self::Mixed => {
                let at = if dice.one_in(3) { field(dice) } else { key(dice) };
                let root = at.path.is_empty();
                let op = match dice.below(12) {
                    0 => CommandOp::Delete,
                    1 if root => expiry(dice),
                    _ => dice.of(&TYPES).op(dice),
                };
                (at, op)
            }
            Self::Deadlines => match dice.below(10) {
                0..4 => (key(dice), expiry(dice)),
                4 => (key(dice), CommandOp::Delete),
                5 => (field(dice), dice.of(&TYPES).op(dice)),
                _ => (key(dice), dice.of(&TYPES).op(dice)),
            },
            _ => {
                let op = if dice.one_in(9) { clear(dice) } else { self.op(dice) };
                (key(dice), op)
            }
        }
    }

    /// Whether time is of the essence.
    pub const fn is_timed(self) -> bool {
        matches!(self, Self::Registers | Self::Deadlines | Self::Mixed)
    }

    /// An operation of the type; of one of its types, where there are several.
    pub fn op(self, dice: &mut Dice) -> CommandOp {
        match self {
            Self::Maps | Self::Deadlines | Self::Mixed => dice.of(&TYPES).op(dice),
            Self::Values => CommandOp::MvSet(dice.word(&["v", "w", "x"])),
            Self::Counters => match dice.below(8) {
                0 | 1 => CommandOp::Reset,
                2 if dice.one_in(6) => CommandOp::Incr(*dice.of(&[i64::MAX, i64::MIN, 1 << 62])),
                _ => CommandOp::Incr(*dice.of(&[1, 2, 3, 5, 10, 100, -4, 0])),
            },
            Self::Sets => match dice.below(9) {
                0 => CommandOp::Enable,
                1 => CommandOp::Disable,
                2..4 => CommandOp::SetRemove(elements(dice)),
                _ => CommandOp::SetAdd(elements(dice)),
            },
            Self::SortedSets => {
                let member = dice.word(&["x", "y", "z"]);
                match dice.below(7) {
                    0 => CommandOp::SortedRemove(member),
                    1..4 => CommandOp::SortedAdd { member, score: *dice.of(&[0.0, 1.0, 2.5, -1.5, 100.0]) },
                    _ => CommandOp::SortedIncr { member, delta: *dice.of(&[1.0, 0.5, -2.0, 8.0]) },
                }
            }
            Self::Lists => list_op(dice),
            Self::HyperLogLogs => {
                let most = 1 + dice.below(2);
                CommandOp::HllAdd((0..most).map(|_| dice.word(&["a", "b", "c", "d", "e"])).collect())
            }
            Self::BoundedCounters => {
                let amount = *dice.of(&[1, 2, 3, 5]);
                match dice.below(7) {
                    0..2 => CommandOp::BoundedIncr(amount + 2),
                    2..4 => CommandOp::BoundedGive { to: dice.of(&Region::ALL).to_string(), amount },
                    _ => CommandOp::BoundedDecr(amount),
                }
            }
            Self::Registers => match dice.below(8) {
                0 => CommandOp::Unset,
                1 | 2 => CommandOp::Set { value: dice.word(&["v", "w"]), ttl_ms: Some(*dice.of(&[10, 30, 60])) },
                _ => CommandOp::Set { value: dice.word(&["v", "w", "x"]), ttl_ms: None },
            },
        }
    }
}

fn list_op(dice: &mut Dice) -> CommandOp {
    let value = |dice: &mut Dice| dice.word(&["a", "b", "c"]);
    let end = |dice: &mut Dice| *dice.of(&[ListEnd::Front, ListEnd::Back]);
    let index = |dice: &mut Dice| *dice.of(&[0, 1, 2, -1, -2]);
    let values = |dice: &mut Dice| {
        let most = 1 + dice.below(3);
        (0..most).map(|_| value(dice)).collect::<Vec<_>>()
    };
    match dice.below(16) {
        0..5 => CommandOp::ListPush { end: end(dice), values: values(dice) },
        5..7 => {
            let side = *dice.of(&[ListSide::Before, ListSide::After]);
            CommandOp::ListInsert { side, target: value(dice), values: values(dice) }
        }
        7..9 => CommandOp::ListInsertAt { index: index(dice), values: values(dice) },
        9 | 10 => CommandOp::ListSet { old: value(dice), new: value(dice) },
        11 | 12 => CommandOp::ListSetAt { index: index(dice), value: value(dice) },
        13 => CommandOp::ListRemove(value(dice)),
        14 => CommandOp::ListRemoveAt(index(dice)),
        _ if dice.one_in(2) => CommandOp::ListMoveAt { index: index(dice), end: end(dice) },
        _ => CommandOp::ListMove { value: value(dice), end: end(dice) },
    }
}

/// A delete of everything, or of all of one type.
pub fn clear(dice: &mut Dice) -> CommandOp {
    if dice.one_in(3) { CommandOp::Clear(dice.of(&vocabulary::TYPES).0) } else { CommandOp::Delete }
}

fn expiry(dice: &mut Dice) -> CommandOp {
    if dice.one_in(4) { CommandOp::Persist } else { CommandOp::Expire(*dice.of(&[10, 30, 60, 0])) }
}

fn elements(dice: &mut Dice) -> Vec<String> {
    let most = if dice.one_in(4) { 2 } else { 1 };
    (0..most).map(|_| dice.word(&["x", "y", "z"])).collect()
}

fn key(dice: &mut Dice) -> ObjectRef {
    ObjectRef::key(dice.word(&["k", "k", "k", "l"]))
}

fn field(dice: &mut Dice) -> ObjectRef {
    let path = dice.word(&FIELDS);
    ObjectRef::at(dice.word(&["k", "k", "l"]), &path)
}
