//! The words of `halcyon exec`: those of the scenario language without the region letter.
//!
//! A line becomes a [`Command`] or a typed error; nothing is guessed, and nothing is sent before the whole line is
//! understood.

use bytes::Bytes;
use halcyon_crdt::{Object, Op, Query, Update};
use halcyon_types::KeyspaceId;

use super::words::words;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// One atomic batch.
    Write(Vec<Update>),
    /// One read.
    Read {
        /// Where.
        object: Object,
        /// What; of a set or a map, every page.
        query: Query,
    },
    /// The region's vector, as a session token.
    Token,
    /// Reads from now on wait for this token; none: they no longer wait.
    Session(Option<String>),
    /// The digest of all rows.
    Digest,
}

/// Why a line is no command. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParseError {
    #[error("{word:?} is no command; there are: {}", known())]
    UnknownCommand { word: String },
    #[error("{message}")]
    BadArguments { message: String },
    #[error("this version of Halcyon does not build {word} yet; there are: {}", known())]
    NotBuilt { word: String },
}

impl ParseError {
    /// Its name, for scripts.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::UnknownCommand { .. } => "UnknownCommand",
            Self::BadArguments { .. } => "BadArguments",
            Self::NotBuilt { .. } => "NotBuilt",
        }
    }
}

/// Every command, with its arguments, as errors and `--help` show them.
pub(super) const USAGE: [(&str, &str); 22] = [
    ("set", "KEY VALUE"),
    ("get", "KEY"),
    ("del", "KEY"),
    ("incr", "KEY N"),
    ("counter", "KEY"),
    ("reset", "KEY"),
    ("sadd", "KEY ELEMENT"),
    ("srem", "KEY ELEMENT"),
    ("smembers", "KEY"),
    ("hset", "KEY FIELD[/FIELD…] VALUE"),
    ("hget", "KEY FIELD[/FIELD…]"),
    ("hincr", "KEY FIELD[/FIELD…] N"),
    ("hcounter", "KEY FIELD[/FIELD…]"),
    ("hsadd", "KEY FIELD[/FIELD…] ELEMENT"),
    ("hsrem", "KEY FIELD[/FIELD…] ELEMENT"),
    ("hsmembers", "KEY FIELD[/FIELD…]"),
    ("hkeys", "KEY [FIELD[/FIELD…]]"),
    ("hdel", "KEY FIELD[/FIELD…]"),
    ("txn", "WRITE; WRITE; …"),
    ("token", ""),
    ("session", "[TOKEN]"),
    ("digest", ""),
];

/// Commands of types and features that come later.
const NOT_BUILT: [&str; 37] = [
    "mvset",
    "mvget",
    "enable",
    "disable",
    "flag",
    "dwenable",
    "dwdisable",
    "dwflag",
    "rwadd",
    "rwrem",
    "rwmembers",
    "zadd",
    "zincr",
    "zrem",
    "zscore",
    "zrange",
    "rpush",
    "lpush",
    "linsafter",
    "lrem",
    "lset",
    "list",
    "pfadd",
    "pfcount",
    "binc",
    "bdec",
    "bgive",
    "bval",
    "rights",
    "expire",
    "persist",
    "scan",
    "durability",
    "begin",
    "commit",
    "bincr",
    "bdecr",
];

