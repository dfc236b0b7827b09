//! The words of `halcyon exec`: the scenario language without its region letters, and what a session at one region needs
//! besides.
//!
//! A line becomes a [`Command`] or a typed error; nothing is guessed, and nothing is sent before the whole line is
//! understood.

use halcyon_sim::scenario::{self, CommandError, Query, Statement, vocabulary};

use super::words::{Word, words};

/// What a line asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    /// One atomic record.
    Write {
        /// Its writes, in order.
        writes: Vec<scenario::Command>,
        /// The text of the token that they have seen; none: what the region has.
        context: Option<String>,
    },
    /// One read; of a collection, every page.
    Read(Query),
    /// Begin a transaction under this name.
    Begin(String),
    /// A write or read in an open transaction.
    Within {
        /// Its name.
        transaction: String,
        /// What is to be done.
        statement: Statement,
    },
    /// Commit an open transaction.
    Commit {
        /// Its name.
        transaction: String,
        /// Only if everything that it read would still read the same.
        check: bool,
    },
    /// Forget an open transaction.
    Abort(String),
    /// The keys that begin so, a page of them.
    Scan {
        /// What they begin with.
        beginning: String,
        /// What the page before told as its `next`.
        cursor: Option<String>,
    },
    /// The region's vector, as a session token.
    Token,
    /// Everything from now on waits for this token; none: nothing waits any more.
    Session(Option<String>),
    /// The digest of all rows.
    Digest,
}

/// Why a line is no command. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ParseError {
    #[error(
        "{word:?} is no command; writes are: {}; reads are: {}; and there are: {}",
        list(&vocabulary::WRITES), list(&vocabulary::READS), list(&OWN)
    )]
    Unknown { word: String },
    #[error("`{word}` is not built yet: {what} come later")]
    NotBuilt { word: String, what: &'static str },
    #[error("`{word}` reads, and only writes become part of a record; read on a line of its own")]
    Read { word: String },
    #[error(transparent)]
    Language(CommandError),
    #[error("the words behind `{word}` do not fit; use: {word} {usage}")]
    Usage { word: &'static str, usage: &'static str },
    #[error("{0}")]
    Words(String),
}

impl ParseError {
    /// Its name, for scripts.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "UnknownCommand",
            Self::NotBuilt { .. } => "NotBuilt",
            Self::Language(error) => error.name(),
            Self::Read { .. } | Self::Usage { .. } | Self::Words(_) => "BadArguments",
        }
    }
}

impl From<CommandError> for ParseError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Unknown { word } => Self::Unknown { word },
            CommandError::NotBuilt { word, what } => Self::NotBuilt { word, what },
            CommandError::ReadForWrite { word } => Self::Read { word },
            error => Self::Language(error),
        }
    }
}

/// The commands that scenarios do not have, or have otherwise, with what stands behind them.
pub(super) const OWN: [(&str, &str); 9] = [
    ("txn", "WRITE; WRITE; … [ctx=TOKEN]"),
    ("begin", "T"),
    ("@T", "WRITE | READ"),
    ("commit", "T [check]"),
    ("abort", "T"),
    ("scan", "PREFIX [CURSOR]"),
    ("token", ""),
    ("session", "[TOKEN]"),
    ("digest", ""),
];

