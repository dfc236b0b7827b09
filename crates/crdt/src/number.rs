//! What counters count in: whole numbers, or, for the scores of a sorted set, floating point.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount or a running sum. Floats are finite.
///
/// Sums are made at their origin and shipped as they are, so that every region holds the same bits, floats included.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// A whole number.
    Whole(i64),
    /// A finite number.
    Float(f64),
}

impl Number {
    /// The sum; `None` if it does not fit, or if the two are of different kinds.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.checked_add(b).map(Self::Whole),
            (Self::Float(a), Self::Float(b)) => Some(a + b).filter(|sum| sum.is_finite()).map(Self::Float),
            _ => None,
        }
    }

    /// Zero, of the same kind.
    #[must_use]
    pub const fn zero(self) -> Self {
        match self {
            Self::Whole(_) => Self::Whole(0),
            Self::Float(_) => Self::Float(0.0),
        }
    }

    /// Whether it is a float, and a finite one, or a whole number.
    pub const fn is(self, float: bool) -> bool {
        match self {
            Self::Whole(_) => !float,
            Self::Float(value) => float && value.is_finite(),
        }
    }
}

/// Equal bits: replicas are compared byte for byte.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

impl Eq for Number {}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a 64-bit signed integer or a finite 64-bit float")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number::Whole(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                i64::try_from(value).map(Number::Whole).map_err(|_| E::custom("past 64 bits, signed"))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
                Some(value).filter(|v| v.is_finite()).map(Number::Float).ok_or_else(|| E::custom("not finite"))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_do_not_fit_are_none() {
        let (whole, float) = (Number::Whole, Number::Float);
        assert_eq!(whole(i64::MAX - 1).checked_add(whole(1)), Some(whole(i64::MAX)));
        assert_eq!(whole(i64::MAX).checked_add(whole(1)), None);
        assert_eq!(whole(i64::MIN).checked_add(whole(-1)), None);
        assert_eq!(float(f64::MAX).checked_add(float(f64::MAX)), None);
        assert_eq!(whole(1).checked_add(float(1.0)), None);
        assert_eq!(whole(9).zero(), whole(0));
        assert_eq!(float(9.0).zero(), float(0.0));
    }

    #[test]
    fn numbers_are_equal_if_their_bits_are() {
        assert_ne!(Number::Float(0.0), Number::Float(-0.0));
        assert_ne!(Number::Float(1.0), Number::Whole(1));
    }

    #[test]
    fn bytes_say_which_kind_a_number_is_and_no_float_is_without_end() {
        let read = |bytes: &[u8]| rmp_serde::from_slice::<Number>(bytes).ok();
        for number in [Number::Whole(1), Number::Whole(i64::MIN), Number::Float(1.0), Number::Float(-0.0)] {
            assert_eq!(read(&rmp_serde::to_vec(&number).unwrap()), Some(number));
        }
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(read(&rmp_serde::to_vec(&odd).unwrap()), None, "{odd}");
        }
        assert_eq!(read(&rmp_serde::to_vec(&u64::MAX).unwrap()), None, "past 64 bits, signed");
        assert_eq!(read(&rmp_serde::to_vec("1").unwrap()), None);
    }
}
