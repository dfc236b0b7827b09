//! Standard output. A reader that has gone away (`halcyon status | head -1`) is an error like any other, not a panic.

use std::fmt::Display;
use std::io::{self, Write};

use crate::Remedy;

/// Why a text was not printed. What the command did before stays done.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written: {0}")]
pub(crate) struct OutputError(#[from] io::Error);

impl Remedy for OutputError {}

/// Prints a text and ends the line, at once.
pub(crate) fn say(text: impl Display) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