fn list(table: &[(&'static str, &'static str)]) -> String {
    table.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

fn misused(word: &'static str) -> ParseError {
    let usage = OWN.iter().find(|(own, _)| *own == word).map_or("", |(_, usage)| *usage);
    ParseError::Usage { word, usage }
}

/// What a line asks for; `None` for a blank line or a comment.
pub(super) fn parse(line: &str) -> Result<Option<Command>, ParseError> {
    let is_txn = line.split_whitespace().next() == Some("txn");
    let words = words(line, is_txn)?;
    let Some((first, behind)) = words.split_first() else { return Ok(None) };
    let text = |word: &Word| word.text().to_owned();
    Ok(Some(match (first.text(), behind) {
        ("txn", _) => {
            let (operations, context) = context(behind);
            Command::Write { writes: transaction(operations)?, context }
        }
        ("begin", [name]) => Command::Begin(text(name)),
        ("begin", _) => return Err(misused("begin")),
        ("commit", [name]) => Command::Commit { transaction: text(name), check: false },
        ("commit", [name, check]) if check.plain() == Some("check") => {
            Command::Commit { transaction: text(name), check: true }
        }
        ("commit", _) => return Err(misused("commit")),
        ("abort", [name]) => Command::Abort(text(name)),
        ("abort", _) => return Err(misused("abort")),
        ("scan", [beginning]) => Command::Scan { beginning: text(beginning), cursor: None },
        ("scan", [beginning, cursor]) => Command::Scan { beginning: text(beginning), cursor: Some(text(cursor)) },
        ("scan", _) => return Err(misused("scan")),
        ("token", []) => Command::Token,
        ("token", _) => return Err(misused("token")),
        ("session", []) => Command::Session(None),
        ("session", [token]) => Command::Session(Some(text(token))),
        ("session", _) => return Err(misused("session")),
        ("digest", []) => Command::Digest,
        ("digest", _) => return Err(misused("digest")),
        ("durability", _) => {
            return Err(ParseError::NotBuilt { word: "durability".to_owned(), what: "write concerns" });
        }
        (at, _) if at.starts_with('@') => within(at, behind)?,
        _ => plain(&words)?,
    }))
}

fn plain(words: &[Word]) -> Result<Command, ParseError> {
    let (ahead, context) = context(words);
    Ok(match (Statement::parse(&texts(ahead))?, context) {
        (Statement::Write(write), context) => Command::Write { writes: vec![write], context },
        (Statement::Read(query), None) => Command::Read(query),
        (Statement::Read(_), Some(_)) => {
            let message = "a read takes no ctx; to wait for a token, use: session TOKEN";
            return Err(ParseError::Words(message.to_owned()));
        }
    })
}

fn within(at: &str, behind: &[Word]) -> Result<Command, ParseError> {
    let transaction = at.strip_prefix('@').filter(|name| !name.is_empty()).ok_or_else(|| misused("@T"))?.to_owned();
    if let (_, Some(_)) = context(behind) {
        let message = "a transaction has seen its snapshot, and takes no ctx";
        return Err(ParseError::Words(message.to_owned()));
    }
    Ok(Command::Within { transaction, statement: Statement::parse(&texts(behind))? })
}

/// The writes between the `;`. One behind the last is a habit, not an empty write.
fn transaction(words: &[Word]) -> Result<Vec<scenario::Command>, ParseError> {
    let ends = |word: &Word| word.plain() == Some(";");
    let words = words.split_last().filter(|(last, _)| ends(last)).map_or(words, |(_, ahead)| ahead);
    if words.is_empty() {
        return Err(misused("txn"));
    }
    words.split(ends).map(|write| Ok(scenario::Command::parse(&texts(write))?)).collect()
}

/// The words ahead of a `ctx=TOKEN`, and the token.
fn context(words: &[Word]) -> (&[Word], Option<String>) {
    let behind = words.split_last().and_then(|(last, ahead)| Some((ahead, last.plain()?.strip_prefix("ctx=")?)));
    behind.map_or((words, None), |(ahead, token)| (ahead, Some(token.to_owned())))
}

fn texts(words: &[Word]) -> Vec<&str> {
    words.iter().map(Word::text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(words: &str) -> scenario::Command {
        scenario::Command::parse(&words.split(' ').collect::<Vec<_>>()).unwrap()
    }

    fn read(words: &str) -> Query {
        Query::parse(&words.split(' ').collect::<Vec<_>>()).unwrap()
    }

    fn writes(lines: &[&str], context: Option<&str>) -> Command {
        Command::Write {
            writes: lines.iter().map(|line| write(line)).collect(),
            context: context.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn every_word_of_the_language_is_a_command_of_its_own_kind() {
        for (word, behind) in vocabulary::WRITES {
            let line = format!("{word} k {}", sample(behind));
            assert!(matches!(parse(&line), Ok(Some(Command::Write { .. }))), "{line}: {:?}", parse(&line));
        }
        for (word, behind) in vocabulary::READS {
            let line = format!("{word} k {}", sample(behind));
            assert!(matches!(parse(&line), Ok(Some(Command::Read(_)))), "{line}: {:?}", parse(&line));
        }
    }

    /// Words that fit a usage.
    fn sample(usage: &str) -> String {
        // What may be left out stands at the end.
        let words = usage.split('[').next().unwrap().split_whitespace();
        let fitting = words.map(|word| match word.trim_end_matches('…') {
            "N" | "MS" | "INDEX" | "SCORE" | "DELTA" | "START" | "STOP" | "MIN" | "MAX" => "1",
            "front|back" => "front",
            "TYPE" => "set",
            _ => "x",
        });
        fitting.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_quoted_word_is_text_whatever_it_says() {
        let mut spaced = write("set k v");
        spaced.op = scenario::CommandOp::Set { value: "two words; # \" and ü".to_owned(), ttl_ms: None };
        let line = "set k \"two words; # \\\" and \\u00fc\"";
        assert_eq!(parse(line), Ok(Some(Command::Write { writes: vec![spaced], context: None })));
        assert_eq!(parse("sadd s \"ctx=1\""), Ok(Some(writes(&["sadd s ctx=1"], None))));
        assert_eq!(parse("txn sadd s \";\"; sadd s y"), Ok(Some(writes(&["sadd s ;", "sadd s y"], None))));
        assert!(matches!(parse("commit t \"check\""), Err(ParseError::Usage { .. })));
    }

    #[test]
    fn a_transaction_is_its_writes_in_order() {
        let wanted = Ok(Some(writes(&["incr k 1", "sadd s x", "hset m f v"], None)));
        for line in ["txn incr k 1; sadd s x;hset m f v", "txn incr k 1 ; sadd s x; hset m f v;"] {
            assert_eq!(parse(line), wanted, "{line}");
        }
    }

    #[test]
    fn a_context_stands_behind_a_write() {
        assert_eq!(parse("srem s x ctx=1.5:3"), Ok(Some(writes(&["srem s x"], Some("1.5:3")))));
        assert_eq!(parse("txn srem s x; del k ctx=-"), Ok(Some(writes(&["srem s x", "del k"], Some("-")))));
    }

    #[test]
    fn sessions_transactions_and_scans_have_commands_of_their_own() {
        let text = |text: &str| text.to_owned();
        let cases = [
            ("token", Command::Token),
            ("session 1.5:3", Command::Session(Some(text("1.5:3")))),
            ("session", Command::Session(None)),
            ("digest", Command::Digest),
            ("scan \"\"", Command::Scan { beginning: String::new(), cursor: None }),
            ("scan cart: 6b", Command::Scan { beginning: text("cart:"), cursor: Some(text("6b")) }),
            ("begin t", Command::Begin(text("t"))),
            ("@t incr k 1", Command::Within { transaction: text("t"), statement: Statement::Write(write("incr k 1")) }),
            ("@t counter k", Command::Within { transaction: text("t"), statement: Statement::Read(read("counter k")) }),
            ("commit t", Command::Commit { transaction: text("t"), check: false }),
            ("commit t check", Command::Commit { transaction: text("t"), check: true }),
            ("abort t", Command::Abort(text("t"))),
        ];
        for (line, command) in cases {
            assert_eq!(parse(line), Ok(Some(command)), "{line}");
        }
        for nothing in ["", "   # a comment"] {
            assert_eq!(parse(nothing), Ok(None), "{nothing}");
        }
    }

    #[test]
    fn what_is_no_command_says_what_would_be() {
        let cases = [
            ("frobnicate k", "UnknownCommand", "smembers"),
            ("GET k", "UnknownCommand", "commit"),
            ("rwadd s x", "NotBuilt", "remove-wins"),
            ("durability majority", "NotBuilt", "write concerns"),
            ("get", "BadArguments", "get KEY"),
            ("get a b", "BadArguments", "get KEY"),
            ("get a ctx=-", "BadArguments", "session TOKEN"),
            ("incr k one", "BadArguments", "whole number"),
            ("incr k 1.5", "BadArguments", "whole number"),
            ("token x", "BadArguments", "use: token"),
            ("scan", "BadArguments", "scan PREFIX"),
            ("begin", "BadArguments", "begin T"),
            ("commit t now", "BadArguments", "commit T [check]"),
            ("@ incr k 1", "BadArguments", "@T"),
            ("@t", "BadArguments", "missing"),
            ("@t incr k 1 ctx=-", "BadArguments", "snapshot"),
            ("txn", "BadArguments", "txn WRITE"),
            ("txn incr k 1;; incr k 2", "BadArguments", "missing"),
            ("txn get k", "BadArguments", "only writes"),
            ("set k \"open", "BadArguments", "JSON string"),
            ("set k \"a\"b", "BadArguments", "closing quote"),
        ];
        for (line, name, message) in cases {
            let error = parse(line).expect_err(line);
            assert_eq!(error.name(), name, "{line}");
            assert!(error.to_string().contains(message), "{line}: {error}");
        }
    }
}
