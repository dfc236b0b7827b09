//! A stream of frames in any chunks: the same frames however it is cut, none past its bounds, and an error stays one.

use bytes::Bytes;
use halcyon_net::{FrameDecoder, FrameSizeError, frame};
use halcyon_types::limits::FRAME_BYTES_MAX;

/// Panics where a law is violated. The first byte says how long the chunks are, the rest is the stream.
pub(super) fn body(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = decode(stream, stream.len().max(1));
    let cut = decode(stream, usize::from(*size) + 1);
    assert_eq!(whole, cut, "another cut, other frames");
    let (frames, error, ended) = whole;
    let mut again = Vec::new();
    for body in &frames {
        assert!((1..=FRAME_BYTES_MAX).contains(&body.len()), "a frame of {} bytes", body.len());
        frame::append(&mut again, |out| out.extend_from_slice(body)).expect("what was a frame is one");
    }
    assert!(stream.starts_with(&again), "frames that nobody sent");
    let rest = stream.get(again.len()..).unwrap_or_default();
    assert_eq!(ended, rest.is_empty(), "the end of a stream");
    if let Some(prefix) = rest.first_chunk::<{ frame::PREFIX_BYTES }>() {
        let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        assert_eq!(error.is_some(), length == 0 || length > FRAME_BYTES_MAX, "a length of {length}: {error:?}");
    }
}

fn decode(stream: &[u8], chunk: usize) -> (Vec<Vec<u8>>, Option<FrameSizeError>, bool) {
    let (mut decoder, mut frames, mut error) = (FrameDecoder::default(), Vec::new(), None);
    for chunk in stream.chunks(chunk) {
        let pushed = decoder.push(Bytes::copy_from_slice(chunk), &mut frames).err();
        assert!(error.is_none() || pushed == error, "an error that did not last");
        error = pushed;
    }
    (frames.iter().map(|frame| frame.to_vec()).collect(), error, decoder.is_at_boundary())
}
