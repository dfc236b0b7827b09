//! The words of the language: every operation and query, with what stands behind its key.
//!
//! One table, read by the parser's errors and by whoever prints help. The parser proper matches the same words; a test
//! holds the two together.

use halcyon_crdt::Kind;

/// A path of map fields, as usage lines show it.
pub const PATH: &str = "FIELD/FIELD…";

/// Writes: the word, and what stands behind the key.
pub const WRITES: [(&str, &str); 36] = [
    ("set", "VALUE [TTL_MS]"),
    ("unset", ""),
    ("mvset", "VALUE"),
    ("incr", "N"),
    ("reset", ""),
    ("enable", ""),
    ("disable", ""),
    ("sadd", "ELEMENT…"),
    ("srem", "ELEMENT…"),
    ("zadd", "MEMBER SCORE"),
    ("zincr", "MEMBER DELTA"),
    ("zrem", "MEMBER"),
    ("rpush", "VALUE…"),
    ("lpush", "VALUE…"),
    ("linsafter", "TARGET VALUE…"),
    ("linsbefore", "TARGET VALUE…"),
    ("linsat", "INDEX VALUE…"),
    ("lset", "OLD NEW"),
    ("lset-at", "INDEX VALUE"),
    ("lrem", "VALUE"),
    ("lrem-at", "INDEX"),
    ("lmove", "VALUE front|back"),
    ("lmove-at", "INDEX front|back"),
    ("pfadd", "ELEMENT…"),
    ("binc", "N"),
    ("bdec", "N"),
    ("bgive", "REGION N"),
    ("expire", "MS"),
    ("persist", ""),
    ("clear", "TYPE"),
    ("del", ""),
    ("hset", "FIELD/FIELD… VALUE [TTL_MS]"),
    ("hincr", "FIELD/FIELD… N"),
    ("hsadd", "FIELD/FIELD… ELEMENT…"),
    ("hsrem", "FIELD/FIELD… ELEMENT…"),
    ("hdel", "FIELD/FIELD…"),
];

/// Types, by the names that `kinds` prints and `clear` takes.
pub const TYPES: [(&str, Kind); 10] = [
    ("boundedcounter", Kind::BoundedCounter),
    ("counter", Kind::Counter),
    ("flag", Kind::Flag),
    ("hyperloglog", Kind::HyperLogLog),
    ("list", Kind::List),
    ("map", Kind::Map),
    ("mvregister", Kind::MvRegister),
    ("register", Kind::Register),
    ("set", Kind::Set),
    ("sortedset", Kind::SortedSet),
];

/// Reads: the word, and what stands behind the key.
pub const READS: [(&str, &str); 22] = [
    ("get", ""),
    ("mvget", ""),
    ("counter", ""),
    ("flag", ""),
    ("smembers", ""),
    ("sismember", "ELEMENT"),
    ("hkeys", "[FIELD/FIELD…]"),
    ("zscore", "MEMBER"),
    ("zrank", "MEMBER [rev]"),
    ("zrange", "[START STOP [rev]]"),
    ("zrangebyscore", "MIN MAX [rev]"),
    ("list", ""),
    ("lrange", "START STOP"),
    ("lindex", "INDEX"),
    ("pfcount", ""),
    ("bval", ""),
    ("rights", ""),
    ("ttl", ""),
    ("kinds", ""),
    ("hget", "FIELD/FIELD…"),
    ("hcounter", "FIELD/FIELD…"),
    ("hsmembers", "FIELD/FIELD…"),
];

/// Short forms: the word, and the operation that it applies to the object at a path.
const SHORT: [(&str, &str); 8] = [
    ("hset", "set"),
    ("hincr", "incr"),
    ("hsadd", "sadd"),
    ("hsrem", "srem"),
    ("hdel", "del"),
    ("hget", "get"),
    ("hcounter", "counter"),
    ("hsmembers", "smembers"),
];

/// Words of types that come later, and those types.
const LATER: [(&str, &str); 6] = [
    ("dwenable", "disable-wins flags"),
    ("dwdisable", "disable-wins flags"),
    ("dwflag", "disable-wins flags"),
    ("rwadd", "remove-wins sets"),
    ("rwrem", "remove-wins sets"),
    ("rwmembers", "remove-wins sets"),
];

fn find(table: &[(&'static str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == word).map(|(_, what)| *what)
}

/// Whether the word writes, in its own or in a short form.
pub fn is_write(word: &str) -> bool {
    find(&WRITES, word).is_some()
}

/// Whether the word reads, in its own or in a short form.
pub fn is_read(word: &str) -> bool {
    find(&READS, word).is_some()
}

/// The operation that a short form applies to the object at its path.
pub(super) fn behind_short(word: &str) -> Option<&'static str> {
    find(&SHORT, word)
}

/// The short form of an operation on the object at a path.
pub(super) fn short_of(word: &str) -> Option<&'static str> {
    SHORT.iter().find(|(_, plain)| *plain == word).map(|(short, _)| *short)
}

/// The types that the word belongs to, if they come later.
pub(super) fn later(word: &str) -> Option<&'static str> {
    find(&LATER, word)
}

/// How a known word is used: `incr KEY N`, and behind `at`.
pub(super) fn usage(word: &str) -> String {
    let behind = find(&WRITES, word).or_else(|| find(&READS, word)).unwrap_or_default();
    let plain = format!("{word} KEY {behind}");
    let plain = plain.trim_end();
    if behind_short(word).is_some() || word == "hkeys" {
        return plain.to_owned();
    }
    let at = format!("at KEY {PATH} {word} {behind}");
    format!("{plain}, or {}", at.trim_end())
}

/// The words of a table, as errors list them.
pub(super) fn words(table: &[(&'static str, &'static str)]) -> String {
    table.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}
