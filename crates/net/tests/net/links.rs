//! Frames on both planes, in order, up to the largest; how streams and connections end.

use bytes::Bytes;
use halcyon_net::{
    ClientListener, FrameError, FrameReader, FrameSizeError, FrameWriter, LinkEnd, PeerReceiver, PeerSender, Session,
    client, frame, peer,
};
use halcyon_types::limits::{FRAME_BYTES_MAX, HANDSHAKE_TIMEOUT, LINK_WINDOW_BYTES_MAX};
use halcyon_types::topology::Region;

use crate::world::{self, World, region};

async fn link(world: &World) -> (PeerSender, PeerReceiver, halcyon_net::PeerListener) {
    let mut listener = world.peer_listener();
    let eu = world.credentials(region("eu-west"));
    let (sender, receiver) = tokio::join!(peer::dial(&eu, world.region(0)), listener.accept());
    (sender.unwrap(), receiver.unwrap(), listener)
}

async fn session(world: &World) -> (Session, Session, ClientListener) {
    let mut listener = world.client_listener(10);
    let app = world.credentials(world::client());
    let (near, far) = tokio::join!(client::dial(&app, world.region(0)), listener.accept());
    (near.unwrap(), far.unwrap(), listener)
}

/// Bodies of many sizes, the largest among them, each telling its place.
fn bodies(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|at| {
            let size = match at % 100 {
                0 => 1,
                50 => FRAME_BYTES_MAX,
                _ => 1 + (at * 7919) % 5000,
            };
            vec![u8::try_from(at % 251).unwrap(); size]
        })
        .collect()
}

fn framed(bodies: &[Vec<u8>]) -> Bytes {
    let mut buf = Vec::new();
    for body in bodies {
        frame::append(&mut buf, |buf| buf.extend_from_slice(body)).unwrap();
    }
    buf.into()
}

async fn write(mut writer: FrameWriter, bodies: &[Vec<u8>]) {
    for batch in bodies.chunks(7) {
        writer.write(framed(batch)).await.unwrap();
    }
    writer.finish().await.unwrap();
}

async fn read_to_end(mut reader: FrameReader) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    loop {
        let before = frames.len();
        let count = reader.read(&mut frames).await.unwrap();
        assert_eq!(frames.len(), before + count);
        if count == 0 {
            return frames.into_iter().map(Into::into).collect();
        }
    }
}

#[tokio::test]
async fn frames_travel_both_streams_of_a_link_in_order() {
    let world = World::new();
    let (sender, receiver, _listener) = link(&world).await;
    assert_eq!((sender.region.as_str(), receiver.region.as_str()), ("us-east", "eu-west"));
    let (control, records) = (bodies(60), bodies(400));
    let ((), (), control_read, records_read) = tokio::join!(
        write(sender.control, &control),
        write(sender.records, &records),
        read_to_end(receiver.control),
        read_to_end(receiver.records),
    );
    assert!(control_read == control && records_read == records);
}

#[tokio::test]
async fn frames_travel_a_session_both_ways_in_order() {
    let world = World::new();
    let (near, far, _listener) = session(&world).await;
    assert_eq!((&near.identity, &far.identity), (&world.identity(region("us-east")), &world.identity(world::client())));
    let (asked, answered) = (bodies(400), bodies(300));
    let ((), (), asked_read, answered_read) = tokio::join!(
        write(near.writer, &asked),
        write(far.writer, &answered),
        read_to_end(far.reader),
        read_to_end(near.reader),
    );
    assert!(asked_read == asked && answered_read == answered);
}

