//! Changing who is a member of the cluster: what `halcyon region` does.

use std::time::Duration;

use halcyon_types::RequestId;
use halcyon_wire::{Body, Change, Outcome, Receipt};

use crate::client::Client;
use crate::error::ReadError;

impl Client {
    /// Changes who is a member, by way of the region in use, which asks for an admin's certificate. Under one request id it
    /// happens once, however often it is asked for.
    ///
    /// # Errors
    /// [`ReadError`]: `Refused` with the reason; whatever else it is, whether it has happened is not known.
    pub async fn change_members(&self, request: RequestId, change: Change) -> Result<Receipt, ReadError> {
        let written = |outcome| if let Outcome::Written(receipt) = outcome { Some(receipt) } else { None };
        self.inner().read(&Body::Members { request, change }, Duration::ZERO, written).await
    }
}
