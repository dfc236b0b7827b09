//! Transactions: begun, committed, ended, or too old. The driver holds the snapshots.

use halcyon_types::Now;
use halcyon_types::mutant::{Mutant, planted};
use halcyon_wire::{Outcome, Refusal, TransactionId};

use super::Replica;
use super::clients::overloaded;
use crate::event::{Command, SessionId};
use crate::timer::Timer;
use crate::transactions::Full;

impl Replica {
    pub(super) fn begin(&mut self, now: Now, session: SessionId, id: u64) -> Result<(), Refusal> {
        let transaction = self.transactions.begin(now.mono, session).map_err(|full| {
            overloaded(match full {
                Full::Node => "this node's table of open transactions",
                Full::Connection => "this connection's table of open transactions",
            })
        })?;
        self.commands.push_back(Command::Begin { session, id, transaction });
        self.time_transactions();
        Ok(())
    }

    /// The snapshot of a transaction that is to be committed, if it is open: with that it ends, whatever comes of it.
    pub(super) fn take_transaction(
        &mut self,
        session: SessionId,
        transaction: TransactionId,
    ) -> Option<(SessionId, TransactionId)> {
        let open = self.transactions.end(session, transaction);
        self.time_transactions();
        open.then_some((session, transaction))
    }

    pub(super) fn abort(&mut self, session: SessionId, id: u64, transaction: TransactionId) {
        self.end_transaction(session, transaction);
        self.reply(session, id, Ok(Outcome::Ended));
    }

    pub(super) fn end_transaction(&mut self, session: SessionId, transaction: TransactionId) {
        if self.take_transaction(session, transaction).is_some() {
            self.commands.push_back(Command::Forget { session, transaction });
        }
    }

    pub(super) fn close_transactions(&mut self, session: SessionId) {
        if planted(Mutant::TransactionsLeak) {
            return;
        }
        let gone = self.transactions.close(session);
        self.commands.extend(gone.into_iter().map(|transaction| Command::Forget { session, transaction }));
        self.time_transactions();
    }

    pub(super) fn expire_transactions(&mut self, now: Now) {
        while let Some((session, transaction)) = self.transactions.expired(now.mono) {
            self.commands.push_back(Command::Forget { session, transaction });
        }
        self.time_transactions();
    }

    fn time_transactions(&mut self) {
        match self.transactions.next_deadline() {
            Some(at) => self.timers.set(Timer::Forget, at),
            None => self.timers.cancel(Timer::Forget),
        }
    }
}
