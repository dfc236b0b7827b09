//! Regions against the expectation, figure by figure, and against each other. Pure.

use std::collections::{BTreeMap, BTreeSet};

use halcyon_types::RegionName;
use serde::Serialize;

use super::expectation::Expectation;
use super::figures::Expected;

/// What one region shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// The digest of all rows.
    pub(super) digest: [u8; 32],
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
    /// The digest of all rows, in hexadecimal.
    pub digest: String,
    /// Whether every figure is right and the digest is that of the first region.
    pub agrees: bool,
}

/// Compares every region with what must be there.
pub(super) fn compare(
    end: &Expectation,
    expected: Option<&Expected>,
    regions: &[(RegionName, Observed)],
) -> (Vec<Verdict>, Vec<Difference>) {
    let mut differences: Vec<_> = expected.map_or_else(Vec::new, |expected| {
        let disagreements = expected.disagreements(&end.skus);
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
            let mut judge = Judge { region, differences: &mut differences, agrees: true };
            let skus = judge.net(end, expected, observed);
            let carts = judge.group("cart", &end.carts, &observed.carts, Clone::clone, |cart| format!("{cart:?}"));
            judge.no_stray_carts(end, observed);
            let lines = judge.lines(end, observed);
            let revenue = judge.group("revenue", &end.revenue, &observed.revenue, |sum| *sum, ToString::to_string);
            let last = judge.last(end, observed, first.unwrap_or(observed));
            let digest = crate::hex(&observed.digest);
            let same = first.is_none_or(|first| first.digest == observed.digest);
            judge.check(
                same,
                || "digest of all rows".to_owned(),
                || "that of the first region".to_owned(),
                || digest.clone(),
            );
            let agrees = judge.agrees;
            Verdict { region: region.clone(), skus, carts, lines, revenue, last, digest, agrees }
        })
        .collect();
    (verdicts, differences)
}

struct Judge<'a> {
    region: &'a RegionName,
    differences: &'a mut Vec<Difference>,
    agrees: bool,
}

