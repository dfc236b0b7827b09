//! What the seeds went through. A fault that never struck, or an invariant that never had anything to judge, proves nothing:
//! over many seeds that is itself a failure.

use halcyon_sim::world::Figures;

/// Seeds from which on nothing may be missing.
const SEEDS_MIN: u64 = 100;

/// What must have happened.
const MUST: [&str; 32] = [
    "writes acknowledged",
    "reads answered",
    "transactions begun",
    "records applied",
    "records relayed",
    "records that a crash kept",
    "crashes in a sync, lost",
    "crashes in a sync, kept",
    "crashes at a chosen moment",
    "nodes that died alone",
    "syncs that failed",
    "nodes that stopped",
    "starts refused for a dead clock",
    "cuts",
    "severed",
    "connections dropped",
    "connections lost",
    "connections given up",
    "messages lost",
    "messages repeated",
    "dials that failed",
    "cables changed",
    "disks changed",
    "pauses",
    "clock steps",
    "clocks that drift",
    "clients disconnected",
    "background turned",
    "NotYet",
    "Changed",
    "TransactionExpired",
    "InsufficientRights",
];

/// Prints the table, and says how much that must be there is missing.
pub(crate) fn print(figures: &Figures, seeds: u64) -> usize {
    println!("what the seeds went through:");
    for (name, count) in &figures.counts {
        println!("  {count:>12}  {name}");
    }
    println!("  {:>10.1} h  virtual time", figures.lived.as_secs_f64() / 3600.0);
    println!("  {:>10.1} s  from heal to agreement, at most", figures.converged_in.as_secs_f64());
    println!("how often each invariant had something to judge:");
    for (name, count) in &figures.judged {
        println!("  {count:>12}  {name}");
    }
    if seeds < SEEDS_MIN {
        return 0;
    }
    let happened = |name: &&&str| figures.counts.get(**name).copied().unwrap_or_default() > 0;
    let never = MUST.iter().filter(|name| !happened(name));
    let idle = figures.judged.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name);
    let missing: Vec<_> = never.chain(idle).collect();
    for name in &missing {
        println!("MISSING {name}: never in {seeds} seeds; the simulation is too weak");
    }
    missing.len()
}
