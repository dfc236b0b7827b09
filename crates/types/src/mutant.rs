//! Planted bugs: how the proofs are proved. A simulator that does not notice these would not notice their like.
//!
//! Each is one branch in the code that it spoils, `if mutant::planted(Mutant::AckBeforeSync)`. Without the feature
//! `mutants`, which nothing that ships turns on (`scripts/walls` looks), [`planted`] is the constant `false` and the branch is
//! not compiled. With it, a bug is planted for one thread at a time, by the simulator alone.

use std::fmt;

macro_rules! mutants {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// A bug that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mutant { $($(#[doc = $doc])+ $name),+ }

        impl Mutant {
            /// Each of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What is wrong, in a sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+)),+ }
            }
        }
    };
}

mutants! {
    /// A group is acknowledged and shipped before the disk has it.
    AckBeforeSync,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(feature = "mutants")]
mod planting {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Plants a bug in what this thread does from now on, or none.
    pub fn plant(mutant: Option<Mutant>) {
        PLANTED.set(mutant);
    }

    /// Whether this bug is planted here.
    pub fn planted(mutant: Mutant) -> bool {
        PLANTED.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub use planting::{plant, planted};

/// Never: this is no build for proofs.
#[cfg(not(feature = "mutants"))]
#[inline]
pub const fn planted(_: Mutant) -> bool {
    false
}
