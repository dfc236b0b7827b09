//! Money in thousandths of its unit, exactly as a decimal is written.

use std::fmt;
use std::str::FromStr;

/// An amount in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Milli(pub i64);

/// A text that is no exact amount in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MilliError {
    /// Not digits with at most one point.
    #[error("{text:?} is not a decimal number such as 1.65")]
    NotDecimal {
        /// What stood there.
        text: String,
    },
    /// Rounding would lose money.
    #[error("{text:?} has more than three decimals")]
    TooFine {
        /// What stood there.
        text: String,
    },
    /// Past 64 bits.
    #[error("{text:?} is too large")]
    TooLarge {
        /// What stood there.
        text: String,
    },
}

impl FromStr for Milli {
    type Err = MilliError;

    fn from_str(text: &str) -> Result<Self, MilliError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (units, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let text = || text.to_owned();
        if !all_digits(units) || !all_digits(decimals) {
            return Err(MilliError::NotDecimal { text: text() });
        }
        if decimals.len() > 3 {
            return Err(MilliError::TooFine { text: text() });
        }
        let milli =
            format!("{units}{decimals:0<3}").parse::<i64>().map_err(|_| MilliError::TooLarge { text: text() })?;
        Ok(Self(if negative { -milli } else { milli }))
    }
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, size) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let decimals = format!("{:03}", size % 1000);
        let decimals = decimals.trim_end_matches('0');
        let decimals = if decimals.is_empty() { "0" } else { decimals };
        write!(f, "{sign}{}.{decimals}", size / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_becomes_thousandths_without_rounding() {
        let cases = [
            ("1.65", 1650),
            ("25.0", 25_000),
            ("0.001", 1),
            ("7", 7000),
            ("-11062.06", -11_062_060),
            ("0.29", 290),
            ("1.005", 1005),
            ("9223372036854775.807", i64::MAX),
        ];
        for (text, milli) in cases {
            assert_eq!(text.parse(), Ok(Milli(milli)), "{text}");
        }
    }

    #[test]
    fn whatever_is_not_exact_is_refused() {
        for text in ["", ".", "1.", ".5", "1.2.3", "1,65", "1e3", "+1", "--1", " 1", "NaN", "0x10", "١"] {
            assert_eq!(text.parse::<Milli>(), Err(MilliError::NotDecimal { text: text.to_owned() }));
        }
        assert!(matches!("1.0001".parse::<Milli>(), Err(MilliError::TooFine { .. })));
        assert!(matches!("9223372036854775.808".parse::<Milli>(), Err(MilliError::TooLarge { .. })));
    }

    #[test]
    fn what_is_shown_parses_back() {
        for milli in [0, 1, 10, 990, 1000, 1650, -1, -1005, 25_000] {
            assert_eq!(Milli(milli).to_string().parse(), Ok(Milli(milli)));
        }
    }
}
