//! Elements of a list, as an application names them.

use bytes::Bytes;
use halcyon_crdt::Place;
use serde::Serialize;

use super::value::encode;
use crate::error::WriteError;

/// Where an element of a list is: the same for as long as the element lives, in every region. A page tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(Bytes);

impl Position {
    /// From bytes that [`Position::as_bytes`] gave. Others are refused once they are used.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// As bytes, to be kept. They order as the elements do.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An element of a list: by index, by position, or by value.
///
/// ```
/// use halcyon_client::Spot;
/// let (first, last, dear) = (Spot::from(0), Spot::from(-1), Spot::value("22465"));
/// ```
#[derive(Debug, Clone)]
pub struct Spot(Result<Place, WriteError>);

impl Spot {
    /// The first element with this value; found by looking at every element before it. Setting or removing by value means
    /// every element that has it.
    pub fn value<T: Serialize + ?Sized>(value: &T) -> Self {
        Self(encode(value).map(Place::Value))
    }

    pub(crate) fn place(self) -> Result<Place, WriteError> {
        self.0
    }
}

/// From the front, 0 being the first, or from the back, -1 being the last; found in a number of steps that grows with it.
impl From<i64> for Spot {
    fn from(index: i64) -> Self {
        Self(Ok(Place::Index(index)))
    }
}

/// As [`From<i64>`], for literals.
impl From<i32> for Spot {
    fn from(index: i32) -> Self {
        i64::from(index).into()
    }
}

/// Found at once, and the same element whatever happens around it.
impl From<&Position> for Spot {
    fn from(position: &Position) -> Self {
        Self(Ok(Place::Position(position.0.clone())))
    }
}
