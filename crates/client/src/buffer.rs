//! What batches and transactions have in common: notes of updates, in order, that will become one record.

use halcyon_crdt::{Object, Update};
use halcyon_types::{KeyspaceId, RegionId};

use crate::batch::Batch;
use crate::error::WriteError;
use crate::handles::{Key, getters};
use crate::place::Buffered;
use crate::transaction::Transaction;
use crate::view::Located;

/// What takes notes: a [`Batch`] or a [`Transaction`]. Nothing else can be one.
pub trait Buffer: sealed::Sealed {
    /// Where they are kept.
    #[doc(hidden)]
    fn notes(&mut self) -> &mut Notes;

    /// The number of the region called so.
    #[doc(hidden)]
    fn region_called(&self, name: &str) -> Result<RegionId, WriteError>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Batch {}
    impl Sealed for super::Transaction {}
}

/// What has been noted so far.
#[derive(Clone, Default)]
pub struct Notes {
    updates: Vec<Update>,
    /// The first thing that could not be noted; it makes the commit fail.
    failed: Option<WriteError>,
}

impl Notes {
    pub(crate) fn take(&mut self, update: Result<Update, WriteError>) {
        match update {
            Ok(update) => self.updates.push(update),
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.updates.len()
    }

    /// Those of the key that `object` is at or below.
    pub(crate) fn of_key(&self, object: &Object) -> Vec<Update> {
        let same = |of: &Object| of.keyspace == object.keyspace && of.key == object.key;
        self.updates.iter().filter(|update| same(&update.object)).cloned().collect()
    }

    /// All of them, to be committed.
    pub(crate) fn finish(&mut self) -> Result<Vec<Update>, WriteError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut self.updates)),
        }
    }
}

/// Another keyspace of a batch or transaction.
pub struct BufferedKeyspace<'a, B> {
    buffer: &'a mut B,
    id: Located<KeyspaceId>,
}

impl<'a, B: Buffer> BufferedKeyspace<'a, B> {
    pub(crate) const fn new(buffer: &'a mut B, id: Located<KeyspaceId>) -> Self {
        Self { buffer, id }
    }

    getters!(Buffered<'_, B>, [&mut self], self, "at `key`");

    /// The key itself: its deadline, and all that is there.
    pub fn key(&mut self, key: impl AsRef<[u8]>) -> Key<Buffered<'_, B>> {
        Key::new(self.at(key.as_ref()))
    }

    fn at(&mut self, key: &[u8]) -> Buffered<'_, B> {
        Buffered::new(&mut *self.buffer, &self.id, key)
    }
}
