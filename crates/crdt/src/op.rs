//! What a client asks to change.

use bytes::Bytes;
use halcyon_types::limits::{COMPONENT_BYTES_MAX, VALUE_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::component;
use crate::key::KeyError;
use crate::object::Object;

/// One change to one object. Several of them, in order, make a transaction: one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Where.
    pub object: Object,
    /// What.
    pub op: Op,
}

/// A change.
///
/// Removing removes exactly what the transaction saw; anything concurrent survives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Register: overwrite the value.
    #[serde(rename = "s")]
    Set {
        /// Opaque bytes; the SDK and `exec` write MessagePack.
        value: Bytes,
    },
    /// Register: no value any more. What else is at the object stays.
    #[serde(rename = "u")]
    Unset,
    /// Counter: add, which may be negative.
    #[serde(rename = "a")]
    Add {
        /// By how much.
        amount: i64,
    },
    /// Counter: back to zero, keeping concurrent additions.
    #[serde(rename = "z")]
    Reset,
    /// Set: add an element.
    #[serde(rename = "i")]
    Insert {
        /// 1 to [`COMPONENT_BYTES_MAX`] bytes.
        element: Bytes,
    },
    /// Set: remove an element.
    #[serde(rename = "r")]
    Remove {
        /// 1 to [`COMPONENT_BYTES_MAX`] bytes.
        element: Bytes,
    },
    /// Everything at and below the object, of whatever kind: a key, or a field of a map.
    #[serde(rename = "d")]
    Delete,
}

/// An update that no node would take. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// Its object or element cannot be named.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The value is past its limit.
    #[error("a value of {bytes} bytes is too long; the limit is {VALUE_BYTES_MAX}")]
    ValueTooLong {
        /// Bytes given.
        bytes: usize,
    },
}

impl Update {
    /// Checks everything that can be known without looking at rows.
    ///
    /// # Errors
    /// [`OpError`].
    pub fn check(&self) -> Result<(), OpError> {
        self.object.check()?;
        match &self.op {
            Op::Insert { element } | Op::Remove { element } => {
                Ok(component::check("element", element, COMPONENT_BYTES_MAX)?)
            }
            Op::Set { value } if value.len() > VALUE_BYTES_MAX => Err(OpError::ValueTooLong { bytes: value.len() }),
            Op::Set { .. } | Op::Unset | Op::Add { .. } | Op::Reset | Op::Delete => Ok(()),
        }
    }
}
