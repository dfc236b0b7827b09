//! Reading part of something ordered by index, in pages: what lists and sorted sets have in common.
//!
//! Nothing keeps count, so an index is found by walking: in steps that grow with its distance from the nearer end that it
//! was counted from.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::query::{Page, PageBuilder, PageRequest};

/// Something ordered. A place in it is named by bytes that order as the places do.
pub(crate) trait Sequence {
    type Item;
    type Error;

    /// Visits places and what is there in order (`back`: in descending order), beginning behind `after` (before it).
    fn walk(
        &mut self,
        after: Option<&[u8]>,
        back: bool,
        visit: impl FnMut(&[u8], &dyn Fn() -> Self::Item) -> ControlFlow<()>,
    ) -> Result<(), Self::Error>;
}

/// A cursor that no page has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownCursor;

/// The place with index `index`: from the front, 0 being the first, or from the back, -1 being the last.
pub(crate) fn place<S: Sequence>(sequence: &mut S, index: i64, back: bool) -> Result<Option<Bytes>, S::Error> {
    let (mut skip, back) = if index < 0 { (index.unsigned_abs() - 1, !back) } else { (index.unsigned_abs(), back) };
    let mut found = None;
    sequence.walk(None, back, |at, _| {
        if skip == 0 {
            found = Some(Bytes::copy_from_slice(at));
            return ControlFlow::Break(());
        }
        skip -= 1;
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

fn count<S: Sequence>(sequence: &mut S) -> Result<i64, S::Error> {
    let mut count = 0;
    sequence.walk(None, false, |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// Where a window stands, besides its direction.
struct Window {
    skip: u64,
    /// How many it has left.
    left: u64,
    /// The last place it includes.
    last: Option<Bytes>,
    /// What it begins behind.
    after: Option<Bytes>,
}

/// A page of what has an index from `first` to `last`, both included.
pub(crate) fn window<S: Sequence>(
    sequence: &mut S,
    (first, last): (i64, i64),
    back: bool,
    request: &PageRequest,
    weight: impl Fn(&S::Item) -> usize,
) -> Result<Result<Page<S::Item>, UnknownCursor>, S::Error> {
    let Some(mut window) = open(sequence, first, last, back)? else { return Ok(Ok(Page::default())) };
    if let Some(cursor) = &request.after {
        let Some((left, at)) = cursor.split_first_chunk::<8>() else { return Ok(Err(UnknownCursor)) };
        let after = Some(cursor.slice_ref(at));
        window = Window { skip: 0, left: u64::from_be_bytes(*left), after, ..window };
    }
    let mut page = PageBuilder::new(request);
    let mut more = false;
    let start = window.after.take();
    sequence.walk(start.as_deref(), back, |at, item| {
        if let Some(last) = &window.last
            && if back { at < last.as_ref() } else { at > last.as_ref() }
        {
            return ControlFlow::Break(());
        }
        if window.skip > 0 {
            window.skip -= 1;
            return ControlFlow::Continue(());
        }
        if window.left == 0 {
            return ControlFlow::Break(());
        }
        if page.is_full() {
            more = true;
            return ControlFlow::Break(());
        }
        if window.left != u64::MAX {
            window.left -= 1;
        }
        let item = item();
        let bytes = weight(&item);
        page.push(item, bytes, [&window.left.to_be_bytes()[..], at].concat().into());
        ControlFlow::Continue(())
    })?;
    Ok(Ok(page.finish(more)))
}

fn open<S: Sequence>(sequence: &mut S, first: i64, last: i64, back: bool) -> Result<Option<Window>, S::Error> {
    // Only the distance between two ends that are counted from different sides needs the whole length.
    let first = if first < 0 && last >= 0 { (count(sequence)? + first).max(0) } else { first };
    let mut window = Window { skip: 0, left: u64::MAX, last: None, after: None };
    if last < 0 {
        if first < 0 && last < first {
            return Ok(None);
        }
        match place(sequence, last, back)? {
            Some(at) => window.last = Some(at),
            None => return Ok(None),
        }
    } else if last < first {
        return Ok(None);
    } else {
        window.left = first.abs_diff(last) + 1;
    }
    if first < 0 {
        // One place further out is where the walk begins behind.
        window.after = match first.checked_sub(1) {
            Some(before) => place(sequence, before, back)?,
            None => None,
        };
    } else {
        window.skip = first.unsigned_abs();
    }
    Ok(Some(window))
}

#[cfg(test)]
mod tests;
