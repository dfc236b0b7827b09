//! Which transactions are open, and since when.
//!
//! A transaction is a snapshot that the driver holds; here stands only that it does, and for how long it may. One that its
//! client forgets costs a line of this table and a snapshot until [`TRANSACTION_AGE_MAX`], and nothing after.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use halcyon_types::limits::{CONNECTION_TRANSACTIONS_MAX, TRANSACTION_AGE_MAX, TRANSACTIONS_MAX};
use halcyon_wire::TransactionId;

use crate::event::SessionId;

/// Every open transaction of the node. Numbers are handed out in ascending order, so the lowest is the oldest.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    last: u64,
    open: BTreeMap<TransactionId, (SessionId, Duration)>,
    of_session: BTreeMap<SessionId, BTreeSet<TransactionId>>,
}

/// Which table is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The node's.
    Node,
    /// The connection's.
    Connection,
}

impl Transactions {
    pub(crate) fn begin(&mut self, now: Duration, session: SessionId) -> Result<TransactionId, Full> {
        if self.open.len() >= TRANSACTIONS_MAX {
            return Err(Full::Node);
        }
        let own = self.of_session.entry(session).or_default();
        if own.len() >= CONNECTION_TRANSACTIONS_MAX {
            return Err(Full::Connection);
        }
        self.last += 1;
        let id = TransactionId(self.last);
        own.insert(id);
        self.open.insert(id, (session, now + TRANSACTION_AGE_MAX));
        Ok(id)
    }

    pub(crate) fn is_open(&self, session: SessionId, id: TransactionId) -> bool {
        self.open.get(&id).is_some_and(|(owner, _)| *owner == session)
    }

    /// Takes the transaction out; `false` if it is not open on this connection.
    pub(crate) fn end(&mut self, session: SessionId, id: TransactionId) -> bool {
        if !self.is_open(session, id) {
            return false;
        }
        self.open.remove(&id);
        if let Some(own) = self.of_session.get_mut(&session) {
            own.remove(&id);
            if own.is_empty() {
                self.of_session.remove(&session);
            }
        }
        true
    }

    /// Takes out every transaction of a connection.
    pub(crate) fn close(&mut self, session: SessionId) -> BTreeSet<TransactionId> {
        let gone = self.of_session.remove(&session).unwrap_or_default();
        for id in &gone {
            self.open.remove(id);
        }
        gone
    }

    /// Takes out a transaction that is too old.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<(SessionId, TransactionId)> {
        let (id, (session, until)) = self.open.first_key_value()?;
        let (id, session, until) = (*id, *session, *until);
        (until <= now && self.end(session, id)).then_some((session, id))
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.open.first_key_value().map(|(_, (_, until))| *until)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn agrees(&self) -> bool {
        let listed: usize = self.of_session.values().map(BTreeSet::len).sum();
        let bounded = self.of_session.values().all(|own| !own.is_empty() && own.len() <= CONNECTION_TRANSACTIONS_MAX);
        listed == self.open.len() && bounded && self.open.len() <= TRANSACTIONS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_bounded_for_a_connection_and_for_the_node() {
        let (mut table, now) = (Transactions::default(), Duration::ZERO);
        for _ in 0..CONNECTION_TRANSACTIONS_MAX {
            table.begin(now, SessionId(1)).unwrap();
        }
        assert_eq!(table.begin(now, SessionId(1)), Err(Full::Connection));
        for n in CONNECTION_TRANSACTIONS_MAX..TRANSACTIONS_MAX {
            table.begin(now, SessionId(2 + (n / CONNECTION_TRANSACTIONS_MAX) as u64)).unwrap();
        }
        assert_eq!(table.begin(now, SessionId(999)), Err(Full::Node));
        assert!(table.agrees());
        assert_eq!(table.close(SessionId(1)).len(), CONNECTION_TRANSACTIONS_MAX);
        assert!(table.begin(now, SessionId(1)).is_ok() && table.agrees());
    }

    #[test]
    fn a_transaction_ends_once_and_only_on_its_own_connection() {
        let (mut table, ms) = (Transactions::default(), Duration::from_millis);
        let first = table.begin(ms(1), SessionId(1)).unwrap();
        let second = table.begin(ms(2), SessionId(2)).unwrap();
        assert!(!table.end(SessionId(2), first), "another connection's");
        assert!(table.end(SessionId(1), first) && !table.end(SessionId(1), first));
        assert_eq!(table.next_deadline(), Some(ms(2) + TRANSACTION_AGE_MAX));
        assert_eq!(table.expired(ms(1) + TRANSACTION_AGE_MAX), None);
        assert_eq!(table.expired(ms(2) + TRANSACTION_AGE_MAX), Some((SessionId(2), second)));
        assert_eq!((table.len(), table.next_deadline()), (0, None));
        assert!(table.agrees());
    }
}
