//! Set, add wins: one row `S ‖ element` per element, holding the additions that no remove has seen.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::UnixMs;

use crate::component;
use crate::key::RowPrefix;
use crate::kind::Kind;
use crate::object::Object;
use crate::query::{Page, PageBuilder, PageRequest};
use crate::rows::Rows;

/// Whether `element` is in the set.
pub(crate) fn contains<R: Rows>(rows: &mut R, object: &Object, element: &[u8], now: UnixMs) -> Result<bool, R::Error> {
    rows.look(&object.element(element), |row| row.is_some_and(|row| row.is_live(now)))
}

/// A page of the elements, in byte order.
pub(crate) fn elements<R: Rows>(
    rows: &mut R,
    object: &Object,
    request: &PageRequest,
    now: UnixMs,
) -> Result<Page, R::Error> {
    let set = object.of_kind(Kind::Set);
    let mut page = PageBuilder::new(request);
    let mut more = false;
    rows.scan(&set, &begin(&set, request), |key, row| {
        let element = key.get(set.as_bytes().len()..).and_then(component::first);
        let Some(element) = element.map(Bytes::from).filter(|_| row.is_live(now)) else {
            return ControlFlow::Continue(());
        };
        if page.is_full() {
            more = true;
            return ControlFlow::Break(());
        }
        page.push(element.clone(), element.len(), element);
        ControlFlow::Continue(())
    })?;
    Ok(page.finish(more))
}

/// Where the scan for a page of components below `collection` begins: behind everything of the one that the request names.
pub(crate) fn begin(collection: &RowPrefix, request: &PageRequest) -> Vec<u8> {
    match &request.after {
        Some(after) => behind(collection, after),
        None => collection.as_bytes().to_vec(),
    }
}

/// The first key behind everything of `item` below `collection`: its terminator `00 01` raised to `00 02`, which no key has.
pub(crate) fn behind(collection: &RowPrefix, item: &[u8]) -> Vec<u8> {
    let mut key = collection.component(item).as_bytes().to_vec();
    if let Some(last) = key.last_mut() {
        *last = 0x02;
    }
    key
}
