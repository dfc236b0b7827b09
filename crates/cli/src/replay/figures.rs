//! A file of expected figures per product, made by somebody else from the same order lines: the second opinion.
//!
//! Tab-separated, with a header. `sku` and `net` must be there; `sold`, `returned`, `min_initial_stock`, `invoices` and
//! `homes` are compared if they are; other columns are not looked at.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::expectation::Figures;
use crate::Remedy;

/// Why a file of expected figures cannot be used. Nothing was played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FiguresError {
    /// The file system said no.
    #[error("{} cannot be read: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A line that is not of the format.
    #[error("{}: line {line}, column {column}: {problem}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// The line, the header being line 1.
        line: usize,
        /// What the column is called, or its number.
        column: String,
        /// What is wrong there.
        problem: String,
    },
}

impl Remedy for FiguresError {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => "check the path given with --expect".to_owned(),
            Self::Broken { .. } => {
                "give tab-separated lines below a header that names at least sku and net; nothing has been played"
                    .to_owned()
            }
        })
    }
}

/// What a column says about a product.
type Column = (&'static str, fn(&Figures) -> i128);

const COLUMNS: [Column; 6] = [
    ("sold", |figures| figures.sold),
    ("returned", |figures| figures.returned),
    ("net", Figures::net),
    ("min_initial_stock", |figures| figures.min_initial_stock),
    ("invoices", |figures| figures.invoices.len() as i128),
    ("homes", |figures| figures.homes.len() as i128),
];

/// Expected figures, by product and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    rows: BTreeMap<String, BTreeMap<&'static str, i128>>,
}

impl Expected {
    pub(super) fn read_file(file: &Path) -> Result<Self, FiguresError> {
        let text = fs::read_to_string(file).map_err(|source| FiguresError::Io { file: file.to_owned(), source })?;
        Self::parse(&text).map_err(|Broken { line, column, problem }| FiguresError::Broken {
            file: file.to_owned(),
            line,
            column,
            problem,
        })
    }

    fn parse(text: &str) -> Result<Self, Broken> {
        let mut lines = text.lines().enumerate();
        let header: Vec<&str> = lines.next().map_or_else(Vec::new, |(_, header)| header.split('\t').collect());
        for needed in ["sku", "net"] {
            if header.iter().filter(|name| **name == needed).count() != 1 {
                return broken(1, needed, "must stand in the header, once");
            }
        }
        let mut rows = BTreeMap::new();
        for (index, line) in lines {
            let (line, fields) = (index + 1, line.split('\t').collect::<Vec<_>>());
            if fields.len() != header.len() {
                let problem = format!("{} columns instead of {}", fields.len(), header.len());
                return broken(line, &fields.len().to_string(), problem);
            }
            let mut sku = "";
            let mut row = BTreeMap::new();
            for (name, field) in header.iter().zip(fields) {
                if *name == "sku" {
                    sku = field;
                } else if let Some((known, _)) = COLUMNS.iter().find(|(known, _)| known == name) {
                    let Ok(number) = field.parse() else {
                        return broken(line, name, format!("{field:?} is not a whole number"));
                    };
                    row.insert(*known, number);
                }
            }
            if sku.is_empty() || rows.insert(sku.to_owned(), row).is_some() {
                return broken(line, "sku", format!("{sku:?} is empty or stands there twice"));
            }
        }
        Ok(Self { rows })
    }

    /// The products it names.
    pub(super) fn skus(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// What it says about a product's net units.
    pub(super) fn net(&self, sku: &str) -> Option<i128> {
        self.rows.get(sku).and_then(|row| row.get("net")).copied()
    }

    /// What it says about a product's units sold, if it says anything.
    pub(super) fn sold(&self, sku: &str) -> Option<i128> {
        self.rows.get(sku).and_then(|row| row.get("sold")).copied()
    }

    /// Where it disagrees with the order lines' own figures, `net` aside: product, column, expected, found.
    pub(super) fn disagreements(
        &self,
        skus: &BTreeMap<String, Figures>,
    ) -> impl Iterator<Item = (&str, &'static str, i128, i128)> {
        let none = Figures::default();
        self.rows.iter().flat_map(move |(sku, row)| {
            let figures = skus.get(sku).unwrap_or(&none).clone();
            let other = COLUMNS.iter().filter(|(name, _)| *name != "net");
            other.filter_map(move |(name, of)| {
                let (expected, found) = (*row.get(name)?, of(&figures));
                (expected != found).then_some((sku.as_str(), *name, expected, found))
            })
        })
    }
}

struct Broken {
    line: usize,
    column: String,
    problem: String,
}

fn broken<T>(line: usize, column: &str, problem: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { line, column: column.to_owned(), problem: problem.into() })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::expectation::{Expectation, tests::lines};
    use super::*;

    pub(in crate::replay) const GOOD: &str = "sku\tsold\treturned\tnet\tmin_initial_stock\tinvoices\thomes\tnote
x\t18\t13\t5\t15\t4\t2\tanything
y\t1\t0\t1\t1\t1\t1\t-
";

    pub(in crate::replay) fn parsed(text: &str) -> Expected {
        Expected::parse(text).unwrap_or_else(|broken| panic!("line {}: {}", broken.line, broken.problem))
    }

    #[test]
    fn a_file_that_is_right_disagrees_nowhere() {
        let (expected, end) = (parsed(GOOD), Expectation::of(&lines()));
        assert_eq!(expected.disagreements(&end.skus).count(), 0);
        assert_eq!((expected.net("x"), expected.net("z")), (Some(5), None));
    }

    #[test]
    fn every_altered_figure_is_found() {
        let end = Expectation::of(&lines());
        for (from, to, column) in [
            ("x\t18", "x\t19", "sold"),
            ("\t13\t", "\t12\t", "returned"),
            ("\t15\t", "\t14\t", "min_initial_stock"),
            ("\t4\t2", "\t5\t2", "invoices"),
            ("\t4\t2", "\t4\t3", "homes"),
            ("y\t1", "unknown\t1", "sold"),
        ] {
            let altered = parsed(&GOOD.replacen(from, to, 1));
            let found = altered.disagreements(&end.skus).next().map(|(_, column, ..)| column);
            assert_eq!(found, Some(column), "{to}");
        }
    }

    #[test]
    fn a_broken_file_is_named_by_line_and_column() {
        for (text, line, column) in [
            ("", 1, "sku"),
            ("sku\tsold\n", 1, "net"),
            ("sku\tnet\tnet\n", 1, "net"),
            ("sku\tnet\nx\t1\ny\n", 3, "1"),
            ("sku\tnet\nx\tmany\n", 2, "net"),
            ("sku\tnet\n\t1\n", 2, "sku"),
            ("sku\tnet\nx\t1\nx\t1\n", 3, "sku"),
        ] {
            let broken = Expected::parse(text).err().unwrap_or_else(|| panic!("{text:?} is taken"));
            assert_eq!((broken.line, broken.column.as_str()), (line, column), "{text:?}");
        }
    }
}
