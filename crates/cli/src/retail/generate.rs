//! Synthetic order lines with the traits of real ones that matter to replication: a few products sell all the time and
//! most hardly ever, the same product is sold from several regions at once, some lines are returns, and many customers
//! are unknown.
//!
//! One seed makes one file, byte for byte, on every machine. Nothing of it is anybody's real order.

use std::fmt::Write as _;

use super::{HEADER, Milli};
use crate::splitmix::SplitMix;

/// Where an order can go: country, geo, and how many orders of a hundred.
const COUNTRIES: [(&str, &str, u64); 7] = [
    ("United Kingdom", "uk", 85),
    ("Germany", "eu", 4),
    ("France", "eu", 4),
    ("EIRE", "eu", 3),
    ("Spain", "eu", 1),
    ("Japan", "row", 2),
    ("Australia", "row", 1),
];
/// Lines of an average invoice, as in a real week.
const LINES_PER_INVOICE: u64 = 23;
const SECONDS_PER_WEEK: u64 = 7 * 24 * 60 * 60;

/// How much to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Order lines.
    pub lines: u64,
    /// Products to choose from.
    pub skus: u64,
    /// Home regions: `r0` to `r(homes - 1)`.
    pub homes: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self { lines: 20_000, skus: 2_500, homes: 3 }
    }
}

/// The CSV text, header included, that `seed` makes of `shape`.
pub fn generate(seed: u64, shape: Shape) -> String {
    let mut maker = Maker::new(seed, shape);
    let mut csv = HEADER.join(",");
    csv.push('\n');
    let mut seq = 0;
    while seq < shape.lines {
        seq = maker.invoice(&mut csv, seq);
    }
    csv
}

struct Maker {
    random: SplitMix,
    shape: Shape,
    /// Cumulative weights of the products, most popular first.
    popularity: Vec<u64>,
    invoice: u64,
}

impl Maker {
    fn new(seed: u64, shape: Shape) -> Self {
        // Zipf-like: weight 1/(rank + 20), in whole numbers so that every machine draws the same.
        let mut total = 0;
        let popularity = (0..shape.skus.max(1))
            .map(|rank| {
                total += 1_000_000_000 / (rank + 20);
                total
            })
            .collect();
        Self { random: SplitMix::new(seed), shape, popularity, invoice: 0 }
    }

    /// Appends one invoice; returns the number of the line behind it.
    fn invoice(&mut self, csv: &mut String, first: u64) -> u64 {
        let number = 700_000 + self.invoice;
        self.invoice += 1;
        let ts = week_time((SECONDS_PER_WEEK - 1) * first / self.shape.lines);
        let returned = self.random.percent(12);
        let (country, geo) = self.country();
        let known = self.random.percent(77);
        let customer = if known { (12_000 + self.random.below(6_500)).to_string() } else { String::new() };
        // An order is taken in one region; what it sells is sold from all of them.
        let home = self.random.below(self.shape.homes.max(1));
        let lines = if returned { 1 + self.random.below(4) } else { 3 + self.random.below(2 * LINES_PER_INVOICE) };
        let behind = (first + lines).min(self.shape.lines);
        for seq in first..behind {
            let sku = self.sku();
            let bulk = self.random.percent(10);
            let size = if bulk { 24 + self.random.below(121) } else { 1 + self.random.below(12) };
            let (letter, sign) = if returned { ("C", "-") } else { ("", "") };
            let price = price_of(sku);
            // Writing into a string cannot fail.
            let _ = writeln!(
                csv,
                "{seq},{ts},{letter}{number},S{sku:05},{sign}{size},{price},{customer},{country},{geo},r{home}"
            );
        }
        behind
    }

    fn sku(&mut self) -> u64 {
        let total = self.popularity.last().copied().unwrap_or(1);
        let draw = self.random.below(total);
        self.popularity.partition_point(|upto| *upto <= draw) as u64
    }

    fn country(&mut self) -> (&'static str, &'static str) {
        let mut draw = self.random.below(100);
        for (country, geo, share) in COUNTRIES {
            if draw < share {
                return (country, geo);
            }
            draw -= share;
        }
        ("Unspecified", "row")
    }
}

/// A product's price never changes, and its digits use the thousandths.
fn price_of(sku: u64) -> Milli {
    Milli(i64::try_from(sku * 7919 % 12_000).unwrap_or(0) + 85)
}

/// A moment of the week from 2000-01-03 on, which no real order of this kind bears.
fn week_time(second: u64) -> String {
    let (day, rest) = (second / 86_400, second % 86_400);
    format!("2000-01-{:02} {:02}:{:02}:{:02}", 3 + day, rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;
    use crate::retail::{OrderLine, read};

    fn lines(seed: u64) -> Vec<OrderLine> {
        read(generate(seed, Shape::default()).as_bytes(), Path::new("synthetic.csv")).unwrap()
    }

    #[test]
    fn one_seed_makes_one_file() {
        assert_eq!(generate(7, Shape::default()), generate(7, Shape::default()));
        assert_ne!(generate(7, Shape::default()), generate(8, Shape::default()));
    }

    #[test]
    fn what_is_made_parses_and_has_the_size_asked_for() {
        let made = lines(42);
        assert_eq!(made.len(), 20_000);
        let invoices: BTreeSet<_> = made.iter().map(|line| &line.invoice).collect();
        assert!((700..1100).contains(&invoices.len()), "{} invoices", invoices.len());
        let skus: BTreeSet<_> = made.iter().map(|line| &line.sku).collect();
        assert!((2_000..=2_500).contains(&skus.len()), "{} products", skus.len());
        let short = generate(1, Shape { lines: 1, skus: 1, homes: 1 });
        assert_eq!(short.lines().count(), 2);
    }

    #[test]
    fn it_has_the_traits_of_real_orders() {
        let made = lines(42);
        let share = |wanted: fn(&OrderLine) -> bool| made.iter().filter(|line| wanted(line)).count() * 100 / made.len();
        assert!(share(|line| line.qty < 0) >= 1 && share(|line| line.qty < 0) <= 5, "returns");
        assert!((10..40).contains(&share(|line| line.customer.is_none())), "unknown customers");
        assert!(share(|line| line.geo == "uk") > 70 && share(|line| line.geo == "eu") > 3);
        assert!(made.iter().any(|line| line.geo == "row"));
        assert!((0..3).all(|home| made.iter().filter(|line| line.home == home).count() > 5_000), "three homes");
        let mut sold: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &made {
            *sold.entry(&line.sku).or_default() += 1;
        }
        let mut counts: Vec<_> = sold.into_values().collect();
        counts.sort_unstable();
        assert!(counts[counts.len() - 1] > 20 * counts[counts.len() / 2], "a few products sell all the time");
    }
}
