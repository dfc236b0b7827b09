//! One body of tests for every backend. A case is a function over a [`Disk`]; `on_every_backend!` runs it on each.
//!
//! Names begin with the promise of the design that they prove, where there is one. Starting a disk again is a crash:
//! whatever was not synced is gone.

macro_rules! on_every_backend {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $case() { super::$case::<crate::suite::MemoryDisk>(); })*
        }
        #[cfg(feature = "rocksdb")]
        mod rocksdb {
            $(#[test] fn $case() { super::$case::<crate::suite::rocks::RocksDisk>(); })*
        }
    };
}

mod clocks;
mod copying;
#[cfg(feature = "rocksdb")]
mod damaged;
mod derived;
mod durable;
mod facts;
mod failing;
#[cfg(feature = "rocksdb")]
mod files;
mod minting;
pub(crate) mod node;
mod opening;
pub(crate) mod programs;
mod ranges;
mod reading;
mod replicas;
mod requests;
mod rights;
#[cfg(feature = "rocksdb")]
mod rocks;
mod scans;
mod sweeping;
#[cfg(feature = "rocksdb")]
mod torn;
mod transactions;
mod truncating;

use crate::backend::Backend;
use crate::memory::MemoryBackend;

/// Something that outlives processes.
trait Disk: Sized {
    type Backend: Backend;

    /// Property cases that are affordable on it.
    const CASES: u32;

    fn new() -> Self;

    /// The process of the last start dies, and the next one opens what is left.
    fn start(&mut self) -> Self::Backend;

    /// Lets what is on disk take room there, where some of it only does with time.
    fn spread(backend: &Self::Backend);
}

struct MemoryDisk(MemoryBackend);

impl Disk for MemoryDisk {
    type Backend = MemoryBackend;

    const CASES: u32 = 256;

    fn new() -> Self {
        Self(MemoryBackend::new())
    }

    fn start(&mut self) -> MemoryBackend {
        self.0 = self.0.crash();
        self.0.clone()
    }

    fn spread(_backend: &MemoryBackend) {}
}
