//! Regions against the expectation, figure by figure, and against each other. Pure.

mod judge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::RegionName;
use serde::Serialize;

use super::expectation::Expectation;
use super::figures::Expected;
use super::lookout::StockSeen;
use judge::Judge;

/// What every region must show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Must<'a> {
    /// By the order lines alone.
    pub(super) end: &'a Expectation,
    /// A second opinion.
    pub(super) expected: Option<&'a Expected>,
    /// Units left, by product.
    pub(super) stock: &'a BTreeMap<String, i128>,
}

/// What one region shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Observed {
    /// Net units, by product.
    pub(super) net: BTreeMap<String, i128>,
    /// Products, by invoice.
    pub(super) carts: BTreeMap<String, BTreeSet<String>>,
    /// Units, by invoice and product.
    pub(super) lines: BTreeMap<(String, String), i128>,
    /// Thousandths, by geo.
    pub(super) revenue: BTreeMap<String, i128>,
    /// The latest order line, by product.
    pub(super) last: BTreeMap<String, Option<String>>,
    /// Products by units sold, as read from the best down.
    pub(super) top: Vec<(String, f64)>,
    /// Estimates of the customers, by geo.
    pub(super) buyers: BTreeMap<String, u64>,
    /// Units left, by product.
    pub(super) stock: BTreeMap<String, i128>,
    /// The digest of all rows.
    pub(super) digest: [u8; 32],
    /// What was seen of the stock while lines were played.
    pub(super) stock_seen: StockSeen,
}

/// One figure that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// The region that shows it; absent where the expected figures disagree with the order lines themselves.
    pub region: Option<RegionName>,
    /// The key, or the product and column of the expected figures.
    pub key: String,
    /// What must be there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// How many of a group of figures are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Tally {
    /// As they must be.
    pub right: usize,
    /// All.
    pub total: usize,
}

/// Customers of a geo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Buyers {
    /// As the region estimates them.
    pub estimate: u64,
    /// As they are.
    pub known: u64,
}

/// One region, measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// The region.
    pub region: RegionName,
    /// Net units per product.
    pub skus: Tally,
    /// Products per invoice.
    pub carts: Tally,
    /// Units per invoice and product.
    pub lines: Tally,
    /// Revenue per geo.
    pub revenue: Tally,
    /// Registers that hold a candidate, the same as in the first region.
    pub last: Tally,
    /// Units sold per product, in order.
    pub top: Tally,
    /// Estimates near enough to the number of customers, the same as in the first region.
    pub buyers: Tally,
    /// Those estimates, by geo.
    pub estimates: BTreeMap<String, Buyers>,
    /// Units left per product.
    pub stock: Tally,
    /// What was seen of the stock while lines were played.
    pub stock_seen: StockSeen,
    /// The digest of all rows, in hexadecimal.
    pub digest: String,
    /// Whether every figure is right and the digest is that of the first region.
    pub agrees: bool,
}

/// Compares every region with what must be there.
pub(super) fn compare(must: Must<'_>, regions: &[(RegionName, Observed)]) -> (Vec<Verdict>, Vec<Difference>) {
    let mut differences: Vec<_> = must.expected.map_or_else(Vec::new, |expected| {
        let disagreements = expected.disagreements(&must.end.skus);
        disagreements
            .map(|(sku, column, expected, found)| Difference {
                region: None,
                key: format!("{column} of {sku}, by the order lines alone"),
                expected: expected.to_string(),
                found: found.to_string(),
            })
            .collect()
    });
    let first = regions.first().map(|(_, observed)| observed);
    let verdicts = regions
        .iter()
        .map(|(region, observed)| {
            let first = first.unwrap_or(observed);
            Judge::new(region, must, observed, first, &mut differences).verdict()
        })
        .collect();
    (verdicts, differences)
}
