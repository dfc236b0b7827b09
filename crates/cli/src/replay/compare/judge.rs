//! One region, figure by figure.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::RegionName;

use super::super::expectation::Figures;
use super::super::figures::Expected;
use super::{Buyers, Difference, Must, Observed, Tally, Verdict};

/// Three standard errors of an estimate from 2^14 registers, 3 × 1.04 ÷ √(2^14) = 2.4375 %, as a fraction.
const ESTIMATE_ERROR: (u64, u64) = (24_375, 1_000_000);

/// Judges one region.
pub(super) struct Judge<'a> {
    region: &'a RegionName,
    must: Must<'a>,
    observed: &'a Observed,
    /// What the first region shows.
    first: &'a Observed,
    differences: &'a mut Vec<Difference>,
    agrees: bool,
}

impl<'a> Judge<'a> {
    pub(super) const fn new(
        region: &'a RegionName,
        must: Must<'a>,
        observed: &'a Observed,
        first: &'a Observed,
        differences: &'a mut Vec<Difference>,
    ) -> Self {
        Self { region, must, observed, first, differences, agrees: true }
    }

    /// Looks at everything.
    pub(super) fn verdict(mut self) -> Verdict {
        let (end, observed) = (self.must.end, self.observed);
        let skus = self.net();
        let carts = self.group("cart", &end.carts, &observed.carts, |cart| format!("{cart:?}"));
        self.no_stray_carts();
        let lines = self.lines();
        let revenue = self.group("revenue", &end.revenue, &observed.revenue, ToString::to_string);
        let (last, top) = (self.last(), self.top());
        let (buyers, estimates) = self.buyers();
        let stock = self.group("stock", self.must.stock, &observed.stock, ToString::to_string);
        self.never_negative();
        let digest = crate::hex(&observed.digest);
        let same = self.first.digest == observed.digest;
        self.check(same, || "digest of all rows".into(), || "that of the first region".into(), || digest.clone());
        Verdict {
            region: self.region.clone(),
            skus,
            carts,
            lines,
            revenue,
            last,
            top,
            buyers,
            estimates,
            stock,
            stock_seen: observed.stock_seen.clone(),
            digest,
            agrees: self.agrees,
        }
    }

    fn check(
        &mut self,
        right: bool,
        key: impl FnOnce() -> String,
        expected: impl FnOnce() -> String,
        found: impl FnOnce() -> String,
    ) -> usize {
        if !right {
            self.agrees = false;
            let (region, key) = (Some(self.region.clone()), key());
            self.differences.push(Difference { region, key, expected: expected(), found: found() });
        }
        usize::from(right)
    }

    fn group<V: Clone + Default + PartialEq>(
        &mut self,
        what: &str,
        expected: &BTreeMap<String, V>,
        found: &BTreeMap<String, V>,
        show: impl Fn(&V) -> String,
    ) -> Tally {
        let mut right = 0;
        for (name, wanted) in expected {
            let there = found.get(name).cloned().unwrap_or_default();
            right += self.check(there == *wanted, || format!("{what}:{name}"), || show(wanted), || show(&there));
        }
        Tally { right, total: expected.len() }
    }

