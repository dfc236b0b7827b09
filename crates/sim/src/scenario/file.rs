//! A file becomes scenarios.

use std::fmt;

use super::error::{ScenarioError, StepError};
use super::step::{Step, StepKind};

/// A named program.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name; not unique.
    pub name: String,
    /// The line of its name, from 1.
    pub line: usize,
    /// Its steps, or why it must not run: one bad line spoils its scenario and no other. [`ScenarioError::is_not_built`]
    /// tells a scenario to skip from one that is wrong.
    pub steps: Result<Vec<Step>, ScenarioError>,
}

impl Scenario {
    /// Takes in a line's step. The first line that is wrong is reported, and before any that is only not built yet.
    fn push(&mut self, step: Result<Step, ScenarioError>) {
        match (&mut self.steps, step) {
            (Ok(steps), Ok(step)) => steps.push(step),
            (Ok(_), Err(error)) => self.steps = Err(error),
            (Err(known), Err(error)) if known.is_not_built() && !error.is_not_built() => self.steps = Err(error),
            (Err(_), _) => {}
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[{}]", self.name)?;
        match &self.steps {
            Ok(steps) => steps.iter().try_for_each(|step| writeln!(f, "{step}")),
            Err(error) => writeln!(f, "# {error}"),
        }
    }
}

/// The scenarios of a file, in order. `file` is its name, for errors.
///
/// # Errors
/// The first line that belongs to no scenario. What is wrong inside a scenario stands in its `steps`.
pub fn parse(file: &str, text: &str) -> Result<Vec<Scenario>, ScenarioError> {
    // Some editors begin a file with a mark that nobody sees.
    let text = text.trim_start_matches('\u{feff}');
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (line, whole) in (1..).zip(text.lines()) {
        let (code, comment) = whole.split_once('#').map_or((whole, None), |(code, comment)| (code, Some(comment)));
        let code = code.trim();
        let wrong = |problem| ScenarioError::new(file, line, whole.trim(), problem);
        if code.is_empty() {
            continue;
        }
        if code.starts_with('[') {
            let name = name(code, comment.is_some()).ok_or_else(|| wrong(StepError::Name))?;
            scenarios.push(Scenario { name, line, steps: Ok(Vec::new()) });
            continue;
        }
        let Some(scenario) = scenarios.last_mut() else { return Err(wrong(StepError::NoScenario)) };
        scenario.push(StepKind::parse(code).map(|kind| Step { line, kind }).map_err(wrong));
    }
    Ok(scenarios)
}

/// The name between the brackets. A comment may have taken the closing one with it: `[R1 key #1]` is named `R1 key`.
fn name(code: &str, commented: bool) -> Option<String> {
    // Blanks go with the brackets, so that a printed name reads back as itself.
    let name = code.trim_matches(|c: char| c == '[' || c == ']' || c.is_whitespace());
    (!name.is_empty() && (commented || code.ends_with(']'))).then(|| name.to_owned())
}
