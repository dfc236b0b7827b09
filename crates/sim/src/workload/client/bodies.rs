//! What a client's requests say.

use std::time::Duration;

use halcyon_crdt::Update;
use halcyon_types::RequestId;
use halcyon_wire::{Body, Seen, Session, TransactionId, Within, Write};

use super::{Client, WAIT_MS};
use crate::scenario::{Command, Query};
use crate::workload::action::Tie;
use crate::workload::words::dialect;
use crate::world::EPOCH;

impl Client {
    pub(super) fn write(&mut self, now: Duration, commands: &[Command], tie: Tie) -> Body {
        Body::Write(Write {
            request: self.mint(now),
            session: self.session(tie != Tie::Free),
            seen: if tie == Tie::Context { Seen::Session } else { Seen::Present },
            updates: commands.iter().flat_map(|command| dialect().updates(command).unwrap_or_default()).collect(),
        })
    }

    pub(super) fn read(&self, query: &Query, tied: bool, within: Option<(TransactionId, &[Update])>) -> Body {
        let (object, query) = dialect().question(query);
        let within = within.map(|(transaction, updates)| Within { transaction, updates: updates.to_vec() });
        Body::Read { session: self.session(tied), within, object, query }
    }

    pub(super) fn session(&self, tied: bool) -> Session {
        if tied { Session { token: self.token.clone(), wait_ms: WAIT_MS } } else { Session::default() }
    }

    /// A new name for a write.
    pub(super) fn mint(&mut self, now: Duration) -> RequestId {
        let mut random = [0; 10];
        for (byte, drawn) in random.iter_mut().zip(self.dice.roll().to_le_bytes().into_iter().chain([7, 7])) {
            *byte = drawn;
        }
        RequestId::mint(EPOCH.plus(now), &random)
    }
}
