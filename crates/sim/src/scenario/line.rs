//! A line becomes a step.

use super::command::{Command, transaction};
use super::error::StepError;
use super::op::CommandOp;
use super::query::Query;
use super::region::{Region, Regions};
use super::step::StepKind;

impl StepKind {
    /// The step that a line is; the line has no comment.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(line: &str) -> Result<Self, StepError> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((&first, rest)) = words.split_first() else {
            return Err(StepError::Unknown { word: String::new() });
        };
        match (first, rest) {
            ("sync", []) => Ok(Self::Sync),
            ("sync", _) => Err(StepError::Shape { usage: "sync" }),
            ("clock", [at, ms]) => Ok(Self::Clock { region: region(at)?, ms: milliseconds(ms)? }),
            ("clock", _) => Err(StepError::Shape { usage: "clock REGION MS" }),
            ("advance", [ms]) => Ok(Self::Advance(milliseconds(ms)?)),
            ("advance", _) => Err(StepError::Shape { usage: "advance MS" }),
            ("save", [at, token]) => Ok(Self::Save { region: region(at)?, token: (*token).to_owned() }),
            ("save", _) => Err(StepError::Shape { usage: "save REGION TOKEN" }),
            ("begin", [at, name]) => Ok(Self::Begin { region: region(at)?, transaction: (*name).to_owned() }),
            ("begin", _) => Err(StepError::Shape { usage: "begin REGION TRANSACTION" }),
            ("commit", [at, name]) => Ok(Self::Commit { region: region(at)?, transaction: (*name).to_owned() }),
            ("commit", _) => Err(StepError::Shape { usage: "commit REGION TRANSACTION" }),
            ("txn", [at, operations @ ..]) => {
                let commands = batch(&operations.join(" "))?;
                Ok(Self::Transaction { region: region(at)?, commands })
            }
            ("txn", []) => Err(StepError::Shape { usage: "txn REGION OPERATION; OPERATION; …" }),
            ("expect", _) => expect(line),
            ("err", _) => fails(line),
            (first, rest) if first.contains("->") => pull(first, rest),
            (first, rest) if first.contains('@') => buffer(first, rest),
            (first, rest) => {
                let at = Region::of_letter(first).ok_or_else(|| StepError::Unknown { word: first.to_owned() })?;
                let (command, context) = write(rest)?;
                Ok(Self::Write { region: at, command, context })
            }
        }
    }
}

fn region(word: &str) -> Result<Region, StepError> {
    Region::of_letter(word).ok_or_else(|| StepError::Region { word: word.to_owned() })
}

fn milliseconds(word: &str) -> Result<u64, StepError> {
    word.parse().map_err(|_| StepError::Milliseconds { word: word.to_owned() })
}

fn pull(arrow: &str, rest: &[&str]) -> Result<StepKind, StepError> {
    let (from, to) = arrow.split_once("->").unwrap_or_default();
    let own = match rest {
        [] => false,
        ["own"] => true,
        _ => return Err(StepError::Shape { usage: "A->B, or A->B own" }),
    };
    Ok(StepKind::Pull { from: region(from)?, to: region(to)?, own })
}

fn buffer(first: &str, rest: &[&str]) -> Result<StepKind, StepError> {
    let (at, transaction) = first.split_once('@').unwrap_or_default();
    let at = region(at)?;
    if transaction.is_empty() {
        return Err(StepError::Shape { usage: "A@TRANSACTION OPERATION KEY …" });
    }
    no_context(rest)?;
    Ok(StepKind::Buffer { region: at, transaction: transaction.to_owned(), command: command(rest)? })
}

fn batch(operations: &str) -> Result<Vec<Command>, StepError> {
    let apart = operations.replace(';', " ; ");
    let words: Vec<&str> = apart.split_whitespace().collect();
    no_context(words.strip_suffix(&[";"]).unwrap_or(&words))?;
    let commands = transaction(&words)?;
    commands.iter().try_for_each(receiver)?;
    Ok(commands)
}

/// A command, and the context behind it.
fn write(words: &[&str]) -> Result<(Command, Option<String>), StepError> {
    let behind = words.split_last().and_then(|(last, ahead)| Some((ahead, last.strip_prefix("ctx=")?)));
    match behind {
        Some((_, "")) => Err(StepError::Shape { usage: "REGION OPERATION KEY … ctx=TOKEN" }),
        Some((ahead, token)) => Ok((command(ahead)?, Some(token.to_owned()))),
        None => Ok((command(words)?, None)),
    }
}

/// A trailing `ctx=` would be taken for a word of the operation, as an element say, without anyone noticing.
fn no_context(words: &[&str]) -> Result<(), StepError> {
    match words.last() {
        Some(last) if last.starts_with("ctx=") => Err(StepError::Context { word: (*last).to_owned() }),
        _ => Ok(()),
    }
}

fn command(words: &[&str]) -> Result<Command, StepError> {
    let command = Command::parse(words)?;
    receiver(&command)?;
    Ok(command)
}

/// Elsewhere rights go to a region by its name; in a scenario it has a letter.
fn receiver(command: &Command) -> Result<(), StepError> {
    match &command.op {
        CommandOp::BoundedGive { to, .. } => region(to).map(|_| ()),
        _ => Ok(()),
    }
}

const EXPECT: &str = "expect REGION|* QUERY KEY … => TEXT";
const ERR: &str = "err REGION OPERATION KEY … => NAME";

/// The words between the first and the arrow, and the text behind the arrow. The text may have arrows in it.
fn halves<'a>(line: &'a str, usage: &'static str) -> Result<(Vec<&'a str>, &'a str), StepError> {
    let shape = StepError::Shape { usage };
    let Some((ahead, behind)) = line.split_once("=>") else { return Err(shape) };
    let behind = behind.trim();
    if behind.is_empty() {
        return Err(shape);
    }
    Ok((ahead.split_whitespace().skip(1).collect(), behind))
}

fn expect(line: &str) -> Result<StepKind, StepError> {
    let (words, text) = halves(line, EXPECT)?;
    let Some((at, query)) = words.split_first() else { return Err(StepError::Shape { usage: EXPECT }) };
    let regions = if *at == "*" { Regions::Every } else { Regions::One(region(at)?) };
    Ok(StepKind::Expect { regions, query: Query::parse(query)?, text: text.to_owned() })
}

fn fails(line: &str) -> Result<StepKind, StepError> {
    let (words, name) = halves(line, ERR)?;
    let Some((at, words)) = words.split_first() else { return Err(StepError::Shape { usage: ERR }) };
    if name.contains(char::is_whitespace) {
        return Err(StepError::Shape { usage: ERR });
    }
    let at = region(at)?;
    let (command, context) = write(words)?;
    Ok(StepKind::Fails { region: at, command, context, name: name.to_owned() })
}
