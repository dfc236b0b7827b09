//! What the files of a data directory say, as bytes: RocksDB's logs and manifests, and the small files beside them.
//!
//! All of it is read before the database is opened, when nothing has vouched for it yet. So these are total functions: they
//! open no file, and need no database to be compiled, which lets a fuzzer at them (`sim/src/fuzz/files.rs`). What is done
//! about it stands in `rocks/`.

mod log_end;
mod log_format;
mod manifest;
mod marks;

pub use log_end::{End, Log, Records, read as read_log};
pub use marks::{Format, Opened, manifest_named, synced, synced_text};
