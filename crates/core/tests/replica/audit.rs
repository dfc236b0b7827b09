//! Audits: what is damaged or differs is found, narrowed down and told once, and nothing else ever is.

use bytes::Bytes;
use halcyon_core::{Alarm, Difference};
use halcyon_crdt::Object;
use halcyon_types::limits::{AUDIT_PATIENCE, AUDIT_REST};
use halcyon_types::{Now, RegionId, Seq, VersionVector};
use halcyon_wire::{Compare, PeerMessage, Refusal};

use crate::world::{World, keyspace, ms, region};

fn row(key: &str) -> Bytes {
    Object::new(keyspace(), key.to_owned()).register().as_bytes().clone()
}

fn name(number: u64) -> String {
    format!("k{number:04}")
}

fn vv(world: &World, n: u64) -> &VersionVector {
    &world.node(n).disk.vv
}

fn equal(world: &World) -> bool {
    world.nodes.values().all(|node| node.is_idle() && node.disk.vv == world.node(1).disk.vv)
}

/// So many registers everywhere, and audits every two seconds from now on.
fn audited(nodes: u64, rows: u64) -> World {
    let mut world = World::settled(nodes, 7 + nodes);
    for number in 0..rows {
        world.write_to(1 + number % nodes, &name(number), 3);
        if number % 50 == 0 {
            world.run(ms(20));
        }
    }
    assert!(world.until(ms(5000), equal).is_some());
    for n in 1..=nodes {
        world.replace(n, |disk| disk.audit_period = Some(ms(2000)));
    }
    world
}

fn now(world: &World, n: u64) -> Now {
    world.clock_of(region(n))
}

fn audits(world: &World, n: u64) -> u64 {
    world.node(n).replica.status(now(world, n)).audit.audits
}

/// Until each has ended so many more audits.
fn audit_all(world: &mut World, more: u64) {
    let before: Vec<_> = world.nodes.keys().map(|id| (u64::from(id.get()), audits(world, id.get().into()))).collect();
    let done = |world: &World| before.iter().all(|(n, before)| audits(world, *n) >= before + more);
    assert!(world.until(ms(120_000), done).is_some(), "audits end");
}

fn differences(world: &World, n: u64) -> Vec<Difference> {
    let told = |alarm: &Alarm| match alarm {
        Alarm::Diverged(difference) => Some(difference.clone()),
        _ => None,
    };
    world.node(n).alarms.iter().filter_map(told).collect()
}

fn is_calm(world: &World) -> bool {
    world.nodes.values().all(|node| node.alarms.is_empty() && node.errors.is_empty())
}

#[test]
fn p3_regions_that_agree_are_never_alarmed_however_much_is_written_meanwhile() {
    let mut world = audited(3, 300);
    for round in 0..400 {
        for n in 1..=3 {
            world.write_to(n, &name(round * 7 % 300), 3);
        }
        world.run(ms(11));
    }
    audit_all(&mut world, 2);
    assert!(is_calm(&world));
    let status = world.node(2).replica.status(now(&world, 2)).audit;
    let last = status.last.unwrap();
    assert!(last.rows >= 300 && last.compared > 0 && last.uncompared == 0, "{last:?}");
}

#[test]
fn p3_a_row_that_differs_is_told_by_both_with_its_keys_and_no_other_is() {
    let mut world = audited(3, 600);
    let wrong = row(&name(321));
    world.replace(2, |disk| drop(disk.spoilt.insert(wrong.clone(), Bytes::from_static(b"x"))));
    audit_all(&mut world, 2);
    for n in 1..=3_u64 {
        let told = differences(&world, n);
        assert!(!told.is_empty(), "region {n} compares with 2");
        for difference in told {
            assert!(difference.peer == region(2) || n == 2, "{difference:?} told by {n}");
            assert!(difference.from <= wrong && wrong < difference.upto);
            let within =
                (0..600).filter(|n| (difference.from.clone()..difference.upto.clone()).contains(&row(&name(*n))));
            assert_eq!(within.count(), 1, "narrowed down to a row");
        }
    }
    let before: usize = (1..=3).map(|n| world.node(n).alarms.len()).sum();
    audit_all(&mut world, 2);
    assert_eq!((1..=3).map(|n| world.node(n).alarms.len()).sum::<usize>(), before, "told once");
    let text = world.node(1).alarms[0].to_string();
    assert!(text.contains("keyspace 10") && text.contains(&name(321)), "{text}");
}

