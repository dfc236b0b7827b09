//! The sans-io replica: delivery, acks, heartbeats, catch-up, sessions.
