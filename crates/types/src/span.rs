//! Spans of time as people write them: `24h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// A span of time, written as a whole number with a unit: `s`, `m`, `h` or `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// Text that is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no span of time; write a whole number and a unit, s, m, h or d, such as \"24h\"")]
pub struct NoSpan {
    text: String,
}

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Self, NoSpan> {
        let parse = || {
            let (number, seconds) =
                UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
            let digits = number.trim_end();
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| plain)?.checked_mul(*seconds)
        };
        let seconds = parse().ok_or_else(|| NoSpan { text: text.to_owned() })?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let whole = |unit: &u64| seconds > 0 && seconds.is_multiple_of(*unit);
        let (unit, each) = UNITS.iter().find(|(_, each)| whole(each)).unwrap_or(&("s", 1));
        write!(f, "{}{unit}", seconds / each)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_what_it_says() {
        for (text, seconds) in [("24h", 86_400), ("1d", 86_400), ("90s", 90), ("5 m", 300), ("0s", 0)] {
            let span = Span(Duration::from_secs(seconds));
            assert_eq!(text.parse(), Ok(span));
            assert_eq!(span.to_string().parse(), Ok(span));
        }
        assert_eq!(Span(Duration::from_hours(48)).to_string(), "2d");
        for text in ["", "24", "h", "1w", "-1h", "+1h", "1.5h", "1ms", "999999999999999999999d", "1 H"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
