//! What is lost is found again: by a pull, by a restarted push, from whoever has it.

use halcyon_core::{Command, LinkEvent, Replica};
use halcyon_types::limits::{HEARTBEAT_EVERY, PULL_PATIENCE, SILENT_AFTER};
use halcyon_types::{ActorId, BootId, Dot, Hlc, Now, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{ChainHash, Echo, Heartbeat, Hello, PeerMessage, Pull, Range, Record, Seen, Session, Write};
use uuid::Uuid;

use crate::world::{BASE, Disk, Loses, World, config, ms, region, seed};

pub(crate) fn write() -> Write {
    let request = RequestId::mint(BASE, &[0; 10]);
    Write { request, session: Session::default(), seen: Seen::Present, updates: Vec::new() }
}

#[test]
fn a_lost_range_is_pulled_again() {
    let mut world = World::settled(3, 7);
    world.link(1, 2).loss_percent = 100;
    world.write(1);
    world.run(ms(1));
    world.link(1, 2).loss_percent = 0;
    let took = world.until(ms(3000), World::agree).expect("repaired");
    assert!(world.pulls >= 1 && took < ms(500), "{took:?}");
    // And the push goes on behind it.
    let pulls = world.pulls;
    world.write(1);
    assert!(world.until(ms(20), World::agree).is_some());
    assert_eq!(world.pulls, pulls);
}

#[test]
fn a_lost_pull_is_asked_again() {
    let mut world = World::settled(2, 8);
    world.link(1, 2).loss_percent = 100;
    world.write(1);
    world.run(ms(1));
    world.link(1, 2).loss_percent = 0;
    world.link(2, 1).loss_percent = 100;
    world.until(ms(1000), |world| world.pulls > 0).expect("asked");
    world.link(2, 1).loss_percent = 0;
    assert!(world.until(ms(3000), World::agree).is_some());
    assert!(world.pulls >= 2);
}

#[test]
fn a_restarted_peer_is_resumed_from_its_vector() {
    let mut world = World::settled(3, 9);
    for _ in 0..100 {
        world.write(1);
    }
    assert!(world.until(ms(1000), World::agree).is_some());
    // It takes records that it never gets to sync.
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(60_000);
    for _ in 0..100 {
        world.write(1);
    }
    world.run(ms(50));
    assert_eq!(world.node(2).disk.vv.get(world.node(1).disk.actor), Seq(100));
    world.restart(2);
    world.carried.clear();
    assert!(world.until(ms(3000), World::agree).is_some());
    let to_2 = world.carried.iter().filter(|(((_, to), _), _)| *to == region(2));
    assert!(to_2.clone().all(|((_, dot), _)| dot.seq > Seq(100)), "what it had is not sent again");
    assert_eq!(to_2.count(), 100, "from its own region, and from nobody else");
}

#[test]
fn an_earlier_actor_of_a_region_travels_by_pull() {
    let mut world = World::settled(3, 10);
    world.replace(1, |disk| {
        for _ in 0..10 {
            disk.write(BASE, &write());
        }
        disk.actor = ActorId::mint(region(1), UnixMs(2));
    });
    world.write(1);
    let took = world.until(ms(8000), World::agree).expect("pulled");
    assert!(took < ms(140), "nobody pushes them, so nobody waits for that: {took:?}");
    assert_eq!(world.node(2).disk.vv.len(), 2);
}

#[test]
fn an_ack_is_never_ahead_of_the_sync() {
    let mut world = World::settled(2, 11);
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(700);
    world.write(1);
    // The world compares every vector told with the disk of who tells it; this waits for the ack itself.
    let acked = |world: &World| world.node(1).replica.status(world.clock()).peers[0].acked;
    world.run(ms(690));
    assert_eq!(acked(&world), Seq(0));
    assert!(world.until(ms(40), |world| acked(world) == Seq(1)).is_some(), "and promptly then");
}

#[test]
fn an_ack_follows_its_sync_at_once() {
    let mut world = World::settled(2, 25);
    for round in 1..20 {
        world.run(ms(37));
        world.write(1);
        let acked = |world: &World| world.node(1).replica.status(world.clock()).peers[0].acked == Seq(round);
        let took = world.until(ms(200), acked).expect("acked");
        assert!(took <= ms(13), "two trips and two syncs: {took:?}");
    }
}

#[test]
fn acks_become_stable_though_records_never_stop() {
    let mut world = World::settled(2, 26);
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(250);
    for _ in 0..600 {
        world.write(1);
        world.run(ms(5));
    }
    let stable = &world.node(2).replica.status(world.clock()).peers[0].stable;
    assert!(stable.get(world.node(1).disk.actor) > Seq(400), "{stable:?}");
}

#[test]
fn a_lost_link_resumes_at_the_ack() {
    let mut world = World::settled(2, 31);
    for _ in 0..10 {
        world.write(1);
    }
    world.run(ms(3));
    world.lose((region(1), region(2)));
    assert!(world.until(ms(1000), World::agree).is_some());
    assert_eq!(world.pulls, 0, "what was under way is pushed again");
}

#[test]
fn what_a_relay_has_brought_is_not_sent_again() {
    let mut world = World::settled(3, 32);
    world.sever(1, 2);
    for _ in 0..100 {
        world.write(1);
        world.run(ms(5));
    }
    assert!(world.until(ms(3000), World::agree).is_some());
    world.heal();
    world.run(ms(6000));
    let direct = world.carried.keys().filter(|(link, _)| *link == (region(1), region(2)));
    assert_eq!(direct.count(), 0);
}

#[test]
fn records_that_only_their_own_link_loses_come_by_another() {
    let mut world = World::new(3, 33);
    // The link that loses them is the nearest, so that nothing but its failure speaks against it.
    for (from, to) in [(1, 2), (2, 1)] {
        world.link(from, to).delay = ms(1);
    }
    world.run(ms(500));
    world.link(1, 2).loses = Loses::Records;
    world.write(1);
    let first = world.until(ms(5000), World::agree).expect("found");
    assert!(first <= PULL_PATIENCE + 4 * HEARTBEAT_EVERY, "{first:?}");
    for _ in 0..10 {
        world.write(1);
        let next = world.until(ms(5000), World::agree).expect("found");
        assert!(next <= HEARTBEAT_EVERY + ms(30), "a failed link is not waited for: {next:?}");
    }
    world.link(1, 2).loses = Loses::Nothing;
    world.write(1);
    world.run(ms(3000));
    world.pulls = 0;
    world.write(1);
    world.run(ms(1000));
    assert!(world.agree());
}

#[test]
fn a_peer_that_lost_its_disk_gets_everything_again() {
    let mut world = World::settled(3, 34);
    for n in 1..=3 {
        world.write(n);
    }
    assert!(world.until(ms(1000), World::agree).is_some());
    world.run(ms(300));
    world.replace(2, |disk| *disk = Disk::new(ActorId::mint(region(2), UnixMs(2))));
    assert!(world.until(ms(3000), World::agree).is_some());
    assert_eq!(world.node(2).disk.vv.len(), 3, "its own former records too");
}

fn at(mono: u64) -> Now {
    Now { mono: ms(mono), wall: BASE.plus(ms(mono)) }
}

fn actor(n: u64) -> ActorId {
    ActorId::mint(region(n), UnixMs(1))
}

/// A replica of region 1 that has one own record, with links to and from region 2, which has said Hello.
fn greeted() -> Replica {
    let mut disk = Disk::new(actor(1));
    disk.write(BASE, &write());
    let config = config(region(1), &[region(1), region(2), region(3)], 0);
    let mut replica = Replica::new(config, disk.start(), at(0));
    replica.handle_link(at(1), region(2), LinkEvent::InUp);
    replica.handle_link(at(1), region(2), LinkEvent::OutUp);
    let hello = Hello {
        seed: seed(3),
        facts: Vec::new(),
        agreement: [7; 32],
        region: region(2),
        actor: actor(2),
        boot: BootId(Uuid::from_u64_pair(2, 0)),
        vv: VersionVector::new(),
    };
    replica.handle_peer(at(2), region(2), PeerMessage::Hello(hello)).unwrap();
    replica
}

fn beat(echo: Option<Echo>) -> PeerMessage {
    PeerMessage::Heartbeat(Heartbeat {
        joining: false,
        seq: Seq(0),
        head: ChainHash::genesis(actor(2)),
        vv: VersionVector::new(),
        hlc: Hlc::ZERO,
        wall: Some(BASE),
        ping_us: 5,
        echo,
    })
}

fn commands(replica: &mut Replica) -> Vec<Command> {
    std::iter::from_fn(|| replica.poll_command()).collect()
}

#[test]
fn no_record_is_sent_over_a_link_that_has_not_proved_itself() {
    let mut replica = greeted();
    let pushes = |replica: &mut Replica| commands(replica).iter().any(|c| matches!(c, Command::SendRange { .. }));
    let echo = |ping_us| Some(Echo { ping_us, held_us: 0 });
    for (echo, proved) in [(None, false), (echo(999), false), (echo(1000), true)] {
        replica.handle_peer(at(5), region(2), beat(echo)).unwrap();
        assert_eq!(pushes(&mut replica), proved, "{echo:?}");
    }
}

#[test]
fn whoever_sent_a_waiting_record_is_asked_for_what_it_waits_for() {
    let mut replica = greeted();
    let record = Record {
        dot: Dot { actor: actor(2), seq: Seq(1) },
        hlc: Hlc::ZERO,
        deps: [(actor(3), Seq(4))].into_iter().collect(),
        ctx: None,
        request: None,
        effects: Vec::new(),
    };
    let range = Range { actor: actor(2), first: Seq(1), records: vec![record.encode(&VersionVector::new()).bytes] };
    // 3 was never heard; its silence is certain only after a while.
    replica.handle_peer(at(900), region(2), PeerMessage::Range(range)).unwrap();
    assert_eq!(replica.poll_job(), None);
    let asked = |replica: &mut Replica| {
        let mut sent = commands(replica).into_iter();
        sent.find_map(|command| match command {
            Command::Send { peer, message: PeerMessage::Pull(pull) } => Some((peer, pull)),
            _ => None,
        })
    };
    assert_eq!(asked(&mut replica), None);
    replica.handle_timeout(Now { mono: SILENT_AFTER, ..at(0) });
    let pull = Pull { actor: actor(3), after: Seq(0), upto: Seq(4) };
    assert_eq!(asked(&mut replica), Some((region(2), pull)));
}
