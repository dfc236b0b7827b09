//! The keys of a keyspace, in byte order, a page at a time, each with the kinds that are there.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::limits::KEY_BYTES_MAX;
use halcyon_types::{KeyspaceId, UnixMs};
use serde::{Deserialize, Serialize};

use crate::component;
use crate::key::{KeyError, RowPrefix};
use crate::kind::Kind;
use crate::object::Object;
use crate::query::{Page, PageBuilder, PageRequest};
use crate::read::kinds;
use crate::rows::Rows;
use crate::set::{begin, behind};

/// A key that holds something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// The key.
    pub key: Bytes,
    /// The kinds that are there, in the order of their bytes.
    pub kinds: Vec<Kind>,
}

/// Checks what a scan is asked for.
///
/// # Errors
/// [`KeyError`].
pub fn check_scan(beginning: &[u8], request: &PageRequest) -> Result<(), KeyError> {
    if beginning.len() > KEY_BYTES_MAX {
        return Err(KeyError::TooLong { what: "key", bytes: beginning.len(), max: KEY_BYTES_MAX });
    }
    request.after.as_ref().map_or(Ok(()), |after| component::check("cursor", after, KEY_BYTES_MAX))
}

/// A page of the keys that begin with `beginning`. A few seeks per key, however much is in it.
///
/// # Errors
/// What can go wrong underneath.
pub fn keys<R: Rows>(
    rows: &mut R,
    keyspace: KeyspaceId,
    beginning: &[u8],
    request: &PageRequest,
    now: UnixMs,
) -> Result<Page<KeyInfo>, R::Error> {
    let all = RowPrefix::keyspace(keyspace);
    let mut wanted = all.as_bytes().to_vec();
    component::push(&mut wanted, beginning);
    // Without its terminator, so that longer keys begin with it too.
    wanted.truncate(wanted.len().saturating_sub(2));
    let wanted = RowPrefix::from_bytes(wanted);
    let mut page = PageBuilder::new(request);
    let mut from = begin(&all, request).max(wanted.as_bytes().to_vec());
    loop {
        let mut found = None;
        rows.scan(&wanted, &from, |key, _| {
            found = key.get(all.as_bytes().len()..).and_then(component::first).map(Bytes::from);
            ControlFlow::Break(())
        })?;
        let Some(key) = found else { return Ok(page.finish(false)) };
        if page.is_full() {
            return Ok(page.finish(true));
        }
        from = behind(&all, &key);
        let kinds = kinds(rows, &Object::new(keyspace, key.clone()), now)?;
        if !kinds.is_empty() {
            page.push(KeyInfo { key: key.clone(), kinds }, key.len() + 16, key);
        }
    }
}
