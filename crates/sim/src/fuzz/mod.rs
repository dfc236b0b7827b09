//! Bodies for a fuzzer: each takes any bytes, and panics only where a law is violated.
//!
//! | target | bytes are |
//! |---|---|
//! | `frames` | what peers or clients send |
//! | `records` | a record of another region |
//! | `programs` | choices: what three regions write and hear, which makes valid records |
//! | `node` | choices, and messages as they are: what peers and clients say to a node |
//! | `topology` | a `regions.toml` |
//! | `disk` | choices: what has become of the bytes of a store |
//! | `files` | a log or a mark of a data directory; choices: a log, and what has become of it |
//!
//! The same functions run under `cargo fuzz` (`fuzz/`), under the seeded runner on a stable toolchain (`tests/src/bin/fuzz`),
//! and for a moment in every test run. They read no clock and no random number: an input is a function of its bytes, so a
//! failure is one file.

mod disk;
pub mod drawn;
mod files;
mod frames;
mod garden;
mod log;
pub mod msgpack;
mod node;
mod programs;
mod records;
mod site;
mod source;
mod topology;

pub use frames::reads_back;
pub use source::Source;

/// A body, by its name.
pub type Target = (&'static str, fn(&[u8]));

/// Each of them.
pub const TARGETS: &[Target] = &[
    ("disk", disk::body),
    ("files", files::body),
    ("frames", frames::body),
    ("node", node::body),
    ("programs", programs::body),
    ("records", records::body),
    ("topology", topology::body),
];

/// Records and where they stand, for a corpus: what one region has written, as another would hear it next.
pub fn records() -> Vec<bytes::Bytes> {
    garden::Garden::get().next.iter().map(|(_, stored)| stored.bytes.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;

    /// The runner of the end-to-end crate mutates corpora; this is the least that stands on its own.
    #[test]
    fn random_bytes_violate_no_law() {
        let mut dice = Dice::new(1);
        for (name, body) in TARGETS {
            for round in 0..100 {
                let data: Vec<u8> = (0..dice.index(300)).map(|_| dice.below(256).to_le_bytes()[0]).collect();
                let ran = std::panic::catch_unwind(|| body(&data));
                assert!(ran.is_ok(), "{name}, round {round}: {data:?}");
            }
        }
    }

    #[test]
    fn records_of_the_garden_are_taken_and_can_be_told_from_garbage() {
        let (name, body) = TARGETS[5];
        assert_eq!(name, "records");
        for record in records() {
            body(&record);
        }
        assert!(records().len() > 20);
    }
}
