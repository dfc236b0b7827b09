//! Records, peer messages and client messages, and their codec.
