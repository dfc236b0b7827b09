//! Transactions: reads of one moment, updates that become one record.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use halcyon_crdt::{Answer, Object, Query, Update};
use halcyon_types::limits::CHECKS_MAX;
use halcyon_types::{ActorId, KeyspaceId, RegionId, RegionName};
use halcyon_wire::{Body, Check, Outcome, Receipt, Refusal, Seen, Within, Write};
use tokio::time::Instant;

use crate::bound::Bound;
use crate::buffer::{Buffer, BufferedKeyspace, Notes};
use crate::error::{ReadError, WriteError};
use crate::handles::{Key, getters};
use crate::mint::request_id;
use crate::place::Buffered;
use crate::token::SessionToken;
use crate::view::{Located, View, located};

/// A moment of one region, kept for reading, and notes of updates that become one record: visible whole or not at all, in
/// every region.
///
/// Its reads see that moment and its own notes, nothing else. Its removes, overwrites and resets remove what that moment
/// shows; what others write meanwhile survives them, and nobody waits for anybody. Where a read must still hold at the
/// commit (a name that must be free, a sum that must not be passed), say [`Transaction::check_reads`] first.
///
/// It lives on one connection to one region, at most `TRANSACTION_AGE_MAX` (one minute), and ends with either. Dropping it
/// takes everything back.
///
/// ```no_run
/// # async fn example(shop: halcyon_client::Keyspace) -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = shop.begin().await?;
/// let paid = tx.counter("revenue:uk").get().await?;
/// tx.counter("revenue:uk").add(19_800);
/// assert_eq!(tx.counter("revenue:uk").get().await?, paid + 19_800);
/// tx.set("cart:576080").remove("21212");
/// tx.keyspace("audit").list("sales").push_back("576080");
/// let receipt = tx.commit().await?;
/// # Ok(()) }
/// ```
pub struct Transaction {
    view: View,
    keyspace: Located<KeyspaceId>,
    bound: Bound,
    seen: SessionToken,
    notes: Notes,
    checks: Mutex<Checks>,
}

/// The reads that its commit depends on.
#[derive(Default)]
struct Checks {
    wanted: bool,
    reads: Vec<Check>,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("region", self.region())
            .field("seen", &self.seen)
            .field("updates", &self.len())
            .finish_non_exhaustive()
    }
}

impl Transaction {
    pub(crate) async fn begin(view: View, keyspace: Located<KeyspaceId>) -> Result<Self, ReadError> {
        located::<_, ReadError>(&keyspace)?;
        let of_outcome = |outcome| match outcome {
            Outcome::Begun { transaction, token } => Some((transaction, token)),
            _ => None,
        };
        let body = Body::Begin { session: view.session() };
        let (answer, line, connection) = view.inner.read_at(&body, view.wait(), of_outcome).await?;
        let (id, token) = answer;
        let bound = Bound { line, connection, id, begun: Instant::now(), ended: false };
        Ok(Self { view, keyspace, bound, seen: token.into(), notes: Notes::default(), checks: Mutex::default() })
    }

    getters!(Buffered<'_, Self>, [&mut self], self, "at `key`");

    /// The key itself: its deadline, and all that is there.
    pub fn key(&mut self, key: impl AsRef<[u8]>) -> Key<Buffered<'_, Self>> {
        Key::new(self.at(key.as_ref()))
    }

