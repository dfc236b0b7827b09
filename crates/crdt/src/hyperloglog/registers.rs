//! The registers, and their bytes.
//!
//! ```text
//! bytes  = form:u8 ‖ cells of three bytes
//! sparse = 0 ‖ (index:u16be ‖ rank:u8) for each register that is not zero, by index; at most 4,096
//! dense  = 1 ‖ 4,096 cells of four registers of six bits each, lowest bits first (12,288 bytes, laid out as in Redis)
//! ```
//!
//! The form follows from the contents: sparse while that is no larger. So equal registers have equal bytes, in whatever
//! order and by whichever road they were raised. Nothing ever lowers a register; a deletion drops all of them.

use std::fmt;
use std::iter::zip;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::estimate;
use super::hash::{Observation, RANK_MAX, REGISTERS};

/// Three bytes: one register that is not zero, or four packed ones.
type Cell = [u8; 3];

/// Cells of the dense form, and the most that the sparse form has.
const CELLS: usize = REGISTERS as usize / 4;
const BITS: usize = 6;
const MASK: u32 = (1 << BITS) - 1;
/// Up to so many cells are put one by one into a sparse list; more are merged by way of the dense form.
const FEW: usize = 32;

const SPARSE: u8 = 0;
const DENSE: u8 = 1;

/// What a `HyperLogLog` has observed: the highest rank of each of 2^14 registers.
///
/// A clone shares the cells until one of the two is raised.
#[derive(Clone, PartialEq, Eq)]
pub struct Registers(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// Sorted by index, no rank zero, at most [`CELLS`].
    Sparse(Arc<Vec<Cell>>),
    /// Exactly [`CELLS`]; more than [`CELLS`] registers are not zero.
    Dense(Arc<Vec<Cell>>),
}

impl Registers {
    /// Raises register `index` to `rank`, unless it is there already; whether this changed anything.
    ///
    /// An index or rank that no element has (see [`observe`](super::observe)) changes nothing.
    pub fn raise(&mut self, index: u16, rank: u8) -> bool {
        if index >= REGISTERS || rank == 0 || rank > RANK_MAX {
            return false;
        }
        match &mut self.0 {
            Form::Dense(cells) => raise_packed(cells, index, rank),
            Form::Sparse(cells) => match cells.binary_search_by_key(&index, |cell| listed(*cell).0) {
                Ok(at) => {
                    let lower = cells.get(at).is_some_and(|cell| listed(*cell).1 < rank);
                    if lower && let Some(cell) = Arc::make_mut(cells).get_mut(at) {
                        *cell = list(index, rank);
                    }
                    lower
                }
                Err(at) if cells.len() < CELLS => {
                    Arc::make_mut(cells).insert(at, list(index, rank));
                    true
                }
                Err(_) => {
                    self.unfold();
                    self.raise(index, rank)
                }
            },
        }
    }

    /// Raises every register to its rank in `other`.
    pub fn union(&mut self, other: &Self) {
        if let (Form::Sparse(_), Form::Dense(_)) = (&self.0, &other.0) {
            let mine = std::mem::replace(self, other.clone());
            return self.union(&mine);
        }
        let many = matches!(&other.0, Form::Sparse(cells) if cells.len() > FEW);
        if many && matches!(self.0, Form::Sparse(_)) {
            self.unfold();
        }
        for (index, rank) in other.iter() {
            self.raise(index, rank);
        }
        self.fold();
    }

