//! Promise P3 over random programs: whatever happened, once the links are whole all agree, within a bounded time.

use crate::world::{Loses, World, ms, region};

const SEEDS: u64 = 1000;

/// Writes, cuts, losses, repetitions, restarts and stalls, then heal.
fn program(seed: u64) -> World {
    let mut world = World::new(3 + seed % 2, seed);
    for link in world.links.values_mut() {
        link.jitter_us = 20_000 * (seed % 3);
        link.twice_percent = 5 * (seed % 2);
    }
    world.background(true);
    for _ in 0..50 {
        let nodes = world.nodes.len() as u64;
        let (a, step) = (world.random(nodes), 1 + world.random(nodes - 1));
        let (a, b) = (1 + a, 1 + (a + step) % nodes);
        match world.random(16) {
            0 => world.cut(a, b),
            1 => world.sever(a, b),
            2 => world.link(a, b).loss_percent = 30,
            3 => world.restart(a),
            4 => world.heal(),
            5 => world.lose((region(a), region(b))),
            6 => world.link(a, b).loses = Loses::Records,
            7 => world.nodes.get_mut(&region(a)).unwrap().sync = ms(1 + b * 20),
            _ => {
                for _ in 0..b {
                    world.write(a);
                }
            }
        }
        let pause = world.random(120);
        world.run(ms(pause * pause / 100));
    }
    world.heal();
    for node in world.nodes.values_mut() {
        node.sync = ms(1);
    }
    world
}

#[test]
fn p3_replicas_agree_after_any_program() {
    for seed in 0..SEEDS {
        let mut world = program(seed);
        let took = world.until(ms(15_000), World::agree);
        assert!(took.is_some(), "seed {seed}: {:#?}", world.node(1).replica.status(world.clock()));
        for node in world.nodes.values() {
            assert!(
                node.alarms.is_empty() && node.errors.is_empty(),
                "seed {seed}: {:?} {:?}",
                node.alarms,
                node.errors
            );
        }
    }
}
