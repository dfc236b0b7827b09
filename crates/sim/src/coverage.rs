//! What the seeds went through. A fault that never bore on anything, or an invariant that never had anything to judge, proves
//! nothing: over many seeds that is itself a failure.

use std::collections::BTreeMap;
use std::time::Duration;

use halcyon_sim::world::Figures;

/// Of so many seeds at least one must have gone through each row, of twice as many two.
const SEEDS_MIN: u64 = 100;

/// What must have happened: what faults come to, and what they are there to bring about.
const MUST: [&str; 63] = [
    "records relayed",
    "messages lost on the way",
    "messages swallowed by a cut",
    "messages that arrived twice",
    "messages that overtook another",
    "messages too slow for a pull",
    "connections dropped",
    "connections severed",
    "connections given up",
    "dials that failed on the way",
    "dials that nobody answered",
    "crashes at any moment",
    "crashes in mid-sync",
    "crashes right after a sync",
    "crashes right after an ack",
    "crashes right after own records were sent",
    "crashes right after others' records were sent",
    "crashes right after a heartbeat",
    "crashes right after records came",
    "groups lost by a crash",
    "groups kept through a crash",
    "groups lost by a failed sync",
    "groups kept through a failed sync",
    "records first seen after a crash",
    "nodes that died alone",
    "nodes that stopped",
    "what waited for a node that stood still",
    "writes in a slow sync",
    "groups too full for what waited",
    "jobs staged while a group was being synced",
    "starts refused for a dead clock",
    "records stamped with the future",
    "stamps of the future that a clock did not follow",
    "records stamped by a clock that was set back",
    "records stamped by a clock that drifts",
    "requests asked again",
    "writes answered from storage",
    "writes answered by another region's record",
    "clients disconnected in the midst of something",
    "rights passed on",
    "rights run low and the rebalancer off",
    "sweeps of keys",
    "truncations of logs",
    "rows read by audits",
    "ranges compared at equal vectors",
    "ranges compared though one had seen more",
    "ranges that moved while they were compared",
    "copies taken",
    "copies begun anew",
    "records replayed behind a copy",
    "pages lost",
    "crashes while a copy was stored",
    "crashes while a copy was sent",
    "copies lost by a crash",
    "older directories put back",
    "directories lost",
    "records lost with a disk",
    "LogFull",
    "NotYet",
    "Changed",
    "ClockSkew",
    "TransactionExpired",
    "InsufficientRights",
];

/// How often something happened, and in how many seeds.
#[derive(Debug, Default, Clone, Copy)]
struct Row {
    times: u64,
    seeds: u64,
}

/// What all seeds together went through.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    seeds: u64,
    counts: BTreeMap<&'static str, Row>,
    judged: BTreeMap<&'static str, Row>,
    lived: Duration,
    converged_in: Duration,
}

impl Coverage {
    /// One more seed.
    pub(crate) fn take(&mut self, figures: &Figures) {
        self.seeds += 1;
        self.lived += figures.lived;
        self.converged_in = self.converged_in.max(figures.converged_in);
        for (rows, counts) in [(&mut self.counts, &figures.counts), (&mut self.judged, &figures.judged)] {
            for (name, count) in counts {
                let row = rows.entry(name).or_default();
                row.times += count;
                row.seeds += u64::from(*count > 0);
            }
        }
    }

    /// Prints the table, and says how much that must be there is missing.
    pub(crate) fn print(&self) -> usize {
        let must: Vec<_> =
            MUST.iter().map(|name| (*name, self.counts.get(name).copied().unwrap_or_default())).collect();
        let other = self.counts.iter().filter(|(name, _)| !MUST.contains(name)).map(|(name, row)| (*name, *row));
        let judged: Vec<_> = self.judged.iter().map(|(name, row)| (*name, *row)).collect();
        table("what bore on the seeds: how often, and in how many of them", must.iter().copied());
        table("how often each invariant had something to judge, and in how many seeds", judged.iter().copied());
        table("what else happened", other);
        println!("  {:>10.1} h           virtual time", self.lived.as_secs_f64() / 3600.0);
        println!("  {:>10.1} s           from heal to agreement, at most", self.converged_in.as_secs_f64());
        let least = self.seeds / SEEDS_MIN;
        let missing: Vec<_> = must.into_iter().chain(judged).filter(|(_, row)| row.seeds < least).collect();
        for (name, Row { seeds, .. }) in &missing {
            println!("MISSING {name}: in {seeds} of {} seeds; the simulation is too weak", self.seeds);
        }
        missing.len()
    }
}

fn table(head: &str, rows: impl Iterator<Item = (&'static str, Row)>) {
    println!("{head}:");
    for (name, Row { times, seeds }) in rows {
        println!("  {times:>12}  {seeds:>8}  {name}");
    }
}
