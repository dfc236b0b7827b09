//! Set, add wins: one row `S ‖ element` per element, holding the additions that no remove has seen.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::UnixMs;
use halcyon_types::limits::{PAGE_BYTES_MAX, PAGE_ITEMS_MAX};

use crate::component;
use crate::key::RowPrefix;
use crate::kind::Kind;
use crate::object::Object;
use crate::query::{Page, PageRequest};
use crate::rows::Rows;

/// Whether `element` is in the set.
///
/// # Errors
/// What can go wrong underneath.
pub fn contains<R: Rows>(rows: &mut R, object: &Object, element: &[u8], now: UnixMs) -> Result<bool, R::Error> {
    rows.look(&object.element(element), |row| row.is_some_and(|row| row.is_live(now)))
}

/// A page of the elements, in byte order.
///
/// # Errors
/// What can go wrong underneath.
pub fn elements<R: Rows>(rows: &mut R, object: &Object, request: &PageRequest, now: UnixMs) -> Result<Page, R::Error> {
    let set = object.of_kind(Kind::Set);
    let mut page = PageBuilder::new(request);
    let from = page.from(&set);
    rows.scan(&set, &from, |key, row| {
        let element = key.get(set.as_bytes().len()..).and_then(component::first);
        match element {
            Some(element) if row.is_live(now) => page.push(element),
            _ => ControlFlow::Continue(()),
        }
    })?;
    Ok(page.finish())
}

/// Collects items until the page is full, and knows where the next one begins.
pub(crate) struct PageBuilder<'a> {
    request: &'a PageRequest,
    page: Page,
    bytes: usize,
    full: bool,
}

impl<'a> PageBuilder<'a> {
    pub(crate) fn new(request: &'a PageRequest) -> Self {
        Self { request, page: Page::default(), bytes: 0, full: false }
    }

    /// Where the scan below `collection` begins: behind everything of the item that the request names.
    pub(crate) fn from(&self, collection: &RowPrefix) -> Vec<u8> {
        match &self.request.after {
            Some(after) => behind(collection, after),
            None => collection.as_bytes().to_vec(),
        }
    }

    /// Takes an item, or ends the page before it.
    pub(crate) fn push(&mut self, item: Vec<u8>) -> ControlFlow<()> {
        let asked = usize::try_from(self.request.items_max).unwrap_or(usize::MAX);
        let items_max = asked.clamp(1, PAGE_ITEMS_MAX);
        if self.page.items.len() == items_max || self.bytes > PAGE_BYTES_MAX {
            self.full = true;
            return ControlFlow::Break(());
        }
        self.bytes += item.len();
        self.page.items.push(item.into());
        ControlFlow::Continue(())
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    pub(crate) fn finish(mut self) -> Page {
        self.page.next = self.page.items.last().filter(|_| self.full).cloned();
        self.page
    }
}

/// The first key behind everything of `item` below `collection`: its terminator `00 01` raised to `00 02`, which no key has.
pub(crate) fn behind(collection: &RowPrefix, item: &Bytes) -> Vec<u8> {
    let mut key = collection.component(item).as_bytes().to_vec();
    if let Some(last) = key.last_mut() {
        *last = 0x02;
    }
    key
}
