//! What a replay found out, for people and for scripts.

use std::collections::BTreeMap;
use std::fmt;

use halcyon_types::RegionName;
use serde::Serialize;

use super::compare::{Difference, Tally, Verdict};
use super::cut::CutReport;
use super::sales::{Played, Sales};
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
    /// What became of the stock, over all regions and products.
    pub stock: StockReport,
    /// What the cut did, if there was one.
    pub cut: Option<CutReport>,
    /// What is not as it must be.
    pub differences: Vec<Difference>,
}

/// The stock of all products: `left = initial - accepted + returned`, in every region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct StockReport {
    /// Products that began with any.
    pub products: usize,
    /// Units on the shelves before the first line.
    pub initial: u64,
    /// Sales and returns.
    #[serde(flatten)]
    pub sales: Sales,
    /// Units that must be left.
    pub left: i128,
    /// Units of refused sales, by product.
    pub refused_by_product: BTreeMap<String, u64>,
}

/// One region at the end of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RegionReport {
    /// Order lines played into it.
    pub played: usize,
    /// From the last receipt of the replay until it had seen every record, in milliseconds.
    pub caught_up_ms: f64,
    /// What became of its sales.
    pub sales: Sales,
    /// Its figures.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl StockReport {
    pub(super) fn new(initial: &BTreeMap<String, u64>, left: &BTreeMap<String, i128>, played: &Played) -> Self {
        let mut sales = Sales::default();
        played.sales.values().for_each(|of_home| sales.join(*of_home));
        Self {
            products: initial.len(),
            initial: initial.values().sum(),
            sales,
            left: left.values().sum(),
            refused_by_product: played.refused.clone(),
        }
    }
}

impl fmt::Display for StockReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { initial, left, sales: Sales { accepted, refused, returned, accepted_later }, .. } = self;
        let (accepted, refused, returned) = (accepted.units, refused.units, returned.units);
        write!(
            f,
            "stock: {initial} units at first - {accepted} sold + {returned} returned = {left} left; {refused} units refused, \
             and booked as back orders; {accepted_later} sales were accepted once rights had come from other regions"
        )
    }
}

impl Report {
    /// How many differences a region has.
    fn differences_of(&self, region: &RegionName) -> usize {
        self.differences.iter().filter(|difference| difference.region.as_ref() == Some(region)).count()
    }

    fn figures(&self) -> Table {
        let mut table = Table::new(&[
            "region",
            "played",
            "net",
            "carts",
            "lines",
            "revenue",
            "last",
            "top",
            "buyers",
            "stock",
            "caught up ms",
            "digest",
            "verdict",
        ]);
        let share = |tally: Tally| format!("{}/{}", tally.right, tally.total);
        for RegionReport { played, caught_up_ms, verdict, .. } in &self.regions {
            let wrong = self.differences_of(&verdict.region);
            table.row(vec![
                verdict.region.to_string(),
                played.to_string(),
                share(verdict.skus),
                share(verdict.carts),
                share(verdict.lines),
                share(verdict.revenue),
                share(verdict.last),
                share(verdict.top),
                share(verdict.buyers),
                share(verdict.stock),
                format!("{caught_up_ms:.0}"),
                verdict.digest.chars().take(DIGEST_CHARS).collect(),
                if verdict.agrees { "agrees".to_owned() } else { format!("{wrong} wrong") },
            ]);
        }
        table
    }

    /// Sales against stock, and estimates of customers.
    fn sales(&self) -> Table {
        let geos = self.regions.first().map(|region| region.verdict.estimates.keys().cloned().collect::<Vec<_>>());
        let geos = geos.unwrap_or_default();
        let mut header: Vec<String> =
            ["region", "sold lines", "units", "refused lines", "units", "returned units", "least stock seen", "looks"]
                .map(str::to_owned)
                .into();
        header.extend(geos.iter().map(|geo| format!("buyers {geo} (known)")));
        let mut table = Table::new(&header.iter().map(String::as_str).collect::<Vec<_>>());
        for RegionReport { sales, verdict, .. } in &self.regions {
            let mut cells = vec![
                verdict.region.to_string(),
                sales.accepted.lines.to_string(),
                sales.accepted.units.to_string(),
                sales.refused.lines.to_string(),
                sales.refused.units.to_string(),
                sales.returned.units.to_string(),
                verdict.stock_seen.least.map_or_else(|| "-".to_owned(), |least| least.to_string()),
                verdict.stock_seen.looks.to_string(),
            ];
            let estimates = geos.iter().filter_map(|geo| verdict.estimates.get(geo));
            cells.extend(estimates.map(|buyers| format!("{} ({})", buyers.estimate, buyers.known)));
            table.row(cells);
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
        writeln!(f, "{}", self.stock)?;
        writeln!(f, "\n{}\n\n{}\n", self.figures(), self.sales())?;
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
