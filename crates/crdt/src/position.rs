//! Where an element stands in a list: bytes that order as the list does, found without asking anyone.
//!
//! ```text
//! position = label … ‖ 00                                                    1 to 44 labels
//! label    = 01 ‖ sign:u8 ‖ hlc:u64be ‖ actor:u64be ‖ index:u32be ‖ side:u8   sign 1: as they are; 0: hlc, index inverted
//! ```
//!
//! A position is a path in a tree that only grows in depth when it must. A new element becomes a younger sibling of the
//! element on its left, so appending, typing on, and two regions appending in turn stay flat; or an older sibling, with
//! negated stamp, of the one on its right, so prepending stays flat; or else a child of one of the two, left of it
//! (side 0) or right of it. A label carries the stamp, actor and index of its own record, so no two elements ever share a
//! position, and nothing needs to be kept of elements that are gone.
//!
//! Appends stay flat because a record's stamp is later than those of the records it saw. A region whose clock is so far
//! behind another's that it may not follow loses this: each append in answer to the other's nests one deeper.
//!
//! The order of bytes is the order of paths: labels are of one width, and a path's 00 sorts before any child's 01. A
//! position must end with side 1: the way to the left child of one that ends with 0 would lead to its right.

use bytes::Bytes;
use halcyon_types::limits::POSITION_BYTES_MAX;
use halcyon_types::{ActorId, Hlc};
use serde::{Deserialize, Serialize};

const LABEL_BYTES: usize = 23;
const LABEL: u8 = 1;
const END: u8 = 0;
const LEFT: u8 = 0;
const RIGHT: u8 = 1;

const _: () = assert!(POSITION_BYTES_MAX > 2 * LABEL_BYTES, "appends and prepends never meet the limit");

/// A position that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PositionError {
    /// Inserts into ever the same gap, left and right of each other in turn, have nested too deep. Nothing was inserted.
    #[error(
        "a list position of {bytes} bytes is too long; the limit is {POSITION_BYTES_MAX}: insert elsewhere, or remove \
         the neighbours and insert them anew"
    )]
    TooLong {
        /// Bytes needed or given.
        bytes: usize,
    },
    /// Bytes that no position of this version has: damage, or a newer version's.
    #[error("not a list position: {reason}; send one back as it was read")]
    Malformed {
        /// What was expected.
        reason: &'static str,
    },
    /// The left neighbour does not stand before the right one, so there is no place between them.
    #[error("the left neighbour does not stand before the right one; name two that follow each other")]
    OutOfOrder,
}

/// An element's place in its list. Bytes order as the list does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Bytes", into = "Bytes")]
pub struct Position(Bytes);

impl Position {
    /// The position that `bytes` are, no more and no less.
    ///
    /// # Errors
    /// [`PositionError::Malformed`], or [`PositionError::TooLong`] past [`POSITION_BYTES_MAX`].
    pub fn parse(bytes: impl Into<Bytes>) -> Result<Self, PositionError> {
        let bytes = bytes.into();
        if bytes.len() > POSITION_BYTES_MAX {
            return Err(PositionError::TooLong { bytes: bytes.len() });
        }
        match Self::encoded_len(&bytes) {
            Some(taken) if taken == bytes.len() => Ok(Self(bytes)),
            Some(_) => Err(PositionError::Malformed { reason: "bytes follow its end" }),
            None => Err(PositionError::Malformed { reason: "expected labels of 23 bytes and a final 00" }),
        }
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Bytes of the position at the front of `bytes`, its final 00 included; `None` if none of an allowed length is there.
    pub(crate) fn encoded_len(bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        let mut last_side = None;
        while let Some((label, below)) = rest.split_first_chunk::<LABEL_BYTES>().filter(|(label, _)| label[0] == LABEL)
        {
            let [_, sign, .., side] = label;
            if *sign > 1 || *side > RIGHT {
                return None;
            }
            (rest, last_side) = (below, Some(*side));
        }
        let taken = bytes.len() - rest.len() + 1;
        (rest.first() == Some(&END) && last_side == Some(RIGHT) && taken <= POSITION_BYTES_MAX).then_some(taken)
    }

    /// The labels, without the end.
    fn labels(&self) -> &[u8] {
        self.0.split_last().map_or(&[], |(_, labels)| labels)
    }

    /// The labels but for the last.
    fn parent(&self) -> &[u8] {
        self.labels().split_last_chunk::<LABEL_BYTES>().map_or(&[], |(parent, _)| parent)
    }

    /// The labels, the last one's side set to the left.
    fn left_side(&self) -> Vec<u8> {
        let mut labels = self.labels().to_vec();
        if let Some(side) = labels.last_mut() {
            *side = LEFT;
        }
        labels
    }

    fn below(parent: &[u8], label: &[u8]) -> Result<Self, PositionError> {
        let bytes = [parent, label, &[END]].concat();
        match bytes.len() {
            bytes if bytes > POSITION_BYTES_MAX => Err(PositionError::TooLong { bytes }),
            _ => Ok(Self(bytes.into())),
        }
    }
}

impl TryFrom<Bytes> for Position {
    type Error = PositionError;

