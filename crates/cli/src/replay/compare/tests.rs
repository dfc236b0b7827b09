//! Every figure that could be wrong, spoilt on purpose.

use super::super::expectation::tests::lines;
use super::super::figures::tests::{GOOD, parsed};
use super::super::stock::left;
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
        top: vec![("x".to_owned(), 18.0), ("y".to_owned(), 1.0)],
        buyers: end.buyers.iter().map(|(geo, customers)| (geo.clone(), customers.len() as u64)).collect(),
        stock: [("x".to_owned(), 12), ("y".to_owned(), 0)].into(),
        digest: [7; 32],
        stock_seen: StockSeen { looks: 1, least: Some(0), negative: Vec::new() },
    }
}

fn judged(second: Observed, expected: Option<&str>) -> (Vec<Verdict>, Vec<Difference>) {
    judged_by(&Expectation::of(&lines()), &right(), second, expected)
}

/// With two units of x refused.
fn judged_by(
    end: &Expectation,
    first: &Observed,
    second: Observed,
    expected: Option<&str>,
) -> (Vec<Verdict>, Vec<Difference>) {
    let (expected, stock) = (expected.map(parsed), left(end, &[("x".to_owned(), 2)].into()));
    let must = Must { end, expected: expected.as_ref(), stock: &stock };
    compare(must, &[(region("us"), first.clone()), (region("eu"), second)])
}

#[test]
fn regions_that_are_right_agree() {
    let (verdicts, differences) = judged(right(), Some(GOOD));
    assert_eq!(differences, []);
    assert!(verdicts.iter().all(|verdict| verdict.agrees));
    assert_eq!(verdicts[1].lines, Tally { right: 5, total: 5 });
    assert_eq!((verdicts[1].top, verdicts[1].stock), (Tally { right: 2, total: 2 }, Tally { right: 2, total: 2 }));
    assert_eq!(verdicts[1].estimates, [("uk".to_owned(), Buyers { estimate: 1, known: 1 })].into());
}

#[test]
fn every_wrong_figure_of_a_region_is_found() {
    type Spoil = fn(&mut Observed);
    let wrongs: [(&str, Spoil); 20] = [
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
        ("top, member x", |o| o.top[0].1 = 17.0),
        ("top, member y", |o| drop(o.top.pop())),
        ("top, member z", |o| o.top.push(("z".into(), 0.0))),
        ("top, from the best down", |o| o.top.reverse()),
        ("buyers:uk", |o| *o.buyers.get_mut("uk").unwrap() += 1),
        ("buyers:uk", |o| o.buyers.clear()),
        ("stock:x", |o| *o.stock.get_mut("x").unwrap() -= 1),
        ("stock:y", |o| *o.stock.get_mut("y").unwrap() += 1),
        ("stock:y, at any time", |o| o.stock_seen.note("y", -1)),
        ("stock:x", |o| {
            o.stock.remove("x");
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
    let (_, differences) = judged_by(&end, &stale, stale.clone(), None);
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

#[test]
fn an_estimate_may_be_off_by_three_standard_errors_and_no_more() {
    let mut end = Expectation::of(&lines());
    end.buyers.insert("uk".into(), (0..1_000).map(|customer: u32| customer.to_string()).collect());
    for (estimate, fits) in [(1_000, true), (1_024, true), (976, true), (1_025, false), (975, false), (0, false)] {
        let mut both = right();
        both.buyers.insert("uk".into(), estimate);
        let (verdicts, differences) = judged_by(&end, &both, both.clone(), None);
        assert_eq!(differences.is_empty(), fits, "{estimate}");
        assert_eq!(verdicts[0].buyers, Tally { right: usize::from(fits), total: 1 });
    }
}

#[test]
fn stock_below_zero_is_wrong_even_where_it_was_to_be_expected() {
    let mut end = Expectation::of(&lines());
    end.skus.get_mut("y").unwrap().min_initial_stock = 0;
    let mut oversold = right();
    oversold.stock.insert("y".into(), -1);
    let (_, differences) = judged_by(&end, &oversold, oversold.clone(), None);
    let keys: Vec<_> = differences.iter().map(|difference| difference.key.as_str()).collect();
    assert_eq!(keys, ["stock:y, at any time"; 2], "in both regions");
}

#[test]
fn an_altered_figure_of_units_sold_is_told_of_top_in_every_region() {
    let (verdicts, differences) = judged(right(), Some(&GOOD.replacen("x\t18", "x\t17", 1)));
    let keys: Vec<_> = differences.iter().map(|difference| difference.key.as_str()).collect();
    assert_eq!(keys, ["sold of x, by the order lines alone", "top, member x", "top, member x"]);
    assert!(differences[1].expected.contains("17 by the file"), "{:?}", differences[1]);
    assert_eq!(verdicts[1].top, Tally { right: 1, total: 2 });
}