    /// Another keyspace, at the same moment. What is noted there becomes part of the same record.
    pub fn keyspace(&mut self, name: &str) -> BufferedKeyspace<'_, Self> {
        let id = self.view.inner.keyspace(name);
        BufferedKeyspace::new(self, id)
    }

    /// Deletes whatever is at `key`, of every type.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> &mut Self {
        self.key(key).delete();
        self
    }

    /// Notes an update as the wire has it (see [`raw`](crate::raw)).
    pub fn note(&mut self, update: Update) -> &mut Self {
        self.notes.take(Ok(update));
        self
    }

    /// Reads as the wire does (see [`raw`](crate::raw)).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn query(&self, object: Object, query: Query) -> Result<Answer, ReadError> {
        self.ask(object, query, Some).await
    }

    /// From now on, every read is noted as well: the commit is refused as `Changed` if the region would then answer any of
    /// them otherwise. At most `CHECKS_MAX` (256) different reads; past that a read is refused as `TooManyChecks`. It
    /// guards against what this region has heard of by the commit: what others do at the same time is not seen.
    pub fn check_reads(&mut self) -> &mut Self {
        self.checks.get_mut().unwrap_or_else(PoisonError::into_inner).wanted = true;
        self
    }

    /// The moment that its reads see.
    pub const fn seen(&self) -> &SessionToken {
        &self.seen
    }

    /// The region that it lives in.
    pub fn region(&self) -> &RegionName {
        self.bound.line.name()
    }

    /// How many updates it holds.
    pub const fn len(&self) -> usize {
        self.notes.len()
    }

    /// Whether it holds none; committing it would be refused.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sends the updates as one record, and waits until it is synced to the region's disk.
    ///
    /// If the connection ends before the answer, the SDK asks the same region again under the same request id. A region
    /// that has committed it answers with the receipt; of one that has not, it is certain only once the transaction
    /// would have expired, so the error may be `OutcomeUnknown` first: [`Client::retry`](crate::Client::retry) then, once
    /// a minute has passed, settles it, as `Refused(TransactionExpired)` if it never happened.
    ///
    /// # Errors
    /// [`WriteError`], for all of it or none. `Refused(Changed)`: a read that was to be checked has changed; begin again.
    /// `TransactionLost`: the connection was lost before the commit was sent; begin again.
    pub async fn commit(mut self) -> Result<Receipt, WriteError> {
        let updates = self.notes.finish()?;
        let checks = std::mem::take(&mut self.checks.get_mut().unwrap_or_else(PoisonError::into_inner).reads);
        let seen = Seen::Transaction { transaction: self.bound.id, checks };
        let write = Write { request: request_id(), session: halcyon_wire::Session::default(), seen, updates };
        let inner = Arc::clone(&self.view.inner);
        inner.commit(write, &mut self.bound).await
    }

    /// Takes everything back, as dropping does.
    pub fn abort(self) {
        drop(self);
    }

    pub(crate) fn region_of(&self, actor: ActorId) -> Option<RegionName> {
        self.view.inner.region_of(actor)
    }

    pub(crate) async fn ask<A>(
        &self,
        object: Object,
        query: Query,
        of_answer: fn(Answer) -> Option<A>,
    ) -> Result<A, ReadError> {
        let check = self.to_be_checked(&object, &query)?;
        let within = Some(Within { transaction: self.bound.id, updates: self.notes.of_key(&object) });
        let body = Body::Read { session: halcyon_wire::Session::default(), within, object, query };
        let answer = self.bound.ask(&body, self.view.inner.request_timeout).await;
        if let (Some(check), Ok(_) | Err(ReadError::Refused(Refusal::WrongType { .. }))) = (check, &answer) {
            self.checks().reads.push(check);
        }
        let answer = if let Outcome::Answer(answer) = answer? { of_answer(answer) } else { None };
        // The line hands out no answer of another kind; were it to, it would be no answer.
        answer.ok_or_else(|| self.bound.no_answer("its answer is of another kind".to_owned()))
    }

    /// The check that a read becomes once it is answered, if it is to be one and is none yet.
    fn to_be_checked(&self, object: &Object, query: &Query) -> Result<Option<Check>, ReadError> {
        let checks = self.checks();
        let known = |check: &Check| check.object == *object && check.query == *query;
        if !checks.wanted || checks.reads.iter().any(known) {
            return Ok(None);
        }
        if checks.reads.len() >= CHECKS_MAX {
            return Err(ReadError::TooManyChecks);
        }
        Ok(Some(Check { object: object.clone(), query: query.clone() }))
    }

    fn checks(&self) -> MutexGuard<'_, Checks> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&mut self, key: &[u8]) -> Buffered<'_, Self> {
        let keyspace = self.keyspace.clone();
        Buffered::new(self, &keyspace, key)
    }
}

impl Buffer for Transaction {
    fn notes(&mut self) -> &mut Notes {
        &mut self.notes
    }

    fn region_called(&self, name: &str) -> Result<RegionId, WriteError> {
        self.view.inner.region(name)
    }
}
