//! QUIC and TLS: identity, links, framing; the client half and the peer half.
