//! Frames: a length, then a body that means nothing here.
//!
//! ```text
//! u32 big-endian, 1..=FRAME_BYTES_MAX ‖ body
//! ```
//!
//! Pure: bytes in, frames out, so that it can be fuzzed without a network. A declared length is checked before
//! anything is allocated for it, and memory then grows with what has arrived, never with what was announced.

use bytes::{Bytes, BytesMut};
use halcyon_types::limits::FRAME_BYTES_MAX;

/// Bytes of the length before a body.
pub const PREFIX_BYTES: usize = 4;

/// What a body split over several chunks begins with; it grows as its bytes arrive.
const FIRST_ALLOCATION_BYTES: usize = 16 * 1024;

const _: () = assert!(FRAME_BYTES_MAX <= u32::MAX as usize, "every length fits the prefix");

/// A frame of a size that does not exist. From the other end: drop the connection, nothing after it can be trusted.
/// From here: the frame was not written, the buffer is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameSizeError {
    /// Every message has at least its version byte.
    #[error("a frame without a body")]
    Empty,
    /// Nobody may make the other end allocate more.
    #[error("a frame of {bytes} bytes; {FRAME_BYTES_MAX} is the most")]
    TooLarge {
        /// What it would be.
        bytes: usize,
    },
}

/// Appends a frame to `buf`, whose body `encode` appends in place.
///
/// # Errors
/// The body is empty or too large; `buf` is as before.
pub fn append(buf: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), FrameSizeError> {
    let start = buf.len();
    buf.extend_from_slice(&[0; PREFIX_BYTES]);
    encode(buf);
    let body = buf.len().saturating_sub(start + PREFIX_BYTES);
    match (check(body), buf.get_mut(start..start + PREFIX_BYTES), u32::try_from(body)) {
        (Ok(()), Some(prefix), Ok(length)) => {
            prefix.copy_from_slice(&length.to_be_bytes());
            Ok(())
        }
        (refused, ..) => {
            buf.truncate(start);
            refused.and(Err(FrameSizeError::Empty))
        }
    }
}

fn check(bytes: usize) -> Result<(), FrameSizeError> {
    match bytes {
        0 => Err(FrameSizeError::Empty),
        1..=FRAME_BYTES_MAX => Ok(()),
        _ => Err(FrameSizeError::TooLarge { bytes }),
    }
}

/// Turns a stream's chunks back into frames.
///
/// A frame that lies inside one chunk is handed out without a copy. It then shares that chunk's memory: decode it or
/// copy it, but do not keep it.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    state: State,
}

#[derive(Debug)]
enum State {
    Prefix { bytes: [u8; PREFIX_BYTES], have: usize },
    Body { length: usize, have: BytesMut },
    Broken(FrameSizeError),
}

impl Default for State {
    fn default() -> Self {
        Self::Prefix { bytes: [0; PREFIX_BYTES], have: 0 }
    }
}

impl FrameDecoder {
    /// Takes the stream's next bytes and appends the bodies of all frames that they complete.
    ///
    /// # Errors
    /// A length that does not exist. The frames before it have been appended; every later call fails in the same way.
    pub fn push(&mut self, mut chunk: Bytes, frames: &mut Vec<Bytes>) -> Result<(), FrameSizeError> {
        while !chunk.is_empty() {
            self.step(&mut chunk, frames)?;
        }
        Ok(())
    }

    /// Whether the stream may end here: no frame has begun.
    pub fn is_at_boundary(&self) -> bool {
        matches!(self.state, State::Prefix { have: 0, .. })
    }

