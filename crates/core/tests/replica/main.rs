//! Replicas in a small deterministic world: virtual time, a committer and a log per node, links that delay, lose and break.

#[cfg(test)]
mod clients;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod full;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod links;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod random;
#[cfg(test)]
mod rebuild;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod replication;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod sweeps;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod truncation;
#[cfg(test)]
mod windows;
#[cfg(test)]
mod world;
