//! Rights of bounded counters find their way to where they run low.

use halcyon_crdt::{Object, Shortage};
use halcyon_types::limits::{RIGHTS_GRANTS_MAX, RIGHTS_PATIENCE, SILENT_AFTER};
use halcyon_types::{ActorId, UnixMs};
use halcyon_wire::{AskRights, PeerMessage, Refusal};

use crate::world::{World, keyspace, ms, region};

fn counter() -> Object {
    Object::new(keyspace(), "stock")
}

fn actor(world: &World, n: u64) -> ActorId {
    world.node(n).disk.actor
}

/// Region 1 has 3 left of a stock, of which 2 and 3 hold so much.
fn run_low(world: &mut World, two: i128, three: i128) {
    let holders = [(1, 3), (2, two), (3, three)].map(|(n, rights)| (actor(world, n), rights));
    let share = (3 + two + three) / 3;
    let shortage = Shortage { counter: counter(), own: 3, share, holders: holders.to_vec() };
    world.nodes.get_mut(&region(1)).unwrap().disk.shortages = vec![shortage];
    world.write(1);
    world.run(ms(20));
}

#[test]
fn a_region_that_runs_low_asks_the_richest_and_is_granted() {
    let mut world = World::settled(3, 1);
    world.background(true);
    run_low(&mut world, 57, 90);
    assert_eq!(world.node(1).asks, [(region(3), counter(), 47)], "up to an even share of 50");
    assert_eq!(world.node(3).disk.grants, [(region(1), counter(), 47)]);
    assert!(world.node(2).disk.grants.is_empty());
    assert!(world.until(ms(1000), World::agree).is_some(), "the grant is a record like any other");
    let status = |n: u64| world.node(n).replica.status(world.clock());
    assert_eq!((status(1).asked, status(3).granted), (1, 1));
}

#[test]
fn a_counter_is_asked_for_once_at_a_time() {
    let mut world = World::settled(3, 2);
    world.background(true);
    run_low(&mut world, 57, 90);
    run_low(&mut world, 57, 90);
    assert_eq!((world.node(1).asks.len(), world.node(1).replica.status(world.clock()).asks), (1, 1));
    world.run(RIGHTS_PATIENCE);
    assert_eq!(world.node(1).replica.status(world.clock()).asks, 0);
    run_low(&mut world, 57, 90);
    assert_eq!(world.node(1).asks.len(), 2);
}

#[test]
fn only_a_region_that_can_be_reached_is_asked() {
    let mut world = World::settled(3, 3);
    world.background(true);
    world.sever(1, 3);
    world.run(SILENT_AFTER);
    run_low(&mut world, 57, 90);
    assert_eq!(world.node(1).asks, [(region(2), counter(), 47)]);
    world.sever(1, 2);
    world.run(SILENT_AFTER);
    run_low(&mut world, 57, 90);
    assert_eq!(world.node(1).asks.len(), 1, "nobody");
}

#[test]
fn a_region_that_has_fallen_silent_is_not_asked() {
    let mut world = World::settled(3, 9);
    world.background(true);
    world.cut(3, 1);
    world.run(SILENT_AFTER);
    run_low(&mut world, 57, 90);
    assert_eq!(world.node(1).asks, [(region(2), counter(), 47)], "though its link still stands");
}

#[test]
fn rights_of_an_earlier_actor_are_asked_of_nobody() {
    let mut world = World::settled(2, 4);
    world.background(true);
    let holders = vec![(ActorId::mint(region(2), UnixMs(0)), 90)];
    let shortage = Shortage { counter: counter(), own: 0, share: 45, holders };
    world.nodes.get_mut(&region(1)).unwrap().disk.shortages = vec![shortage];
    world.write(1);
    world.run(ms(20));
    assert!(world.node(1).asks.is_empty());
}

#[test]
fn a_refused_write_asks_too() {
    let mut world = World::settled(2, 5);
    world.background(true);
    let holders = vec![(actor(&world, 1), 2), (actor(&world, 2), 20)];
    let refusal = Refusal::InsufficientRights { reason: String::new(), counter: counter(), needed: 15, holders };
    world.nodes.get_mut(&region(1)).unwrap().disk.refusals = vec![refusal.clone()];
    world.write(1);
    world.run(ms(20));
    assert_eq!(world.node(1).replies.last().unwrap().1.result, Err(refusal));
    assert_eq!(world.node(1).asks, [(region(2), counter(), 13)]);
}

#[test]
fn without_background_nobody_asks_and_nobody_answers() {
    let mut world = World::settled(3, 6);
    run_low(&mut world, 57, 90);
    assert!(world.node(1).asks.is_empty());
    let ask = PeerMessage::AskRights(AskRights { counter: counter(), amount: 5 });
    world.transmit((region(1), region(3)), &ask);
    world.run(ms(20));
    assert!(world.node(3).disk.grants.is_empty());
    world.background(true);
    world.transmit((region(1), region(3)), &ask);
    world.run(ms(20));
    assert_eq!(world.node(3).disk.grants.len(), 1);
}

#[test]
fn grants_that_wait_are_bounded_and_the_rest_dropped() {
    let mut world = World::settled(2, 7);
    world.background(true);
    world.nodes.get_mut(&region(2)).unwrap().sync = ms(500);
    let ask = PeerMessage::AskRights(AskRights { counter: counter(), amount: 5 });
    for _ in 0..2 * RIGHTS_GRANTS_MAX {
        world.transmit((region(1), region(2)), &ask);
    }
    world.run(ms(2000));
    assert_eq!(world.node(2).disk.grants.len(), RIGHTS_GRANTS_MAX);
    assert!(world.node(2).errors.is_empty());
    world.transmit((region(1), region(2)), &ask);
    world.run(ms(2000));
    assert_eq!(world.node(2).disk.grants.len(), RIGHTS_GRANTS_MAX + 1, "there is room again");
}

#[test]
fn an_ask_for_what_is_no_counter_drops_the_link() {
    let mut world = World::settled(2, 8);
    world.background(true);
    let unnamed = AskRights { counter: Object::new(keyspace(), ""), amount: 5 };
    world.transmit((region(1), region(2)), &PeerMessage::AskRights(unnamed));
    world.run(ms(20));
    assert_eq!((world.node(2).errors.len(), world.node(2).disk.grants.len()), (1, 0));
}
