//! Repair: a peer's state in the place of a region's own, for operators.

use std::time::Duration;

use halcyon_types::RegionId;
use halcyon_wire::{Body, Outcome, RepairState};

use crate::client::Client;
use crate::error::ReadError;

impl Client {
    /// How the rows of the region in use are, and whose state would take their place: that of `from`, or of whoever has seen
    /// most. With `begin` it does: the region copies it, serves what it has until then, and closes its connections when it
    /// begins anew. It answers only whoever shows an admin's certificate.
    ///
    /// # Errors
    /// [`ReadError`]: nothing was begun, unless no answer came.
    pub async fn repair(&self, from: Option<RegionId>, begin: bool) -> Result<RepairState, ReadError> {
        let of_outcome = |outcome| match outcome {
            Outcome::Repair(state) => Some(state),
            _ => None,
        };
        let (state, ..) = self.inner().read_at(&Body::Repair { from, begin }, Duration::ZERO, of_outcome).await?;
        Ok(state)
    }
}
