//! Bytes that no SDK sends, on the client plane: that connection ends, and no other.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use halcyon_net::{Credentials, FrameReader, Identity, Role, Session, client, frame};
use halcyon_tests::Cluster;
use halcyon_types::topology::Topology;
use halcyon_wire::{Refusal, Response, codec};
use tokio::time::timeout;

use crate::Witness;

/// A connection as the SDK makes it, in the hands of somebody who is not the SDK.
async fn raw_session(config: &Path, certs: &Path) -> Session {
    let topology = Topology::parse(&std::fs::read_to_string(config).expect("the cluster's file")).expect("a topology");
    let role = Role::Client("client".parse().expect("a name"));
    let own = Credentials::load(certs, &Identity { cluster: topology.cluster.clone(), role }).expect("certificates");
    client::dial(&own, topology.regions.first().expect("a region")).await.expect("admitted")
}

/// Whether the node ends the connection; what it says before that.
async fn until_closed(mut reader: FrameReader) -> Vec<Bytes> {
    let mut frames = Vec::new();
    let closing = async { while reader.read(&mut frames).await.is_ok_and(|count| count > 0) {} };
    timeout(Duration::from_secs(10), closing).await.expect("the node ends the connection");
    frames
}

#[tokio::test]
async fn a_frame_past_the_limit_ends_its_own_connection_and_no_other() {
    let cluster = Cluster::start(1).await;
    let witness = Witness::of(&cluster).await;
    // A length past the limit, the largest there is, and none; behind each, some bytes of a body.
    for length in [1024 * 1024 + 1, u32::MAX, 0] {
        let mut session = raw_session(&cluster.config(), &cluster.certs()).await;
        let bytes = [&length.to_be_bytes()[..], &[0xFF; 64]].concat();
        session.writer.write(Bytes::from(bytes)).await.unwrap();
        let said = until_closed(session.reader).await;
        assert!(said.is_empty(), "{length}: {said:?}");
        witness.has_lost_nothing().await;
    }
}

#[tokio::test]
async fn a_frame_that_is_no_request_is_refused_or_ends_its_own_connection() {
    let cluster = Cluster::start(1).await;
    let witness = Witness::of(&cluster).await;
    let bodies: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01",
        b"\x02\x92\x01\xa1d",
        b"\x01\x92\x01\xa1?",
        // Arrays within arrays, deeper than any document may be.
        &[0x91; 4096],
    ];
    for body in bodies {
        let mut session = raw_session(&cluster.config(), &cluster.certs()).await;
        let mut bytes = Vec::new();
        frame::append(&mut bytes, |out| out.extend_from_slice(body)).unwrap();
        session.writer.write(Bytes::from(bytes)).await.unwrap();
        let mut frames = Vec::new();
        let answer =
            timeout(Duration::from_secs(10), session.reader.read(&mut frames)).await.expect("an answer or the end");
        if answer.is_ok_and(|count| count > 0) {
            let response: Response = codec::decode(&frames[0]).unwrap();
            assert!(matches!(response.result, Err(Refusal::BadRequest { .. })), "{body:?}: {response:?}");
        }
        witness.has_lost_nothing().await;
    }
}