#[test]
fn p3_rows_that_one_region_lacks_or_has_too_many_of_are_told() {
    for value in [&b""[..], b"more"] {
        let mut world = audited(2, 40);
        let wrong = row(if value.is_empty() { "k0020" } else { "k00205" });
        world.replace(2, |disk| drop(disk.spoilt.insert(wrong.clone(), Bytes::from_static(value))));
        audit_all(&mut world, 2);
        for n in 1..=2 {
            assert!(
                differences(&world, n).iter().any(|told| told.from <= wrong && wrong < told.upto),
                "{n}: {value:?}"
            );
        }
    }
}

#[test]
fn what_is_mended_is_found_no_more_and_told_again_if_it_comes_back() {
    let mut world = audited(3, 60);
    let wrong = row(&name(7));
    world.replace(1, |disk| drop(disk.spoilt.insert(wrong.clone(), Bytes::from_static(b"x"))));
    audit_all(&mut world, 1);
    let open = |world: &World, n| world.node(n).replica.status(now(world, n)).audit.differing.len();
    assert!((1..=3).all(|n| open(&world, n) > 0));
    world.nodes.get_mut(&region(1)).unwrap().disk.spoilt.clear();
    audit_all(&mut world, 2);
    assert!((1..=3).all(|n| open(&world, n) == 0));
    let before = differences(&world, 2).len();
    world.nodes.get_mut(&region(1)).unwrap().disk.spoilt.insert(wrong, Bytes::from_static(b"y"));
    audit_all(&mut world, 2);
    assert!(differences(&world, 2).len() > before);
}

#[test]
fn rows_that_cannot_be_read_are_told_and_those_around_them_compared() {
    let mut world = audited(3, 60);
    let damaged = row(&name(30));
    world.replace(3, |disk| assert!(disk.unreadable.insert(damaged.clone())));
    world.replace(2, |disk| drop(disk.spoilt.insert(row(&name(50)), Bytes::from_static(b"x"))));
    audit_all(&mut world, 2);
    let told = world.node(3).alarms.iter().find_map(|alarm| match alarm {
        Alarm::Damaged(damage) if damage.from <= damaged && damaged < damage.upto => Some(damage.clone()),
        _ => None,
    });
    assert!(told.is_some(), "{:?}", world.node(3).alarms);
    assert!(world.node(1).alarms.iter().all(|alarm| !matches!(alarm, Alarm::Damaged(_))), "it is not this one's");
    assert!(!differences(&world, 2).is_empty(), "what is behind it is compared all the same");
    assert!(world.node(3).alarms.iter().any(|alarm| matches!(alarm, Alarm::Damaged(_))));
}

#[test]
fn a_row_that_is_written_all_the_time_does_not_hold_up_an_audit() {
    let mut world = audited(2, 30);
    world.link(1, 2).delay = ms(40);
    world.link(2, 1).delay = ms(40);
    let before = audits(&world, 1);
    for _ in 0..6000 {
        world.write_to(1, &name(11), 3);
        world.write_to(2, &name(11), 3);
        world.run(ms(3));
    }
    assert!(audits(&world, 1) > before, "it ends");
    assert!(is_calm(&world));
    let last = world.node(1).replica.status(now(&world, 1)).audit.last.unwrap();
    assert!(last.compared > 0 && last.uncompared > 0, "all but that one are compared: {last:?}");
}

#[test]
fn p9_an_audit_goes_on_without_a_peer_that_does_not_answer() {
    let mut world = audited(3, 60);
    for other in [1, 3] {
        world.sever(2, other);
    }
    world.run(ms(3000));
    audit_all(&mut world, 1);
    assert!(is_calm(&world));
    assert!(world.node(1).compared.iter().any(|(peer, _)| *peer == region(3)), "the next in the circle is asked");
    let alone = world.node(2).replica.status(now(&world, 2)).audit.last.unwrap();
    assert_eq!((alone.compared, alone.rows), (0, 60), "it reads its own rows all the same");
    // One that hears and never has as much as it is asked about rests for a while.
    let mut world = audited(2, 10);
    audit_all(&mut world, 1);
    world.stall(1, 2);
    world.write_to(1, &name(3), 3);
    world.run(AUDIT_PATIENCE + AUDIT_REST / 2);
    let asked = world.node(1).compared.len();
    world.run(ms(4000));
    assert_eq!(world.node(1).compared.len(), asked);
}

