//! The rules of the SDK, each a sentence, on regions made of channels and a virtual clock.

mod flow;
mod handles;
mod regions;
mod writes;
