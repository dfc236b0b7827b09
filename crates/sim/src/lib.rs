//! The scenario language: programs in which regions write, part, meet again, and must then read what the program says.
//!
//! [`scenario`] is its front half: text to steps, steps to text, and values as the language prints them. It says what is
//! asked, never what it means; a world that runs the steps is a module of its own beside it.
//!
//! Floor 4. Must never compile `RocksDB` or quinn, start a thread, or read a clock or a random number: what it does is a
//! function of what it is given.

pub mod scenario;
