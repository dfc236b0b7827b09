//! The history of a run: who asked what where, what came of it, and what was done to the cluster meanwhile.
//!
//! One file of JSON lines. Every line has a number `n` from one counter, so that "before" has one meaning for all
//! processes: what was answered at 7 was over before what was asked at 9 began. A call that was asked and never answered
//! has an unknown outcome.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::op::{Read, Update, Value};
use crate::vector::{Dot, Vector};

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    Header(Header),
    Asked(Asked),
    Answered(Answered),
    Fault(Fault),
    Converged(Converged),
}

/// What the run was. The checkers want so many operations to judge per minute; a history cut down to its point says 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) seed: u64,
    pub(crate) minutes: f64,
    pub(crate) regions: usize,
}

/// How something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// One read, or one batch.
    Plain,
    /// A batch that removes what the session's token has seen.
    Context,
    /// Reads of one moment, then updates as one record, or none.
    Transaction,
    /// The same; refused if what was read has changed in the region.
    Checked,
}

/// A call begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) n: u64,
    pub(crate) ms: u64,
    pub(crate) call: u64,
    pub(crate) process: String,
    /// From 0.
    pub(crate) region: usize,
    pub(crate) how: How,
    /// What the region must have seen first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<Vector>,
    /// A write's name. Another call with the same name is a retry of it, and has the same updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reads: Vec<Read>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) updates: Vec<Update>,
}

/// It ends.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) n: u64,
    pub(crate) ms: u64,
    pub(crate) call: u64,
    /// A transaction's moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<Vector>,
    /// What its reads were answered; fewer than asked, if the next one failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<Value>,
    /// The same reads within the transaction, once its updates were noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) again: Vec<Value>,
    /// What the region had seen after a plain read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Vector>,
    pub(crate) end: End,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// Its reads are answered; it wrote nothing.
    #[default]
    Read,
    Written {
        dot: Dot,
        token: Vector,
    },
    /// Definite: nothing was written, and nothing will be.
    Refused(String),
    Unknown(String),
}

/// A fault begins or ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) n: u64,
    pub(crate) ms: u64,
    /// The same at its begin and its end.
    pub(crate) nth: u64,
    pub(crate) kind: String,
    /// Whose node, if it is a node that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<usize>,
    pub(crate) begins: bool,
    /// By how much a clock is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) off_ms: Option<i64>,
    pub(crate) detail: String,
}

/// After every fault has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Converged {
    pub(crate) n: u64,
    pub(crate) ms: u64,
    /// From the heal; absent if not in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) took_ms: Option<u64>,
    /// Each region's token and digest, the last that were told.
    pub(crate) regions: Vec<(Vector, String)>,
}

/// The process whose calls are the final reads.
pub(crate) const FINAL: &str = "final";

/// A call, whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) asked: Asked,
    pub(crate) answered: Option<Answered>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct History {
    pub(crate) header: Header,
    /// In the order in which they were asked.
    pub(crate) calls: Vec<Call>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) converged: Option<Converged>,
}

impl History {
    pub(crate) fn of_lines(lines: impl IntoIterator<Item = Line>) -> Result<Self, String> {
        let mut header = None;
        let (mut calls, mut of_call) = (Vec::<Call>::new(), BTreeMap::new());
        let (mut faults, mut converged) = (Vec::new(), None);
        for line in lines {
            match line {
                Line::Header(found) => header = Some(found),
                Line::Asked(asked) => {
                    of_call.insert(asked.call, calls.len());
                    calls.push(Call { asked, answered: None });
                }
                Line::Answered(answered) => {
                    let call = of_call.get(&answered.call).and_then(|at| calls.get_mut(*at));
                    let call = call.ok_or_else(|| format!("call {} was never asked", answered.call))?;
                    call.answered = Some(answered);
                }
                Line::Fault(fault) => faults.push(fault),
                Line::Converged(found) => converged = Some(found),
            }
        }
        Ok(Self { header: header.ok_or("a history begins with its header")?, calls, faults, converged })
    }

    pub(crate) fn load(file: &Path) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let lines = BufReader::new(File::open(file).map_err(|error| named(&error))?).lines();
        let parse = |line: std::io::Result<String>| -> Result<Line, String> {
            serde_json::from_str(&line.map_err(|error| named(&error))?).map_err(|error| named(&error))
        };
        Self::of_lines(lines.map(parse).collect::<Result<Vec<_>, _>>()?)
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::Header(self.header.clone())];
        let mut rest: Vec<(u64, Line)> = Vec::new();
        for Call { asked, answered } in &self.calls {
            rest.push((asked.n, Line::Asked(asked.clone())));
            rest.extend(answered.iter().map(|answered| (answered.n, Line::Answered(answered.clone()))));
        }
        rest.extend(self.faults.iter().map(|fault| (fault.n, Line::Fault(fault.clone()))));
        rest.extend(self.converged.iter().map(|converged| (converged.n, Line::Converged(converged.clone()))));
        rest.sort_by_key(|(n, _)| *n);
        lines.extend(rest.into_iter().map(|(_, line)| line));
        lines
    }

    pub(crate) fn save(&self, file: &Path) -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(file)?);
        for line in self.lines() {
            serde_json::to_writer(&mut out, &line)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    }
}
