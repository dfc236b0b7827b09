//! Who gets in, who is believed, and that nobody else does. Every case is a real round trip: in TLS 1.3 a rejected
//! dialler's own handshake still succeeds.

use halcyon_net::{Credentials, DialError, Role, authority, client, peer};
use rcgen::ExtendedKeyUsagePurpose;
use tempfile::TempDir;

use crate::forge::{self, CLIENT, Claim, PEER, Shown, claim};
use crate::world::{self, NOW, VALID, World, admin, region};

/// Both answers to "may it?", for the peer plane and the client plane.
struct Case {
    what: &'static str,
    shown: Option<Shown>,
    peer: bool,
    client: bool,
}

fn case(what: &'static str, shown: Shown, (peer, client): (bool, bool)) -> Case {
    Case { what, shown: Some(shown), peer, client }
}

fn without_server_auth(uri: &str) -> Claim {
    Claim { usages: vec![ExtendedKeyUsagePurpose::ClientAuth], ..claim(uri) }
}

fn another_authority(world: &World) -> TempDir {
    let other = TempDir::new().unwrap();
    authority::init(other.path(), &world.topology, NOW, VALID).unwrap();
    other
}

fn callers(world: &World) -> Vec<Case> {
    let (ours, other) = (world.certs.path(), another_authority(world));
    let (eu, us, app) = ("halcyon://shop/region/eu-west", "halcyon://shop/region/us-east", "halcyon://shop/client/app");
    let ops = "halcyon://shop/admin/ops";
    let twice = Claim { uris: vec![eu.to_owned(), app.to_owned()], ..claim(eu) };
    let no_name = Claim { uris: Vec::new(), ..claim(eu) };
    let another_name = claim("spiffe://shop/region/eu-west");
    let years = |uri, years| Claim { years, ..claim(uri) }.signed_by(ours);
    let server_only = |uri| Claim { usages: vec![ExtendedKeyUsagePurpose::ServerAuth], ..claim(uri) }.signed_by(ours);
    let neither = (false, false);
    vec![
        case("another region", claim(eu).signed_by(ours), (true, false)),
        case("a client", without_server_auth(app).signed_by(ours), (false, true)),
        case("an admin", without_server_auth(ops).signed_by(ours), (false, true)),
        case("the listener's own region", claim(us).signed_by(ours), neither),
        case("a region unknown to the topology", claim("halcyon://shop/region/mars").signed_by(ours), neither),
        case("a region of another authority", claim(eu).signed_by(other.path()), neither),
        case("a client of another authority", claim(app).signed_by(other.path()), neither),
        case("a region of another cluster", claim("halcyon://mart/region/eu-west").signed_by(ours), neither),
        case("a client of another cluster", claim("halcyon://mart/client/app").signed_by(ours), neither),
        case("an expired region", years(eu, (2020, 2021)), neither),
        case("an expired client", years(app, (2020, 2021)), neither),
        case("a region not yet valid", years(eu, (2090, 2100)), neither),
        case("a client not yet valid", years(app, (2090, 2100)), neither),
        case("a self-signed region", claim(eu).self_signed(), neither),
        case("a self-signed client", claim(app).self_signed(), neither),
        case("a region that may only serve", server_only(eu), neither),
        case("a client that may only serve", server_only(app), neither),
        case("no name", no_name.signed_by(ours), neither),
        case("two names", twice.signed_by(ours), neither),
        case("a name of another system", another_name.signed_by(ours), neither),
        case("an unknown role", claim("halcyon://shop/root/eu-west").signed_by(ours), neither),
        case("a region's certificate without its key", forge::without_its_key(&claim(eu).signed_by(ours)), neither),
        case("a client's certificate without its key", forge::without_its_key(&claim(app).signed_by(ours)), neither),
        Case { what: "none", shown: None, peer: false, client: false },
    ]
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_on_both_planes() {
    let world = World::new();
    let (mut peers, mut clients) = (world.peer_listener(), world.client_listener(100));
    let (peer_port, client_port) = (peers.local_address().unwrap(), clients.local_address().unwrap());
    let mut admitted = 0;
    for Case { what, shown, peer, client } in callers(&world) {
        let dialled = forge::dial(peer_port, PEER, shown.clone()).await;
        assert_eq!(dialled.is_ok(), peer, "{what} on the peer plane: {dialled:?}");
        // What was refused must not have arrived either: the next arrival is the one that was admitted.
        if dialled.is_ok() {
            assert_eq!(peers.accept().await.unwrap().region.as_str(), "eu-west", "{what}");
            admitted += 1;
        }
        let dialled = forge::dial(client_port, CLIENT, shown).await;
        assert_eq!(dialled.is_ok(), client, "{what} on the client plane: {dialled:?}");
        if dialled.is_ok() {
            assert!(
                matches!(clients.accept().await.unwrap().identity.role, Role::Client(_) | Role::Admin(_)),
                "{what}"
            );
            admitted += 1;
        }
    }
    assert_eq!(admitted, 3);
}

#[tokio::test]
async fn a_good_certificate_with_the_other_planes_protocol_or_none_is_refused() {
    let world = World::new();
    let (peers, clients) = (world.peer_listener(), world.client_listener(100));
    let (peer_port, client_port) = (peers.local_address().unwrap(), clients.local_address().unwrap());
    let eu = claim("halcyon://shop/region/eu-west").signed_by(world.certs.path());
    let app = claim("halcyon://shop/client/app").signed_by(world.certs.path());
    for alpn in [CLIENT, b"", b"h3", b"halcyon-peer/2"] {
        assert!(forge::dial(peer_port, alpn, Some(eu.clone())).await.is_err(), "{alpn:?}");
    }
    for alpn in [PEER, b"", b"h3", b"halcyon-client/2"] {
        assert!(forge::dial(client_port, alpn, Some(app.clone())).await.is_err(), "{alpn:?}");
    }
    assert!(forge::dial(peer_port, PEER, Some(eu)).await.is_ok());
    assert!(forge::dial(client_port, CLIENT, Some(app)).await.is_ok());
}

#[derive(Debug, PartialEq)]
enum Believed {
    Yes,
    Untrusted,
    SomebodyElse(&'static str),
}

fn answerers(world: &World) -> Vec<(&'static str, Shown, Believed)> {
    let (ours, other) = (world.certs.path(), another_authority(world));
    let eu = "halcyon://shop/region/eu-west";
    let other_uri = |uri: &'static str| (claim(uri).signed_by(ours), Believed::SomebodyElse(uri));
    let named = |what: &'static str, uri| {
        let (shown, believed) = other_uri(uri);
        (what, shown, believed)
    };
    let years = |years| Claim { years, ..claim(eu) }.signed_by(ours);
    let two = Claim { uris: vec![eu.to_owned(), eu.to_owned()], ..claim(eu) };
    vec![
        ("the region dialled", claim(eu).signed_by(ours), Believed::Yes),
        named("another region", "halcyon://shop/region/ap-south"),
        named("the dialler's own region", "halcyon://shop/region/us-east"),
        named("a client that may serve", "halcyon://shop/client/eu-west"),
        named("an admin that may serve", "halcyon://shop/admin/eu-west"),
        named("the region of another cluster", "halcyon://mart/region/eu-west"),
        ("a region that may only dial", without_server_auth(eu).signed_by(ours), Believed::Untrusted),
        ("another authority", claim(eu).signed_by(other.path()), Believed::Untrusted),
        ("expired", years((2020, 2021)), Believed::Untrusted),
        ("not yet valid", years((2090, 2100)), Believed::Untrusted),
        ("self-signed", claim(eu).self_signed(), Believed::Untrusted),
        ("no name", Claim { uris: Vec::new(), ..claim(eu) }.signed_by(ours), Believed::Untrusted),
        ("two names", two.signed_by(ours), Believed::Untrusted),
        ("without its key", forge::without_its_key(&claim(eu).signed_by(ours)), Believed::Untrusted),
    ]
}

fn verdict<T>(dialled: Result<T, DialError>) -> Result<Believed, DialError> {
    let of = |uri: String| {
        ["halcyon://shop/region/ap-south", "halcyon://shop/region/us-east", "halcyon://shop/client/eu-west"]
            .into_iter()
            .chain(["halcyon://shop/admin/eu-west", "halcyon://mart/region/eu-west"])
            .find(|known| *known == uri)
            .map(Believed::SomebodyElse)
    };
    match dialled {
        Ok(_) => Ok(Believed::Yes),
        Err(DialError::Untrusted { .. }) => Ok(Believed::Untrusted),
        Err(DialError::WrongIdentity { expected, found, .. }) if expected.as_str() == "eu-west" => {
            Ok(of(found.uri()).unwrap())
        }
        Err(other) => Err(other),
    }
}

#[tokio::test]
async fn a_dialler_believes_nobody_but_the_region_it_dialled() {
    let world = World::new();
    let (us, app) = (world.credentials(region("us-east")), world.credentials(world::client()));
    for (what, shown, believed) in answerers(&world) {
        let (peer_socket, client_socket) = (world::loopback(), world::loopback());
        let mut eu = world.region(1).clone();
        eu.peer = peer_socket.local_addr().unwrap().to_string().try_into().unwrap();
        eu.client = client_socket.local_addr().unwrap().to_string().try_into().unwrap();
        let _answering = (forge::answer(peer_socket, shown.clone()), forge::answer(client_socket, shown));
        assert_eq!(verdict(peer::dial(&us, &eu).await).as_ref(), Ok(&believed), "{what} on the peer plane");
        assert_eq!(verdict(client::dial(&app, &eu).await).as_ref(), Ok(&believed), "{what} on the client plane");
    }
}

/// A directory with our authority's certificate and `role`'s files as `issue` made them.
fn credentials(world: &World, role: &Role, certs: &std::path::Path) -> Credentials {
    let mixed = TempDir::new().unwrap();
    let stem = role.file_stem();
    std::fs::copy(world.certs.path().join("ca.pem"), mixed.path().join("ca.pem")).unwrap();
    for file in [format!("{stem}.pem"), format!("{stem}.key")] {
        std::fs::copy(certs.join(&file), mixed.path().join(&file)).unwrap();
    }
    Credentials::load(mixed.path(), &world.identity(role.clone())).unwrap()
}

#[tokio::test]
async fn a_refused_dial_says_what_is_wrong_with_our_certificate() {
    let world = World::new();
    let (_peers, _clients) = (world.peer_listener(), world.client_listener(100));
    let us = world.region(0);
    let refused = |dialled: Result<(), DialError>, why: &str| {
        let Err(DialError::Refused { reason, region, .. }) = dialled else { panic!("{dialled:?}") };
        assert!(reason.contains(why) && region == us.name, "{reason}");
    };
    let ours = world.certs.path();
    let (eu, app) = (credentials(&world, &region("eu-west"), ours), credentials(&world, &world::client(), ours));
    let ops = credentials(&world, &admin(), ours);
    assert!(peer::dial(&eu, us).await.is_ok() && client::dial(&app, us).await.is_ok());
    assert!(client::dial(&ops, us).await.is_ok());

    refused(peer::dial(&app, us).await.map(drop), "not admitted there");
    refused(peer::dial(&ops, us).await.map(drop), "not admitted there");
    refused(client::dial(&eu, us).await.map(drop), "not admitted there");

    let other = another_authority(&world);
    let stranger = credentials(&world, &region("eu-west"), other.path());
    refused(peer::dial(&stranger, us).await.map(drop), "another authority");

    let expired = TempDir::new().unwrap();
    let validity = authority::Validity { not_before: halcyon_types::UnixMs(0), not_after: NOW };
    let late = authority::Authority::load(ours).unwrap().issue(&world::client(), validity).unwrap();
    late.write(expired.path(), &world::client()).unwrap();
    let late = credentials(&world, &world::client(), expired.path());
    refused(client::dial(&late, us).await.map(drop), "expired");

    // The other plane's port.
    let mut crossed = us.clone();
    std::mem::swap(&mut crossed.peer, &mut crossed.client);
    refused(peer::dial(&eu, &crossed).await.map(drop), "the other plane");
    refused(client::dial(&app, &crossed).await.map(drop), "the other plane");
}
