//! Choices out of bytes: how a structure-aware body turns what a fuzzer mutates into something that is valid by its making.
//!
//! Total: behind the end of the bytes every choice is the first one, so that a cut input is a shorter program and no error.

/// Numbers at which arithmetic goes wrong, if it does.
const EDGES: [u64; 12] =
    [0, 1, 2, 0x7F, 0xFF, 1 << 32, (1 << 48) - 1, 1 << 48, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];

/// What is left of the bytes.
#[derive(Debug, Clone)]
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    /// All of them.
    pub const fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether there are none left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left.
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next byte; nought behind the end.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Two of them.
    pub fn pair(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A number below `end`; nought if there is none.
    pub fn below(&mut self, end: u8) -> u8 {
        self.byte().checked_rem(end).unwrap_or_default()
    }

    /// A place in something of this length; nought if it has none.
    pub fn index(&mut self, len: usize) -> usize {
        let drawn = if len > 256 { self.pair().into() } else { usize::from(self.byte()) };
        drawn.checked_rem(len).unwrap_or_default()
    }

    /// One of them, if there is any.
    pub fn pick<'b, T>(&mut self, of: &'b [T]) -> Option<&'b T> {
        of.get(self.index(of.len()))
    }

    /// The next so many bytes, or what is left of them.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their number in two.
    pub fn block(&mut self) -> &'a [u8] {
        let len = self.pair();
        self.take(len.into())
    }

    /// Any number: mostly small, sometimes an edge, sometimes eight bytes as they are.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=191 => (small % 16).into(),
            edge @ 192..=239 => EDGES.get(usize::from(edge) % EDGES.len()).copied().unwrap_or_default(),
            _ => self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_the_end_there_is_always_the_first_choice() {
        let mut source = Source::new(&[5, 0, 2, 7, 8]);
        assert_eq!((source.below(3), source.block().to_vec()), (2, vec![7, 8]));
        assert!(source.is_empty());
        assert_eq!((source.byte(), source.number(), source.below(0), source.block().len()), (0, 0, 0, 0));
        assert_eq!(source.pick::<u8>(&[]), None);
    }
}
