//! QUIC and TLS: identity, links, framing; the client half and the peer half.
//!
//! Floor 3. This crate moves opaque frames between parties that have proved who they are, and knows nothing else: not
//! what a frame says, not who is a member, not when to dial again. It reads no clock of its own and keeps no queue
//! without a bound.
//!
//! ```text
//!            peer plane, ALPN halcyon-peer/1                 client plane, ALPN halcyon-client/1
//!
//!   us-east ──dials──▶ eu-west    tells it what it knows     application ──dials──▶ region
//!     stream 1: 'C' frames…       heartbeats, pulls            one stream, both ways:
//!     stream 2: 'R' frames…       records                      'H' frames…  ▶
//!     ◀ 'H'                       "you are admitted"           ◀  'H' frames…
//!   eu-west ──dials──▶ us-east    the other direction
//!
//!   frame = length: u32 big-endian, 1..=FRAME_BYTES_MAX ‖ body
//! ```
//!
//! **Mutual TLS, always.** Both ends check the chain against the cluster's authority, and beyond the chain the name in
//! the certificate ([`Identity`]): a dialler accepts exactly the region it dialled; the peer plane admits only the
//! topology's other regions, the client plane only clients and admins. There is no insecure mode, no session ticket
//! and no 0-RTT: what was checked once is checked every time.
//!
//! **A dial that succeeds has been admitted.** In TLS 1.3 a dialler finishes before its own certificate is judged, so
//! the accepting end greets first with one byte, and [`peer::dial`] and [`client::dial`] wait for it.
//!
//! **Links are one-way.** What a node tells another travels on the connection it dialled itself; two nodes hold two
//! connections. Each direction fails, is cut and reconnects on its own, and nobody has to settle whose dial won.

mod accept;
pub mod authority;
mod authority_error;
mod bind;
pub mod client;
mod credentials;
mod dial;
mod files;
pub mod frame;
mod identity;
mod link;
pub mod peer;
mod reset;
mod roster;
mod stream;
mod tls;
mod transport;
mod verify;

pub use authority::{Authority, AuthorityError};
pub use bind::BindError;
pub use client::{ClientListener, Session};
pub use credentials::{Credentials, CredentialsError};
pub use dial::DialError;
pub use frame::{FrameDecoder, FrameSizeError};
pub use identity::{Identity, IdentityError, PrincipalName, Role};
pub use link::{LinkEnd, LinkHandle};
pub use peer::{PeerListener, PeerReceiver, PeerSender};
pub use roster::Roster;
pub use stream::{FrameError, FrameReader, FrameWriter};
