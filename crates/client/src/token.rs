//! Session tokens, and their text form, for cookies, headers and command lines.
//!
//! ```text
//! 1.1700000000000:17,2.1700000000123:4        region.mint-time:seq of each actor, ascending; "-" for nothing seen
//! ```

use std::fmt;
use std::str::FromStr;

use halcyon_types::limits::ACTORS_MAX;
use halcyon_types::{ActorId, Dot, RegionId, Seq, UnixMs, VersionVector};

/// The longest entry: a region, a mint time of 48 bits, a seq of 64 bits, and three separators.
const ENTRY_BYTES_MAX: usize = 5 + 15 + 20 + 3;
const TEXT_BYTES_MAX: usize = ACTORS_MAX * ENTRY_BYTES_MAX;
const MINT_END: u64 = 1 << 48;
const NOTHING: &str = "-";

/// What a session has seen: for each region's log, up to where. Reads of [`Client::session`](crate::Client::session)
/// wait for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SessionToken(VersionVector);

/// A text that is no session token. Nothing has been asked of any region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any token can be.
    #[error("{bytes} bytes are more than a session token can have ({TEXT_BYTES_MAX}); pass a token as it was printed")]
    TooLong {
        /// Bytes given.
        bytes: usize,
    },
    /// An entry that names no position in a log.
    #[error(
        "{entry:?} is not REGION.MINTED:SEQ; pass a token as it was printed, such as \"1.1700000000000:17\", or \"-\""
    )]
    Entry {
        /// The entry, cut to a readable length.
        entry: String,
    },
}

impl SessionToken {
    /// Nothing seen yet: a session that has yet to begin.
    pub const fn new() -> Self {
        Self(VersionVector::new())
    }

    /// Adds all that `other` has seen, such as the token of a later receipt.
    pub fn join(&mut self, other: &Self) {
        self.0.join(&other.0);
    }

    /// Whether `dot` is among what has been seen.
    pub fn covers(&self, dot: Dot) -> bool {
        self.0.covers(dot)
    }

    /// Whether all of `other` is among what has been seen.
    pub fn covers_all(&self, other: &Self) -> bool {
        other.0.le(&self.0)
    }

    /// As a version vector.
    pub const fn as_vector(&self) -> &VersionVector {
        &self.0
    }
}

impl From<VersionVector> for SessionToken {
    fn from(vv: VersionVector) -> Self {
        Self(vv)
    }
}

impl From<SessionToken> for VersionVector {
    fn from(token: SessionToken) -> Self {
        token.0
    }
}

impl fmt::Display for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NOTHING);
        }
        for (i, (actor, seq)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{}", Dot { actor, seq })?;
        }
        Ok(())
    }
}

impl FromStr for SessionToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(TokenError::TooLong { bytes: text.len() });
        }
        if text == NOTHING {
            return Ok(Self::new());
        }
        text.split(',')
            .map(|entry| {
                entry_of(entry)
                    .ok_or_else(|| TokenError::Entry { entry: entry.chars().take(2 * ENTRY_BYTES_MAX).collect() })
            })
            .collect::<Result<VersionVector, _>>()
            .map(Self)
    }
}

fn entry_of(entry: &str) -> Option<(ActorId, Seq)> {
    let (actor, seq) = entry.split_once(':')?;
    let (region, minted) = actor.split_once('.')?;
    let region = RegionId::try_from(number(region)?).ok()?;
    let minted = number(minted).filter(|minted| *minted < MINT_END)?;
    let seq = number(seq).filter(|seq| *seq > 0)?;
    Some((ActorId::mint(region, UnixMs(minted)), Seq(seq)))
}

/// Digits only: `u64::from_str` would take a sign as well.
fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens() -> impl Strategy<Value = SessionToken> {
        prop::collection::vec((1..=65_535_u64, 0..MINT_END, 0..=u64::MAX), 0..8).prop_map(|entries| {
            let entries = entries.into_iter().map(|(region, minted, seq)| {
                let region = RegionId::try_from(region).unwrap();
                (ActorId::mint(region, UnixMs(minted)), Seq(seq))
            });
            SessionToken(entries.collect())
        })
    }

    proptest! {
        #[test]
        fn every_token_survives_its_text_form(token in tokens()) {
            prop_assert_eq!(token.to_string().parse::<SessionToken>(), Ok(token));
        }

        #[test]
        fn arbitrary_text_is_a_token_or_a_typed_error(text in "[-0-9.:,+a ]{0,60}") {
            if let Ok(token) = text.parse::<SessionToken>() {
                prop_assert_eq!(token.to_string().parse::<SessionToken>(), Ok(token));
            }
        }
    }

    #[test]
    fn the_text_form_is_this_one() {
        let token: SessionToken = "1.1700000000000:17,2.1700000000123:4".parse().unwrap();
        assert_eq!(token.as_vector().len(), 2);
        assert_eq!(token.to_string(), "1.1700000000000:17,2.1700000000123:4");
        assert_eq!(SessionToken::new().to_string(), "-");
    }

    #[test]
    fn what_is_no_token_is_refused_with_the_entry_that_is_wrong() {
        for bad in
            ["", "1.2", "1.2:", "1.2:0", "0.2:3", "65536.2:3", "1.2:+3", "1.281474976710656:3", "a.2:3", "1.2:3,"]
        {
            let error = bad.parse::<SessionToken>().unwrap_err();
            assert!(matches!(error, TokenError::Entry { .. }), "{bad}: {error}");
        }
        let error = "1".repeat(TEXT_BYTES_MAX + 1).parse::<SessionToken>();
        assert_eq!(error, Err(TokenError::TooLong { bytes: TEXT_BYTES_MAX + 1 }));
    }

    #[test]
    fn joined_tokens_cover_both() {
        let mut token: SessionToken = "1.5:3,2.5:9".parse().unwrap();
        let other: SessionToken = "1.5:4,3.5:1".parse().unwrap();
        assert!(!token.covers_all(&other));
        token.join(&other);
        assert_eq!(token.to_string(), "1.5:4,2.5:9,3.5:1");
        assert!(token.covers_all(&other));
    }
}
