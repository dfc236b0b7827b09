//! The scenario language as `exec` and `scenarios --live` speak it to a region: what its words become, and how long answers
//! are put together.

use bytes::Bytes;
use halcyon_crdt::{Answer, Page, Query};
use halcyon_types::RegionId;
use halcyon_types::limits::DEPTH_MAX;
use halcyon_types::topology::Topology;
use serde_json::{Value, json};

/// Items of a collection that is read whole, at most.
pub(crate) const ITEMS_MAX: usize = 100_000;

/// A collection that is longer than [`ITEMS_MAX`], or what a page's question was answered with.
#[derive(Debug)]
pub(crate) enum WholeError<E> {
    /// It is longer than can be read whole.
    TooLong,
    /// A page was not answered.
    Page(E),
}

/// A value's payload: the `MessagePack` string, as the SDK writes a `&str`.
pub(crate) fn payload(word: &str) -> Bytes {
    rmp_serde::to_vec(word).unwrap_or_default().into()
}

/// A value's payload as JSON; what is no `MessagePack` is shown as the bytes it is.
pub(crate) fn shown(payload: &[u8]) -> Value {
    let mut behind = payload;
    let mut decoder = rmp_serde::Deserializer::new(&mut behind);
    decoder.set_max_depth(DEPTH_MAX);
    match serde::Deserialize::deserialize(&mut decoder) {
        Ok(value) if behind.is_empty() => value,
        _ => text(payload),
    }
}

/// Bytes as text, or as what says that they are none.
pub(crate) fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "hex": crate::hex(bytes) }),
    }
}

/// The region called `name`.
pub(crate) fn region_id(topology: &Topology, name: &str) -> Option<RegionId> {
    topology.regions.iter().find(|region| region.name.as_str() == name).map(|region| region.id)
}

/// Asks for every page of a question, and puts the answers together.
///
/// # Errors
/// The first of `ask`, or that there is no end of it.
pub(crate) async fn whole<E>(
    mut question: Query,
    mut ask: impl AsyncFnMut(Query) -> Result<Answer, E>,
) -> Result<Answer, WholeError<E>> {
    let mut all = ask(question.clone()).await.map_err(WholeError::Page)?;
    loop {
        let (items, next) = match &mut all {
            Answer::Page(page) => (page.items.len(), page.next.take()),
            Answer::Scored(page) => (page.items.len(), page.next.take()),
            Answer::Items(page) => (page.items.len(), page.next.take()),
            _ => return Ok(all),
        };
        let (Some(after), Some(page)) = (next, question.page_mut()) else { return Ok(all) };
        if items >= ITEMS_MAX {
            return Err(WholeError::TooLong);
        }
        page.after = Some(after);
        match (&mut all, ask(question.clone()).await.map_err(WholeError::Page)?) {
            (Answer::Page(all), Answer::Page(more)) => extend(all, more),
            (Answer::Scored(all), Answer::Scored(more)) => extend(all, more),
            (Answer::Items(all), Answer::Items(more)) => extend(all, more),
            // The SDK hands out no answer of another form.
            _ => return Ok(all),
        }
    }
}

fn extend<T>(all: &mut Page<T>, more: Page<T>) {
    all.items.extend(more.items);
    all.next = more.next;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_shown_as_json() {
        let packed = |value: &Value| Bytes::from(rmp_serde::to_vec(value).unwrap());
        for value in [json!("ü \"x\""), json!({"a": [1, null]}), json!(-7)] {
            assert_eq!(shown(&packed(&value)), value);
        }
        assert_eq!(shown(&payload("two words")), json!("two words"));
        assert_eq!(shown(b"\xC1"), json!({"hex": "c1"}), "reserved in MessagePack, and no UTF-8");
        assert_eq!(shown(b"12"), json!("12"), "two values are not one");
    }

    #[tokio::test]
    async fn a_long_answer_is_asked_for_page_by_page_and_has_an_end() {
        let page = |after: usize, last: usize| {
            let items: Vec<_> = (after..(after + 1000).min(last)).map(|n| Bytes::from(n.to_string())).collect();
            let next = (after + 1000 < last).then(|| Bytes::from((after + 1000).to_string()));
            Answer::Page(Page { items, next })
        };
        let read = async |last: usize| {
            whole(Query::Elements(halcyon_crdt::PageRequest::default()), async |question: Query| {
                let after = question.page().and_then(|page| page.after.clone());
                let after = after.map_or(0, |after| String::from_utf8(after.to_vec()).unwrap().parse().unwrap());
                Ok::<_, ()>(page(after, last))
            })
            .await
        };
        let Ok(Answer::Page(all)) = read(2500).await else { panic!("three pages") };
        assert_eq!((all.items.len(), all.next), (2500, None));
        assert_eq!(all.items.last(), Some(&Bytes::from("2499")));
        assert!(matches!(read(ITEMS_MAX).await, Ok(Answer::Page(all)) if all.items.len() == ITEMS_MAX));
        assert!(matches!(read(ITEMS_MAX + 1).await, Err(WholeError::TooLong)));
    }
}
