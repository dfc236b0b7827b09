//! Ranges of row keys in an operator's words.

use std::fmt;

use halcyon_crdt::RowPrefix;

/// The rows from one key on and below another, within one keyspace.
#[derive(Debug, Clone, Copy)]
pub struct RowRange<'a> {
    /// The first row key that may be in it.
    pub from: &'a [u8],
    /// The first behind it.
    pub upto: &'a [u8],
}

impl RowRange<'_> {
    /// Which keyspace, by its id.
    pub fn keyspace(&self) -> u32 {
        self.from.first_chunk().map_or(0, |id| u32::from_be_bytes(*id))
    }

    /// The first key, or what it begins with; none if it is whatever is first.
    pub fn first(&self) -> Option<String> {
        name(self.from)
    }

    /// The last key, or what is behind it; none if it is whatever is last.
    pub fn last(&self) -> Option<String> {
        let within = self.upto.first_chunk::<4>() == self.from.first_chunk::<4>();
        within.then(|| name(self.upto)).flatten()
    }
}

/// A key as an application names it; where damage left no whole one, as much as is sure.
fn name(row: &[u8]) -> Option<String> {
    let rest = row.get(4..).filter(|rest| !rest.is_empty())?;
    let whole = RowPrefix::name_of(row);
    Some(whole.as_deref().unwrap_or(rest).escape_ascii().to_string())
}

impl fmt::Display for RowRange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyspace = self.keyspace();
        match (self.first(), self.last()) {
            (Some(first), Some(last)) if first == last => write!(f, "keyspace {keyspace}, key \"{first}\""),
            (Some(first), Some(last)) => write!(f, "keyspace {keyspace}, keys from \"{first}\" to \"{last}\""),
            (Some(first), None) => write!(f, "keyspace {keyspace}, keys from \"{first}\" on"),
            (None, Some(last)) => write!(f, "keyspace {keyspace}, keys up to \"{last}\""),
            (None, None) => write!(f, "keyspace {keyspace}, all keys"),
        }
    }
}

#[cfg(test)]
mod tests {
    use halcyon_crdt::Object;
    use halcyon_types::KeyspaceId;

    use super::*;

    #[test]
    fn a_range_is_named_by_keyspace_and_keys() {
        let keyspace = KeyspaceId::try_from(10).unwrap();
        let row = |key: &'static str| Object::new(keyspace, key).register().as_bytes().to_vec();
        let said = |from: &[u8], upto: &[u8]| RowRange { from, upto }.to_string();
        let (begin, end) = (10_u32.to_be_bytes(), 11_u32.to_be_bytes());
        assert_eq!(said(&begin, &end), "keyspace 10, all keys");
        assert_eq!(said(&begin, &row("cart")), "keyspace 10, keys up to \"cart\"");
        assert_eq!(said(&row("cart"), &end), "keyspace 10, keys from \"cart\" on");
        assert_eq!(said(&row("a"), &row("cart")), "keyspace 10, keys from \"a\" to \"cart\"");
        assert_eq!(said(&row("cart"), &[&row("cart")[..], &[0]].concat()), "keyspace 10, key \"cart\"");
        assert_eq!(said(&[&begin[..], b"ca"].concat(), &row("d")), "keyspace 10, keys from \"ca\" to \"d\"");
    }
}
