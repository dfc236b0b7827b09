//! A plain copy of bytes over a link: the same certificates, the same QUIC settings, the same framing, and nothing behind it.

use std::fs;
use std::path::Path;
use std::thread;

use bytes::Bytes;
use halcyon_benches::{Draw, Figure, Report, Rounds, float, scale};
use halcyon_net::{Credentials, Identity, PeerListener, Role, frame, peer};
use halcyon_tests::Cluster;
use halcyon_types::limits::RANGE_BYTES_MAX;
use halcyon_types::topology::{Region, Topology};
use tokio::time::Instant;

const ROUNDS: usize = 7;
/// Bytes of a round.
const BYTES: u64 = 512 * 1024 * 1024;

/// Bytes a second, one way, in frames as large as ranges of records are.
pub(crate) async fn measure(dir: &Path, report: &mut Report) -> f64 {
    // For its file and certificates alone; no node runs.
    let cluster = Cluster::prepared(dir, 2, false).await;
    let topology = Topology::parse(&fs::read_to_string(cluster.config()).expect("a file")).expect("a topology");
    let [from, to] = &topology.regions[..] else { panic!("two regions were asked for") };
    let credentials = |region: &Region| {
        let role = Role::Region(region.name.clone());
        Credentials::load(&cluster.certs(), &Identity { cluster: topology.cluster.clone(), role })
            .expect("certificates")
    };
    let (theirs, ours) = (credentials(to), credentials(from));
    let frames = scale::count(BYTES) / RANGE_BYTES_MAX as u64;
    let mut speed = Rounds::new();
    let (listening, ready) = tokio::sync::oneshot::channel();
    let (address, all) = (to.peer.clone(), topology.clone());
    let receiver = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut listener = PeerListener::bind(&address, &theirs, &all).await.expect("a socket");
            listening.send(()).expect("somebody who waits");
            let mut link = listener.accept().await.expect("a link");
            for _ in 0..scale::rounds(ROUNDS) {
                let mut arrived = 0;
                while arrived < frames {
                    let mut some = Vec::new();
                    arrived += link.records.read(&mut some).await.expect("frames") as u64;
                }
                link.handle.close("a round is over");
                link = match listener.accept().await {
                    Some(link) => link,
                    None => return,
                };
            }
        });
    });
    ready.await.expect("a listener");
    // No run of equal bytes, as everywhere.
    let mut draw = Draw::new(3);
    let body: Vec<u8> = (0..RANGE_BYTES_MAX).map(|_| u8::try_from(draw.below(251)).expect("a byte")).collect();
    let mut bytes = Vec::new();
    frame::append(&mut bytes, |out| out.extend_from_slice(&body)).expect("a small frame");
    let bytes = Bytes::from(bytes);
    for _ in 0..scale::rounds(ROUNDS) {
        let mut link = peer::dial(&ours, to).await.expect("a link");
        let began = Instant::now();
        for _ in 0..frames {
            link.records.write(bytes.clone()).await.expect("a link that stands");
        }
        // The other end closes once it has all.
        link.handle.closed().await;
        speed.push(float(frames * RANGE_BYTES_MAX as u64) / began.elapsed().as_secs_f64());
    }
    drop(peer::dial(&ours, to).await);
    receiver.join().expect("a thread that ends");
    let median = speed.median();
    report.question("A plain copy of bytes over a link, in frames of 64 KiB: what nothing can be faster than");
    report.figure("bytes", Figure::of(speed.iter().map(|speed| speed / 1e6).collect(), "MB/s"));
    median
}
