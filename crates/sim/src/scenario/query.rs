//! One read: a query on an object.

use std::fmt;

use super::command::{Place, exact, float, integer, misfit, place};
use super::error::CommandError;
use super::object::ObjectRef;
use super::vocabulary;

/// One read: `smembers s`, `at m tags smembers`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Where.
    pub object: ObjectRef,
    /// What.
    pub kind: QueryKind,
}

/// What a read asks. Ranges by index or rank count from 0, take both their ends in, and count from the end where negative.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryKind {
    /// Register: `get`.
    Get,
    /// Multi-value register: `mvget`, all siblings.
    MvGet,
    /// Counter: `counter`.
    Counter,
    /// Flag: `flag`.
    Flag,
    /// Set: `smembers`.
    Members,
    /// Set: `sismember`.
    Contains(String),
    /// Map: `hkeys`, its fields.
    Fields,
    /// Sorted set: `zscore` of a member.
    Score(String),
    /// Sorted set: `zrank`.
    Rank {
        /// The member.
        member: String,
        /// Counted from the highest score.
        reverse: bool,
    },
    /// Sorted set: `zrange`, members by rank.
    RankRange {
        /// The first rank.
        start: i64,
        /// The last rank.
        stop: i64,
        /// Counted and listed from the highest score.
        reverse: bool,
    },
    /// Sorted set: `zrangebyscore`.
    ScoreRange {
        /// The lowest score.
        min: f64,
        /// The highest score.
        max: f64,
        /// Listed from the highest score; `min` and `max` keep their meaning.
        reverse: bool,
    },
    /// List: `list` and `lrange`.
    ListRange {
        /// The first index.
        start: i64,
        /// The last index.
        stop: i64,
    },
    /// List: `lindex`.
    ListIndex(i64),
    /// `HyperLogLog`: `pfcount`.
    HllCount,
    /// Bounded counter: `bval`.
    BoundedValue,
    /// Bounded counter: `rights`, those of the region that is asked.
    BoundedRights,
    /// Key: `ttl`, the milliseconds left.
    Ttl,
    /// Key: `kinds`, the types present.
    Kinds,
}

impl Query {
    /// The query that these words are.
    ///
    /// # Errors
    /// What is wrong with them; a write is an error too.
    pub fn parse(words: &[&str]) -> Result<Self, CommandError> {
        // The one word with a path that may be left out.
        if let ["hkeys", key, path] = words {
            return Ok(Self { object: ObjectRef::at(*key, path), kind: QueryKind::Fields });
        }
        let Place { object, word, plain, arguments } = place(words)?;
        let kind = QueryKind::parse(plain, arguments)?;
        match (object, kind) {
            (Some(object), Some(kind)) => Ok(Self { object, kind }),
            _ => Err(misfit(word, vocabulary::is_read)),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.kind.word();
        let short = if word == "hkeys" { Some(word) } else { vocabulary::short_of(word) };
        self.object.write(f, word, short)?;
        self.kind.write_arguments(f)
    }
}

impl QueryKind {
    fn parse(word: &str, arguments: &[&str]) -> Result<Option<Self>, CommandError> {
        let own = |word: &&str| (*word).to_owned();
        let (arguments, reverse) = match arguments {
            [head @ .., "rev"] if matches!((word, head.len()), ("zrank", 1) | ("zrange" | "zrangebyscore", 2)) => {
                (head, true)
            }
            _ => (arguments, false),
        };
        Ok(Some(match (word, arguments) {
            ("get", []) => Self::Get,
            ("mvget", []) => Self::MvGet,
            ("counter", []) => Self::Counter,
            ("flag", []) => Self::Flag,
            ("smembers", []) => Self::Members,
            ("sismember", [element]) => Self::Contains(own(element)),
            ("hkeys", []) => Self::Fields,
            ("zscore", [member]) => Self::Score(own(member)),
            ("zrank", [member]) => Self::Rank { member: own(member), reverse },
            ("zrange", []) => Self::RankRange { start: 0, stop: -1, reverse },
            ("zrange", [start, stop]) => Self::RankRange { start: integer(start)?, stop: integer(stop)?, reverse },
            ("zrangebyscore", [min, max]) => Self::ScoreRange { min: float(min)?, max: float(max)?, reverse },
            ("list", []) => Self::ListRange { start: 0, stop: -1 },
            ("lrange", [start, stop]) => Self::ListRange { start: integer(start)?, stop: integer(stop)? },
            ("lindex", [index]) => Self::ListIndex(integer(index)?),
            ("pfcount", []) => Self::HllCount,
            ("bval", []) => Self::BoundedValue,
            ("rights", []) => Self::BoundedRights,
            ("ttl", []) => Self::Ttl,
            ("kinds", []) => Self::Kinds,
            _ => return Ok(None),
        }))
    }

    /// Its word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::MvGet => "mvget",
            Self::Counter => "counter",
            Self::Flag => "flag",
            Self::Members => "smembers",
            Self::Contains(_) => "sismember",
            Self::Fields => "hkeys",
            Self::Score(_) => "zscore",
            Self::Rank { .. } => "zrank",
            Self::RankRange { .. } => "zrange",
            Self::ScoreRange { .. } => "zrangebyscore",
            Self::ListRange { start: 0, stop: -1 } => "list",
            Self::ListRange { .. } => "lrange",
            Self::ListIndex(_) => "lindex",
            Self::HllCount => "pfcount",
            Self::BoundedValue => "bval",
            Self::BoundedRights => "rights",
            Self::Ttl => "ttl",
            Self::Kinds => "kinds",
        }
    }

    fn write_arguments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RankRange { start: 0, stop: -1, reverse: false } | Self::ListRange { start: 0, stop: -1 } => {}
            Self::Contains(word) | Self::Score(word) | Self::Rank { member: word, .. } => write!(f, " {word}")?,
            Self::RankRange { start, stop, .. } | Self::ListRange { start, stop } => write!(f, " {start} {stop}")?,
            Self::ScoreRange { min, max, .. } => write!(f, " {} {}", exact(*min), exact(*max))?,
            Self::ListIndex(index) => write!(f, " {index}")?,
            _ => {}
        }
        match self {
            Self::Rank { reverse: true, .. }
            | Self::RankRange { reverse: true, .. }
            | Self::ScoreRange { reverse: true, .. } => f.write_str(" rev"),
            _ => Ok(()),
        }
    }
}
