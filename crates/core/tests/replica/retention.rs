//! Truncation by age: what is past the retention may go although a region lacks it, if most have it.

use std::time::Duration;

use halcyon_types::Seq;
use halcyon_types::limits::TRUNCATE_EVERY;

use crate::world::{RECORD_BYTES, World, ms, region};

const RETENTION: Duration = Duration::from_secs(20);

/// So few records that what one region lacks fills the logs.
fn tight(nodes: u64, seed: u64) -> World {
    let mut world = World::settled(nodes, seed);
    for n in 1..=nodes {
        world.replace(n, |disk| (disk.log_bytes_max, disk.retention) = (4 * RECORD_BYTES, RETENTION));
    }
    world.run(ms(500));
    world
}

fn floor(world: &World, at: u64, of: u64) -> Seq {
    world.node(at).disk.floors.get(world.node(of).disk.actor)
}

fn isolate(world: &mut World, n: u64, nodes: u64) {
    (1..=nodes).filter(|other| *other != n).for_each(|other| world.sever(n, other));
}

#[test]
fn what_one_region_lacks_is_dropped_once_it_is_old_and_most_have_it() {
    let mut world = tight(3, 1);
    world.write(1);
    world.run(TRUNCATE_EVERY * 2);
    isolate(&mut world, 3, 3);
    (0..9).for_each(|_| world.write(1));
    world.run(RETENTION * 4 / 5);
    assert!((1..=2).all(|n| floor(&world, n, 1) <= Seq(1)), "it is young");
    world.run(TRUNCATE_EVERY * 5);
    assert!((1..=2).all(|n| floor(&world, n, 1) == Seq(9)), "it is old, and two of three have it");
}

#[test]
fn what_is_old_is_kept_while_what_all_have_is_enough() {
    let mut world = tight(3, 2);
    (0..3).for_each(|_| world.write(1));
    world.run(ms(500));
    isolate(&mut world, 3, 3);
    (0..3).for_each(|_| world.write(1));
    world.run(RETENTION * 3);
    assert!((1..=2).all(|n| floor(&world, n, 1) == Seq(3)), "the first three were enough");
}

#[test]
fn p6_what_fewer_than_most_have_is_kept_however_old() {
    for (nodes, seed) in [(2, 3), (3, 4), (4, 5)] {
        let mut world = tight(nodes, seed);
        world.write(1);
        world.run(TRUNCATE_EVERY * 2);
        // With one other of four it is two halves.
        for other in if nodes == 4 { 3..=4 } else { 2..=nodes } {
            world.sever(1, other);
            world.sever(if nodes == 4 { 2 } else { 1 }, other);
        }
        (0..9).for_each(|_| world.write(1));
        world.run(RETENTION * 5);
        assert!((1..=2).all(|n| floor(&world, n, 1) <= Seq(1)), "{nodes} regions");
        world.heal();
        let all = |world: &World| (1..=nodes).all(|n| world.node(n).disk.vv == world.node(1).disk.vv);
        world.until(ms(20_000), all).expect("nothing that anybody needs is gone");
    }
}

#[test]
fn what_most_have_said_they_have_counts_not_what_they_have() {
    let mut world = tight(3, 6);
    world.write(1);
    world.run(TRUNCATE_EVERY * 2);
    // 2 gets the records and cannot say so; 3 gets nothing.
    isolate(&mut world, 3, 3);
    world.cut(2, 1);
    (0..9).for_each(|_| world.write(1));
    world.run(RETENTION * 2);
    assert_eq!(world.node(2).disk.vv, world.node(1).disk.vv);
    assert!(floor(&world, 1, 1) <= Seq(1), "nobody has acked them");
}

#[test]
fn the_age_of_what_is_not_everywhere_is_told_and_who_lacks_it() {
    let mut world = tight(3, 7);
    world.write(1);
    world.run(TRUNCATE_EVERY * 2);
    let logs = world.node(2).replica.status(world.clock()).logs;
    assert_eq!((logs.bytes, logs.oldest), (RECORD_BYTES, None));
    isolate(&mut world, 3, 3);
    world.write(1);
    world.run(ms(5000));
    let logs = world.node(2).replica.status(world.clock()).logs;
    let oldest = logs.oldest.expect("3 lacks it");
    assert_eq!((oldest.dot.seq, oldest.age, oldest.lacking), (Seq(2), ms(5000), vec![region(3)]));
}
