//! All reports in one: `summary.json` for whoever compares runs, `docs/benchmarks.md` for people.

mod machine;
mod page;

use std::path::Path;
use std::{fs, io};

use serde_json::{Map, Value};

pub use machine::Machine;
pub use page::page;

/// A bench's name, and its questions with their figures.
pub type Answers = (String, Map<String, Value>);

/// The name of what is gathered here, which is no bench's.
const SUMMARY: &str = "summary";

/// The reports in `dir`, by name.
///
/// # Errors
/// A report that cannot be read, or is none.
pub fn gather(dir: &Path) -> io::Result<Vec<Answers>> {
    let mut gathered = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()).filter(|name| *name != SUMMARY) else {
            continue;
        };
        if path.extension().is_some_and(|extension| extension == "json") {
            gathered.push((name.to_owned(), serde_json::from_slice(&fs::read(&path)?)?));
        }
    }
    gathered.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(gathered)
}

/// Every question of every bench. One that two benches ask has the figures of both.
pub fn merged(reports: &[Answers]) -> Map<String, Value> {
    let mut all = Map::new();
    for (question, figures) in reports.iter().flat_map(|(_, answers)| answers) {
        match (all.get_mut(question), figures) {
            (Some(Value::Object(before)), Value::Object(figures)) => before.extend(figures.clone()),
            _ => drop(all.insert(question.clone(), figures.clone())),
        }
    }
    all
}

/// Writes `summary.json` beside the reports, and the page for people to `page_at`.
///
/// # Errors
/// No reports, or a file that cannot be read or written.
pub fn write(dir: &Path, page_at: &Path, machine: &Machine) -> io::Result<()> {
    let reports = gather(dir)?;
    let summary = Value::Object(merged(&reports));
    fs::write(dir.join(SUMMARY).with_extension("json"), format!("{summary:#}\n"))?;
    fs::write(page_at, page(&reports, machine))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn machine() -> Machine {
        Machine(vec![("processor", "a slow one".to_owned())])
    }

    #[test]
    fn reports_become_one_summary_and_one_page() {
        let dir = tempfile::tempdir().unwrap();
        let figure = |value: f64, at: u64| json!({ "value": value, "unit": "ops/s", "against": null, "ratio": null, "spread": [value, value], "at": at });
        let mut judged = figure(50.0, 1);
        judged["against"] = json!("the ceiling");
        judged["ratio"] = json!(0.5);
        judged["spread"] = json!([40.0, 60.0]);
        judged["target"] = json!("at least 0.6");
        judged["reached"] = json!(false);
        let report = json!({ "How fast?": { "z, the ceiling": figure(100.0, 0), "a, ours": judged } });
        fs::write(dir.path().join("node.json"), report.to_string()).unwrap();
        let other = json!({ "How fast?": { "again": figure(7.0, 0) }, "How small?": {} });
        fs::write(dir.path().join("wire.json"), other.to_string()).unwrap();
        fs::write(dir.path().join("notes.txt"), "no report").unwrap();
        let page_at = dir.path().join("page.md");
        // Twice: the summary is not gathered into itself.
        for _ in 0..2 {
            write(dir.path(), &page_at, &machine()).unwrap();
        }
        let summary: Value = serde_json::from_slice(&fs::read(dir.path().join("summary.json")).unwrap()).unwrap();
        assert_eq!(summary["How fast?"]["a, ours"]["ratio"], 0.5);
        assert_eq!(summary["How fast?"]["a, ours"]["spread"], json!([40.0, 60.0]));
        assert_eq!(summary["How fast?"]["again"]["value"], 7.0);
        assert_eq!(summary.as_object().unwrap().len(), 2);

        let page = fs::read_to_string(page_at).unwrap();
        assert!(page.contains("a slow one") && page.contains("0.500 of the ceiling"), "{page}");
        assert!(page.contains("at least 0.6: **missed**") && page.contains("40.000 to 60.000"), "{page}");
        // In the order in which the bench told them, with the largest of a unit as the longest bar.
        let (ceiling, ours) = (page.find("z, the ceiling").unwrap(), page.find("a, ours").unwrap());
        assert!(ceiling < ours && page.contains("████████████████"), "{page}");
        assert!(page.contains("0 of 1 targets"), "{page}");
    }

    #[test]
    fn what_is_no_report_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("node.json"), "[1, 2").unwrap();
        assert!(gather(dir.path()).is_err());
        assert!(gather(&dir.path().join("nowhere")).is_err());
    }
}
