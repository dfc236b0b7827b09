//! Links: who is let in, how lost ones come back, and what is measured.

use std::time::Duration;

use halcyon_core::{Alarm, Command, LinkEvent, PeerError, Replica};
use halcyon_types::limits::{HEARTBEAT_EVERY, RECONNECT_FIRST, RECONNECT_LAST, START_PATIENCE};
use halcyon_types::{ActorId, BootId, Now, Seq, UnixMs, VersionVector};
use halcyon_wire::{Hello, PeerMessage, Range};
use uuid::Uuid;

use crate::world::{Disk, World, config, ms, region, seed};

fn replica(seed: u64) -> Replica {
    let mut config = config(region(1), &[region(1), region(2)], 0);
    config.seed = seed;
    let disk = Disk::new(ActorId::mint(region(1), UnixMs(1)));
    let mut replica = Replica::new(config, disk.start(), at(Duration::ZERO));
    replica.set_background(at(Duration::ZERO), false);
    // Nobody is heard in time.
    let late = at(START_PATIENCE);
    replica.handle_timeout(late);
    replica
}

fn at(mono: Duration) -> Now {
    Now { mono, wall: UnixMs(1_800_000_000_000).plus(mono) }
}

fn hello(boot: u64) -> Hello {
    Hello {
        seed: seed(2),
        facts: Vec::new(),
        agreement: [7; 32],
        region: region(2),
        actor: ActorId::mint(region(2), UnixMs(1)),
        boot: BootId(Uuid::from_u64_pair(2, boot)),
        vv: VersionVector::new(),
    }
}

/// The pauses before so many dials, none of which succeeds.
fn pauses(seed: u64, dials: usize) -> Vec<Duration> {
    let mut replica = replica(seed);
    let mut now = START_PATIENCE;
    assert_eq!(replica.poll_command(), Some(Command::Dial { peer: region(2) }));
    let mut pause = || {
        replica.handle_link(at(now), region(2), LinkEvent::OutDown);
        let lost = now;
        loop {
            now = replica.poll_timeout().unwrap();
            replica.handle_timeout(at(now));
            if let Some(command) = replica.poll_command() {
                assert_eq!(command, Command::Dial { peer: region(2) });
                return now.saturating_sub(lost);
            }
        }
    };
    (0..dials).map(|_| pause()).collect()
}

#[test]
fn backoff_grows_and_is_jittered() {
    let pauses_1 = pauses(1, 12);
    let mut span = RECONNECT_FIRST;
    for pause in &pauses_1 {
        assert!(*pause >= span / 2 && *pause <= span, "{pauses_1:?}");
        span = (span * 2).min(RECONNECT_LAST);
    }
    assert_eq!(span, RECONNECT_LAST);
    assert_ne!(pauses_1, pauses(2, 12), "two nodes do not dial in step");
    assert_eq!(pauses_1, pauses(1, 12), "one seed, one run");
}

#[test]
fn backoff_starts_anew_once_a_link_has_proved_itself() {
    let mut world = World::settled(2, 1);
    world.sever(1, 2);
    world.run(ms(20_000));
    world.heal();
    assert!(world.until(RECONNECT_LAST + ms(100), introduced).is_some());
    world.sever(1, 2);
    world.heal();
    assert!(world.until(RECONNECT_FIRST + ms(100), introduced).is_some());
}

#[test]
fn a_region_that_comes_back_is_dialled_at_once() {
    let mut world = World::settled(2, 1);
    world.sever(1, 2);
    world.run(ms(20_000));
    world.heal();
    let first = world.until(RECONNECT_LAST + ms(100), |world| {
        let peers = |n| world.node(n).replica.status(world.clock()).peers;
        peers(1)[0].link_out || peers(2)[0].link_out
    });
    assert!(first.is_some());
    assert!(world.until(ms(50), introduced).is_some(), "the other waits out its pause");
}

fn introduced(world: &World) -> bool {
    let peers = |n| world.node(n).replica.status(world.clock()).peers;
    peers(1)[0].introduced && peers(2)[0].introduced
}

#[test]
fn a_stranger_and_a_wrong_cluster_are_refused() {
    let mut replica = replica(1);
    let mut say = |from, hello| replica.handle_peer(at(ms(1)), region(from), PeerMessage::Hello(hello));
    assert_eq!(say(9, hello(0)), Err(PeerError::Stranger { from: region(9) }));
    let other = Hello { agreement: [8; 32], ..hello(0) };
    assert_eq!(say(2, other), Err(PeerError::OtherCluster { from: region(2) }));
    let said = region(3);
    let wrong = PeerError::WrongRegion { from: region(2), said };
    let posing = Hello { region: said, ..hello(0) };
    assert_eq!(say(2, posing), Err(wrong.clone()));
    let posing = Hello { actor: ActorId::mint(said, UnixMs(1)), ..hello(0) };
    assert_eq!(say(2, posing), Err(wrong));
    assert_eq!(say(2, hello(0)), Ok(()));
}

