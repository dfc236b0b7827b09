//! The admin port's connections: so many at a time, and each for so long.
//!
//! There are no certificates on this port, so whoever reaches it may open connections and say nothing. Past the most there
//! may be, the oldest ends for the newest: whoever asks something at once is served, and whoever only waits is not. Every
//! connection ends after a while, idle, half asked or unread; a scraper that wants to go on opens another.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use halcyon_types::limits::{ADMIN_CONNECTION_AGE_MAX, ADMIN_CONNECTIONS_MAX};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

/// What the system refuses now, such as another descriptor, it may grant then.
const PAUSE: Duration = Duration::from_millis(100);

/// The admin port, and who is there.
pub(crate) struct Visits {
    listener: TcpListener,
    /// Oldest first. Dropping one ends its connection.
    open: VecDeque<oneshot::Sender<()>>,
    age_max: Duration,
}

/// A connection to the admin port.
pub(crate) struct Visit {
    stream: TcpStream,
    /// Resolves when its place is somebody else's.
    turned_out: oneshot::Receiver<()>,
    age: Pin<Box<Sleep>>,
    over: bool,
}

impl Visits {
    pub(crate) const fn at(listener: TcpListener) -> Self {
        Self { listener, open: VecDeque::new(), age_max: ADMIN_CONNECTION_AGE_MAX }
    }

    fn admit(&mut self, stream: TcpStream) -> Visit {
        self.open.retain(|visit| !visit.is_closed());
        while self.open.len() >= ADMIN_CONNECTIONS_MAX {
            self.open.pop_front();
        }
        let (place, turned_out) = oneshot::channel();
        self.open.push_back(place);
        Visit { stream, turned_out, age: Box::pin(sleep(self.age_max)), over: false }
    }
}

impl Listener for Visits {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, from)) => return (self.admit(stream), from),
                Err(error) => {
                    tracing::warn!(%error, "a connection to the admin port cannot be accepted");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Visit {
    /// Fails once the connection has been open for too long, or too many have come since.
    fn goes_on(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        // Neither is asked again once it has said so.
        self.over = self.over
            || Pin::new(&mut self.turned_out).poll(context).is_ready()
            || self.age.as_mut().poll(context).is_ready();
        if self.over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.goes_on(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Visit {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.goes_on(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn serving(age_max: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/", get(async || "here"));
        let visits = Visits { age_max, ..Visits::at(listener) };
        tokio::spawn(async move { axum::serve(visits, app).await });
        address
    }

    /// What is answered to a request; nothing if the connection ends.
    async fn ask(stream: &mut TcpStream) -> String {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let mut answer = [0; 512];
        let read = stream.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    #[tokio::test]
    async fn whoever_comes_is_served_beside_any_number_who_only_wait() {
        let address = serving(ADMIN_CONNECTION_AGE_MAX).await;
        let mut waiting = Vec::new();
        for number in 0..3 * ADMIN_CONNECTIONS_MAX {
            let mut stream = TcpStream::connect(address).await.unwrap();
            if number % 2 == 0 {
                stream.write_all(b"GET / HTTP/1.1\r\nX-Never-Ends: ").await.unwrap();
            }
            waiting.push(stream);
        }
        assert!(ask(&mut TcpStream::connect(address).await.unwrap()).await.contains("here"));
        // The oldest were turned out; the last to come, which has said nothing yet, has its place.
        assert_eq!(ask(&mut waiting[0]).await, "");
        assert!(ask(waiting.last_mut().unwrap()).await.contains("here"));
    }

    #[tokio::test]
    async fn a_connection_that_grows_old_ends_whatever_it_has_said() {
        let address = serving(Duration::from_millis(50)).await;
        for said in [&b""[..], b"GET / HTTP/1.1\r\nX-Never-Ends: "] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said).await.unwrap();
            let mut left = Vec::new();
            let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut left)).await;
            assert!(end.is_ok(), "it is still open");
        }
    }
}
