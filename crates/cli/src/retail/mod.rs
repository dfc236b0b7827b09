//! Order lines of a web shop: the CSV format that `replay` plays, read strictly, and a generator of synthetic ones.
//!
//! ```text
//! seq,ts,invoice,sku,qty,price,customer,country,geo,home
//! 0,2011-11-14 08:10:00,576080,22465,12,1.65,18211,United Kingdom,uk,r1
//! ```
//!
//! The format is that of the UCI "Online Retail" data set (Daqing Chen, 2015, doi:10.24432/C5BW33), with a number, a
//! geo and a home region added. Money is kept in thousandths and is never a float.

mod generate;
mod milli;
mod parse;

pub use generate::{Shape, generate};
pub use milli::{Milli, MilliError};
pub use parse::{CsvError, HEADER, read, read_file};

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// The file's own number.
    pub seq: u64,
    /// `YYYY-MM-DD HH:MM:SS`.
    pub ts: String,
    /// The invoice it belongs to.
    pub invoice: String,
    /// The product.
    pub sku: String,
    /// Units; negative for a return or a cancellation.
    pub qty: i64,
    /// Price of one unit.
    pub price: Milli,
    /// Who bought, if known.
    pub customer: Option<String>,
    /// Where to.
    pub country: String,
    /// The accounting area.
    pub geo: String,
    /// The region that took the order: 0 is the first of `regions.toml`.
    pub home: usize,
    /// `qty × price`, in thousandths.
    pub amount: i64,
}

impl OrderLine {
    /// What the register `last:SKU` is set to.
    pub fn stamp(&self) -> String {
        format!("{}|{}", self.ts, self.invoice)
    }
}
