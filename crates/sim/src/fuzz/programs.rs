//! Records that are valid because origins have made them, delivered in two causal orders: equal bytes (promise P3), and
//! equal answers, which come from derived rows.
//!
//! Three regions write, hear of each other and let time pass as the bytes say. Then two that have seen nothing hear all of
//! it: one takes what comes next as the bytes choose, one all that it can from the last region first.

use std::time::Duration;

use halcyon_types::{ActorId, UnixMs, VersionVector};

use super::Source;
use super::drawn::updates;
use super::site::Site;

/// Longer programs take longer and show no more.
const STEPS_MAX: usize = 48;

/// Panics where a law is violated: two regions that have seen the same differ, or anything on the way is not as it must be.
pub(super) fn body(data: &[u8]) {
    let mut source = Source::new(data);
    let mut sites = [1, 2, 3].map(Site::new);
    let mut tokens = vec![VersionVector::new()];
    for _ in 0..STEPS_MAX {
        if source.is_empty() {
            break;
        }
        step(&mut source, &mut sites, &mut tokens);
    }
    sites.iter_mut().for_each(Site::commit);
    let end = sites.iter().map(|site| site.now).max().unwrap_or_default().plus(Duration::from_millis(1));
    let mut one = Site::new(4);
    while hear_any(&mut one, &sites, source.index(3)) {}
    let mut other = Site::new(5);
    while hear_any(&mut other, &sites, 2) {}
    same(&one, &other, end);
    for index in 0..sites.len() {
        hear_each(&mut sites, index);
    }
    for site in &sites {
        same(&one, site, end);
    }
    let again = Site::on(other.disk.crash(), 5);
    same(&one, &again, end);
}

fn step(source: &mut Source<'_>, sites: &mut [Site; 3], tokens: &mut Vec<VersionVector>) {
    let (at, what) = (source.index(3), source.byte() % 10);
    let other = (at + 1 + source.index(2)) % 3;
    let Some([site, from]) = two_of(sites, at, other) else { return };
    match what {
        0..=2 => drop(site.put(updates(source))),
        3 => {
            site.commit();
            let token = source.pick(tokens).cloned().unwrap_or_default();
            site.put_behind(token, updates(source));
        }
        4 => site.transact(updates(source)),
        5 => {
            site.commit();
            tokens.push(site.vv());
        }
        6 | 7 => {
            site.commit();
            from.commit();
            let actors: Vec<ActorId> = from.vv().iter().map(|(actor, _)| actor).collect();
            for _ in 0..=source.below(6) {
                if let Some(actor) = source.pick(&actors).filter(|actor| **actor != site.actor) {
                    site.hear(from, *actor);
                }
            }
        }
        8 => site.now = UnixMs(site.now.0 + u64::from(source.pair() % 3000)),
        _ => {
            site.commit();
            site.sweep(source.below(2) == 0);
            site.commit();
        }
    }
}

fn two_of(sites: &mut [Site; 3], one: usize, other: usize) -> Option<[&mut Site; 2]> {
    sites.get_disjoint_mut([one, other]).ok()
}

/// Takes one record that can be taken, beginning to look at the region `first`.
fn hear_any(site: &mut Site, sites: &[Site; 3], first: usize) -> bool {
    let mut order = sites.iter().cycle().skip(first).take(sites.len());
    order.any(|from| site.hear(from, from.actor))
}

fn hear_each(sites: &mut [Site; 3], index: usize) {
    // Each of the others has its own log whole; what stops at one dependency goes on behind it.
    let others = [(index + 1) % 3, (index + 2) % 3];
    loop {
        let mut any = false;
        for other in others {
            if let Some([site, from]) = two_of(sites, index, other) {
                any |= site.hear(from, from.actor);
            }
        }
        if !any {
            return;
        }
    }
}

fn same(one: &Site, other: &Site, at: UnixMs) {
    assert_eq!(one.digest(at), other.digest(at), "p3: region {} and region {}", one.actor, other.actor);
    assert_eq!(one.answers(at), other.answers(at), "p3: what region {} and region {} answer", one.actor, other.actor);
}
