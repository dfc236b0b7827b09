//! A named group of keys.

use std::sync::Arc;

use halcyon_crdt::Op;
use halcyon_types::KeyspaceId;
use halcyon_wire::Receipt;

use crate::batch::Batch;
use crate::counter::Counter;
use crate::error::{UnknownKeyspace, WriteError};
use crate::map::Map;
use crate::register::Register;
use crate::set::Set;
use crate::target::{Located, Target, View};

/// A keyspace, seen through a client or a session. Keys are 1 to `KEY_BYTES_MAX` (1024) bytes.
///
/// ```no_run
/// # async fn example(db: halcyon_client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let shop = db.keyspace("default");
/// shop.counter("net:22465").add(12).await?;
/// shop.set("cart:576080").add("22465").await?;
/// shop.delete("cart:576080").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Keyspace {
    view: View,
    id: Located<KeyspaceId>,
}

impl std::fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyspace").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Keyspace {
    pub(crate) fn named(view: View, name: &str) -> Self {
        let keyspaces = &view.inner.topology.keyspaces;
        let found = keyspaces.iter().find(|keyspace| keyspace.name.as_str() == name);
        let id = found.map(|keyspace| keyspace.id).ok_or_else(|| {
            let known: Vec<_> = keyspaces.iter().map(|keyspace| keyspace.name.as_str()).collect();
            Arc::new(UnknownKeyspace { name: name.to_owned(), known: known.join(", ") })
        });
        Self { view, id }
    }

    /// The counter at `key`.
    pub fn counter(&self, key: impl AsRef<[u8]>) -> Counter {
        Counter::new(self.at(key.as_ref()))
    }

    /// The register at `key`.
    pub fn register(&self, key: impl AsRef<[u8]>) -> Register {
        Register::new(self.at(key.as_ref()))
    }

    /// The set at `key`.
    pub fn set(&self, key: impl AsRef<[u8]>) -> Set {
        Set::new(self.at(key.as_ref()))
    }

    /// The map at `key`.
    pub fn map(&self, key: impl AsRef<[u8]>) -> Map {
        Map::new(self.at(key.as_ref()))
    }

    /// Deletes whatever is at `key`, of every type. What others write there meanwhile, in any region, survives.
    ///
    /// # Errors
    /// [`WriteError`]; `TooLarge` if more counters are below the key than one record may list.
    pub async fn delete(&self, key: impl AsRef<[u8]>) -> Result<Receipt, WriteError> {
        self.at(key.as_ref()).update(Op::Delete).await
    }

    /// A batch of updates that become one record. It sees and changes nothing until it is committed.
    pub fn batch(&self) -> Batch {
        Batch::new(Arc::clone(&self.view.inner), self.id.clone())
    }

    fn at(&self, key: &[u8]) -> Target {
        Target::new(self.view.clone(), &self.id, key)
    }
}