#[test]
fn p10_a_peers_questions_are_answered_one_at_a_time_and_nonsense_is_refused() {
    let mut world = World::settled(2, 9);
    world.write_to(1, "k", 3);
    world.run(ms(200));
    let ask = |from: &'static [u8], upto: &'static [u8], vv: VersionVector| {
        PeerMessage::Compare(Compare {
            number: 1,
            from: Bytes::from_static(from),
            upto: Bytes::from_static(upto),
            at: now(&world, 1).wall,
            vv,
            rows: 0,
            digest: [0; 32],
            finest: false,
        })
    };
    let (good, ahead) = (
        ask(b"a", b"b", VersionVector::new()),
        ask(b"a", b"b", {
            let mut vv = vv(&world, 1).clone();
            vv.set(world.node(2).disk.actor, Seq(900));
            vv
        }),
    );
    let backward = ask(b"b", b"a", VersionVector::new());
    let clock = now(&world, 1);
    let node = world.nodes.get_mut(&region(1)).unwrap();
    let from: RegionId = region(2);
    assert!(node.replica.handle_peer(clock, from, backward).is_err());
    for message in [good.clone(), good, ahead.clone(), ahead] {
        assert_eq!(node.replica.handle_peer(clock, from, message), Ok(()));
    }
    let commands = std::iter::from_fn(|| node.replica.poll_command());
    let reads = commands.filter(|command| matches!(command, halcyon_core::Command::CompareRange { .. })).count();
    assert_eq!(reads, 1, "while one is read the next waits, and what is ahead of this node waits, too");
}

#[test]
fn p6_a_repair_takes_a_peers_state_and_loses_nothing() {
    let mut world = audited(3, 60);
    let wrong = row(&name(7));
    world.replace(2, |disk| drop(disk.spoilt.insert(wrong.clone(), Bytes::from_static(b"x"))));
    audit_all(&mut world, 1);
    let clock = now(&world, 2);
    let node = world.nodes.get_mut(&region(2)).unwrap();
    let looked = node.replica.repair(clock, None, false).unwrap();
    assert!(!looked.findings.is_empty() && looked.pages.is_none() && looked.from.is_some(), "{looked:?}");
    let stranger = node.replica.repair(clock, Some(region(9)), true);
    assert!(matches!(stranger, Err(Refusal::InvalidArgument { .. })), "{stranger:?}");
    assert!(node.filled.is_none(), "looking changes nothing");
    let begun = node.replica.repair(clock, Some(region(3)), true).unwrap();
    assert_eq!((begun.from, begun.pages), (Some(region(3)), Some(0)));
    world.pump(region(2));
    world.write_to(2, &name(8), 5);
    assert!(world.until(ms(20_000), |world| world.switched == 1).is_some());
    assert!(world.until(ms(5000), equal).is_some(), "p6: what it wrote meanwhile is everywhere");
    assert!(world.node(2).disk.spoilt.is_empty());
    audit_all(&mut world, 2);
    assert_eq!(world.node(2).replica.status(now(&world, 2)).audit.differing, []);
    assert_eq!(world.node(1).replica.status(now(&world, 1)).audit.differing, []);
}

#[test]
fn a_repair_whose_source_falls_silent_is_given_up_and_nobody_else_is_asked() {
    let mut world = audited(3, 20);
    world.pages = 1000;
    world.run(ms(1500));
    let clock = now(&world, 2);
    world.nodes.get_mut(&region(2)).unwrap().replica.repair(clock, Some(region(3)), true).unwrap();
    world.pump(region(2));
    world.run(ms(200));
    world.sever(2, 3);
    let given_up = |world: &World| world.node(2).alarms.iter().any(|alarm| matches!(alarm, Alarm::Unrepaired { .. }));
    assert!(world.until(ms(60_000), given_up).is_some());
    world.run(ms(5000));
    assert_eq!(world.switched, 0);
    assert!(world.node(2).filled.is_none(), "it goes on with what it has");
    assert_eq!(world.node(2).replica.status(now(&world, 2)).rebuilding, None);
}