impl Judge<'_> {
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

    fn group<V: Default + PartialEq>(
        &mut self,
        what: &str,
        expected: &BTreeMap<String, V>,
        found: &BTreeMap<String, V>,
        of: impl Fn(&V) -> V,
        show: impl Fn(&V) -> String,
    ) -> Tally {
        let mut right = 0;
        for (name, wanted) in expected {
            let there = found.get(name).map(&of).unwrap_or_default();
            right += self.check(there == *wanted, || format!("{what}:{name}"), || show(wanted), || show(&there));
        }
        Tally { right, total: expected.len() }
    }

    fn net(&mut self, end: &Expectation, expected: Option<&Expected>, observed: &Observed) -> Tally {
        let named = expected.into_iter().flat_map(Expected::skus);
        let skus: BTreeSet<&str> = end.skus.keys().map(String::as_str).chain(named).collect();
        let mut right = 0;
        for sku in &skus {
            let by_lines = end.skus.get(*sku).map_or(0, super::expectation::Figures::net);
            let by_file = expected.map_or(Some(by_lines), |expected| expected.net(sku));
            let found = observed.net.get(*sku).copied().unwrap_or(0);
            let wanted = || match by_file {
                Some(net) if net == by_lines => net.to_string(),
                Some(net) => format!("{net} by the file of expected figures, {by_lines} by the order lines"),
                None => format!("{by_lines} by the order lines, not in the file of expected figures"),
            };
            let agrees = by_file == Some(found) && by_lines == found;
            right += self.check(agrees, || format!("net:{sku}"), wanted, || found.to_string());
        }
        Tally { right, total: skus.len() }
    }

    /// An invoice of returns only must have no cart.
    fn no_stray_carts(&mut self, end: &Expectation, observed: &Observed) {
        for (invoice, cart) in observed.carts.iter().filter(|(invoice, _)| !end.carts.contains_key(*invoice)) {
            self.check(cart.is_empty(), || format!("cart:{invoice}"), || "{}".to_owned(), || format!("{cart:?}"));
        }
    }

    fn lines(&mut self, end: &Expectation, observed: &Observed) -> Tally {
        let mut right = 0;
        for (line @ (invoice, sku), units) in &end.lines {
            let found = observed.lines.get(line).copied().unwrap_or(0);
            let key = || format!("lines:{invoice}, field {sku}");
            right += self.check(found == *units, key, || units.to_string(), || found.to_string());
        }
        Tally { right, total: end.lines.len() }
    }

    fn last(&mut self, end: &Expectation, observed: &Observed, first: &Observed) -> Tally {
        let mut right = 0;
        for (sku, candidates) in &end.last {
            let found = observed.last.get(sku).cloned().flatten();
            let elsewhere = first.last.get(sku).cloned().flatten();
            let candidate = found.as_ref().is_some_and(|found| candidates.values().any(|value| value == found));
            let wanted = || {
                let candidates: Vec<_> = candidates.values().map(String::as_str).collect();
                format!("one of {candidates:?}, the same everywhere (the first region has {elsewhere:?})")
            };
            let agrees = candidate && found == elsewhere;
            right += self.check(agrees, || format!("last:{sku}"), wanted, || format!("{found:?}"));
        }
        Tally { right, total: end.last.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::expectation::tests::lines;
    use super::super::figures::tests::{GOOD, parsed};
    use super::*;

    fn region(name: &str) -> RegionName {
        name.parse().unwrap()
    }

    /// What a region shows that has everything right.
    fn right() -> Observed {
        let end = Expectation::of(&lines());
        Observed {
            net: end.skus.iter().map(|(sku, figures)| (sku.clone(), figures.net())).collect(),
            carts: end.carts.clone(),
            lines: end.lines.clone(),
            revenue: end.revenue.clone(),
            last: end.last.iter().map(|(sku, last)| (sku.clone(), last.values().next().cloned())).collect(),
            digest: [7; 32],
        }
    }

    fn judged(second: Observed, expected: Option<&str>) -> (Vec<Verdict>, Vec<Difference>) {
        let end = Expectation::of(&lines());
        let expected = expected.map(parsed);
        compare(&end, expected.as_ref(), &[(region("us"), right()), (region("eu"), second)])
    }

    #[test]
    fn regions_that_are_right_agree() {
        let (verdicts, differences) = judged(right(), Some(GOOD));
        assert_eq!(differences, []);
        assert!(verdicts.iter().all(|verdict| verdict.agrees));
        assert_eq!(verdicts[1].lines, Tally { right: 5, total: 5 });
    }

    #[test]
    fn every_wrong_figure_of_a_region_is_found() {
        type Spoil = fn(&mut Observed);
        let wrongs: [(&str, Spoil); 10] = [
            ("net:x", |o| *o.net.get_mut("x").unwrap() += 1),
            ("net:y", |o| {
                o.net.remove("y");
            }),
            ("cart:A", |o| {
                o.carts.get_mut("A").unwrap().remove("y");
            }),
            ("cart:B", |o| {
                o.carts.get_mut("B").unwrap().insert("y".to_owned());
            }),
            ("cart:C1", |o| {
                o.carts.insert("C1".to_owned(), ["x".to_owned()].into());
            }),
            ("lines:A, field x", |o| {
                *o.lines.get_mut(&("A".into(), "x".into())).unwrap() -= 1;
            }),
            ("revenue:eu", |o| *o.revenue.get_mut("eu").unwrap() += 1),
            ("last:x", |o| {
                o.last.insert("x".into(), Some("2011-11-14 08:14:00|D".into()));
            }),
            ("last:y", |o| {
                o.last.insert("y".into(), None);
            }),
            ("digest of all rows", |o| o.digest[31] = 8),
        ];
        for (key, spoil) in wrongs {
            let mut second = right();
            spoil(&mut second);
            let (verdicts, differences) = judged(second, None);
            let keys: Vec<_> = differences.iter().map(|difference| difference.key.as_str()).collect();
            assert_eq!(keys, [key]);
            assert_eq!(differences[0].region, Some(region("eu")));
            assert!(verdicts[0].agrees && !verdicts[1].agrees, "{key}");
        }
    }

    #[test]
    fn a_value_that_nobody_wrote_last_is_no_candidate_even_if_all_agree() {
        let end = Expectation::of(&lines());
        let mut stale = right();
        stale.last.insert("x".into(), Some("2011-11-14 08:10:00|A".into()));
        let (_, differences) = compare(&end, None, &[(region("us"), stale.clone()), (region("eu"), stale)]);
        assert_eq!(differences.len(), 2, "both regions are wrong");
    }

    #[test]
    fn every_altered_expected_figure_makes_a_difference() {
        for (from, to) in [("x\t18", "x\t17"), ("\t5\t15", "\t6\t15"), ("y\t1", "z\t1"), ("\t4\t2", "\t4\t1")] {
            let (verdicts, differences) = judged(right(), Some(&GOOD.replacen(from, to, 1)));
            assert!(!differences.is_empty(), "{to}");
            assert_eq!(verdicts.iter().any(|verdict| !verdict.agrees), differences.iter().any(|d| d.region.is_some()));
        }
    }
}