    /// The products of the lines, and those that only the file of expected figures names.
    fn products(&self) -> BTreeSet<&'a str> {
        let named = self.must.expected.into_iter().flat_map(Expected::skus);
        self.must.end.skus.keys().map(String::as_str).chain(named).collect()
    }

    fn net(&mut self) -> Tally {
        let (skus, must) = (self.products(), self.must);
        let mut right = 0;
        for sku in &skus {
            let by_lines = must.end.skus.get(*sku).map_or(0, Figures::net);
            let by_file = must.expected.map_or(Some(by_lines), |expected| expected.net(sku));
            let found = self.observed.net.get(*sku).copied().unwrap_or(0);
            let agrees = by_file == Some(found) && by_lines == found;
            let wanted = || told(by_file, by_lines);
            right += self.check(agrees, || format!("net:{sku}"), wanted, || found.to_string());
        }
        Tally { right, total: skus.len() }
    }

    /// An invoice of returns only must have no cart.
    fn no_stray_carts(&mut self) {
        let carts = &self.must.end.carts;
        for (invoice, cart) in self.observed.carts.iter().filter(|(invoice, _)| !carts.contains_key(*invoice)) {
            self.check(cart.is_empty(), || format!("cart:{invoice}"), || "{}".to_owned(), || format!("{cart:?}"));
        }
    }

    fn lines(&mut self) -> Tally {
        let lines = &self.must.end.lines;
        let mut right = 0;
        for (line @ (invoice, sku), units) in lines {
            let found = self.observed.lines.get(line).copied().unwrap_or(0);
            let key = || format!("lines:{invoice}, field {sku}");
            right += self.check(found == *units, key, || units.to_string(), || found.to_string());
        }
        Tally { right, total: lines.len() }
    }

    fn last(&mut self) -> Tally {
        let (last, first) = (&self.must.end.last, self.first);
        let mut right = 0;
        for (sku, candidates) in last {
            let found = self.observed.last.get(sku).cloned().flatten();
            let elsewhere = first.last.get(sku).cloned().flatten();
            let candidate = found.as_ref().is_some_and(|found| candidates.values().any(|value| value == found));
            let wanted = || {
                let candidates: Vec<_> = candidates.values().map(String::as_str).collect();
                format!("one of {candidates:?}, the same everywhere (the first region has {elsewhere:?})")
            };
            let agrees = candidate && found == elsewhere;
            right += self.check(agrees, || format!("last:{sku}"), wanted, || format!("{found:?}"));
        }
        Tally { right, total: last.len() }
    }

    /// Every product that was sold with its units, none that was not, and the best first.
    fn top(&mut self) -> Tally {
        let observed = self.observed;
        let mut scores: BTreeMap<&str, f64> = observed.top.iter().map(|(sku, score)| (sku.as_str(), *score)).collect();
        let must = self.must;
        let sold: Vec<_> = must.end.sold().collect();
        let mut right = 0;
        for (sku, by_lines) in &sold {
            let by_file = must.expected.and_then(|expected| expected.sold(sku)).or(Some(*by_lines));
            let found = scores.remove(sku.as_str());
            #[expect(clippy::cast_precision_loss, reason = "the sums of units of a file of lines are exact as floats")]
            let is = |units: i128| found.is_some_and(|score| score.total_cmp(&(units as f64)).is_eq());
            let agrees = is(*by_lines) && by_file == Some(*by_lines);
            let wanted = || told(by_file, *by_lines);
            right += self.check(agrees, || format!("top, member {sku}"), wanted, || shown(found));
        }
        for (sku, score) in scores {
            self.check(false, || format!("top, member {sku}"), || "no such member".into(), || shown(Some(score)));
        }
        let before = |(a, better): &(String, f64), (b, worse): &(String, f64)| {
            worse.total_cmp(better).then_with(|| b.as_bytes().cmp(a.as_bytes())).is_le()
        };
        let disorder = observed.top.windows(2).find(|pair| matches!(pair, [a, b] if !before(a, b)));
        let pair = || format!("{:?}", disorder.unwrap_or_default());
        self.check(disorder.is_none(), || "top, from the best down".into(), || "in order".into(), pair);
        Tally { right, total: sold.len() }
    }

    /// Within three standard errors, and the same everywhere. An error of one is always allowed: two of a few customers may
    /// share a register.
    fn buyers(&mut self) -> (Tally, BTreeMap<String, Buyers>) {
        let (mut right, mut estimates) = (0, BTreeMap::new());
        for (geo, customers) in &self.must.end.buyers {
            let known = customers.len() as u64;
            let estimate = self.observed.buyers.get(geo).copied().unwrap_or(0);
            let elsewhere = self.first.buyers.get(geo).copied().unwrap_or(0);
            let error_max = (known * ESTIMATE_ERROR.0 / ESTIMATE_ERROR.1).max(1);
            let near = estimate.abs_diff(known) <= error_max;
            let wanted =
                || format!("{known} give or take {error_max}, the same everywhere (the first region has {elsewhere})");
            let agrees = near && estimate == elsewhere;
            right += self.check(agrees, || format!("buyers:{geo}"), wanted, || estimate.to_string());
            estimates.insert(geo.clone(), Buyers { estimate, known });
        }
        (Tally { right, total: self.must.end.buyers.len() }, estimates)
    }

    fn never_negative(&mut self) {
        let observed = self.observed;
        let at_the_end = observed.stock.iter().filter(|(_, left)| **left < 0).map(|(sku, left)| (sku, *left));
        let meanwhile = observed.stock_seen.negative.iter().map(|(sku, left)| (sku, *left));
        for (sku, left) in meanwhile.chain(at_the_end) {
            self.check(false, || format!("stock:{sku}, at any time"), || "at least 0".into(), || left.to_string());
        }
    }
}

fn told(by_file: Option<i128>, by_lines: i128) -> String {
    match by_file {
        Some(units) if units == by_lines => units.to_string(),
        Some(units) => format!("{units} by the file of expected figures, {by_lines} by the order lines"),
        None => format!("{by_lines} by the order lines, not in the file of expected figures"),
    }
}

fn shown(score: Option<f64>) -> String {
    score.map_or_else(|| "no such member".to_owned(), |score| score.to_string())
}
