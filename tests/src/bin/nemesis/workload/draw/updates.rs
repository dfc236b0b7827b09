//! One change of one object, of every family.

use super::Drawer;
use crate::op::{Type, Update, What};

impl Drawer {
    /// Of a key of this family.
    pub(super) fn update(&mut self, family: &str, at_ms: u64) -> Update {
        let key = self.key(family, at_ms);
        let mut path = Vec::new();
        let roll = self.dice.below(12);
        let what = match family {
            "set" => self.of_set(&key),
            "zset" => match roll {
                0..2 => What::RemoveMember(format!("m{}", self.dice.below(8))),
                2..5 => What::Incr(format!("m{}", self.dice.below(8)), self.small()),
                _ => What::Score(format!("m{}", self.dice.below(8)), self.small()),
            },
            "ranks" => What::Incr(format!("r{}", self.dice.below(4)), self.small()),
            "list" => match (roll, self.known(&key)) {
                (0..3, Some(known)) => What::RemoveValue(known),
                (3..5, Some(known)) => What::InsertAfter(known, self.unique()),
                (5..7, _) => What::PushFront(self.unique()),
                _ => What::PushBack(self.unique()),
            },
            "moves" => match (roll, self.known(&key)) {
                (0..3, Some(known)) => What::MoveToBack(known),
                (3..6, Some(known)) => What::MoveToFront(known),
                _ => What::PushBack(self.unique()),
            },
            "edits" => match (roll, self.known(&key)) {
                (0..5, Some(known)) => What::Replace(known, self.unique()),
                _ => What::PushBack(self.unique()),
            },
            "reset" if roll == 0 => What::Clear(Type::Counter),
            "count" | "reset" => What::Add(self.small()),
            "flag" if roll < 5 => What::Clear(Type::Flag),
            "flag" => What::Enable,
            "reg" if roll == 0 => What::Clear(Type::Register),
            "reg" => What::Set(self.unique()),
            "mv" if roll == 0 => What::Clear(Type::Mv),
            "mv" => What::SetMv(self.unique()),
            "map" => self.of_map(&key, &mut path),
            "hll" => What::Observe((0..=self.dice.below(3)).map(|_| self.unique()).collect()),
            "bounded" => match roll {
                0..3 => What::Raise(1 + self.dice.below(12)),
                3..5 => What::Transfer(1 + u16::try_from(self.dice.below(3)).unwrap_or(0), 1 + self.dice.below(4)),
                _ => What::Spend(1 + self.dice.below(4)),
            },
            _ => match roll {
                0 => What::Delete,
                1..5 => What::Insert(self.unique()),
                5..8 => What::Add(self.small()),
                8..10 => What::SetMv(self.unique()),
                _ => {
                    path.push(format!("f{}", self.dice.below(3)));
                    What::Set(self.unique())
                }
            },
        };
        Update { key, path, what }
    }

    fn of_set(&mut self, key: &str) -> What {
        match (self.dice.below(16), self.known(key)) {
            (0, _) => What::Clear(Type::Set),
            (1..4, Some(known)) => What::Remove(known),
            (4..6, _) => What::Remove(self.contended()),
            (6..9, _) => What::Insert(self.contended()),
            _ => What::Insert(self.unique()),
        }
    }

    fn of_map(&mut self, key: &str, path: &mut Vec<String>) -> What {
        path.push(format!("f{}", self.dice.below(5)));
        match self.dice.below(12) {
            0 => What::Delete,
            1..4 => What::Add(self.small()),
            4 | 5 => What::Set(self.unique()),
            6 | 7 => What::SetMv(self.unique()),
            8 | 9 => self.of_set(key),
            _ => {
                path.push(format!("g{}", self.dice.below(3)));
                What::Add(self.small())
            }
        }
    }

    /// An element that many processes want.
    pub(super) fn contended(&mut self) -> String {
        format!("hot{}", self.dice.below(5))
    }

    fn known(&mut self, key: &str) -> Option<String> {
        let known = self.seen.get(key).filter(|known| !known.is_empty())?;
        known.get(usize::try_from(self.dice.below(known.len() as u64)).ok()?).cloned()
    }

    fn small(&mut self) -> i64 {
        i64::try_from(self.dice.below(9)).unwrap_or(0) + 1 - 3
    }
}
