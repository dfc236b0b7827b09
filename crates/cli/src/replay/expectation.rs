//! What every region must show at the end, computed from the order lines alone.
//!
//! Most figures are known exactly. `last:SKU` is a last-writer-wins register: the regions' clocks decide between the last
//! write of each region, so those are the candidates, and all regions must show the same one. `buyers:GEO` is an estimate
//! of a number known exactly. What is left of `stock:SKU` depends on which sales were refused, see [`super::stock`].

use std::collections::{BTreeMap, BTreeSet};

use crate::retail::OrderLine;

/// Figures of one product that the order lines alone decide.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Figures {
    /// Units of positive lines.
    pub(super) sold: i128,
    /// Units of negative lines, as a positive number.
    pub(super) returned: i128,
    /// The least stock to begin with that never runs out when lines come in file order and returns go back on the shelf.
    pub(super) min_initial_stock: i128,
    /// Invoices that name it.
    pub(super) invoices: BTreeSet<String>,
    /// Regions that sold it or took it back.
    pub(super) homes: BTreeSet<usize>,
}

impl Figures {
    /// Units sold less units returned.
    pub(super) fn net(&self) -> i128 {
        self.sold - self.returned
    }
}

/// The end that a file of order lines must lead to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Expectation {
    /// By product.
    pub(super) skus: BTreeMap<String, Figures>,
    /// Products, by invoice.
    pub(super) carts: BTreeMap<String, BTreeSet<String>>,
    /// Units, by invoice and product.
    pub(super) lines: BTreeMap<(String, String), i128>,
    /// Thousandths, by geo.
    pub(super) revenue: BTreeMap<String, i128>,
    /// Customers that are known, by geo.
    pub(super) buyers: BTreeMap<String, BTreeSet<String>>,
    /// By product: the last value written in each region.
    pub(super) last: BTreeMap<String, BTreeMap<usize, String>>,
}

impl Expectation {
    /// Of these lines, in this order.
    pub(super) fn of(lines: &[OrderLine]) -> Self {
        let mut end = Self::default();
        for line in lines {
            end.add(line);
        }
        end
    }

    /// Units sold, by product; products that were only taken back are not among them.
    pub(super) fn sold(&self) -> impl Iterator<Item = (&String, i128)> {
        self.skus.iter().map(|(sku, figures)| (sku, figures.sold)).filter(|(_, sold)| *sold > 0)
    }

    fn add(&mut self, line: &OrderLine) {
        let qty = i128::from(line.qty);
        let figures = self.skus.entry(line.sku.clone()).or_default();
        if line.qty > 0 {
            figures.sold += qty;
            self.carts.entry(line.invoice.clone()).or_default().insert(line.sku.clone());
        } else {
            figures.returned -= qty;
        }
        figures.min_initial_stock = figures.min_initial_stock.max(figures.net());
        figures.invoices.insert(line.invoice.clone());
        figures.homes.insert(line.home);
        *self.lines.entry((line.invoice.clone(), line.sku.clone())).or_default() += qty;
        *self.revenue.entry(line.geo.clone()).or_default() += i128::from(line.amount);
        if let Some(customer) = &line.customer {
            self.buyers.entry(line.geo.clone()).or_default().insert(customer.clone());
        }
        self.last.entry(line.sku.clone()).or_default().insert(line.home, line.stamp());
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::retail::{HEADER, read};

    /// Six lines of two products in two regions.
    pub(in crate::replay) fn lines() -> Vec<OrderLine> {
        let body = "0,2011-11-14 08:10:00,A,x,12,1.65,1,UK,uk,r0
1,2011-11-14 08:11:00,A,y,1,0.005,1,UK,uk,r0
2,2011-11-14 08:12:00,B,x,3,1.65,,France,eu,r1
3,2011-11-14 08:13:00,C1,x,-13,1.65,1,UK,uk,r1
4,2011-11-14 08:14:00,D,x,1,1.65,1,UK,uk,r1
5,2011-11-14 08:15:00,A,x,2,1.65,1,UK,uk,r0";
        read(format!("{}\n{body}\n", HEADER.join(",")).as_bytes(), Path::new("six.csv")).unwrap()
    }

    #[test]
    fn the_end_follows_from_the_lines() {
        let end = Expectation::of(&lines());
        let x = &end.skus["x"];
        assert_eq!((x.sold, x.returned, x.net(), x.min_initial_stock), (18, 13, 5, 15));
        assert_eq!((x.invoices.len(), x.homes.len()), (4, 2));
        let cart =
            |invoice: &str| end.carts.get(invoice).map(|cart| cart.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(cart("A"), Some(vec!["x", "y"]));
        assert_eq!(cart("C1"), None, "a return fills no cart");
        assert_eq!(end.lines[&("A".to_owned(), "x".to_owned())], 14);
        assert_eq!(end.lines[&("C1".to_owned(), "x".to_owned())], -13);
        assert_eq!(end.revenue["uk"], 1650 * 2 + 5);
        assert_eq!(end.revenue["eu"], 4950);
        assert_eq!(end.buyers.iter().map(|(geo, who)| (geo.as_str(), who.len())).collect::<Vec<_>>(), [("uk", 1)]);
        assert_eq!(end.sold().map(|(sku, sold)| (sku.as_str(), sold)).collect::<Vec<_>>(), [("x", 18), ("y", 1)]);
        let last: Vec<_> = end.last["x"].values().map(String::as_str).collect();
        assert_eq!(last, ["2011-11-14 08:15:00|A", "2011-11-14 08:14:00|D"], "one candidate per region");
    }
}
