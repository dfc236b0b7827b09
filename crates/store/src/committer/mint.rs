//! A new log for this directory.

use halcyon_types::{ActorId, UnixMs};

use super::Committer;
use crate::backend::Backend;
use crate::error::Fatal;

impl<B: Backend> Committer<B> {
    /// Begins a new log: from here on this node writes as the actor that is returned. What it has written before stays, as the
    /// log of another actor. In one batch with what is staged after it.
    ///
    /// # Errors
    /// [`Fatal`]: stop the process.
    pub fn stage_mint(&mut self, now: UnixMs) -> Result<ActorId, Fatal> {
        self.alive()?;
        self.identity.mint(now, &self.vv);
        self.actor = self.identity.actor;
        self.group.identity = Some(self.identity.clone());
        Ok(self.actor)
    }
}
