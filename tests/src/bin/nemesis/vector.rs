//! Version vectors and dots as the history writes them: the text that tokens and receipts have, and an order.
//!
//! Deliberately not the ones that the nodes are built from: a judge that borrows the accused's ruler measures nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One incarnation of a region's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Actor {
    /// The region's number, from 1.
    pub(crate) region: u16,
    minted: u64,
}

/// The name of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Dot {
    pub(crate) actor: Actor,
    pub(crate) seq: u64,
}

/// For each log, up to where it has been seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Vector(BTreeMap<Actor, u64>);

impl Vector {
    pub(crate) fn get(&self, actor: Actor) -> u64 {
        self.0.get(&actor).copied().unwrap_or(0)
    }

    pub(crate) fn covers(&self, dot: Dot) -> bool {
        dot.seq <= self.get(dot.actor)
    }

    /// Whether all that `self` has seen, `other` has seen too.
    pub(crate) fn within(&self, other: &Self) -> bool {
        self.iter().all(|dot| other.covers(dot))
    }

    pub(crate) fn see(&mut self, dot: Dot) {
        let seq = self.0.entry(dot.actor).or_default();
        *seq = dot.seq.max(*seq);
    }

    pub(crate) fn join(&mut self, other: &Self) {
        other.iter().for_each(|dot| self.see(dot));
    }

    /// The last record seen of each log.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.0.iter().map(|(actor, seq)| Dot { actor: *actor, seq: *seq })
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}:{}", self.actor.region, self.actor.minted, self.seq)
    }
}

impl fmt::Display for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        for (i, dot) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{dot}")?;
        }
        Ok(())
    }
}

impl FromStr for Dot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (actor, seq) = text.split_once(':')?;
            let (region, minted) = actor.split_once('.')?;
            let actor = Actor { region: region.parse().ok()?, minted: minted.parse().ok()? };
            Some(Self { actor, seq: seq.parse().ok()? })
        };
        parse().ok_or_else(|| format!("{text:?} is no REGION.MINTED:SEQ"))
    }
}

impl FromStr for Vector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut vector = Self::default();
        if text != "-" {
            for dot in text.split(',') {
                vector.see(dot.parse()?);
            }
        }
        Ok(vector)
    }
}

impl From<Dot> for String {
    fn from(dot: Dot) -> Self {
        dot.to_string()
    }
}

impl TryFrom<String> for Dot {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Vector> for String {
    fn from(vector: Vector) -> Self {
        vector.to_string()
    }
}

impl TryFrom<String> for Vector {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_survives_its_text_and_joins_to_the_higher_of_each() {
        let mut one: Vector = "1.5:3,2.5:9".parse().unwrap();
        let other: Vector = "1.5:4,3.5:1".parse().unwrap();
        assert!(!other.within(&one));
        one.join(&other);
        assert_eq!(one.to_string(), "1.5:4,2.5:9,3.5:1");
        assert!(other.within(&one) && one.covers("2.5:9".parse().unwrap()) && !one.covers("2.6:1".parse().unwrap()));
        assert_eq!("-".parse(), Ok(Vector::default()));
        assert!("1.5".parse::<Vector>().is_err());
    }
}
