//! What came of the scenarios: a line each as they end, or one document when all have.

use std::time::Duration;

use halcyon_sim::scenario::{Scenario, Verdict};
use serde_json::{Value, json};

use crate::out::{OutputError, say};
use crate::progress::Progress;

/// The verdicts so far.
pub(super) struct Report {
    /// Rows of the document, and a bar while it is made; none where lines are printed.
    document: Option<(Vec<Value>, Progress)>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Report {
    /// Of so many scenarios; `json`: as a document.
    pub(super) fn new(json: bool, scenarios: usize) -> Self {
        let progress = || Progress::new("scenarios", "scenarios", scenarios as u64);
        Self { document: json.then(|| (Vec::new(), progress())), passed: 0, failed: 0, skipped: 0 }
    }

    /// Takes a verdict in, and prints its line.
    ///
    /// # Errors
    /// Nobody reads standard output any more.
    pub(super) fn take(&mut self, scenario: &Scenario, verdict: &Verdict, took: Duration) -> Result<(), OutputError> {
        let (count, word, why) = match verdict {
            Verdict::Passed => (&mut self.passed, "ok", None),
            Verdict::Failed(why) => (&mut self.failed, "FAIL", Some(why)),
            Verdict::Skipped(why) => (&mut self.skipped, "skip", Some(why)),
        };
        *count += 1;
        let name = &scenario.name;
        if let Some((rows, progress)) = &mut self.document {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            rows.push(json!({ "name": name, "line": scenario.line, "verdict": word, "why": why, "ms": ms }));
            progress.step();
            return Ok(());
        }
        match why {
            // One line a scenario, whatever an error has to say.
            Some(why) => say(format_args!("{word} {name}: {}", why.replace('\n', " "))),
            None => say(format_args!("{word} {name}")),
        }
    }

    /// Prints the counts, or the document; says how many have failed, of how many.
    ///
    /// # Errors
    /// Nobody reads standard output any more.
    pub(super) fn end(self) -> Result<(usize, usize), OutputError> {
        let Self { document, passed, failed, skipped } = self;
        let all = passed + failed + skipped;
        if let Some((rows, progress)) = document {
            progress.end();
            say(format_args!(
                "{:#}",
                json!({ "scenarios": rows, "ok": passed, "failed": failed, "skipped": skipped })
            ))?;
        } else {
            say(format_args!("{all} scenarios: {passed} ok, {failed} failed, {skipped} skipped"))?;
        }
        Ok((failed, all))
    }
}