#[test]
fn a_copied_directory_is_refused_and_a_restart_is_not() {
    let mut replica = replica(1);
    let mut say = |boot| {
        replica.handle_link(at(ms(1)), region(2), LinkEvent::InUp);
        let heard = replica.handle_peer(at(ms(1)), region(2), PeerMessage::Hello(hello(boot)));
        let alarm =
            std::iter::from_fn(|| replica.poll_command()).any(|c| matches!(c, Command::Alarm(Alarm::Clone { .. })));
        (heard.is_ok(), alarm)
    };
    assert_eq!(say(1), (true, false));
    assert_eq!(say(2), (true, false), "it was restarted");
    assert_eq!(say(1), (false, true), "but its former start lives");
    assert_eq!(say(2), (true, false));
}

#[test]
fn records_of_no_region_are_refused() {
    let mut replica = replica(1);
    replica.handle_link(at(ms(1)), region(2), LinkEvent::InUp);
    replica.handle_peer(at(ms(1)), region(2), PeerMessage::Hello(hello(0))).unwrap();
    let actor = ActorId::mint(region(77), UnixMs(1));
    let range = Range { actor, first: Seq(1), records: Vec::new() };
    let refused = replica.handle_peer(at(ms(1)), region(2), PeerMessage::Range(range));
    let from = region(2);
    assert_eq!(refused, Err(PeerError::ForeignActor { from, actor }));
}

#[test]
fn an_unreadable_record_stops_its_stream_and_nothing_else() {
    let mut world = World::settled(3, 2);
    let one = world.node(1).disk.actor;
    let junk = Range { actor: one, first: Seq(1), records: vec![vec![1, 2, 3].into()] };
    // 2 relays rubbish in the name of 1; 3 says so once, and goes on with both.
    for _ in 0..2 {
        world.transmit((region(2), region(3)), &PeerMessage::Range(junk.clone()));
    }
    world.run(ms(10));
    let alarms = &world.node(3).alarms;
    assert!(matches!(alarms[..], [Alarm::Undecodable { peer, .. }] if peer == region(2)), "{alarms:?}");
    assert!(world.node(3).errors.is_empty(), "the link stays");
    world.write(1);
    world.write(2);
    assert!(world.until(ms(1000), World::agree).is_some());
}

#[test]
fn an_idle_link_has_heartbeats_and_a_measured_round_trip() {
    let mut world = World::new(2, 3);
    world.link(1, 2).delay = ms(30);
    world.link(2, 1).delay = ms(50);
    world.run(ms(3000));
    let peer = &world.node(1).replica.status(world.clock()).peers[0];
    let rtt = peer.rtt.unwrap();
    assert!(rtt >= ms(79) && rtt <= ms(82), "{rtt:?}");
    assert!(peer.silent_for <= HEARTBEAT_EVERY);
    assert!(peer.clock_offset_ms.unwrap().abs() <= 11, "half of the asymmetry: {:?}", peer.clock_offset_ms);
    world.cut(2, 1);
    world.run(ms(3000));
    let peer = &world.node(1).replica.status(world.clock()).peers[0];
    assert!(peer.silent_for >= ms(2800));
}

#[test]
fn lag_is_told_in_records_and_time() {
    let mut world = World::settled(2, 4);
    world.sever(1, 2);
    for _ in 0..7 {
        world.write(1);
    }
    world.run(ms(400));
    let peer = &world.node(1).replica.status(world.clock()).peers[0];
    assert_eq!(peer.lag_records, 7);
    assert!(peer.lag >= ms(390) && peer.lag <= ms(400), "{:?}", peer.lag);
    world.heal();
    assert!(
        world.until(ms(3000), |world| world.node(1).replica.status(world.clock()).peers[0].lag_records == 0).is_some()
    );
    let status = world.node(1).replica.status(world.clock());
    assert_eq!(status.peers[0].lag, Duration::ZERO);
}

#[test]
fn what_every_member_has_becomes_stable() {
    let mut world = World::settled(3, 5);
    world.write(1);
    world.write(2);
    world.run(ms(500));
    for n in 1..=3 {
        let status = world.node(n).replica.status(world.clock());
        assert_eq!(status.stable, status.vv, "region {n}");
    }
    world.sever(1, 2);
    world.write(3);
    let stable = world.node(1).replica.status(world.clock()).stable;
    world.run(ms(50));
    assert_eq!(world.node(1).replica.status(world.clock()).stable, stable, "2 has not said so to 1");
}
