//! `HyperLogLog`: how many different elements, within about 0.81 %, in at most 12 KiB however many there are.
//!
//! An element is hashed into one of 2^14 registers and a rank; a register keeps the highest rank it was shown. That is
//! a maximum, so observing an element twice, or in another order, changes nothing. Hash, registers and estimator are
//! those of Redis >= 5, so that a count here is the count that Redis gives for the same elements.
//!
//! * `hash`: an element's register and rank.
//! * `registers`: what has been observed, in one canonical form.
//! * `estimate`: the count that the registers stand for.
//!
//! Neither the hash nor the layout may ever change: replicas are compared byte for byte, and registers filled by two
//! different hashes would count every element twice.

mod estimate;
mod hash;
mod registers;

pub use hash::{Observation, observe};
pub use registers::Registers;

use std::ops::ControlFlow;

use crate::kind::Kind;
use crate::object::Object;
use crate::row::Row;
use crate::rows::Rows;

/// About how many distinct elements were counted, over all generations.
pub(crate) fn estimate<R: Rows>(rows: &mut R, object: &Object) -> Result<u64, R::Error> {
    let generations = object.of_kind(Kind::HyperLogLog);
    let mut all = Registers::default();
    rows.scan(&generations, generations.as_bytes(), |_, row| {
        if let Row::Registers(registers) = row {
            all.union(registers);
        }
        ControlFlow::Continue(())
    })?;
    Ok(all.estimate())
}