    fn step(&mut self, chunk: &mut Bytes, frames: &mut Vec<Bytes>) -> Result<(), FrameSizeError> {
        match &mut self.state {
            State::Prefix { bytes, have } => {
                let taken = chunk.split_to(chunk.len().min(PREFIX_BYTES - *have));
                for (slot, byte) in bytes.iter_mut().skip(*have).zip(&taken) {
                    *slot = *byte;
                }
                *have += taken.len();
                if *have == PREFIX_BYTES {
                    let length = usize::try_from(u32::from_be_bytes(*bytes)).unwrap_or(usize::MAX);
                    let checked = check(length);
                    self.state = checked.map_or_else(State::Broken, |()| State::Body { length, have: BytesMut::new() });
                    checked?;
                }
            }
            State::Body { length, have } if have.is_empty() && chunk.len() >= *length => {
                frames.push(chunk.split_to(*length));
                self.state = State::default();
            }
            State::Body { length, have } => {
                if have.is_empty() {
                    have.reserve(FIRST_ALLOCATION_BYTES.min(*length));
                }
                have.extend_from_slice(&chunk.split_to(chunk.len().min(*length - have.len())));
                if have.len() == *length {
                    frames.push(std::mem::take(have).freeze());
                    self.state = State::default();
                }
            }
            State::Broken(error) => return Err(*error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut buf = Vec::new();
        for body in bodies {
            append(&mut buf, |buf| buf.extend_from_slice(body)).unwrap();
        }
        buf
    }

    fn decode(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, FrameDecoder) {
        let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
        for chunk in chunks {
            decoder.push(Bytes::copy_from_slice(chunk), &mut frames).unwrap();
        }
        (frames.iter().map(|frame| frame.to_vec()).collect(), decoder)
    }

    #[test]
    fn frames_survive_a_split_at_every_byte() {
        let bodies = vec![vec![1], vec![2; 5], (0..=255).collect(), vec![4; 3]];
        let bytes = framed(&bodies);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let (frames, decoder) = decode(&[&bytes[..first], &bytes[first..second], &bytes[second..]]);
                assert_eq!(frames, bodies, "split at {first} and {second}");
                assert!(decoder.is_at_boundary());
            }
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(decode(&single).0, bodies);
    }

    #[test]
    fn an_end_anywhere_but_between_frames_is_seen() {
        let bytes = framed(&[vec![7; 3], vec![8; 2]]);
        for end in 0..=bytes.len() {
            let (_, decoder) = decode(&[&bytes[..end]]);
            assert_eq!(decoder.is_at_boundary(), [0, 7, 13].contains(&end), "cut at {end}");
        }
    }

    #[test]
    fn a_frame_inside_one_chunk_is_not_copied() {
        let chunk = Bytes::from(framed(&[vec![1; 10], vec![2; 10]]));
        let within = chunk.as_ptr_range();
        let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
        decoder.push(chunk, &mut frames).unwrap();
        assert!(frames.len() == 2 && frames.iter().all(|frame| within.contains(&frame.as_ptr())));
    }

    #[test]
    fn a_size_that_does_not_exist_is_refused_for_good_and_allocates_nothing() {
        let over = FRAME_BYTES_MAX + 1;
        for (length, error) in [
            (0, FrameSizeError::Empty),
            (over, FrameSizeError::TooLarge { bytes: over }),
            (u32::MAX as usize, FrameSizeError::TooLarge { bytes: u32::MAX as usize }),
        ] {
            let mut bytes = framed(&[vec![1]]);
            bytes.extend_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
            let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
            assert_eq!(decoder.push(bytes.into(), &mut frames), Err(error));
            assert_eq!(frames, [Bytes::from_static(&[1])], "what came before still counts");
            assert_eq!(decoder.push(framed(&[vec![1]]).into(), &mut frames), Err(error));
            assert_eq!(frames.len(), 1);
            assert!(matches!(decoder.state, State::Broken(_)));
        }
    }

    #[test]
    fn memory_follows_what_arrived_not_what_was_announced() {
        let announced = u32::try_from(FRAME_BYTES_MAX).unwrap().to_be_bytes();
        let (_, decoder) = decode(&[&announced, &[1]]);
        let State::Body { have, .. } = decoder.state else { panic!("{decoder:?}") };
        assert!(have.capacity() <= 2 * FIRST_ALLOCATION_BYTES);
    }

    #[test]
    fn a_frame_of_the_largest_size_passes_and_one_byte_more_leaves_the_buffer_alone() {
        let mut buf = framed(&[vec![9]]);
        let before = buf.clone();
        let over = FRAME_BYTES_MAX + 1;
        let refused = append(&mut buf, |body| body.resize(body.len() + over, 0));
        assert_eq!(refused, Err(FrameSizeError::TooLarge { bytes: over }));
        assert_eq!(append(&mut buf, |_| {}), Err(FrameSizeError::Empty));
        assert_eq!(append(&mut buf, Vec::clear), Err(FrameSizeError::Empty));
        buf = before;
        append(&mut buf, |body| body.resize(body.len() + FRAME_BYTES_MAX, 0)).unwrap();
        assert_eq!(decode(&[&buf]).0.iter().map(Vec::len).collect::<Vec<_>>(), [1, FRAME_BYTES_MAX]);
    }

    proptest! {
        #[test]
        fn any_frames_in_any_chunks_come_out_as_they_went_in(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..20),
            cuts in prop::collection::vec(1_usize..200, 1..50),
        ) {
            let bytes = framed(&bodies);
            let (mut chunks, mut rest) = (Vec::new(), bytes.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break }
                let (chunk, later) = rest.split_at(rest.len().min(*cut));
                chunks.push(chunk);
                rest = later;
            }
            prop_assert_eq!(decode(&chunks).0, bodies);
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_never_make_a_frame_out_of_bounds(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        ) {
            let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
            let total: usize = chunks.iter().map(Vec::len).sum();
            for chunk in chunks {
                if decoder.push(chunk.into(), &mut frames).is_err() { break }
            }
            let framed: usize = frames.iter().map(|frame| frame.len() + PREFIX_BYTES).sum();
            prop_assert!(framed <= total && frames.iter().all(|frame| check(frame.len()).is_ok()));
        }
    }
}
