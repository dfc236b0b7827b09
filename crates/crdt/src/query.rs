//! What a client asks to see, and what it is told.

use bytes::Bytes;
use halcyon_types::limits::COMPONENT_BYTES_MAX;
use serde::{Deserialize, Serialize};

use crate::component;
use crate::key::KeyError;
use crate::kind::Kind;

/// A question about one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// Register: its value. Answered by [`Answer::Value`].
    Get,
    /// Counter: its sum. Answered by [`Answer::Sum`].
    Sum,
    /// Set: whether it has an element. Answered by [`Answer::Is`].
    Contains {
        /// The element.
        element: Bytes,
    },
    /// Set: its elements in byte order, a page at a time. Answered by [`Answer::Page`].
    Elements(PageRequest),
    /// Map: its fields in byte order, a page at a time. Answered by [`Answer::Page`].
    Fields(PageRequest),
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PageRequest {
    /// Begin behind this item; absent for the first page.
    pub after: Option<Bytes>,
    /// At most so many items; the node may return fewer (see [`Page::next`]).
    pub items_max: u32,
}

/// One page of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Page {
    /// In byte order.
    pub items: Vec<Bytes>,
    /// What to ask behind for the next page; absent at the end.
    pub next: Option<Bytes>,
}

/// What a query is told. What is not there is told as absent, zero elements, or `false`, never as an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// A register's value, if it has one.
    Value(Option<Bytes>),
    /// A counter's sum, if it has been added to.
    Sum(Option<i128>),
    /// Whether the element is there.
    Is(bool),
    /// Elements or fields.
    Page(Page),
}

impl Query {
    /// The kind it asks about.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Get => Kind::Register,
            Self::Sum => Kind::Counter,
            Self::Contains { .. } | Self::Elements(_) => Kind::Set,
            Self::Fields(_) => Kind::Map,
        }
    }

    /// Checks lengths.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn check(&self) -> Result<(), KeyError> {
        match self {
            Self::Get | Self::Sum => Ok(()),
            Self::Contains { element } => component::check("element", element, COMPONENT_BYTES_MAX),
            Self::Elements(PageRequest { after, .. }) | Self::Fields(PageRequest { after, .. }) => {
                after.iter().try_for_each(|after| component::check("cursor", after, COMPONENT_BYTES_MAX))
            }
        }
    }
}

impl Answer {
    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Value(value) => value.is_none(),
            Self::Sum(sum) => sum.is_none(),
            Self::Is(is) => !is,
            Self::Page(page) => page.items.is_empty(),
        }
    }
}
