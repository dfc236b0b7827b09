//! Meshes with holes: rings, stars and chains of up to nine regions, links that flap. Everything arrives, and little twice.

use std::time::Duration;

use halcyon_types::limits::{HEARTBEAT_EVERY, RECONNECT_LAST};

use crate::world::{Loses, World, ms};

/// The cables that are there, of so many regions numbered from one.
type Shape = fn(u64) -> Vec<(u64, u64)>;

const SHAPES: [(&str, Shape); 3] = [("chain", chain), ("ring", ring), ("star", star)];
const REGIONS: [u64; 4] = [3, 4, 6, 9];
/// How often every region writes, and how long it takes until the next does.
const ROUNDS: u64 = 12;
const PAUSE: Duration = Duration::from_millis(7);
/// What a link that breaks once and comes back may bring in vain: fewer records than one region writes until silence is noticed.
const IN_VAIN_MAX: u64 = 20;

fn chain(regions: u64) -> Vec<(u64, u64)> {
    (1..regions).map(|n| (n, n + 1)).collect()
}

fn ring(regions: u64) -> Vec<(u64, u64)> {
    chain(regions).into_iter().chain([(1, regions)]).collect()
}

fn star(regions: u64) -> Vec<(u64, u64)> {
    (2..=regions).map(|n| (1, n)).collect()
}

/// The most cables between any two.
fn diameter(name: &str, regions: u64) -> u32 {
    let hops = match name {
        "chain" => regions - 1,
        "ring" => regions / 2,
        _ => 2,
    };
    u32::try_from(hops).unwrap()
}

/// Only these cables are left, and that has been noticed.
fn shaped(regions: u64, cables: &[(u64, u64)], seed: u64) -> World {
    let mut world = World::settled(regions, seed);
    for a in 1..=regions {
        for b in a + 1..=regions {
            if !cables.contains(&(a, b)) {
                world.sever(a, b);
            }
        }
    }
    world.run(ms(3000));
    world
}

fn everybody_writes(world: &mut World, rounds: u64) {
    for _ in 0..rounds {
        for n in 1..=world.nodes.len() as u64 {
            world.write(n);
            world.run(PAUSE);
        }
    }
}

/// Of what a region has received: all of it, and what it had already or could not place.
fn received(world: &World, n: u64) -> (u64, u64) {
    let peers = world.node(n).replica.status(world.clock()).peers;
    peers.iter().fold((0, 0), |(all, in_vain), peer| (all + peer.received_records, in_vain + peer.wasted_records))
}

fn nobody_complains(world: &World, what: &str) {
    for node in world.nodes.values() {
        assert!(node.alarms.is_empty() && node.errors.is_empty(), "{what}: {:?} {:?}", node.alarms, node.errors);
    }
}

#[test]
fn p3_rings_stars_and_chains_of_up_to_nine_regions_agree_as_fast_as_records_travel() {
    for (name, shape) in SHAPES {
        for regions in REGIONS {
            let what = format!("a {name} of {regions}");
            let mut world = shaped(regions, &shape(regions), regions);
            everybody_writes(&mut world, ROUNDS);
            let took = world.until(ms(10_000), World::agree);
            // Over each cable it is first heard of, by a heartbeat at the latest, then asked for, then sent.
            let hop = HEARTBEAT_EVERY + ms(30);
            assert!(took.is_some_and(|took| took <= hop * diameter(name, regions)), "{what}: {took:?}");
            nobody_complains(&world, &what);
        }
    }
}

#[test]
fn each_record_goes_over_each_cable_of_a_tree_once() {
    for (name, shape) in [("chain", chain as Shape), ("star", star)] {
        let mut world = shaped(9, &shape(9), 4);
        everybody_writes(&mut world, ROUNDS);
        assert!(world.until(ms(10_000), World::agree).is_some());
        assert!(world.carried.values().all(|times| *times == 1), "{name}: sent twice over one cable");
        for n in 1..=9 {
            let (all, in_vain) = received(&world, n);
            assert_eq!((all, in_vain), (8 * ROUNDS, 0), "{name}, region {n}: from one neighbour, once");
        }
    }
}

#[test]
fn a_ring_brings_little_in_vain_although_there_are_two_ways_round() {
    let mut world = shaped(9, &ring(9), 5);
    everybody_writes(&mut world, ROUNDS);
    assert!(world.until(ms(10_000), World::agree).is_some());
    for n in 1..=9 {
        let (all, in_vain) = received(&world, n);
        assert!(in_vain * 10 <= all, "region {n}: {in_vain} of {all} in vain");
    }
}

#[test]
fn a_link_that_flaps_brings_no_storm() {
    for (way, seed) in [("severed", 6), ("dark", 7), ("mute one way", 8)] {
        let mut world = World::settled(5, seed);
        let begun = world.now;
        let mut flaps = 0;
        while world.now < begun + ms(15_000) {
            match way {
                "severed" => world.sever(1, 2),
                "dark" => {
                    world.cut(1, 2);
                    world.cut(2, 1);
                }
                _ => world.link(1, 2).loses = Loses::Records,
            }
            everybody_writes(&mut world, 10);
            world.heal();
            everybody_writes(&mut world, 10);
            flaps += 1;
        }
        assert!(world.until(RECONNECT_LAST + ms(3000), World::agree).is_some(), "{way}");
        for n in 1..=5 {
            let (all, in_vain) = received(&world, n);
            assert!(in_vain <= flaps * IN_VAIN_MAX, "{way}, {flaps} times: {in_vain} of {all} in vain, region {n}");
        }
        nobody_complains(&world, way);
    }
}
