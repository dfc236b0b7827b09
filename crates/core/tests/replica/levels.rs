//! Rolling upgrades: nodes of several feature levels in one cluster.

use halcyon_core::{Alarm, Command, LinkEvent, Replica};
use halcyon_types::limits::START_PATIENCE;
use halcyon_types::{ActorId, BootId, Level, Now, Seq, UnixMs, VersionVector};
use halcyon_wire::{Echo, Heartbeat, Hello, PeerMessage, Range};
use uuid::Uuid;

use crate::world::{Disk, World, config, ms, region};

const NEWER: Level = Level(Level::PRESENT.0 + 1);

fn at(after: std::time::Duration) -> Now {
    Now { mono: after, wall: UnixMs(1_800_000_000_000).plus(after) }
}

fn actor(n: u64) -> ActorId {
    ActorId::mint(region(n), UnixMs(n))
}

/// What 2 and 3 have shown of their logs.
fn shown() -> VersionVector {
    [(actor(2), Seq(9)), (actor(3), Seq(9))].into_iter().collect()
}

fn hello(n: u64, level: Level) -> PeerMessage {
    PeerMessage::Hello(Hello {
        agreement: [7; 32],
        region: region(n),
        actor: actor(n),
        boot: BootId(Uuid::from_u64_pair(n, 0)),
        level,
        vv: shown(),
    })
}

/// 1 of three, and what it was told of the others' levels.
fn replica(levels: &[(u64, Level)]) -> Replica {
    let regions = [1, 2, 3].map(region);
    let mut replica = Replica::new(config(region(1), &regions, 0), Disk::new(actor(1)).start(), at(ms(0)));
    for (n, level) in levels {
        replica.handle_link(at(ms(1)), region(*n), LinkEvent::InUp);
        replica.handle_link(at(ms(1)), region(*n), LinkEvent::OutUp);
        replica.handle_peer(at(ms(1)), region(*n), hello(*n, *level)).unwrap();
    }
    replica
}

#[test]
fn the_level_of_a_cluster_is_the_lowest_of_its_members() {
    let level = |levels: &[(u64, Level)]| replica(levels).status(at(ms(2))).level;
    assert_eq!(level(&[(2, NEWER), (3, NEWER)]), Level::PRESENT);
    assert_eq!(level(&[(2, NEWER)]), Level::FIRST, "nobody knows what 3 can read");
    assert_eq!(level(&[(2, NEWER), (3, Level(0))]), Level(0));
}

/// Whether it begins a copy where 2 and 3 have dropped what it lacks and 2 has this level.
fn copies(level: Level) -> bool {
    let mut replica = replica(&[(2, level)]);
    let pings = std::iter::from_fn(|| replica.poll_command()).filter_map(|command| match command {
        Command::Send { message: PeerMessage::Heartbeat(beat), .. } => Some(beat.ping_us),
        _ => None,
    });
    let ping = pings.last().unwrap();
    let beat = Heartbeat {
        seq: Seq(0),
        head: halcyon_wire::ChainHash::genesis(actor(2)),
        vv: shown(),
        hlc: halcyon_types::Hlc::ZERO,
        wall: None,
        ping_us: 1,
        echo: Some(Echo { ping_us: ping, held_us: 0 }),
    };
    let tell = |replica: &mut Replica, after| {
        replica.handle_peer(at(after), region(2), PeerMessage::Heartbeat(beat.clone())).unwrap();
        replica.handle_peer(at(after), region(2), PeerMessage::Floors(shown())).unwrap();
    };
    tell(&mut replica, ms(2));
    let late = ms(2) + START_PATIENCE;
    tell(&mut replica, late);
    replica.handle_timeout(at(late));
    std::iter::from_fn(|| replica.poll_command()).any(|command| matches!(command, Command::BeginFill))
}

#[test]
fn a_state_that_may_hold_what_this_build_cannot_read_is_not_copied() {
    assert!(copies(Level::PRESENT));
    assert!(!copies(NEWER));
}

#[test]
fn p9_a_log_that_cannot_be_read_stops_alone_and_goes_on_after_the_upgrade() {
    let mut world = World::settled(3, 7);
    let one = world.node(1).disk.actor;
    world.cut(1, 3);
    world.cut(2, 3);
    world.write(1);
    world.run(ms(300));
    world.heal();
    // Until it is restarted, 3 reads nothing of what 1 writes from now on, be it from 1 or from 2.
    let unknown = Range { actor: one, first: Seq(1), records: vec![vec![1, 2, 3].into()] };
    for from in [1, 2] {
        world.transmit((region(from), region(3)), &PeerMessage::Range(unknown.clone()));
    }
    world.run(ms(500));
    assert_eq!(world.node(3).alarms.len(), 2, "{:?}", world.node(3).alarms);
    assert!(world.node(3).alarms.iter().all(|alarm| matches!(alarm, Alarm::Undecodable { .. })));
    // It serves, and its own records go out.
    let three = world.node(3).disk.actor;
    world.write(3);
    world.run(ms(500));
    assert_eq!((world.node(3).disk.vv.get(three), world.node(1).disk.vv.get(three)), (Seq(1), Seq(1)));
    assert_eq!(world.node(3).disk.vv.get(one), Seq(0), "nothing is skipped");
    world.restart(3);
    assert!(world.until(ms(3000), World::agree).is_some());
    assert_eq!(world.node(3).disk.vv.get(one), Seq(1));
}
