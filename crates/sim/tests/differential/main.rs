//! The kernel against the oracle (DESIGN §14): random programs of the scenario language, and after every step, in every
//! region that it reached, what the *set* of records there says.
//!
//! `HALCYON_CASES` and `HALCYON_SEED` vary the number of programs of each test and what they are (seed 0). A failure prints
//! the program, cut down to what fails, as a scenario file.

#[cfg(test)]
mod generator;
#[cfg(test)]
mod motif;
#[cfg(test)]
mod observer;
#[cfg(test)]
mod player;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod runner;
#[cfg(test)]
mod shrink;
#[cfg(test)]
mod types;
