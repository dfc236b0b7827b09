//! What clients do: drawn ahead of time as data ([`draw`]), and done by state machines ([`Clients`]).
//!
//! Two kinds of clients. The *random mix* does anything to anything, on few keys, so that conflicts are the rule: [`diet`]
//! says what is written, [`questions`] what is asked; the kernel's differential tests use both. Those who *aim* ([`aims`])
//! do what chance seldom does: stamp many objects at once, name what they have seen, keep accounts, spend what others spend,
//! oppose each other at one moment, ask in two regions at once.
//!
//! An action stands by itself: leaving one out leaves the others possible, so programs can be cut down. What invariants
//! must know they learn from requests and answers ([`words`] reads them back), never from here.
//!
//! Must never read a clock, or draw a number but from the seed.

mod action;
pub mod aims;
mod client;
mod clients;
pub mod diet;
mod draw;
mod profile;
pub mod questions;
pub mod words;

#[cfg(test)]
mod tests;

pub use action::{Action, ClientId, Does, End, Retry, Tie, Turn};
pub use clients::{Ask, Clients};
pub use draw::draw;
