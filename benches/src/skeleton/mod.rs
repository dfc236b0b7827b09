//! The skeleton: what an acknowledged increment costs at least, network included, and nothing else. The honest ceiling.
//!
//! A process of its own: one QUIC stream → a queue → one committer thread, which per operation reads a row, writes it
//! back and writes a log row, and syncs once per group → an acknowledgement. No types, no codec, no request ids, no
//! vector, no peer. Whatever waits becomes the next group, as in Halcyon. The client keeps so many operations in flight
//! on one stream, counts each from its writing to its acknowledgement, and does nothing besides.
//!
//! ```text
//! request          u64 id ‖ u64 key; the key ECHO: answered at once, without the committer
//! acknowledgement  u64 id
//! ```

mod client;
mod server;

pub use client::{Load, Skeleton};
pub use server::serve;

/// Bytes of a request.
const REQUEST_BYTES: usize = 16;
/// Bytes of an acknowledgement.
const ACK_BYTES: usize = 8;
/// The key of a request that only asks for an answer: a bare round trip.
const ECHO: u64 = u64::MAX;
/// The most operations of one group, as in Halcyon.
const GROUP_MAX: usize = halcyon_types::limits::GROUP_MAX;
/// Chunks taken from a stream at once.
const CHUNKS: usize = 64;

/// Cuts what has arrived into pieces of `N` bytes; what is left over waits for the next call.
fn pieces<const N: usize>(rest: &mut Vec<u8>, arrived: &[u8], mut take: impl FnMut(&[u8; N])) {
    rest.extend_from_slice(arrived);
    let (whole, left) = rest.as_chunks::<N>();
    whole.iter().for_each(&mut take);
    let left = left.len();
    rest.drain(..rest.len() - left);
}

fn number(bytes: &[u8]) -> u64 {
    bytes.try_into().map(u64::from_be_bytes).expect("eight bytes")
}
