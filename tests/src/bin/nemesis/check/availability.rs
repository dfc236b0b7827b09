//! Local writes never wait (P9): a region whose node lives goes on acking writes, whatever is cut, late or off. And no node
//! ends by itself.

use super::Judged;
use crate::cells::Cells;
use crate::facts::Facts;
use crate::history::{Answered, End, FINAL, History};

/// Between two acks of a region that lives, at most: seven times what a busy machine was seen to take.
const GAP_MS: u64 = 8_000;
/// A node that comes back has its clients back only after they have dialled again.
const GRACE_MS: u64 = 2_000;
/// A region alone for less than this, in all, shows nothing.
const ALONE_MS_MIN: u64 = 2_000;
/// Faults that stop a node.
const STOPS: [&str; 4] = ["pause", "kill", "terminate", "died"];

pub(crate) fn judge(facts: &Facts<'_>, _: &Cells) -> Judged {
    let history = facts.history;
    let mut judged = Judged::default();
    for died in history.faults.iter().filter(|fault| fault.kind == "died") {
        judged.violation(format!("region {:?}: {}", died.region, died.detail), [], None);
    }
    let load = history.calls.iter().filter(|call| call.asked.process != FINAL);
    let Some(end) = load.map(|call| call.asked.ms).max() else { return judged };
    for region in 0..history.header.regions {
        let acks = acks(history, region);
        for (from, to) in up(history, region, end) {
            let within: Vec<u64> = acks.iter().copied().filter(|ack| (from..=to).contains(ack)).collect();
            // Less than that cannot be too long.
            judged.judged += (to - from) / GAP_MS;
            let edges: Vec<u64> = [from].into_iter().chain(within).chain([to]).collect();
            for gap in edges.windows(2) {
                if let [before, after] = gap
                    && after - before > GAP_MS
                {
                    let what =
                        format!("region {region} acked no write from {before} ms to {after} ms, and was not stopped");
                    judged.violation(what, [], None);
                }
            }
        }
    }
    isolated(&mut judged, history, end);
    judged
}

/// While it reaches no other, a region acks about as many writes as ever; one in eight is called none.
fn isolated(judged: &mut Judged, history: &History, end: u64) {
    for region in 0..history.header.regions {
        let (acks, up) = (acks(history, region), up(history, region, end));
        let within = |from: u64, to: u64| acks.iter().filter(|ack| (from..to).contains(*ack)).count() as u64;
        let (mut alone_ms, mut alone, mut up_ms, mut all) = (0, 0, 0, 0);
        for (from, to) in &up {
            up_ms += to - from;
            all += within(*from, *to);
            for begin in
                history.faults.iter().filter(|it| it.kind == "isolate" && it.begins && it.region == Some(region))
            {
                let over = history.faults.iter().find(|it| it.nth == begin.nth && !it.begins);
                // Nodes take a tick or two to be told, and then a while to notice.
                let (since, until) = ((begin.ms + 1_500).max(*from), over.map_or(end, |over| over.ms).min(*to));
                if since < until {
                    alone_ms += until - since;
                    alone += within(since, until);
                }
            }
        }
        // Seconds alone.
        judged.judged += if alone_ms >= ALONE_MS_MIN && all > 0 { alone_ms / 1_000 } else { 0 };
        if alone_ms >= ALONE_MS_MIN && alone * 8 * up_ms < all * alone_ms {
            let what = format!("region {region} acked {alone} writes in {alone_ms} ms alone, of {all} in {up_ms} ms");
            judged.violation(what, [], None);
        }
    }
}

/// When a region acked writes.
fn acks(history: &History, region: usize) -> Vec<u64> {
    let there = history.calls.iter().filter(|call| call.asked.region == region);
    let acks = there.filter_map(|call| match &call.answered {
        Some(Answered { ms, end: End::Written { .. }, .. }) => Some(*ms),
        _ => None,
    });
    let mut acks: Vec<_> = acks.collect();
    acks.sort_unstable();
    acks
}

/// The times during which a region's node was not stopped.
fn up(history: &History, region: usize, end: u64) -> Vec<(u64, u64)> {
    let stops = history.faults.iter().filter(|it| it.region == Some(region) && STOPS.contains(&it.kind.as_str()));
    let (mut up, mut since) = (Vec::new(), Some(0));
    for stop in stops {
        match (stop.begins && stop.kind != "died", since) {
            (true, Some(from)) => {
                up.push((from, stop.ms));
                since = None;
            }
            (true, None) => {}
            (false, _) => since = Some(stop.ms + GRACE_MS),
        }
    }
    up.extend(since.map(|from| (from, end)));
    up.retain(|(from, to)| from < to);
    up
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tell::{Tale, holds, how_much, violates};
    use crate::op::What;

    /// A write a second, in each region, from second `from` to second `to`.
    fn write(tale: &mut Tale, regions: &[usize], times: u64) {
        for at in 0..times {
            for region in regions {
                let dot = format!("{}.1:{}", region + 1, at + 1);
                tale.write("a", *region, &[("k", What::Add(1))], &dot, &dot);
            }
        }
    }

    #[test]
    fn a_region_that_goes_silent_without_being_stopped_is_caught() {
        let mut tale = Tale::default();
        write(&mut tale, &[0, 1, 2], 3);
        holds(judge, &tale.history());
        write(&mut tale, &[0, 1], 10);
        violates(judge, &tale.history());
    }

    #[test]
    fn a_region_that_acks_nothing_while_it_is_alone_is_caught() {
        let mut tale = Tale::default();
        write(&mut tale, &[0, 1, 2], 3);
        tale.fault("isolate", Some(2), true);
        let mut silent = tale.clone();
        write(&mut tale, &[0, 1, 2], 2);
        write(&mut silent, &[0, 1], 3);
        holds(judge, &tale.fault("isolate", Some(2), false).history());
        // 29 s in each region, 9.5 of them alone in one.
        assert_eq!(how_much(judge, &tale.history()), 3 * (29_000 / GAP_MS) + 9);
        violates(judge, &silent.fault("isolate", Some(2), false).history());
    }

    #[test]
    fn a_region_that_is_stopped_may_be_silent() {
        let mut tale = Tale::default();
        write(&mut tale, &[0, 1, 2], 3);
        tale.fault("kill", Some(2), true);
        write(&mut tale, &[0, 1], 10);
        tale.fault("kill", Some(2), false);
        write(&mut tale, &[0, 1, 2], 3);
        holds(judge, &tale.history());
        tale.fault("died", Some(1), true);
        violates(judge, &tale.history());
    }
}
