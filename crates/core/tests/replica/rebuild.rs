//! Copies in the place of a state: where records are gone, and nobody can send them.

use halcyon_core::Alarm;
use halcyon_types::limits::{COPY_GIVE_UP, COPY_IDLE_MAX, COPY_PATIENCE};
use halcyon_types::{ActorId, Seq, VersionVector};

use crate::world::{Disk, World, ms, region};

fn actor(world: &World, n: u64) -> ActorId {
    world.node(n).disk.actor
}

fn vv(world: &World, n: u64) -> &VersionVector {
    &world.node(n).disk.vv
}

fn equal(world: &World) -> bool {
    (1..=3).all(|n| world.node(n).is_idle() && vv(world, n) == vv(world, 1))
}

/// 3 has been away while 1 wrote, and what it lacks has been dropped by 1 and 2; it has written too.
fn left_behind(seed: u64) -> World {
    let mut world = World::settled(3, seed);
    (0..3).for_each(|_| world.write(1));
    assert!(world.until(ms(500), equal).is_some());
    world.sever(1, 3);
    world.sever(2, 3);
    world.run(ms(100));
    (0..5).for_each(|_| world.write(1));
    (0..2).for_each(|_| world.write(3));
    world.run(ms(500));
    let one = actor(&world, 1);
    for n in [1, 2] {
        world.replace(n, |disk| disk.drop_log(one, Seq(7)));
    }
    world.run(ms(500));
    world
}

#[test]
fn p6_a_region_left_behind_takes_a_copy_and_what_only_it_has_survives() {
    let mut world = left_behind(41);
    let three = actor(&world, 3);
    assert_eq!((vv(&world, 3).get(three), vv(&world, 1).get(three)), (Seq(2), Seq(0)));
    world.heal();
    assert!(world.until(ms(20_000), equal).is_some());
    assert_eq!(world.switched, 1);
    assert_eq!(actor(&world, 3), three, "it goes on with its log");
    assert_eq!(vv(&world, 1).get(three), Seq(2));
    // And it is a member like any other.
    world.write(1);
    world.write(3);
    assert!(world.until(ms(2000), equal).is_some());
    assert_eq!(world.switched, 1);
}

#[test]
fn an_empty_directory_takes_a_copy_where_logs_have_no_beginning() {
    let mut world = left_behind(42);
    world.heal();
    assert!(world.until(ms(20_000), equal).is_some());
    let new = ActorId::mint(region(3), halcyon_types::UnixMs(99));
    world.replace(3, |disk| *disk = Disk::new(new));
    assert!(world.until(ms(20_000), equal).is_some());
    assert_eq!((world.switched, actor(&world, 3)), (2, new));
}

#[test]
fn p9_the_old_state_is_served_until_the_switch() {
    let mut world = left_behind(43);
    world.pages = 40;
    world.heal();
    let begun = |world: &World| world.node(3).filled.is_some_and(|pages| pages > 5);
    assert!(world.until(ms(20_000), begun).is_some());
    let three = actor(&world, 3);
    world.write(3);
    world.run(ms(2));
    assert_eq!(vv(&world, 3).get(three), Seq(3), "it takes writes meanwhile");
    assert!(world.until(ms(20_000), equal).is_some());
    assert_eq!(vv(&world, 1).get(three), Seq(3), "and keeps them");
}

#[test]
fn a_copy_goes_on_where_it_was_after_a_link_was_lost() {
    let mut world = left_behind(44);
    world.pages = 100;
    world.heal();
    let begun = |world: &World| world.node(3).filled.is_some_and(|pages| pages > 20);
    assert!(world.until(ms(20_000), begun).is_some());
    for n in [1, 2] {
        world.lose((region(n), region(3)));
        world.lose((region(3), region(n)));
    }
    assert!(world.until(COPY_PATIENCE * 4, equal).is_some());
    let begun = world.node(3).alarms.iter().filter(|alarm| matches!(alarm, Alarm::Rebuilding { .. }));
    assert_eq!((begun.count(), world.switched), (0, 1), "alarms are of the life after it");
}

#[test]
fn a_source_that_was_restarted_begins_anew() {
    let mut world = left_behind(45);
    world.pages = 100;
    world.heal();
    let begun = |world: &World| world.node(3).filled.is_some_and(|pages| pages > 20);
    assert!(world.until(ms(20_000), begun).is_some());
    let source = world.copies.keys().next().unwrap().0;
    world.restart(source.get().into());
    assert!(world.until(COPY_GIVE_UP * 2, equal).is_some());
    assert_eq!(world.switched, 1);
}

#[test]
fn a_source_that_is_gone_is_left_for_another() {
    let mut world = left_behind(46);
    world.pages = 100;
    world.heal();
    let begun = |world: &World| world.node(3).filled.is_some_and(|pages| pages > 20);
    assert!(world.until(ms(20_000), begun).is_some());
    let source = world.copies.keys().next().unwrap().0.get().into();
    world.sever(source, 3);
    let three = |world: &World| world.switched == 1 && world.node(3).replica.is_serving();
    assert!(world.until(COPY_GIVE_UP * 3, three).is_some());
}

#[test]
fn p10_a_copy_that_nobody_takes_any_more_is_let_go() {
    let mut world = left_behind(47);
    world.pages = 1000;
    world.heal();
    assert!(world.until(ms(20_000), |world| world.node(3).filled.is_some_and(|pages| pages > 20)).is_some());
    let (source, _) = *world.copies.keys().next().unwrap();
    for other in [1, 2] {
        world.sever(other, 3);
    }
    world.run(COPY_IDLE_MAX + ms(1000));
    assert!(world.copies.is_empty());
    assert_eq!(world.nodes[&source].replica.status(world.clock()).copies, 0);
}
