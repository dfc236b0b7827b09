//! What a replay found out, for people and for scripts.

use std::fmt;

use halcyon_types::RegionName;
use serde::Serialize;

use super::compare::{Difference, Tally, Verdict};
use super::cut::CutReport;
use crate::table::Table;

/// Differences that are shown; `--json` has them all.
const SHOWN_MAX: usize = 10;
/// Characters of a digest that are shown.
const DIGEST_CHARS: usize = 12;

/// The end of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Whether every figure is right in every region, and all digests are equal.
    pub agree: bool,
    /// Order lines played.
    pub lines: usize,
    /// How long playing took, in seconds.
    pub seconds: f64,
    /// The regions, in the order of their homes.
    pub regions: Vec<RegionReport>,
    /// What the cut did, if there was one.
    pub cut: Option<CutReport>,
    /// What is not as it must be.
    pub differences: Vec<Difference>,
}

/// One region at the end of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RegionReport {
    /// Order lines played into it.
    pub played: usize,
    /// From the last receipt of the replay until it had seen every record, in milliseconds.
    pub caught_up_ms: f64,
    /// Its figures.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Report {
    /// How many differences a region has.
    fn differences_of(&self, region: &RegionName) -> usize {
        self.differences.iter().filter(|difference| difference.region.as_ref() == Some(region)).count()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "region",
            "played",
            "net",
            "carts",
            "lines",
            "revenue",
            "last",
            "caught up ms",
            "digest",
            "verdict",
        ]);
        let share = |tally: Tally| format!("{}/{}", tally.right, tally.total);
        for RegionReport { played, caught_up_ms, verdict } in &self.regions {
            let wrong = self.differences_of(&verdict.region);
            table.row(vec![
                verdict.region.to_string(),
                played.to_string(),
                share(verdict.skus),
                share(verdict.carts),
                share(verdict.lines),
                share(verdict.revenue),
                share(verdict.last),
                format!("{caught_up_ms:.0}"),
                verdict.digest.chars().take(DIGEST_CHARS).collect(),
                if verdict.agrees { "agrees".to_owned() } else { format!("{wrong} wrong") },
            ]);
        }
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.lines as f64 / self.seconds.max(f64::EPSILON);
        writeln!(f, "{} order lines in {:.2} s, {rate:.0} a second, each one atomic record", self.lines, self.seconds)?;
        if let Some(cut) = &self.cut {
            let behind: Vec<_> = cut.behind.iter().map(|(region, records)| format!("{region} {records}")).collect();
            writeln!(
                f,
                "{} was cut off for lines {} to {} ({:.2} s); records lacking when healed: {}",
                cut.region,
                cut.from_line,
                cut.to_line - 1,
                cut.seconds,
                behind.join(", ")
            )?;
        }
        writeln!(f, "\n{}\n", self.table())?;
        for Difference { region, key, expected, found } in self.differences.iter().take(SHOWN_MAX) {
            let place = region.as_ref().map_or_else(|| "expected figures".to_owned(), ToString::to_string);
            writeln!(f, "{place}: {key}: expected {expected}, found {found}")?;
        }
        if self.differences.len() > SHOWN_MAX {
            writeln!(f, "and {} more; --json lists them all", self.differences.len() - SHOWN_MAX)?;
        }
        if self.agree {
            write!(f, "all {} regions agree", self.regions.len())
        } else {
            write!(f, "{} differences", self.differences.len())
        }
    }
}
