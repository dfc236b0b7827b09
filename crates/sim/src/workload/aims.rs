//! Keys of those who aim: clients that do what random ones seldom do. Invariants know them by these names.

use crate::scenario::{Command, CommandOp, ListEnd, ObjectRef, Query, QueryKind};

/// Groups of keys that are always written together.
pub const PAIRS: u8 = 2;
/// Sets whose elements name elements of others.
pub const CHAINS: u8 = 3;

/// The set of a chain.
pub fn chain_key(chain: u8) -> String {
    format!("chain:{chain}")
}

/// The number of a chain's key.
pub fn chain_of(key: &str) -> Option<u8> {
    key.strip_prefix("chain:")?.parse().ok()
}

/// An element of a chain: its name, and the one that it names, with its chain.
pub fn link(name: &str, cause: Option<(u8, &str)>) -> String {
    match cause {
        Some((chain, cause)) => {
            let cause = cause.split('<').next().unwrap_or_default();
            format!("{name}<{chain}/{cause}")
        }
        None => name.to_owned(),
    }
}

/// An element's name, and what it names.
pub fn link_of(element: &str) -> (&str, Option<(u8, &str)>) {
    let Some((name, cause)) = element.split_once('<') else { return (element, None) };
    (name, cause.split_once('/').and_then(|(chain, cause)| Some((chain.parse().ok()?, cause))))
}

/// Where a stamp of a pair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A register: the latest stamp.
    Register,
    /// A register in a map: the latest stamp.
    Field,
    /// A score: the latest stamp.
    Score,
    /// A multi-value register: the stamps that no other has seen.
    Values,
    /// A set: likewise, for a write removes what it sees.
    Set,
    /// A list: likewise.
    List,
    /// A counter: how many stamps.
    Counter,
    /// Another counter, in a map: likewise.
    Nested,
}

impl Part {
    /// Each of them.
    pub const ALL: [Self; 8] =
        [Self::Register, Self::Field, Self::Score, Self::Values, Self::Set, Self::List, Self::Counter, Self::Nested];

    /// Its object in a group.
    pub fn object(self, pair: u8) -> ObjectRef {
        let key = |part: &str| format!("pair:{pair}:{part}");
        match self {
            Self::Register => ObjectRef::key(key("r")),
            Self::Field => ObjectRef::at(key("m"), "f"),
            Self::Score => ObjectRef::key(key("z")),
            Self::Values => ObjectRef::key(key("v")),
            Self::Set => ObjectRef::key(key("s")),
            Self::List => ObjectRef::key(key("l")),
            Self::Counter => ObjectRef::key(key("c")),
            Self::Nested => ObjectRef::at(key("m"), "n/c"),
        }
    }

    /// The group and the part that an object is.
    pub fn of(object: &ObjectRef) -> Option<(u8, Self)> {
        let pair = object.key.strip_prefix("pair:")?.split(':').next()?.parse().ok()?;
        Self::ALL.into_iter().find(|part| part.object(pair) == *object).map(|part| (pair, part))
    }

    /// How it is read.
    pub fn query(self, pair: u8) -> Query {
        let kind = match self {
            Self::Register | Self::Field => QueryKind::Get,
            Self::Score => QueryKind::Score("at".to_owned()),
            Self::Values => QueryKind::MvGet,
            Self::Set => QueryKind::Members,
            Self::List => QueryKind::ListRange { start: 0, stop: -1 },
            Self::Counter | Self::Nested => QueryKind::Counter,
        };
        Query { object: self.object(pair), kind }
    }

    /// What writes a stamp there.
    pub fn stamp(self, pair: u8, stamp: u32) -> Vec<Command> {
        let ops = match self {
            Self::Register | Self::Field => vec![CommandOp::Set { value: stamp.to_string(), ttl_ms: None }],
            Self::Score => vec![CommandOp::SortedAdd { member: "at".to_owned(), score: f64::from(stamp) }],
            Self::Values => vec![CommandOp::MvSet(stamp.to_string())],
            Self::Set => vec![CommandOp::Clear("set"), CommandOp::SetAdd(vec![stamp.to_string()])],
            Self::List => {
                let end = if stamp.is_multiple_of(2) { ListEnd::Back } else { ListEnd::Front };
                vec![CommandOp::Clear("list"), CommandOp::ListPush { end, values: vec![stamp.to_string()] }]
            }
            Self::Counter | Self::Nested => vec![CommandOp::Incr(1)],
        };
        ops.into_iter().map(|op| Command { object: self.object(pair), op }).collect()
    }
}

/// A counter that only goes up, of one client.
pub fn sum_key(client: u32) -> String {
    format!("sum:{client}")
}

/// A set that only grows, of one client.
pub fn grow_key(client: u32) -> String {
    format!("grow:{client}")
}

/// The counter that goes up by one with everything that is added to the set under the same key, of everybody.
pub const ALL_KEY: &str = "all";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_elements_read_as_they_are_written() {
        for part in Part::ALL {
            assert_eq!(Part::of(&part.object(1)), Some((1, part)));
            assert_eq!(part.query(1).object, part.object(1));
        }
        assert_eq!(chain_of(&chain_key(2)), Some(2));
        let first = link("3.1", None);
        let second = link("4.2", Some((0, &first)));
        let third = link("5.3", Some((1, &second)));
        assert_eq!(link_of(&first), ("3.1", None));
        assert_eq!(link_of(&third), ("5.3", Some((1, "4.2"))));
    }
}
