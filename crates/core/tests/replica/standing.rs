//! Beginning: resuming a log, beginning a new one, joining with an empty directory.

use halcyon_core::Alarm;
use halcyon_crdt::{Object, Query};
use halcyon_types::limits::START_PATIENCE;
use halcyon_types::{ActorId, Seq};
use halcyon_wire::{Body, Outcome, Refusal, Session};

use crate::world::{Disk, Loses, World, keyspace, ms, region};

fn actor(world: &World, n: u64) -> ActorId {
    world.node(n).disk.actor
}

/// Writes that were acknowledged.
fn acked(world: &World, n: u64) -> usize {
    let replies = world.node(n).replies.iter();
    replies.filter(|(_, reply)| matches!(reply.result, Ok(Outcome::Written(_)))).count()
}

fn read() -> Body {
    let object = Object::new(keyspace(), "k");
    Body::Read { session: Session::default(), within: None, object, query: Query::Get }
}

fn severed(world: &mut World, n: u64) {
    for other in (1..=3).filter(|other| *other != n) {
        world.sever(n, other);
    }
}

#[test]
fn a_restarted_node_goes_on_with_its_log_once_a_majority_is_heard() {
    let mut world = World::settled(3, 31);
    world.write(1);
    assert!(world.until(ms(100), World::agree).is_some());
    let before = actor(&world, 1);
    world.restart(1);
    world.write(1);
    assert_eq!(acked(&world, 1), 0, "it waits");
    let took = world.until(ms(9000), |world| acked(world, 1) == 1).unwrap();
    assert!(took < START_PATIENCE, "{took:?}");
    assert_eq!(actor(&world, 1), before);
}

#[test]
fn p2_who_hears_nobody_begins_a_new_log_but_only_to_write() {
    let mut world = World::settled(3, 32);
    world.write(1);
    assert!(world.until(ms(100), World::agree).is_some());
    let before = actor(&world, 1);
    severed(&mut world, 1);
    world.restart(1);
    world.run(START_PATIENCE * 3);
    assert_eq!(actor(&world, 1), before, "nobody wants to write");
    world.write(1);
    assert!(world.until(ms(100), |world| acked(world, 1) == 1).is_some(), "p9: it has waited long enough");
    let after = actor(&world, 1);
    assert!(after > before && after.region() == before.region());
    world.heal();
    assert!(world.until(ms(20_000), World::agree).is_some());
    assert_eq!(world.node(2).disk.vv.get(before), Seq(1));
    assert_eq!(world.node(2).disk.vv.get(after), Seq(1));
    let known = |world: &World| world.node(2).replica.actors().get(&region(1)) == Some(&after);
    assert!(world.until(ms(9000), known).is_some(), "the others know whom it writes as");
}

#[test]
fn p9_a_write_right_after_an_isolated_start_waits_no_longer_than_the_patience() {
    let mut world = World::settled(3, 33);
    severed(&mut world, 1);
    world.restart(1);
    world.write(1);
    let took = world.until(START_PATIENCE * 2, |world| acked(world, 1) == 1).unwrap();
    assert!(took <= START_PATIENCE + ms(10), "{took:?}");
}

#[test]
fn p2_an_older_copy_of_a_directory_begins_a_new_log_and_fetches_what_it_lacks() {
    let mut world = World::settled(2, 16);
    world.write(1);
    assert!(world.until(ms(100), World::agree).is_some());
    let copy = world.node(1).disk.clone();
    for _ in 0..2 {
        world.write(1);
    }
    assert!(world.until(ms(100), World::agree).is_some());
    let before = actor(&world, 1);
    world.replace(1, |disk| *disk = copy);
    world.write_bytes(1, 9);
    assert!(world.until(ms(9000), World::agree).is_some());
    let one = world.node(1);
    assert_eq!(one.alarms, [Alarm::OldDirectory { peer: region(2), was: before, theirs: Seq(3), ours: Seq(1) }]);
    assert_eq!(one.disk.vv.get(before), Seq(3), "they are here again");
    assert_eq!(one.disk.vv.get(one.disk.actor), Seq(1));
    assert_ne!(one.disk.actor, before);
    assert!(world.node(2).alarms.is_empty(), "nobody saw a fork");
}

#[test]
fn an_empty_directory_answers_once_it_has_what_the_others_have() {
    let mut world = World::settled(3, 34);
    for _ in 0..3 {
        world.write(1);
    }
    assert!(world.until(ms(100), World::agree).is_some());
    let before = actor(&world, 1);
    let new = ActorId::mint(region(1), halcyon_types::UnixMs(before.minted_at().0 + 5));
    world.replace(1, |disk| *disk = Disk::new(new));
    world.ask(1, 7, read());
    assert!(world.node(1).reads.is_empty(), "nothing is shown yet");
    assert!(world.until(ms(9000), |world| !world.node(1).reads.is_empty()).is_some());
    assert_eq!(world.node(1).disk.vv, world.node(2).disk.vv);
    assert_eq!(world.node(1).alarms, [Alarm::NewDirectory { was: before, known: Seq(3) }]);
}

#[test]
fn an_empty_directory_that_cannot_fetch_what_it_has_heard_of_refuses() {
    let mut world = World::settled(3, 35);
    world.write(2);
    assert!(world.until(ms(100), World::agree).is_some());
    let new = ActorId::mint(region(1), halcyon_types::UnixMs(99));
    world.replace(1, |disk| *disk = Disk::new(new));
    // It is heard, but nothing that it asks for arrives.
    for other in [2, 3] {
        world.link(other, 1).loses = Loses::Records;
    }
    world.ask(1, 7, read());
    world.run(START_PATIENCE + ms(100));
    let refused = world.node(1).replies.iter().map(|(_, reply)| reply.result.clone());
    assert_eq!(refused.collect::<Vec<_>>(), [Err(Refusal::CatchingUp)]);
    world.heal();
    assert!(world.until(ms(9000), |world| world.node(1).replica.is_serving()).is_some());
}

#[test]
fn p9_the_first_node_of_a_new_cluster_serves_alone() {
    let mut world = World::new(3, 36);
    severed(&mut world, 1);
    world.write(1);
    assert!(world.until(START_PATIENCE * 2, |world| acked(world, 1) == 1).is_some());
}
