//! A bench's answer: a table for people, a JSON document for whoever compares runs.

use std::fmt::Write as _;
use std::fs;

use serde_json::{Map, Value, json};

use crate::rounds::Rounds;
use crate::site::reports;
use crate::target::Target;

/// One measured figure.
#[derive(Debug, Clone)]
pub struct Figure {
    rounds: Rounds,
    unit: &'static str,
    against: Option<(String, f64)>,
    target: Option<Target>,
}

impl Figure {
    /// The median of some rounds.
    pub const fn of(rounds: Rounds, unit: &'static str) -> Self {
        Self { rounds, unit, against: None, target: None }
    }

    /// A figure that was measured once.
    pub fn once(value: f64, unit: &'static str) -> Self {
        Self::of([value].into_iter().collect(), unit)
    }

    /// The median of ratios to what is called `name`, each taken within one round: a mood of the machine that lasts longer
    /// than a round is in neither.
    pub fn ratio_to(name: &str, ratios: Rounds) -> Self {
        Self::of(ratios, "").against(name, 1.0)
    }

    /// Shows it as a ratio to `value`, which is called `name`.
    #[must_use]
    pub fn against(mut self, name: &str, value: f64) -> Self {
        self.against = Some((name.to_owned(), value));
        self
    }

    /// What it is meant to reach: its ratio, if it is shown as one, else itself.
    #[must_use]
    pub const fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.against.as_ref().map(|(_, value)| self.rounds.median() / value)
    }

    fn reached(&self) -> Option<bool> {
        self.target.map(|target| target.reached(self.ratio().unwrap_or_else(|| self.rounds.median())))
    }

    /// The same with `at`, its place among the figures of its report, as JSON objects keep no order.
    fn json(&self, at: usize) -> Value {
        let (least, most) = self.rounds.spread();
        json!({
            "value": self.rounds.median(),
            "unit": self.unit,
            "against": self.against.as_ref().map(|(name, _)| name),
            "ratio": self.ratio(),
            "spread": [least, most],
            "target": self.target.map(|target| target.to_string()),
            "reached": self.reached(),
            "at": at,
        })
    }
}

/// Questions and the figures that answer them.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    questions: Vec<(String, Vec<(String, Figure)>)>,
}

impl Report {
    /// The report of the bench called `name`.
    pub const fn new(name: &'static str) -> Self {
        Self { name, questions: Vec::new() }
    }

    /// Begins a question; the figures that follow answer it.
    pub fn question(&mut self, question: &str) {
        self.questions.push((question.to_owned(), Vec::new()));
    }

    /// One figure of the present question.
    pub fn figure(&mut self, metric: &str, figure: Figure) {
        let (_, figures) = self.questions.last_mut().expect("a question before its figures");
        figures.push((metric.to_owned(), figure));
    }

    /// Prints the table and writes `bench/NAME.json` in the target directory.
    pub fn finish(self) {
        println!("{}", self.table());
        let file = reports().join(format!("{}.json", self.name));
        fs::create_dir_all(reports()).expect("a directory for reports");
        fs::write(&file, format!("{:#}\n", self.answers())).expect("a report");
        println!("written to {}", file.display());
    }

    fn answers(&self) -> Value {
        let (mut answers, mut at) = (Map::new(), 0_usize..);
        for (question, figures) in &self.questions {
            let figures = figures.iter().zip(&mut at).map(|((metric, figure), at)| (metric.clone(), figure.json(at)));
            answers.insert(question.clone(), Value::Object(figures.collect()));
        }
        Value::Object(answers)
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for (question, figures) in &self.questions {
            let _ = writeln!(text, "\n{question}");
            for (metric, figure) in figures {
                let Figure { rounds, unit, against, target } = figure;
                let (least, most) = rounds.spread();
                let spread = if least < most { format!("{} to {}", short(least), short(most)) } else { String::new() };
                let mut ratio = match against {
                    Some((name, value)) => format!("{:.3} of {name}", rounds.median() / value),
                    None => String::new(),
                };
                if let (Some(target), Some(reached)) = (target, figure.reached()) {
                    let _ = write!(ratio, "  [{target}: {}]", if reached { "reached" } else { "MISSED" });
                }
                let value = short(rounds.median());
                let _ = writeln!(text, "  {metric:<44} {value:>11} {unit:<12} {spread:<22} {ratio}");
            }
        }
        text
    }
}

/// Four digits or so.
pub(crate) fn short(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_its_ratio_and_spread() {
        let mut report = Report::new("test");
        report.question("How fast?");
        let rounds: Rounds = [400.0, 500.0, 600.0].into_iter().collect();
        let figure = Figure::of(rounds, "ops/s").against("the ceiling", 1000.0);
        report.figure("speed", figure.target(Target::AtLeast(0.6)));
        let table = report.table();
        assert!(table.contains("0.500 of the ceiling") && table.contains("400 to 600"), "{table}");
        assert!(table.contains("[at least 0.6: MISSED]"), "{table}");
        let answers = report.answers();
        let answer = &answers["How fast?"];
        assert_eq!(answer["speed"]["reached"], false);
        assert_eq!(answer["speed"]["at"], 0);
        assert_eq!(answer["speed"]["ratio"], 0.5);
        assert_eq!(answer["speed"]["spread"], json!([400.0, 600.0]));
        assert_eq!(answer["speed"]["against"], "the ceiling");
    }
}