fn known() -> String {
    USAGE.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

/// What a line asks for; `None` for a blank line or a comment.
pub(super) fn parse(line: &str, keyspace: KeyspaceId) -> Result<Option<Command>, ParseError> {
    let is_txn = line.split_whitespace().next() == Some("txn");
    let words = words(line, is_txn)?;
    let Some((command, arguments)) = words.split_first() else {
        return Ok(None);
    };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let at = |key: &str| Object::new(keyspace, key.as_bytes().to_vec());
    let read = |object, query| Command::Read { object, query };
    let command = match (command.as_str(), arguments.as_slice()) {
        ("get", [key]) => read(at(key), Query::Get),
        ("counter", [key]) => read(at(key), Query::Sum),
        ("smembers", [key]) => read(at(key), elements()),
        ("hget", [key, path]) => read(field(at(key), path), Query::Get),
        ("hcounter", [key, path]) => read(field(at(key), path), Query::Sum),
        ("hsmembers", [key, path]) => read(field(at(key), path), elements()),
        ("hkeys", [key]) => read(at(key), fields()),
        ("hkeys", [key, path]) => read(field(at(key), path), fields()),
        ("token", []) => Command::Token,
        ("session", []) => Command::Session(None),
        ("session", [token]) => Command::Session(Some((*token).to_owned())),
        ("digest", []) => Command::Digest,
        ("txn", operations) => Command::Write(transaction(operations, keyspace)?),
        (word, arguments) => Command::Write(vec![write(word, arguments, keyspace)?]),
    };
    Ok(Some(command))
}

fn elements() -> Query {
    Query::Elements(halcyon_crdt::query::PageRequest::default())
}

fn fields() -> Query {
    Query::Fields(halcyon_crdt::query::PageRequest::default())
}

fn transaction(words: &[&str], keyspace: KeyspaceId) -> Result<Vec<Update>, ParseError> {
    let mut operations: Vec<_> = words.split(|word| *word == ";").collect();
    // A `;` behind the last operation is a habit, not an empty operation.
    if operations.len() > 1 && operations.last().is_some_and(|last| last.is_empty()) {
        operations.pop();
    }
    let one = |operation: &&[&str]| match operation.split_first() {
        Some((word, arguments)) => write(word, arguments, keyspace),
        None => Err(bad_arguments("txn")),
    };
    operations.iter().map(one).collect()
}

fn write(word: &str, arguments: &[&str], keyspace: KeyspaceId) -> Result<Update, ParseError> {
    let at = |key: &str| Object::new(keyspace, key.as_bytes().to_vec());
    let update = |object, op| Ok(Update { object, op });
    match (word, arguments) {
        ("set", [key, value]) => update(at(key), set(value)),
        ("del", [key]) => update(at(key), Op::Delete),
        ("incr", [key, n]) => update(at(key), add(n)?),
        ("reset", [key]) => update(at(key), Op::Reset),
        ("sadd", [key, element]) => update(at(key), Op::Insert { element: bytes(element) }),
        ("srem", [key, element]) => update(at(key), Op::Remove { element: bytes(element) }),
        ("hset", [key, path, value]) => update(field(at(key), path), set(value)),
        ("hincr", [key, path, n]) => update(field(at(key), path), add(n)?),
        ("hsadd", [key, path, element]) => update(field(at(key), path), Op::Insert { element: bytes(element) }),
        ("hsrem", [key, path, element]) => update(field(at(key), path), Op::Remove { element: bytes(element) }),
        ("hdel", [key, path]) => update(field(at(key), path), Op::Delete),
        (known, _) if USAGE.iter().any(|(word, _)| *word == known) => Err(bad_arguments(known)),
        (later, _) if NOT_BUILT.contains(&later) => Err(ParseError::NotBuilt { word: later.to_owned() }),
        (word, _) => Err(ParseError::UnknownCommand { word: word.to_owned() }),
    }
}

fn bad_arguments(word: &str) -> ParseError {
    let usage = USAGE.iter().find(|(known, _)| *known == word).map_or("", |(_, usage)| *usage);
    let message = match word {
        "txn" => format!("txn takes writes: {word} {usage}"),
        _ => format!("the arguments do not fit; use: {word} {usage}").trim_end().to_owned(),
    };
    ParseError::BadArguments { message }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A path `f1/f2` of nested maps. An empty component is the node's to refuse, with the limit that it breaks.
fn field(object: Object, path: &str) -> Object {
    path.split('/').fold(object, |object, component| object.field(bytes(component)))
}

/// A register's payload: the MessagePack string, as the SDK writes a `&str`.
fn set(value: &str) -> Op {
    Op::Set { value: rmp_serde::to_vec(value).unwrap_or_default().into() }
}

fn add(n: &str) -> Result<Op, ParseError> {
    n.parse()
        .map(|amount| Op::Add { amount })
        .map_err(|_| ParseError::BadArguments { message: format!("{n:?} is not a whole number of 64 bits") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyspace() -> KeyspaceId {
        KeyspaceId::try_from(10).unwrap()
    }

    fn at(key: &str, path: &[&str]) -> Object {
        path.iter().fold(Object::new(keyspace(), key.as_bytes().to_vec()), |object, part| object.field(bytes(part)))
    }

    fn updates(line: &str) -> Vec<Update> {
        match parse(line, keyspace()) {
            Ok(Some(Command::Write(updates))) => updates,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn every_write_becomes_its_update() {
        let cases = [
            ("set k v", at("k", &[]), set("v")),
            ("set k \"two words; # \\\" and \\u00fc\"", at("k", &[]), set("two words; # \" and ü")),
            ("set k a;b # a comment", at("k", &[]), set("a;b")),
            ("  del k  ", at("k", &[]), Op::Delete),
            ("incr k -5", at("k", &[]), Op::Add { amount: -5 }),
            ("incr k 9223372036854775807", at("k", &[]), Op::Add { amount: i64::MAX }),
            ("reset k", at("k", &[]), Op::Reset),
            ("sadd s x", at("s", &[]), Op::Insert { element: bytes("x") }),
            ("srem s x", at("s", &[]), Op::Remove { element: bytes("x") }),
            ("hset m u/name ann", at("m", &["u", "name"]), set("ann")),
            ("hincr m u/visits 10", at("m", &["u", "visits"]), Op::Add { amount: 10 }),
            ("hsadd m tags red", at("m", &["tags"]), Op::Insert { element: bytes("red") }),
            ("hsrem m tags red", at("m", &["tags"]), Op::Remove { element: bytes("red") }),
            ("hdel m u", at("m", &["u"]), Op::Delete),
        ];
        for (line, object, op) in cases {
            assert_eq!(updates(line), [Update { object, op }], "{line}");
        }
    }

    #[test]
    fn a_transaction_is_its_writes_in_order() {
        for line in ["txn incr k 1; sadd s x;hset m f v", "txn incr k 1 ; sadd s x; hset m f v;"] {
            let wanted = ["incr k 1", "sadd s x", "hset m f v"].map(|one| updates(one).remove(0));
            assert_eq!(updates(line), wanted, "{line}");
        }
        assert_eq!(updates("txn set k \"a; b\"; set l c").len(), 2);
    }

    #[test]
    fn every_read_becomes_its_query() {
        let read = |object, query| Some(Command::Read { object, query });
        let cases = [
            ("get k", read(at("k", &[]), Query::Get)),
            ("counter k", read(at("k", &[]), Query::Sum)),
            ("smembers s", read(at("s", &[]), elements())),
            ("hget m a/b", read(at("m", &["a", "b"]), Query::Get)),
            ("hcounter m a", read(at("m", &["a"]), Query::Sum)),
            ("hsmembers m a", read(at("m", &["a"]), elements())),
            ("hkeys m", read(at("m", &[]), fields())),
            ("hkeys m a", read(at("m", &["a"]), fields())),
            ("token", Some(Command::Token)),
            ("session 1.5:3", Some(Command::Session(Some("1.5:3".to_owned())))),
            ("session", Some(Command::Session(None))),
            ("digest", Some(Command::Digest)),
            ("", None),
            ("   # a comment", None),
        ];
        for (line, command) in cases {
            assert_eq!(parse(line, keyspace()), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_says_what_would_be() {
        let cases = [
            ("frobnicate k", "UnknownCommand", "smembers"),
            ("GET k", "UnknownCommand", "get"),
            ("zadd z m 1", "NotBuilt", "zadd"),
            ("txn expire k 5", "NotBuilt", "expire"),
            ("get", "BadArguments", "get KEY"),
            ("get a b", "BadArguments", "get KEY"),
            ("set k", "BadArguments", "set KEY VALUE"),
            ("set k v 1000", "BadArguments", "set KEY VALUE"),
            ("incr k", "BadArguments", "incr KEY N"),
            ("incr k one", "BadArguments", "whole number"),
            ("incr k 1.5", "BadArguments", "whole number"),
            ("incr k 9223372036854775808", "BadArguments", "64 bits"),
            ("token x", "BadArguments", "use: token"),
            ("txn", "BadArguments", "txn takes writes"),
            ("txn incr k 1;; incr k 2", "BadArguments", "txn takes writes"),
            ("txn get k", "BadArguments", "get KEY"),
            ("set k \"open", "BadArguments", "JSON string"),
            ("set k \"a\"b", "BadArguments", "closing quote"),
        ];
        for (line, name, message) in cases {
            let error = parse(line, keyspace()).expect_err(line);
            assert_eq!(error.name(), name, "{line}");
            assert!(error.to_string().contains(message), "{line}: {error}");
        }
    }
}
