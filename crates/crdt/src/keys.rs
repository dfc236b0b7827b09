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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::{Node, all, b, object, up};
    use crate::op::Op;

    fn told(page: &Page<KeyInfo>) -> Vec<Bytes> {
        page.items.iter().map(|info| info.key.clone()).collect()
    }

    proptest! {
        #[test]
        fn pages_of_keys_are_the_keys_that_begin_so_in_byte_order(
            present in prop::collection::btree_set("[a\0\u{1}]{1,3}", 0..10), beginning in "[a\0\u{1}]{0,2}",
            items_max in 0..4_u32,
        ) {
            let mut node = Node::new(1);
            for key in &present {
                let object = Object::new(object("k").keyspace, b(key));
                node.commit(&[up(&object, Op::Enable), up(&object.clone().field("f"), Op::Add { amount: 1 })]);
            }
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let request = PageRequest { after, items_max };
                let page = keys(&mut node.rows, object("k").keyspace, beginning.as_bytes(), &request, node.now).unwrap();
                prop_assert!(page.items.len() <= items_max.max(1) as usize);
                found.extend(told(&page));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<Bytes> = present.iter().filter(|key| key.starts_with(&beginning)).map(|key| b(key)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn keys_are_told_with_their_kinds_and_those_that_ended_not_at_all() {
        let mut node = Node::new(1);
        node.commit(&[up(&object("a"), Op::Enable), up(&object("a"), Op::Insert { element: b("x") })]);
        node.commit(&[up(&object("b"), Op::Enable), up(&object("b"), Op::Expire { ttl_ms: 5 })]);
        node.commit(&[up(&object("c"), Op::Expire { ttl_ms: 500 })]);
        let mut told = |now| {
            let page = keys(&mut node.rows, object("k").keyspace, b"", &all(), UnixMs(now)).unwrap();
            page.items.into_iter().map(|info| (info.key, info.kinds)).collect::<Vec<_>>()
        };
        let (a, b_key) = ((b("a"), vec![Kind::Flag, Kind::Set]), (b("b"), vec![Kind::Flag]));
        assert_eq!(told(1_004), [a.clone(), b_key], "a deadline alone is no key");
        assert_eq!(told(1_005), [a]);
    }
}