    fn try_from(bytes: Bytes) -> Result<Self, PositionError> {
        Self::parse(bytes)
    }
}

impl From<Position> for Bytes {
    fn from(position: Position) -> Self {
        position.0
    }
}

/// Labels of a path, past which a shallower place is looked for.
const FLAT_LABELS: usize = 4;

/// A new position between two neighbours; `None` stands for the list's beginning or end.
///
/// `hlc` is the stamp of the record that inserts, and `index` counts the elements it inserts: (`actor`, `hlc`, `index`)
/// must never come again, or two elements could fall on one place.
///
/// # Errors
/// [`PositionError::OutOfOrder`], or [`PositionError::TooLong`] past [`POSITION_BYTES_MAX`].
pub fn between(
    left: Option<&Position>,
    right: Option<&Position>,
    actor: ActorId,
    index: u32,
    hlc: Hlc,
) -> Result<Position, PositionError> {
    let fits = |new: &Position| left.is_none_or(|left| left < new) && right.is_none_or(|right| new < right);
    if let (Some(left), Some(right)) = (left, right)
        && left >= right
    {
        return Err(PositionError::OutOfOrder);
    }
    let younger = label(1, hlc.as_u64(), actor, index);
    let older = label(0, !hlc.as_u64(), actor, !index);
    let nearest = || {
        let sibling = Position::below(left.map_or(&[], Position::parent), &younger);
        if sibling.as_ref().is_ok_and(fits) {
            return sibling;
        }
        let above = left.map_or(&[][..], Position::labels);
        if let Some(right) = right {
            let sibling = Position::below(right.parent(), &older);
            if sibling.as_ref().is_ok_and(fits) {
                return sibling;
            }
            if right.labels().starts_with(above) {
                return Position::below(&right.left_side(), &younger);
            }
        }
        Position::below(above, &younger)
    };
    match nearest() {
        Ok(near) if near.labels().len() <= FLAT_LABELS * LABEL_BYTES => Ok(near),
        // Regions whose clocks are far apart nest deeper with each turn they take at an end; a place nearer to the root, if
        // there is one, ends that. Where a new element goes is its origin's choice alone.
        near => shallowest(left, &younger, fits).or_else(|| shallowest(right, &older, fits)).map_or(near, Ok),
    }
}

/// The place nearest to the root, among the siblings of a neighbour and of what is above it.
fn shallowest(beside: Option<&Position>, label: &[u8], fits: impl Fn(&Position) -> bool) -> Option<Position> {
    let labels = beside?.labels();
    let above = (0..labels.len()).step_by(LABEL_BYTES).filter_map(|depth| labels.get(..depth));
    above.filter_map(|above| Position::below(above, label).ok()).find(|new| fits(new))
}

/// A label of side 1, its numbers inverted already where `sign` is 0.
fn label(sign: u8, hlc: u64, actor: ActorId, index: u32) -> Vec<u8> {
    let numbers = [&hlc.to_be_bytes()[..], &actor.as_u64().to_be_bytes(), &index.to_be_bytes()].concat();
    [&[LABEL, sign], numbers.as_slice(), &[RIGHT]].concat()
}

#[cfg(test)]
mod tests;