#[tokio::test]
async fn unread_records_never_hold_up_a_heartbeat() {
    let world = World::new();
    let (mut sender, mut receiver, _listener) = link(&world).await;
    let bulk = framed(&vec![vec![0; FRAME_BYTES_MAX]; 3 * LINK_WINDOW_BYTES_MAX / FRAME_BYTES_MAX]);
    let mut heartbeats = Vec::new();
    // Nobody reads the records, so writing them never ends.
    let overtaking = async {
        tokio::select! {
            written = sender.records.write(bulk) => panic!("the window did not close: {written:?}"),
            () = async {
                for beat in 1..=200 {
                    sender.control.write(framed(&[vec![beat; 1000]])).await.unwrap();
                    receiver.control.read(&mut heartbeats).await.unwrap();
                }
            } => {}
        }
    };
    assert!(tokio::time::timeout(HANDSHAKE_TIMEOUT, overtaking).await.is_ok());
    assert_eq!(heartbeats.len(), 200);
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_frame_is_truncated_not_ended() {
    let world = World::new();
    let (mut near, mut far, _listener) = session(&world).await;
    let whole = framed(&[vec![1; 10], vec![2; 10]]);
    near.writer.write(whole.slice(..20)).await.unwrap();
    let mut frames = Vec::new();
    let (finished, read) = tokio::join!(near.writer.finish(), async {
        assert_eq!(far.reader.read(&mut frames).await, Ok(1));
        far.reader.read(&mut frames).await
    });
    assert_eq!((finished, read), (Ok(()), Err(FrameError::Truncated)));
    assert_eq!(frames, [Bytes::from(vec![1; 10])]);
}

#[tokio::test]
async fn a_frame_that_does_not_exist_ends_the_reading_after_the_good_ones() {
    let world = World::new();
    let (mut near, mut far, _listener) = session(&world).await;
    let mut bytes = framed(&[vec![1; 10]]).to_vec();
    bytes.extend_from_slice(&[0xff; 4]);
    near.writer.write(bytes.into()).await.unwrap();
    let mut frames = Vec::new();
    let error = loop {
        if let Err(error) = far.reader.read(&mut frames).await {
            break error;
        }
    };
    assert_eq!(error, FrameError::Size(FrameSizeError::TooLarge { bytes: u32::MAX as usize }));
    assert_eq!(frames.len(), 1);
}

#[tokio::test]
async fn whoever_closes_says_why_and_the_other_end_is_told() {
    let world = World::new();
    let (near, mut far, _listener) = session(&world).await;
    assert!(near.handle.rtt().as_nanos() > 0);
    far.handle.close("going \u{1b}[31mdown");
    let there = LinkEnd::There { reason: "going \u{fffd}[31mdown".to_owned() };
    assert_eq!(near.handle.closed().await, there);
    assert_eq!(far.handle.closed().await, LinkEnd::Here);
    assert_eq!(far.reader.read(&mut Vec::new()).await, Err(FrameError::Ended(LinkEnd::Here)));
    let mut writer = near.writer;
    assert_eq!(writer.write(framed(&[vec![1]])).await, Err(FrameError::Ended(there)));
}

#[tokio::test]
async fn a_link_that_is_dropped_is_seen_to_end() {
    let world = World::new();
    let (sender, mut receiver, _listener) = link(&world).await;
    drop(sender);
    let read = receiver.records.read(&mut Vec::new()).await;
    assert!(matches!(read, Err(FrameError::Ended(LinkEnd::There { .. }) | FrameError::Abandoned)), "{read:?}");
    assert!(matches!(receiver.handle.closed().await, LinkEnd::There { .. }));
}

#[tokio::test]
async fn closing_a_listener_tells_every_session_and_frees_the_port() {
    let world = World::new();
    let own = world.credentials(region("us-east"));
    let mut listener = ClientListener::from_socket(world::loopback(), &own, 10).unwrap();
    let port = listener.local_address().unwrap();
    let mut us = world.region(0).clone();
    us.client = port.to_string().try_into().unwrap();
    let app = world.credentials(world::client());
    let (near, far) = tokio::join!(client::dial(&app, &us), listener.accept());
    drop(far.unwrap());
    let (near, ()) = (near.unwrap(), listener.close("maintenance").await);
    assert!(matches!(near.handle.closed().await, LinkEnd::There { .. }));
    let free = tokio::time::timeout(HANDSHAKE_TIMEOUT, async {
        while std::net::UdpSocket::bind(port).is_err() {
            tokio::task::yield_now().await;
        }
    });
    assert!(free.await.is_ok());
}

/// A node in a runtime of its own, which ends as kill -9 ends a process: without another packet.
async fn accepted_by_a_node_that_is_killed(world: &World, socket: std::net::UdpSocket, us: &Region) -> Session {
    let own = world.credentials(region("us-east"));
    let (kill, killed) = tokio::sync::oneshot::channel();
    let (gone, seen_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let node = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let left = node.block_on(async {
            let mut listener = ClientListener::from_socket(socket, &own, 10).unwrap();
            let session = listener.accept().await.unwrap();
            killed.await.unwrap();
            (listener, session)
        });
        // The runtime goes first, so that nothing sends a farewell.
        drop(node);
        drop(left);
        gone.send(()).unwrap();
    });
    let near = client::dial(&world.credentials(world::client()), us).await.unwrap();
    kill.send(()).unwrap();
    seen_gone.await.unwrap();
    near
}

#[tokio::test]
async fn a_restarted_node_is_known_by_the_next_packet_not_by_silence() {
    let world = World::new();
    let socket = world::loopback();
    let port = socket.local_addr().unwrap();
    let mut us = world.region(0).clone();
    us.client = port.to_string().try_into().unwrap();
    let mut near = accepted_by_a_node_that_is_killed(&world, socket, &us).await;
    let own = world.credentials(region("us-east"));
    let socket = std::net::UdpSocket::bind(port).unwrap();
    let _restarted = ClientListener::from_socket(socket, &own, 10).unwrap();
    near.writer.write(framed(&[vec![1; 100]])).await.unwrap();
    let end = tokio::time::timeout(HANDSHAKE_TIMEOUT, near.handle.closed()).await;
    assert_eq!(end, Ok(LinkEnd::Broken { problem: "reset by peer".to_owned() }));
}

#[tokio::test]
async fn a_process_about_to_exit_can_wait_until_the_other_end_is_told() {
    let world = World::new();
    let mut listener = world.client_listener(10);
    let (app, us) = (world.credentials(world::client()), world.region(0).clone());
    // The dialler's runtime ends, like a process, with the last statement.
    std::thread::spawn(move || {
        let process = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        process.block_on(async {
            let near = client::dial(&app, &us).await.unwrap();
            near.handle.close_and_flush("bye").await;
        });
    });
    let far = listener.accept().await.unwrap();
    let end = tokio::time::timeout(HANDSHAKE_TIMEOUT, far.handle.closed()).await;
    assert_eq!(end, Ok(LinkEnd::There { reason: "bye".to_owned() }));
}
