//! Whole nodes, in one process, over real sockets and a real disk: what only the driver can break.

#[cfg(test)]
mod audits;
#[cfg(test)]
mod background;
#[cfg(test)]
mod backups;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod world;
