//! A link that is lost loses what it brought and could not be delivered, and nothing else.

use bytes::Bytes;
use halcyon_core::{LinkEvent, Replica};
use halcyon_types::{ActorId, BootId, Dot, Hlc, Now, Seq, UnixMs, VersionVector};
use halcyon_wire::{Hello, PeerMessage, Range, Record};
use uuid::Uuid;

use crate::world::{BASE, Disk, World, config, ms, region, seed};

#[test]
fn what_a_lost_link_brought_and_still_waits_is_dropped_and_pulled_again() {
    let mut world = World::settled(3, 1);
    // 3 hears 2, whose record depends on 1's, which 3 can get from nobody.
    world.sever(1, 3);
    world.run(ms(500));
    world.link(3, 2).loss_percent = 100;
    world.write(1);
    world.run(ms(20));
    world.write(2);
    world.run(ms(20));
    let two = world.node(2).disk.actor;
    let status = |world: &World| world.node(3).replica.status(world.clock());
    let from_2 = |world: &World| status(world).peers[1].pending_records;
    assert_eq!((status(&world).received.get(two), from_2(&world)), (Seq(1), 1));
    assert_eq!(status(&world).vv.get(two), Seq(0), "received, not applied");
    world.sever(2, 3);
    assert_eq!((status(&world).received.get(two), from_2(&world)), (Seq(0), 0));
    assert_eq!(status(&world).pending_bytes, 0);
    world.heal();
    world.sever(1, 3);
    assert!(world.until(ms(8000), World::agree).is_some(), "over the link that came back");
}

fn at(mono: u64) -> Now {
    Now { mono: ms(mono), wall: BASE.plus(ms(mono)) }
}

fn actor(n: u64) -> ActorId {
    ActorId::mint(region(n), UnixMs(1))
}

/// Region 1, to which 2 and 3 have said Hello.
fn greeted() -> Replica {
    let config = config(region(1), &[region(1), region(2), region(3), region(4)], 0);
    let mut replica = Replica::new(config, Disk::new(actor(1)).start(), at(0));
    for n in [2, 3] {
        replica.handle_link(at(1), region(n), LinkEvent::InUp);
        let boot = BootId(Uuid::from_u64_pair(n, 0));
        let hello = Hello {
            seed: seed(4),
            facts: Vec::new(),
            agreement: [7; 32],
            region: region(n),
            actor: actor(n),
            boot,
            vv: VersionVector::new(),
        };
        replica.handle_peer(at(1), region(n), PeerMessage::Hello(hello)).unwrap();
    }
    replica
}

/// Records of region 2 from `first` on, all of which wait for region 4.
fn records(first: u64, count: u64) -> PeerMessage {
    let waits = (actor(4), Seq(1));
    let mut previous = VersionVector::new();
    let mut encoded = Vec::new();
    for seq in 1..first + count {
        let deps: VersionVector = [waits, (actor(2), Seq(seq - 1))].into_iter().collect();
        let dot = Dot { actor: actor(2), seq: Seq(seq) };
        let record = Record { dot, hlc: Hlc::ZERO, deps, ctx: None, request: None, effects: Vec::new() };
        let stored = record.encode(&previous);
        previous = record.deps;
        if seq >= first {
            encoded.push(stored.bytes);
        }
    }
    PeerMessage::Range(Range { actor: actor(2), first: Seq(first), records: encoded })
}

#[test]
fn what_stands_behind_the_lost_in_line_goes_with_it_and_what_stands_before_stays() {
    for (lost, left, pending) in [(2, 0, [0, 0]), (3, 2, [2, 0])] {
        let mut replica = greeted();
        replica.handle_peer(at(2), region(2), records(1, 2)).unwrap();
        replica.handle_peer(at(3), region(3), records(3, 2)).unwrap();
        let status = replica.status(at(3));
        assert_eq!(status.received.get(actor(2)), Seq(4));
        assert_eq!([0, 1].map(|n| status.peers[n].pending_records), [2, 2]);
        replica.handle_link(at(4), region(lost), LinkEvent::InDown);
        let status = replica.status(at(4));
        assert_eq!(status.received.get(actor(2)), Seq(left), "{lost}");
        assert_eq!([0, 1].map(|n| status.peers[n].pending_records), pending, "{lost}");
        // Whoever brings it again is heard.
        replica.handle_peer(at(5), region(5 - lost), records(left + 1, 4 - left)).unwrap();
        assert_eq!(replica.status(at(5)).received.get(actor(2)), Seq(4));
    }
}

#[test]
fn new_records_behind_known_ones_do_not_keep_the_buffer_they_came_in() {
    // As they come out of a packed range: slices of one buffer, kept only while another holds it too.
    let shared = |first, count| {
        let PeerMessage::Range(range) = records(first, count) else { panic!() };
        let mut rest = Bytes::from(range.records.concat());
        let buffer = rest.clone();
        let records = range.records.iter().map(|record| rest.split_to(record.len())).collect();
        (buffer, PeerMessage::Range(Range { records, ..range }))
    };
    let mut replica = greeted();
    let (whole, range) = shared(1, 3);
    replica.handle_peer(at(2), region(2), range).unwrap();
    assert!(!whole.is_unique(), "all of it waits");
    let (partly, range) = shared(1, 4);
    replica.handle_peer(at(3), region(2), range).unwrap();
    assert_eq!(replica.status(at(3)).received.get(actor(2)), Seq(4));
    assert!(partly.is_unique(), "one of four waits");
}
