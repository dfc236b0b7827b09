//! How frames reach a region: a seam, so that the rules about lost connections are tested without a network.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use halcyon_net::{Credentials, FrameReader, FrameWriter, LinkHandle, client};
use halcyon_types::topology::Region;

/// Dials regions.
pub(crate) trait Transport: Send + Sync + 'static {
    type Reader: ReadFrames;
    type Writer: WriteFrames;

    /// Success means that the region has admitted this client. The error is for people.
    fn dial(&self, region: &Region) -> impl Future<Output = Result<Pipe<Self::Reader, Self::Writer>, String>> + Send;
}

/// Receives.
pub(crate) trait ReadFrames: Send + 'static {
    /// Waits for at least one frame and appends all that have arrived. Nought is the end.
    fn read(&mut self, frames: &mut Vec<Bytes>) -> impl Future<Output = Result<usize, String>> + Send;
}

/// Sends.
pub(crate) trait WriteFrames: Send + 'static {
    /// Hands over whole frames.
    fn write(&mut self, frames: Bytes) -> impl Future<Output = Result<(), String>> + Send;
}

/// A connection; dropping it closes it.
pub(crate) struct Pipe<R, W> {
    pub(crate) reader: R,
    pub(crate) writer: W,
    pub(crate) rtt: Duration,
    /// To close it at once, saying why.
    pub(crate) handle: Option<LinkHandle>,
}

/// The pipe of a transport.
pub(crate) type PipeOf<T> = Pipe<<T as Transport>::Reader, <T as Transport>::Writer>;

/// The real one.
pub(crate) struct Quic {
    credentials: Credentials,
}

impl Quic {
    pub(crate) const fn new(credentials: Credentials) -> Self {
        Self { credentials }
    }
}

impl Transport for Quic {
    type Reader = FrameReader;
    type Writer = FrameWriter;

    async fn dial(&self, region: &Region) -> Result<Pipe<FrameReader, FrameWriter>, String> {
        let session = client::dial(&self.credentials, region).await.map_err(|error| error.to_string())?;
        Ok(Pipe {
            rtt: session.handle.rtt(),
            reader: session.reader,
            writer: session.writer,
            handle: Some(session.handle),
        })
    }
}

impl ReadFrames for FrameReader {
    async fn read(&mut self, frames: &mut Vec<Bytes>) -> Result<usize, String> {
        Self::read(self, frames).await.map_err(|error| error.to_string())
    }
}

impl WriteFrames for FrameWriter {
    async fn write(&mut self, frames: Bytes) -> Result<(), String> {
        Self::write(self, frames).await.map_err(|error| error.to_string())
    }
}
