//! Which keys an order line touches. Written down once, for playing and for checking.

/// The names of keys, all below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The set of the products in an invoice.
    pub(super) fn cart(&self, invoice: &str) -> String {
        format!("{}cart:{invoice}", self.prefix)
    }

    /// The map of an invoice's units, by product.
    pub(super) fn lines(&self, invoice: &str) -> String {
        format!("{}lines:{invoice}", self.prefix)
    }

    /// The counter of a product's units, returns subtracted.
    pub(super) fn net(&self, sku: &str) -> String {
        format!("{}net:{sku}", self.prefix)
    }

    /// The counter of a geo's revenue, in thousandths.
    pub(super) fn revenue(&self, geo: &str) -> String {
        format!("{}revenue:{geo}", self.prefix)
    }

    /// The register of a product's latest order line.
    pub(super) fn last(&self, sku: &str) -> String {
        format!("{}last:{sku}", self.prefix)
    }

    /// The sorted set of products by units sold.
    pub(super) fn top(&self) -> String {
        format!("{}top", self.prefix)
    }

    /// The `HyperLogLog` of a geo's customers.
    pub(super) fn buyers(&self, geo: &str) -> String {
        format!("{}buyers:{geo}", self.prefix)
    }

    /// The bounded counter of a product's units on the shelf.
    pub(super) fn stock(&self, sku: &str) -> String {
        format!("{}stock:{sku}", self.prefix)
    }
}
