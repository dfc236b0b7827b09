//! The scenario language, as text and as steps.
//!
//! ```text
//! [C2 reset keeps exactly the concurrent increments]   # a scenario: its name, and the steps below it
//! A incr k 100                                         # one write, at region A, B or C
//! A->B                                                 # B catches up from A; `A->B own`: with A's own records alone
//! B reset k
//! A incr k 30
//! sync                                                 # all pairs, until quiet; replicas are then equal byte for byte
//! expect * counter k => 30                             # a read, at one region or at every one
//! ```
//!
//! | step | does |
//! |---|---|
//! | `A OP KEY …`, `A OP KEY … ctx=TOK` | one write; with `ctx` it has seen what `save` saw, not what the region sees now |
//! | `begin A t`, `A@t OP KEY …`, `commit A t` | a transaction: snapshot, buffered write, commit |
//! | `txn A OP KEY …; OP KEY …` | several writes as one record |
//! | `A->B`, `A->B own`, `sync` | replication; without it every line is cut |
//! | `clock A MS`, `advance MS` | sets one region's clock, moves every clock on |
//! | `save A TOK` | keeps what A has seen now under a name |
//! | `expect A QUERY KEY … => TEXT`, `expect * …` | a read, and what it prints ([`Value`]) |
//! | `err A OP KEY … => NAME` | a write, and the name of its refusal; `ok`: none |
//!
//! [`vocabulary`] holds the operations and queries. Each works on the object under a key; `at KEY FIELD/FIELD… OP …`
//! applies the same word to the object at that path of the map under the key, and `hset`, `hincr`, `hget` and their like
//! are short for it. A key is a word like any other: it may hold `:` and `/`, and no prefix or suffix of it means anything.
//!
//! A word is what stands between blanks; `#` begins a comment anywhere. [`Command`] and [`Query`] are made from words, so
//! that a front end with words of its own (quoted ones, say) speaks the same operations.
//!
//! Whatever is printed here (`Display`) parses to the same step, as long as its words are words: not empty, without
//! blanks, `#`, and `;` in a transaction.
//!
//! Must never: guess. A line is understood to its last word or refused with its number and a remedy.

mod command;
mod error;
mod file;
mod line;
mod meaning;
mod object;
mod op;
mod query;
mod region;
mod run;
mod statement;
mod step;
mod text;
pub mod vocabulary;

#[cfg(test)]
mod tests;

pub use command::{Command, transaction};
pub use error::{CommandError, ScenarioError, StepError};
pub use file::{Scenario, parse};
pub use meaning::{Dialect, MeaningError, Reader, every_page, print};
pub use object::ObjectRef;
pub use op::{CommandOp, ListEnd, ListSide};
pub use query::{Query, QueryKind};
pub use region::{Region, Regions};
pub use run::{Refused, Verdict, World, run, take};
pub use statement::Statement;
pub use step::{Step, StepKind};
pub use text::Value;
