//! What became of order lines, as far as stock goes.

use std::collections::BTreeMap;

use halcyon_client::SessionToken;
use serde::Serialize;

/// Order lines and their units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Count {
    /// Order lines.
    pub lines: u64,
    /// Units of them.
    pub units: u64,
}

impl Count {
    /// One more line.
    pub(super) const fn note(&mut self, units: u64) {
        self.lines += 1;
        self.units += units;
    }

    fn join(&mut self, other: Self) {
        self.lines += other.lines;
        self.units += other.units;
    }
}

/// The sales and returns of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Sales {
    /// Sales that took their units out of the stock.
    pub accepted: Count,
    /// Sales that were refused their units, and booked as back orders.
    pub refused: Count,
    /// Returns, which put theirs back.
    pub returned: Count,
    /// Accepted sales that had been refused at first, for want of rights that other regions held.
    pub accepted_later: u64,
}

impl Sales {
    pub(super) fn join(&mut self, other: Self) {
        self.accepted.join(other.accepted);
        self.refused.join(other.refused);
        self.returned.join(other.returned);
        self.accepted_later += other.accepted_later;
    }
}

/// What became of an order line's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Units {
    /// None were to be moved.
    None,
    /// Taken out of the stock, at the first attempt or a later one.
    Taken { at_once: bool },
    /// Put back.
    Returned,
    /// Refused: the line is a back order.
    Refused,
}

/// Order lines that were played.
#[derive(Debug, Clone, Default)]
pub(super) struct Played {
    /// Covers them all.
    pub(super) token: SessionToken,
    /// By home.
    pub(super) sales: BTreeMap<usize, Sales>,
    /// Units of refused sales, by product.
    pub(super) refused: BTreeMap<String, u64>,
}

impl Played {
    /// One more line of a home.
    pub(super) fn note(&mut self, home: usize, sku: &str, units: u64, became: Units) {
        let sales = self.sales.entry(home).or_default();
        match became {
            Units::None => {}
            Units::Taken { at_once } => {
                sales.accepted.note(units);
                sales.accepted_later += u64::from(!at_once);
            }
            Units::Returned => sales.returned.note(units),
            Units::Refused => {
                sales.refused.note(units);
                *self.refused.entry(sku.to_owned()).or_default() += units;
            }
        }
    }

    /// And those of another.
    pub(super) fn join(&mut self, other: Self) {
        self.token.join(&other.token);
        for (home, sales) in other.sales {
            self.sales.entry(home).or_default().join(sales);
        }
        for (sku, units) in other.refused {
            *self.refused.entry(sku).or_default() += units;
        }
    }

    /// Of one home.
    pub(super) fn of(&self, home: usize) -> Sales {
        self.sales.get(&home).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_counted_once_where_it_was_played() {
        let (mut all, mut part) = (Played::default(), Played::default());
        all.note(0, "x", 5, Units::Taken { at_once: true });
        all.note(0, "x", 2, Units::Refused);
        part.note(0, "x", 3, Units::Refused);
        part.note(1, "x", 4, Units::Taken { at_once: false });
        part.note(1, "y", 1, Units::Returned);
        part.note(1, "y", 0, Units::None);
        all.join(part);
        let count = |lines, units| Count { lines, units };
        let first = Sales { accepted: count(1, 5), refused: count(2, 5), ..Sales::default() };
        assert_eq!(all.of(0), first);
        let second = Sales { accepted: count(1, 4), returned: count(1, 1), accepted_later: 1, ..Sales::default() };
        assert_eq!(all.of(1), second);
        assert_eq!(all.of(2), Sales::default());
        assert_eq!(all.refused, [("x".to_owned(), 5)].into());
    }
}
