//! The skeleton as a bench holds it: a child process and one stream to it.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::{ACK_BYTES, CHUNKS, ECHO, number, pieces};
use crate::raw::{Draw, KEYS, now};

/// What is asked of the skeleton.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Keys to draw from, at most [`KEYS`]; none: bare round trips.
    pub keys: Option<u64>,
    /// Operations in flight.
    pub in_flight: usize,
    /// For how long, after as much again of a tenth that is not counted.
    pub length: Duration,
}

/// A running skeleton.
#[derive(Debug)]
pub struct Skeleton {
    process: Child,
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    draw: Draw,
    next: u64,
}

impl Skeleton {
    /// Starts the program at `binary` on a database that it makes in `dir`, preloaded, and connects.
    pub async fn start(binary: &str, dir: &Path) -> Self {
        std::fs::create_dir_all(dir).expect("a directory");
        let mut process = Command::new(binary)
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the skeleton's program");
        let mut address = String::new();
        let said = process.stdout.take().expect("its output");
        BufReader::new(said).read_line(&mut address).expect("an address");
        let address: SocketAddr = address.trim().parse().expect("an address");
        let endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a socket");
        let dialled = endpoint.connect_with(config(dir), address, "skeleton").expect("a dial");
        let connection = dialled.await.expect("a handshake");
        let (send, receive) = connection.open_bi().await.expect("a stream");
        Self { process, connection, send, receive, draw: Draw::new(1), next: 0 }
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Puts a load on it; says how many operations a second, and how many microseconds each took.
    pub async fn run(&mut self, load: Load) -> (f64, Histogram<u64>) {
        let warm = load.length / 10;
        let (mut micros, mut begun) =
            (Histogram::new_with_bounds(1, 60_000_000, 3).expect("three digits"), vec![now(); load.in_flight]);
        let (mut chunks, mut rest) = (vec![Bytes::new(); CHUNKS], Vec::new());
        let first = self.next;
        let slots = u64::try_from(load.in_flight).expect("a number of operations");
        let start = now();
        let mut out = Vec::new();
        (0..slots).for_each(|_| self.request(load, &mut out));
        self.send.write_chunk(std::mem::take(&mut out).into()).await.expect("a stream");
        let mut acked = first;
        while acked < self.next {
            let count = self.receive.read_chunks(&mut chunks).await.expect("a stream").expect("an acknowledgement");
            let (at, mut ids) = (now(), Vec::new());
            for chunk in chunks.iter().take(count) {
                pieces::<ACK_BYTES>(&mut rest, chunk, |ack| ids.push(number(ack)));
            }
            let lasts = at.duration_since(start);
            for id in ids {
                acked += 1;
                let slot: &mut Instant =
                    begun.get_mut(usize::try_from((id - first) % slots).expect("a slot")).expect("a slot");
                if (warm..warm + load.length).contains(&lasts) {
                    micros.saturating_record(u64::try_from((at - *slot).as_micros()).unwrap_or(u64::MAX));
                }
                // Acknowledgements come in the order of the requests, so the next id falls on this slot.
                *slot = at;
                if lasts < warm + load.length {
                    self.request(load, &mut out);
                }
            }
            if !out.is_empty() {
                self.send.write_chunk(std::mem::take(&mut out).into()).await.expect("a stream");
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
        let rate = micros.len() as f64 / load.length.as_secs_f64();
        (rate, micros)
    }

    fn request(&mut self, load: Load, out: &mut Vec<u8>) {
        let key = load.keys.map_or(ECHO, |keys| self.draw.below(keys.min(KEYS)));
        out.extend_from_slice(&self.next.to_be_bytes());
        out.extend_from_slice(&key.to_be_bytes());
        self.next += 1;
    }
}

impl Drop for Skeleton {
    fn drop(&mut self) {
        self.connection.close(0_u32.into(), b"done");
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn config(dir: &Path) -> ClientConfig {
    let certificate = std::fs::read(dir.join("skeleton.der")).expect("the skeleton's certificate");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate)).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("a cipher for QUIC")))
}
