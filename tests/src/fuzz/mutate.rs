//! Mutations: what is done to an input to make another. Seeded, so that a campaign is a function of its seed and corpora.

use halcyon_sim::dice::Dice;
use halcyon_sim::fuzz::msgpack::{self, Node};

/// Inputs grow no longer: short ones are faster, and say more.
const BYTES_MAX: usize = 4096;
/// Lengths and numbers at which something ends.
const EDGES: [u64; 14] =
    [0, 1, 2, 31, 32, 127, 255, 4096, 65_535, 1 << 20, (1 << 20) + 1, i32::MAX as u64, u32::MAX as u64, u64::MAX];
/// Heads of `MessagePack` that claim what may not be there.
const CLAIMS: [u8; 16] =
    [0xc4, 0xc5, 0xc6, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xc7, 0xc9, 0x8f, 0x9f, 0xc1, 0xc0];

/// Mutates inputs.
#[derive(Debug)]
pub struct Mutator {
    dice: Dice,
}

impl Mutator {
    /// The mutator of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed) }
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.dice.below(end)).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.dice.roll().to_le_bytes()[0]
    }

    /// One of these, if there is any.
    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Another input, made of one or two of `corpus`.
    pub fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut data = self.pick(corpus).cloned().unwrap_or_default();
        let other = self.pick(corpus).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            self.change(&mut data, &other);
        }
        data.truncate(BYTES_MAX);
        data
    }

    fn change(&mut self, data: &mut Vec<u8>, other: &[u8]) {
        match self.below(16) {
            0 | 1 => self.flip(data),
            2 => {
                let at = self.below(data.len());
                let byte = self.byte();
                if let Some(slot) = data.get_mut(at) {
                    *slot = byte;
                }
            }
            3 => self.number(data),
            4 => {
                let at = self.below(data.len() + 1);
                let more: Vec<u8> = (0..=self.below(9)).map(|_| self.byte()).collect();
                data.splice(at..at, more);
            }
            5 => {
                let (from, to) = self.span(data.len());
                data.drain(from..to);
            }
            6 => {
                let (from, to) = self.span(data.len());
                let part = data.get(from..to).unwrap_or_default().repeat(1 + self.below(4));
                data.splice(to..to, part);
            }
            7 => {
                let len = self.below(data.len() + 1);
                data.truncate(len);
            }
            8 => self.cross(data, other),
            9 => {
                let (from, to) = self.span(other.len());
                let at = self.below(data.len() + 1);
                data.splice(at..at, other.get(from..to).unwrap_or_default().to_vec());
            }
            10 => self.lines(data),
            _ => self.value(data, other),
        }
        data.truncate(2 * BYTES_MAX);
    }

    fn flip(&mut self, data: &mut [u8]) {
        let (at, bit) = (self.below(data.len()), self.below(8));
        if let Some(slot) = data.get_mut(at) {
            *slot ^= 1 << bit;
        }
    }

    /// Part of an input, mostly a short one.
    fn span(&mut self, len: usize) -> (usize, usize) {
        let from = self.below(len + 1);
        let most = if self.below(4) == 0 { len } else { 16 };
        (from, len.min(from + self.below(most + 1)))
    }

    /// An edge in place of so many bytes, in either order.
    fn number(&mut self, data: &mut [u8]) {
        let at = self.below(data.len());
        let width = 1 << self.below(4);
        let edge = self.pick(&EDGES).copied().unwrap_or_default();
        let near = edge.wrapping_add(self.dice.below(3)).wrapping_sub(1);
        let bytes = if self.below(4) == 0 { near.to_le_bytes() } else { (near << (64 - 8 * width)).to_be_bytes() };
        let slots = data.iter_mut().skip(at).take(width);
        slots.zip(bytes).for_each(|(slot, byte)| *slot = byte);
    }

    /// The beginning of one and the end of another.
    fn cross(&mut self, data: &mut Vec<u8>, other: &[u8]) {
        let (kept, from) = (self.below(data.len() + 1), self.below(other.len() + 1));
        data.truncate(kept);
        data.extend_from_slice(other.get(from..).unwrap_or_default());
    }

    /// Lines in another order, or once more.
    fn lines(&mut self, data: &mut Vec<u8>) {
        let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
        let mut lines: Vec<Vec<u8>> = lines.into_iter().map(<[u8]>::to_vec).collect();
        let (one, other) = (self.below(lines.len()), self.below(lines.len()));
        if self.below(2) == 0 {
            lines.swap(one, other);
        } else if let Some(line) = lines.get(one).cloned() {
            lines.insert(other, line);
        }
        *data = lines.join(&b'\n');
    }

    /// A value of a document: taken out, doubled, put into another's place, wrapped, or made to claim more than it has.
    fn value(&mut self, data: &mut Vec<u8>, other: &[u8]) {
        // A document has its version before it; other inputs hold documents somewhere.
        let start = if self.below(3) == 0 { self.below(data.len()) } else { 1 };
        let Some(nodes) = data.get(start..).and_then(msgpack::nodes) else { return self.flip(data) };
        let Some(Node { at, head, end, .. }) = self.pick(&nodes).copied() else { return };
        let (at, body, end) = (start + at, start + at + head, start + end);
        let whole = data.get(at..end).unwrap_or_default().to_vec();
        match self.below(8) {
            0 => drop(data.drain(at..end)),
            1 => drop(data.splice(at..at, whole)),
            2 => {
                let theirs = other.get(1..).unwrap_or_default();
                let nodes = msgpack::nodes(theirs).unwrap_or_default();
                let Some(node) = self.pick(&nodes) else { return };
                data.splice(at..end, theirs.get(node.at..node.end).unwrap_or_default().to_vec());
            }
            3 => {
                let Some(Node { at: from, end: to, .. }) = self.pick(&nodes).copied() else { return };
                let there = data.get(start + from..start + to).unwrap_or_default().to_vec();
                data.splice(at..end, there);
            }
            4 => {
                let depth = [1, 2, 15, 31, 40, 300].get(self.below(6)).copied().unwrap_or(1);
                data.splice(at..at, vec![0x91; depth]);
            }
            5 => {
                let claim = self.pick(&CLAIMS).copied().unwrap_or(0xdd);
                let length = self.pick(&EDGES).copied().unwrap_or_default().to_be_bytes();
                let kept = 8 - (1 << self.below(3));
                data.splice(at..body, [&[claim], length.get(kept..).unwrap_or_default()].concat());
            }
            6 => {
                let number = self.pick(&EDGES).copied().unwrap_or_default();
                let marker = [0xcf, 0xd3, 0xcb].get(self.below(3)).copied().unwrap_or(0xcf);
                data.splice(at..end, [&[marker][..], &number.to_be_bytes()].concat());
            }
            _ => {
                let slot = data.get_mut(at);
                let by = if self.below(2) == 0 { 1 } else { 255 };
                if let Some(slot) = slot {
                    *slot = slot.wrapping_add(by);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_inputs_again_and_another_seed_others() {
        let corpus = [vec![1, 0x93, 1, 0xa1, b'a', 0xc0], b"a\nb\nc".to_vec()];
        let of = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..200).map(|_| mutator.mutate(&corpus)).collect::<Vec<_>>()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let distinct: std::collections::BTreeSet<_> = of(1).into_iter().collect();
        assert!(distinct.len() > 150, "only {} of 200 differ", distinct.len());
    }
}
