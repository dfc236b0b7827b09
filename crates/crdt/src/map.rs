//! Map: rows `m ‖ field ‖ …` of the objects in its fields, which are of any kind, maps again included. A field exists iff a
//! live row is below it; removing a field is clearing that prefix, so a concurrent update below survives with its own
//! contribution alone.

use std::ops::ControlFlow;

use bytes::Bytes;
use halcyon_types::UnixMs;

use crate::component;
use crate::kind::Kind;
use crate::object::Object;
use crate::query::{Page, PageBuilder, PageRequest};
use crate::rows::Rows;
use crate::set::{begin, behind};

/// A page of the fields, in byte order. One seek per field, however much is below it.
pub(crate) fn fields<R: Rows>(
    rows: &mut R,
    object: &Object,
    request: &PageRequest,
    now: UnixMs,
) -> Result<Page, R::Error> {
    let map = object.of_kind(Kind::Map);
    let mut page = PageBuilder::new(request);
    let mut from = begin(&map, request);
    loop {
        let mut found = None;
        rows.scan(&map, &from, |key, row| {
            found = key.get(map.as_bytes().len()..).and_then(component::first).filter(|_| row.is_live(now));
            if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let Some(field) = found.map(Bytes::from) else { return Ok(page.finish(false)) };
        if page.is_full() {
            return Ok(page.finish(true));
        }
        from = behind(&map, &field);
        page.push(field.clone(), field.len(), field);
    }
}
