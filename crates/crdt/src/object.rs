//! Where an object lives, and the rows it has there.

use bytes::Bytes;
use halcyon_types::KeyspaceId;
use halcyon_types::limits::{COMPONENT_BYTES_MAX, KEY_BYTES_MAX, PATH_DEPTH_MAX};
use serde::{Deserialize, Serialize};

use crate::component;
use crate::key::{KeyError, RowKey, RowPrefix};
use crate::kind::Kind;

/// Where an object lives: a key of a keyspace, or a field of (nested) maps below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// The key: 1 to [`KEY_BYTES_MAX`] bytes.
    pub key: Bytes,
    /// Fields of nested maps, outermost first; empty for the key itself.
    pub path: Vec<Bytes>,
}

impl Object {
    /// The object at `key` itself.
    pub fn new(keyspace: KeyspaceId, key: impl Into<Bytes>) -> Self {
        Self { keyspace, key: key.into(), path: Vec::new() }
    }

    /// The object at `field` of the map at this object.
    #[must_use]
    pub fn field(mut self, field: impl Into<Bytes>) -> Self {
        self.path.push(field.into());
        self
    }

    /// Checks lengths and depth.
    ///
    /// # Errors
    /// The first part that is empty, too long or too deep.
    pub fn check(&self) -> Result<(), KeyError> {
        component::check("key", &self.key, KEY_BYTES_MAX)?;
        if self.path.len() > PATH_DEPTH_MAX {
            return Err(KeyError::TooDeep { depth: self.path.len() });
        }
        self.path.iter().try_for_each(|field| component::check("field", field, COMPONENT_BYTES_MAX))
    }

    /// Everything at and below this object, of whatever kind.
    pub fn below(&self) -> RowPrefix {
        let fields: usize = self.path.iter().map(|field| field.len() + 3).sum();
        // One spare entry for what the row adds below: a kind, and an actor.
        let mut bytes = Vec::with_capacity(4 + self.key.len() + 2 + fields + 9);
        bytes.extend_from_slice(&self.keyspace.get().to_be_bytes());
        component::push(&mut bytes, &self.key);
        for field in &self.path {
            bytes.push(Kind::Map.byte());
            component::push(&mut bytes, field);
        }
        RowPrefix(bytes.into())
    }

    /// Everything of one kind at this object.
    pub fn of_kind(&self, kind: Kind) -> RowPrefix {
        self.below().with(&[kind.byte()])
    }

    /// The row of the register here.
    pub fn register(&self) -> RowKey {
        RowKey(self.of_kind(Kind::Register).0)
    }

    /// The one row of an object that has one: a register, a flag, a deadline.
    pub(crate) fn single(&self, kind: Kind) -> RowKey {
        RowKey(self.of_kind(kind).0)
    }

    /// The key itself, whatever the path below it.
    #[must_use]
    pub fn root(&self) -> Self {
        Self { keyspace: self.keyspace, key: self.key.clone(), path: Vec::new() }
    }

    /// The key whose row a store or a scan gave; `None` if that is none.
    pub fn root_of(row: &[u8]) -> Option<Self> {
        let (keyspace, rest) = row.split_first_chunk::<4>()?;
        let keyspace = KeyspaceId::try_from(u64::from(u32::from_be_bytes(*keyspace))).ok()?;
        Some(Self::new(keyspace, component::first(rest)?))
    }

    /// Bytes this holds in memory besides itself, near enough for a budget.
    pub fn weight(&self) -> usize {
        let path: usize = self.path.iter().map(|field| size_of::<Bytes>() + field.len()).sum();
        self.key.len() + path
    }

    /// The rows of the counter here, one per actor.
    pub fn counter(&self) -> RowPrefix {
        self.of_kind(Kind::Counter)
    }

    /// The row of `element` of the set here.
    pub fn element(&self, element: &[u8]) -> RowKey {
        RowKey(self.of_kind(Kind::Set).component(element).0)
    }
}
