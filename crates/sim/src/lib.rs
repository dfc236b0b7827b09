//! The scenario language: programs in which regions write, part, meet again, and must then read what the program says.
//!
//! [`scenario`] is the language: text to steps, steps to text, what the words mean to the store, and how steps are run in
//! some [`scenario::World`]. [`kernel`] is the smallest of these: replicas in memory. Real nodes are another (the `halcyon`
//! binary's). [`oracle`] says what each must show, of the set of records that a region holds and nothing else.
//!
//! Floor 4. Must never compile `RocksDB` or quinn, start a thread, or read a clock or a random number: what it does is a
//! function of what it is given.

pub mod dice;
pub mod fuzz;
pub mod invariant;
pub mod kernel;
pub mod oracle;
pub mod scenario;
pub mod workload;
pub mod world;
