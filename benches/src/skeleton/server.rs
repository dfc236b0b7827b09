//! The skeleton's process.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bytes::Bytes;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, RecvStream, ServerConfig};
use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{CHUNKS, ECHO, GROUP_MAX, REQUEST_BYTES, number, pieces};
use crate::Raw;

/// An operation: its id and its key.
type Operation = (u64, u64);

/// Serves one client after the other, on a database that it makes in `dir`; says on standard output where, once it is
/// ready, and ends with its standard input.
///
/// `dir` is given `skeleton.der`, the certificate to trust.
pub fn serve(dir: &Path) {
    let raw = Raw::preloaded(&dir.join("db"));
    let (operations, waiting) = channel();
    let (acks, acked) = unbounded_channel();
    let answers = acks.clone();
    thread::spawn(move || commit(raw, &waiting, &answers));
    thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(listen(dir, operations, acks, acked));
}

/// The committer thread.
fn commit(mut raw: Raw, waiting: &Receiver<Vec<Operation>>, acks: &UnboundedSender<Vec<u8>>) {
    let mut group = Vec::new();
    while let Ok(first) = waiting.recv() {
        group.extend(first);
        while group.len() < GROUP_MAX
            && let Ok(more) = waiting.try_recv()
        {
            group.extend(more);
        }
        raw.commit(group.iter().map(|(_, key)| *key));
        if acks.send(group.drain(..).flat_map(|(id, _)| id.to_be_bytes()).collect()).is_err() {
            return;
        }
    }
}

async fn listen(
    dir: &Path,
    operations: Sender<Vec<Operation>>,
    acks: UnboundedSender<Vec<u8>>,
    mut acked: UnboundedReceiver<Vec<u8>>,
) {
    let endpoint = Endpoint::server(config(dir), (Ipv4Addr::LOCALHOST, 0).into()).expect("a socket");
    println!("{}", endpoint.local_addr().expect("an address"));
    std::io::stdout().flush().expect("somebody who reads the address");
    while let Some(incoming) = endpoint.accept().await {
        let connection = incoming.await.expect("a handshake");
        let (mut send, receive) = connection.accept_bi().await.expect("a stream");
        let write = async {
            while let Some(mut bytes) = acked.recv().await {
                while let Ok(more) = acked.try_recv() {
                    bytes.extend(more);
                }
                if send.write_chunk(Bytes::from(bytes)).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            () = write => {}
            () = read(receive, &operations, &acks) => {}
        }
    }
}

async fn read(mut receive: RecvStream, operations: &Sender<Vec<Operation>>, acks: &UnboundedSender<Vec<u8>>) {
    let (mut chunks, mut rest) = (vec![Bytes::new(); CHUNKS], Vec::new());
    while let Ok(Some(count)) = receive.read_chunks(&mut chunks).await {
        let (mut group, mut echoes) = (Vec::new(), Vec::new());
        for chunk in chunks.iter().take(count) {
            pieces::<REQUEST_BYTES>(&mut rest, chunk, |request| {
                let (id, key) = request.split_at(8);
                match number(key) {
                    ECHO => echoes.extend_from_slice(id),
                    key => group.push((number(id), key)),
                }
            });
        }
        if !group.is_empty() && operations.send(group).is_err() {
            return;
        }
        if !echoes.is_empty() && acks.send(echoes).is_err() {
            return;
        }
    }
}

fn config(dir: &Path) -> ServerConfig {
    let own = generate_simple_self_signed(["skeleton".to_owned()]).expect("a certificate");
    let certificate = own.cert.der().clone();
    std::fs::write(dir.join("skeleton.der"), &certificate).expect("the certificate, written");
    let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .expect("a certificate and its key");
    ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).expect("a cipher for QUIC")))
}
