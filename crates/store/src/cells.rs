//! Reading the store's own small values, front to back.

use crate::layout::VALUE_VERSION;

/// Bytes that are none of the store's values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CellError {
    #[error("value version {found}; this binary reads version {VALUE_VERSION}")]
    Version { found: u8 },
    #[error("the value ends too early")]
    Short,
    #[error("the value goes on behind its end")]
    Long,
    #[error("a version vector's entries are out of order")]
    Disorder,
    #[error("{what} is out of range")]
    Range { what: &'static str },
}

/// What is left to read of a value.
pub(crate) struct Cell<'a>(&'a [u8]);

impl<'a> Cell<'a> {
    /// Takes the version byte off.
    pub(crate) fn open(value: &'a [u8]) -> Result<Self, CellError> {
        match value.split_first() {
            Some((&VALUE_VERSION, rest)) => Ok(Self(rest)),
            Some((found, _)) => Err(CellError::Version { found: *found }),
            None => Err(CellError::Short),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], CellError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(CellError::Short)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CellError> {
        self.array().map(u64::from_be_bytes)
    }

    /// Text behind its length in one byte.
    pub(crate) fn text(&mut self) -> Result<&'a str, CellError> {
        let [len] = self.array()?;
        let (text, rest) = self.0.split_at_checked(len.into()).ok_or(CellError::Short)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| CellError::Range { what: "a name" })
    }

    /// Bytes behind their number in four.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CellError> {
        let len = usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| CellError::Short)?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(CellError::Short)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) const fn end(&self) -> Result<(), CellError> {
        if self.0.is_empty() { Ok(()) } else { Err(CellError::Long) }
    }
}
