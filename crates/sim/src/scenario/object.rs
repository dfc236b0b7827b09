//! What an operation or a query is about: a key, or a place in the map under it.

use std::fmt;

/// The object under a key, or at a path of fields in the map under it.
///
/// Nothing is checked here but that there are words: an empty field or a path too deep is the kernel's to refuse, with the
/// limit that it breaks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRef {
    /// The key.
    pub key: String,
    /// Fields of nested maps, outermost first; none: the object under the key itself.
    pub path: Vec<String>,
}

impl ObjectRef {
    /// The object under a key.
    pub fn key(key: impl Into<String>) -> Self {
        Self { key: key.into(), path: Vec::new() }
    }

    /// The object at `FIELD/FIELD…` of the map under a key.
    pub fn at(key: impl Into<String>, path: &str) -> Self {
        Self { key: key.into(), path: path.split('/').map(ToOwned::to_owned).collect() }
    }

    /// Writes the object with the word of its operation: the plain one where the object is a key; where it is in a map, the
    /// short form if there is one, else `at`.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, word: &str, short: Option<&str>) -> fmt::Result {
        let Self { key, path } = self;
        match (path.is_empty(), short) {
            (true, _) => write!(f, "{word} {key}"),
            (false, Some(short)) => write!(f, "{short} {key} {}", path.join("/")),
            (false, None) => write!(f, "at {key} {} {word}", path.join("/")),
        }
    }
}
