//! The SDK as applications see it: real sockets, real certificates, a region that misbehaves.

#[cfg(test)]
mod over_quic;