    /// The registers that are not zero, by index, with their ranks.
    pub fn iter(&self) -> impl Iterator<Item = Observation> + '_ {
        let (sparse, dense): (&[Cell], &[Cell]) = match &self.0 {
            Form::Sparse(cells) => (cells, &[]),
            Form::Dense(cells) => (&[], cells),
        };
        let unpacked = zip(0.., dense.iter().flat_map(|cell| unpack(*cell)));
        sparse.iter().map(|cell| listed(*cell)).chain(unpacked.filter(|(_, rank)| *rank > 0))
    }

    /// How many registers are not zero.
    pub fn len_nonzero(&self) -> usize {
        match &self.0 {
            Form::Sparse(cells) => cells.len(),
            Form::Dense(_) => self.iter().count(),
        }
    }

    /// How many different elements were observed, as Redis' `PFCOUNT` estimates it: a standard error of 0.81 %.
    pub fn estimate(&self) -> u64 {
        estimate::estimate(self.iter().map(|(_, rank)| rank))
    }

    /// Bytes taken in memory, near enough for a budget.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + size_of_val(self.cells())
    }

    fn cells(&self) -> &[Cell] {
        match &self.0 {
            Form::Sparse(cells) | Form::Dense(cells) => cells,
        }
    }

    /// To the dense form, whatever the contents; the caller raises more, or folds.
    fn unfold(&mut self) {
        let mut cells = Arc::new(vec![Cell::default(); CELLS]);
        for (index, rank) in self.iter() {
            raise_packed(&mut cells, index, rank);
        }
        self.0 = Form::Dense(cells);
    }

    /// To the form that the contents call for.
    fn fold(&mut self) {
        if matches!(self.0, Form::Dense(_)) && self.len_nonzero() <= CELLS {
            self.0 = Form::Sparse(Arc::new(self.iter().map(|(index, rank)| list(index, rank)).collect()));
        }
    }

    /// Reads bytes strictly: what does not come from [`Serialize`] is refused, saying why.
    fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let (form, body) = bytes.split_first().ok_or("no bytes")?;
        let (cells, rest) = body.as_chunks::<3>();
        if !rest.is_empty() || cells.len() > CELLS {
            return Err("not 0 to 4096 cells of three bytes");
        }
        let held = || Arc::new(cells.to_vec());
        let registers = match *form {
            SPARSE if !cells.is_sorted_by(|a, b| listed(*a).0 < listed(*b).0) => return Err("not sorted by index"),
            SPARSE => Self(Form::Sparse(held())),
            DENSE if cells.len() != CELLS => return Err("a dense form of another length"),
            DENSE => Self(Form::Dense(held())),
            _ => return Err("neither the sparse nor the dense form"),
        };
        if registers.iter().any(|(index, rank)| index >= REGISTERS || rank == 0 || rank > RANK_MAX) {
            return Err("an index or rank out of range");
        }
        if *form == DENSE && registers.len_nonzero() <= CELLS {
            return Err("dense where sparse is no larger");
        }
        Ok(registers)
    }
}

impl Default for Registers {
    fn default() -> Self {
        Self(Form::Sparse(Arc::default()))
    }
}

impl FromIterator<Observation> for Registers {
    fn from_iter<I: IntoIterator<Item = Observation>>(observations: I) -> Self {
        let mut registers = Self::default();
        for (index, rank) in observations {
            registers.raise(index, rank);
        }
        registers
    }
}

impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registers({} of {REGISTERS}, about {})", self.len_nonzero(), self.estimate())
    }
}

impl Serialize for Registers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match self.0 {
            Form::Sparse(_) => SPARSE,
            Form::Dense(_) => DENSE,
        };
        serializer.serialize_bytes(&[&[form], self.cells().as_flattened()].concat())
    }
}

impl<'de> Deserialize<'de> for Registers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(RegistersVisitor)
    }
}

struct RegistersVisitor;

impl de::Visitor<'_> for RegistersVisitor {
    type Value = Registers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of HyperLogLog registers")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Registers, E> {
        Registers::decode(bytes).map_err(|reason| E::custom(format_args!("not HyperLogLog registers: {reason}")))
    }
}

const fn listed([high, low, rank]: Cell) -> Observation {
    (u16::from_be_bytes([high, low]), rank)
}

const fn list(index: u16, rank: u8) -> Cell {
    let [high, low] = index.to_be_bytes();
    [high, low, rank]
}

fn unpack([a, b, c]: Cell) -> [u8; 4] {
    let word = u32::from_le_bytes([a, b, c, 0]);
    [0, 1, 2, 3].map(|n| (word >> (n * BITS) & MASK) as u8)
}

fn pack(ranks: [u8; 4]) -> Cell {
    let word = ranks.iter().rev().fold(0, |word, rank| word << BITS | u32::from(*rank));
    let [a, b, c, _] = word.to_le_bytes();
    [a, b, c]
}

fn raise_packed(cells: &mut Arc<Vec<Cell>>, index: u16, rank: u8) -> bool {
    let (at, place) = (usize::from(index / 4), usize::from(index % 4));
    let Some(mut ranks) = cells.get(at).map(|cell| unpack(*cell)) else { return false };
    let lower = ranks.get(place).is_some_and(|present| *present < rank);
    // Only a change makes a copy of cells that are shared.
    if lower && let (Some(present), Some(cell)) = (ranks.get_mut(place), Arc::make_mut(cells).get_mut(at)) {
        *present = rank;
        *cell = pack(ranks);
    }
    lower
}

#[cfg(test)]
mod tests;
