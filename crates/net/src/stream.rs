//! Frames on a QUIC stream.
//!
//! Reading takes whatever chunks have arrived in one go and hands out every frame among them, so that a busy stream
//! costs one wake-up for many frames. Writing takes a buffer of many frames as it is, without a copy.

use bytes::Bytes;
use quinn::{ReadError, ReadExactError, RecvStream, SendStream, VarInt, WriteError};

use crate::frame::{FrameDecoder, FrameSizeError};
use crate::link::LinkEnd;

/// Chunks taken from the stream at once: a chunk is at most a packet, so about 90 KiB.
const CHUNKS_MAX: usize = 64;

/// Why a stream carries no more frames. Close the connection; those that were handed out before stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The other end sent a frame that does not exist.
    #[error(transparent)]
    Size(#[from] FrameSizeError),
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Truncated,
    /// The other end gave up this stream alone.
    #[error("the other end gave the stream up")]
    Abandoned,
    /// The whole connection has ended.
    #[error("the connection has ended: {0}")]
    Ended(LinkEnd),
}

impl From<ReadError> for FrameError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::ConnectionLost(error) => Self::Ended(error.into()),
            ReadError::Reset(_)
            | ReadError::ClosedStream
            | ReadError::IllegalOrderedRead
            | ReadError::ZeroRttRejected => Self::Abandoned,
        }
    }
}

impl From<WriteError> for FrameError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::ConnectionLost(error) => Self::Ended(error.into()),
            WriteError::Stopped(_) | WriteError::ClosedStream | WriteError::ZeroRttRejected => Self::Abandoned,
        }
    }
}

/// The receiving half of a stream.
#[derive(Debug)]
pub struct FrameReader {
    stream: RecvStream,
    decoder: FrameDecoder,
    chunks: Vec<Bytes>,
}

impl FrameReader {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self { stream, decoder: FrameDecoder::default(), chunks: vec![Bytes::new(); CHUNKS_MAX] }
    }

    /// Waits for at least one whole frame, then appends the bodies of all that have arrived and says how many.
    /// Nought is the end of the stream, in good order. Cancel-safe.
    ///
    /// A body shares the memory of the packets around it: decode it or copy it, but do not keep it.
    ///
    /// # Errors
    /// The stream carries no more frames. Those appended before the error stand.
    pub async fn read(&mut self, frames: &mut Vec<Bytes>) -> Result<usize, FrameError> {
        let before = frames.len();
        loop {
            let Some(count) = self.stream.read_chunks(&mut self.chunks).await? else {
                return if self.decoder.is_at_boundary() { Ok(0) } else { Err(FrameError::Truncated) };
            };
            for chunk in self.chunks.iter_mut().take(count) {
                self.decoder.push(std::mem::take(chunk), frames)?;
            }
            if frames.len() > before {
                return Ok(frames.len() - before);
            }
        }
    }
}

/// The sending half of a stream.
#[derive(Debug)]
pub struct FrameWriter {
    stream: SendStream,
}

impl FrameWriter {
    pub(crate) fn new(stream: SendStream) -> Self {
        Self { stream }
    }

    /// Hands over whole frames, made by [`frame::append`](crate::frame::append); waits while the window is full.
    ///
    /// Not cancel-safe: a write given up halfway leaves half a frame, so close the connection then.
    ///
    /// # Errors
    /// The stream takes no more frames; whether these arrived is unknown.
    pub async fn write(&mut self, frames: Bytes) -> Result<(), FrameError> {
        Ok(self.stream.write_chunk(frames).await?)
    }

    /// Ends the stream in good order: returns when the other end has received all of it.
    ///
    /// # Errors
    /// The connection ended, or the other end gave the stream up, before that was known.
    pub async fn finish(mut self) -> Result<(), FrameError> {
        self.stream.finish().map_err(|_| FrameError::Abandoned)?;
        match self.stream.stopped().await {
            Ok(None) => Ok(()),
            Err(quinn::StoppedError::ConnectionLost(error)) => Err(FrameError::Ended(error.into())),
            Ok(Some(_)) | Err(quinn::StoppedError::ZeroRttRejected) => Err(FrameError::Abandoned),
        }
    }
}

/// The one byte before the first frame of a stream: what the stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// You are admitted; or, from a client, here I am.
    Hello,
    /// Heartbeats and pulls follow.
    Control,
    /// Records follow.
    Records,
}

impl Tag {
    fn byte(self) -> u8 {
        match self {
            Self::Hello => b'H',
            Self::Control => b'C',
            Self::Records => b'R',
        }
    }

    pub(crate) async fn write(self, stream: &mut SendStream) -> Result<(), GreetingError> {
        stream.write_all(&[self.byte()]).await.map_err(|error| match error {
            WriteError::ConnectionLost(error) => GreetingError::Ended(error),
            _ => GreetingError::Unexpected,
        })
    }

    pub(crate) async fn expect(self, stream: &mut RecvStream) -> Result<(), GreetingError> {
        let mut byte = [0];
        match stream.read_exact(&mut byte).await {
            Ok(()) if byte == [self.byte()] => Ok(()),
            Err(ReadExactError::ReadError(ReadError::ConnectionLost(error))) => Err(GreetingError::Ended(error)),
            Ok(()) | Err(_) => Err(GreetingError::Unexpected),
        }
    }
}

/// Why two ends that trust each other did not come to speak.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GreetingError {
    #[error(transparent)]
    Ended(#[from] quinn::ConnectionError),
    #[error("the other end does not keep to the protocol")]
    Unexpected,
}

/// What a connection is closed with by an end that was greeted wrongly.
pub(crate) fn close_unexpected(connection: &quinn::Connection) {
    connection.close(VarInt::from_u32(1), b"unexpected greeting");
}
