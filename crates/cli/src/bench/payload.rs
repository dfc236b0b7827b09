//! Values for registers: text of one length that neither the database nor a link can make smaller.
//!
//! Drawing every byte would cost more than the write does. So values are windows of one long text, each somewhere else.

use crate::splitmix::SplitMix;

/// Bytes of text besides one value: so many values differ.
const SLACK: usize = 64 * 1024;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Values of one length.
#[derive(Debug)]
pub(super) struct Payload {
    text: String,
    bytes: usize,
}

impl Payload {
    pub(super) fn of(bytes: usize) -> Self {
        let mut random = SplitMix::new(1);
        let text = (0..bytes + SLACK).map(|_| letter(&mut random)).collect();
        Self { text, bytes }
    }

    /// One of them.
    pub(super) fn value(&self, random: &mut SplitMix) -> &str {
        let from = usize::try_from(random.below(SLACK as u64)).unwrap_or_default();
        self.text.get(from..from + self.bytes).unwrap_or_default()
    }
}

fn letter(random: &mut SplitMix) -> char {
    let number = usize::try_from(random.below(LETTERS.len() as u64)).unwrap_or_default();
    LETTERS.get(number).copied().map(char::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_length_and_differ() {
        let (payload, mut random) = (Payload::of(64), SplitMix::new(1));
        let drawn: std::collections::BTreeSet<_> = (0..100).map(|_| payload.value(&mut random)).collect();
        assert!(drawn.len() > 90 && drawn.iter().all(|value| value.len() == 64));
        assert_eq!(Payload::of(0).value(&mut random), "");
    }
}
