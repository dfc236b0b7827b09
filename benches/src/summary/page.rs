//! The page for people: one table per question.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Answers, Machine};
use crate::report::short;

/// Characters of the longest bar.
const BAR: f64 = 16.0;

/// The page, in Markdown.
pub fn page(reports: &[Answers], machine: &Machine) -> String {
    let mut text = String::from(
        "# Benchmarks\n\nWritten by `make bench`. Every figure is a median over several rounds, with the least and the most; \
         a ratio is to what the same run measures beside it, and that is what can be compared from one machine to another. \
         The load comes from the same machine and takes its share of the processors.\n\n",
    );
    for (what, is) in &machine.0 {
        let _ = writeln!(text, "- {what}: {is}");
    }
    let judged: Vec<bool> = figures(reports).filter_map(|figure| figure.get("reached")?.as_bool()).collect();
    let reached = judged.iter().filter(|reached| **reached).count();
    let _ = writeln!(text, "\n{reached} of {} targets are reached.", judged.len());
    for (bench, answers) in reports {
        let _ = writeln!(text, "\n## {bench}");
        let mut questions: Vec<_> = answers.iter().collect();
        questions.sort_by_key(|(_, figures)| ordered(figures).first().map(|(_, figure)| place(figure)));
        for (question, figures) in questions {
            let _ = writeln!(text, "\n### {question}\n");
            text.push_str("| | | | spread | ratio | target |\n|---|---:|---|---|---|---|\n");
            let figures = ordered(figures);
            for (metric, figure) in &figures {
                row(&mut text, metric, figure, longest(&figures, figure));
            }
        }
    }
    text
}

fn figures(reports: &[Answers]) -> impl Iterator<Item = &Value> {
    let answers = reports.iter().flat_map(|(_, answers)| answers.values());
    answers.filter_map(Value::as_object).flat_map(Map::values)
}

/// Where the bench has told it.
fn place(figure: &Value) -> u64 {
    figure.get("at").and_then(Value::as_u64).unwrap_or(u64::MAX)
}

fn ordered(figures: &Value) -> Vec<(&String, &Value)> {
    let mut figures: Vec<_> = figures.as_object().into_iter().flatten().collect();
    figures.sort_by_key(|(_, figure)| place(figure));
    figures
}

/// The largest of its question that has its unit, if there is another one.
fn longest(figures: &[(&String, &Value)], figure: &Value) -> Option<f64> {
    let alike = figures.iter().filter(|(_, other)| other.get("unit") == figure.get("unit"));
    let values: Vec<f64> = alike.filter_map(|(_, other)| other.get("value")?.as_f64()).collect();
    values.iter().copied().reduce(f64::max).filter(|longest| values.len() > 1 && *longest > 0.0)
}

fn row(text: &mut String, metric: &str, figure: &Value, longest: Option<f64>) {
    let number = |field| figure.get(field).and_then(Value::as_f64);
    let word = |field| figure.get(field).and_then(Value::as_str).unwrap_or_default();
    let value = number("value").unwrap_or(f64::NAN);
    let bar = longest.map_or(0.0, |longest| (value / longest * BAR).ceil().clamp(0.0, BAR));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most sixteen, at least nought")]
    let bar = "█".repeat(bar as usize);
    let spread: Vec<f64> =
        figure.get("spread").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_f64).collect();
    let spread = match spread[..] {
        [least, most] if least < most => format!("{} to {}", short(least), short(most)),
        _ => String::new(),
    };
    let ratio = number("ratio").map_or_else(String::new, |ratio| format!("{ratio:.3} of {}", word("against")));
    let target = match figure.get("reached").and_then(Value::as_bool) {
        Some(reached) => format!("{}: {}", word("target"), if reached { "reached" } else { "**missed**" }),
        None => String::new(),
    };
    let (value, unit) = (short(value), word("unit"));
    let _ = writeln!(text, "| {metric} | {value} {unit} | {bar} | {spread} | {ratio} | {target} |");
}
