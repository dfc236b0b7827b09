//! What a read prints.
//!
//! The language compares text, so every world that runs it must print alike: `nil`, `true`, `{a,b}` in the order of their
//! characters, `[a,b]` in their own, whole numbers in full, and all other numbers as C's `%g`.

use std::fmt;

use super::query::{Query, QueryKind};

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// There is none: `nil`.
    Nil,
    /// A word.
    Text(String),
    /// `{a,b}`: sorted as it is printed. What is there twice is printed twice (two siblings of one value, say).
    Set(Vec<String>),
    /// `[b,a]`.
    List(Vec<String>),
    /// `true` or `false`.
    Truth(bool),
    /// A whole number, in full: `pfcount`, `bval`, `rights`, ranks and times.
    Integer(i128),
    /// A number of six digits at most, as C's `%g`: scores, and the sums of counters, whole though they are.
    Number(f64),
}

impl Value {
    /// A counter's sum. It is printed as `%g` too: a million is `1e+06`, and 1234567 is `1.23457e+06`.
    pub fn counter(sum: i128) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "six digits are printed, and a double holds fifteen")]
        Self::Number(sum as f64)
    }

    /// What a query reads where nothing of its type is.
    pub fn absent(query: &Query) -> Self {
        let set = || Self::Set(Vec::new());
        match query.kind {
            // A counter is zero under a key from the start; a map has no field that nothing was written to.
            QueryKind::Counter if query.object.path.is_empty() => Self::Number(0.0),
            QueryKind::Flag | QueryKind::Contains(_) => Self::Truth(false),
            QueryKind::Members | QueryKind::MvGet | QueryKind::Fields | QueryKind::Kinds => set(),
            QueryKind::ListRange { .. } | QueryKind::RankRange { .. } | QueryKind::ScoreRange { .. } => {
                Self::List(Vec::new())
            }
            QueryKind::HllCount | QueryKind::BoundedValue | QueryKind::BoundedRights => Self::Integer(0),
            QueryKind::Get
            | QueryKind::Counter
            | QueryKind::Score(_)
            | QueryKind::Rank { .. }
            | QueryKind::ListIndex(_)
            | QueryKind::Ttl => Self::Nil,
        }
    }

    /// What a query reads of a key that has expired and was not written to since: as of an absent one, but that flags,
    /// rights and sets in a map are `nil`.
    pub fn expired(query: &Query) -> Self {
        match query.kind {
            QueryKind::Flag | QueryKind::BoundedRights => Self::Nil,
            QueryKind::Members if !query.object.path.is_empty() => Self::Nil,
            _ => Self::absent(query),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Text(text) => f.write_str(text),
            Self::Set(words) => {
                let mut words = words.clone();
                words.sort_unstable();
                write!(f, "{{{}}}", words.join(","))
            }
            Self::List(words) => write!(f, "[{}]", words.join(",")),
            Self::Truth(truth) => truth.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Number(number) => f.write_str(&six_digits(*number)),
        }
    }
}

/// Significant digits of `%g`.
const DIGITS: i32 = 6;

/// A number as C's `%g` prints it (C17, 7.21.6.1): six significant digits without trailing zeros, in the exponent form
/// where the exponent is below -4 or not below 6.
fn six_digits(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // The exponent is that of the rounded number: 999999.5 is 1e+06.
    let scientific = format!("{number:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS).contains(&exponent) {
        let places = usize::try_from(DIGITS - 1 - exponent).unwrap_or_default();
        return without_zeros(&format!("{number:.places$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(digits), exponent.abs())
}

fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}
