//! Strangers, crowds, silence and addresses that cannot be used.

use std::net::UdpSocket;

use halcyon_net::{BindError, ClientListener, DialError, PeerListener, client, peer};
use halcyon_types::Address;
use halcyon_types::limits::{HANDSHAKE_TIMEOUT, HANDSHAKES_MAX};

use crate::forge::{self, CLIENT, PEER, claim};
use crate::world::{self, World, region};

fn address(text: &str) -> Address {
    text.to_owned().try_into().unwrap()
}

#[tokio::test]
async fn garbage_sent_to_a_port_does_no_harm() {
    let world = World::new();
    let (mut peers, mut clients) = (world.peer_listener(), world.client_listener(10));
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..2000_usize {
        let mut datagram: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            noise.to_be_bytes()[0]
        })
        .take(round % 1400)
        .collect();
        if round % 3 == 0 && datagram.len() > 8 {
            // The beginning of a QUIC version 1 Initial, so that it gets further in.
            datagram[..6].copy_from_slice(&[0xc3, 0, 0, 0, 1, 8]);
        }
        if round % 100 == 1 {
            datagram = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n".to_vec();
        }
        for port in [peers.local_address().unwrap(), clients.local_address().unwrap()] {
            stranger.send_to(&datagram, port).unwrap();
        }
        tokio::task::yield_now().await;
    }
    let (eu, app) = (world.credentials(region("eu-west")), world.credentials(world::client()));
    let (sender, receiver) = tokio::join!(peer::dial(&eu, world.region(0)), peers.accept());
    assert!(sender.is_ok() && receiver.is_some());
    let (near, far) = tokio::join!(client::dial(&app, world.region(0)), clients.accept());
    assert!(near.is_ok() && far.is_some());
}

#[tokio::test]
async fn those_who_say_nothing_after_the_handshake_hold_up_nobody() {
    let world = World::new();
    let (mut peers, mut clients) = (world.peer_listener(), world.client_listener(100));
    let (eu, app) = (claim("halcyon://shop/region/eu-west"), claim("halcyon://shop/client/app"));
    let mut silent = Vec::new();
    for _ in 0..20 {
        let shown = eu.signed_by(world.certs.path());
        silent.push(forge::connect(peers.local_address().unwrap(), PEER, Some(shown)).await.unwrap());
        let shown = app.signed_by(world.certs.path());
        silent.push(forge::connect(clients.local_address().unwrap(), CLIENT, Some(shown)).await.unwrap());
    }
    let (eu, app) = (world.credentials(region("eu-west")), world.credentials(world::client()));
    let (sender, receiver) = tokio::join!(peer::dial(&eu, world.region(0)), peers.accept());
    assert!(sender.is_ok() && receiver.is_some());
    let (near, far) = tokio::join!(client::dial(&app, world.region(0)), clients.accept());
    assert!(near.is_ok() && far.is_some());
    assert!(silent.iter().all(|connection| connection.close_reason().is_none()), "they were there all the while");
}

#[tokio::test]
async fn past_the_most_connections_a_dial_is_turned_away_until_one_ends() {
    let world = World::new();
    let mut listener = world.client_listener(2);
    let app = world.credentials(world::client());
    let mut held = Vec::new();
    for _ in 0..2 {
        let (near, far) = tokio::join!(client::dial(&app, world.region(0)), listener.accept());
        held.push((near.unwrap(), far.unwrap()));
    }
    let turned_away = client::dial(&app, world.region(0)).await;
    assert!(matches!(&turned_away, Err(DialError::NotReachable { .. })), "{turned_away:?}");
    assert!(turned_away.unwrap_err().to_string().contains("no more connections"));

    let (near, far) = held.pop().unwrap();
    near.handle.close("done");
    far.handle.closed().await;
    // The place is free once the connection has drained, which takes a few round trips.
    let admitted = tokio::time::timeout(HANDSHAKE_TIMEOUT, async {
        while client::dial(&app, world.region(0)).await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    assert!(admitted.await.is_ok());
}

#[tokio::test]
async fn a_crowd_that_arrives_at_once_is_admitted() {
    let world = World::new();
    let mut listener = world.client_listener(1024);
    let app = world.credentials(world::client());
    let crowd = HANDSHAKES_MAX * 3 / 4;
    let mut dials = tokio::task::JoinSet::new();
    for _ in 0..crowd {
        let (app, us) = (app.clone(), world.region(0).clone());
        dials.spawn(async move { client::dial(&app, &us).await });
    }
    let mut held = Vec::new();
    for _ in 0..crowd {
        held.push(listener.accept().await.unwrap());
    }
    let dialled = dials.join_all().await;
    assert!(dialled.iter().all(Result::is_ok), "{:?}", dialled.iter().find(|dialled| dialled.is_err()));
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_nobody_answers_times_out() {
    let world = World::new();
    let (eu, app) = (world.credentials(region("eu-west")), world.credentials(world::client()));
    // The sockets are bound, but nobody reads them.
    let dialled = peer::dial(&eu, world.region(0)).await;
    assert!(matches!(dialled, Err(DialError::TimedOut { .. })), "{dialled:?}");
    let dialled = client::dial(&app, world.region(0)).await;
    assert!(matches!(dialled, Err(DialError::TimedOut { .. })), "{dialled:?}");
}

#[tokio::test]
async fn an_address_that_cannot_be_bound_or_dialled_is_named_with_the_remedy() {
    let world = World::new();
    let us = world.credentials(region("us-east"));
    let taken = &world.region(0).peer;
    let error = PeerListener::bind(taken, &us, &world.topology).await.unwrap_err();
    assert!(matches!(&error, BindError::InUse { address } if *address == taken.to_string()), "{error}");
    let error = ClientListener::bind(&world.region(0).client, &us).await.unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }) && error.to_string().contains("regions.toml"), "{error}");
    // Set aside for documentation (RFC 5737), so on no machine.
    let error = ClientListener::bind(&address("192.0.2.1:7101"), &us).await.unwrap_err();
    assert!(matches!(error, BindError::Other { .. }), "{error}");
    // 64 characters are one too many for a label, so no resolver is asked.
    let nowhere = address(&format!("{}.invalid:7101", "x".repeat(64)));
    let error = ClientListener::bind(&nowhere, &us).await.unwrap_err();
    assert!(matches!(error, BindError::NotResolvable { .. }), "{error}");
    let mut region = world.region(1).clone();
    region.peer = nowhere;
    let error = peer::dial(&us, &region).await.unwrap_err();
    assert!(matches!(error, DialError::Address { .. }), "{error}");
}

#[tokio::test]
async fn only_a_region_of_the_topology_listens() {
    let world = World::new();
    for role in [world::client(), world::admin()] {
        let own = world.credentials(role);
        let peers = PeerListener::from_socket(world::loopback(), &own, &world.topology);
        assert!(matches!(peers, Err(BindError::NotARegion { .. })));
        let clients = ClientListener::from_socket(world::loopback(), &own, 1);
        assert!(matches!(clients, Err(BindError::NotARegion { .. })));
    }
    let mut smaller = world.topology.clone();
    smaller.regions.remove(0);
    let us = world.credentials(region("us-east"));
    assert!(matches!(PeerListener::from_socket(world::loopback(), &us, &smaller), Err(BindError::NotARegion { .. })));
}
