//! Copies of all rows: pages in order, on one connection.

use bytes::Bytes;
use halcyon_types::{ActorId, Hlc, VersionVector};
use halcyon_wire::{Body, CopyHead, CopyPage, Outcome, Refusal};

use crate::config::Settings;
use crate::fake::{Server, connected};
use crate::{CopyError, ReadError};

/// Answers the next request for a page, which must begin at `place`.
async fn page(server: &mut Server, place: &'static str, result: Result<CopyPage, Refusal>) {
    match server.next().await {
        Some(halcyon_wire::Request { id, body: Body::Copy { place: asked } }) => {
            assert_eq!(asked, place.as_bytes());
            server.answer(id, result.map(Outcome::Page));
        }
        other => panic!("{other:?}"),
    }
}

fn said(entries: &'static str, next: Option<&'static str>, head: Option<CopyHead>) -> CopyPage {
    CopyPage { head, entries: Bytes::from(entries), count: 1, next: next.map(Bytes::from) }
}

fn head() -> CopyHead {
    CopyHead { actor: ActorId::from_u64(1 << 48), vv: VersionVector::new(), hlc: Hlc::ZERO }
}

#[tokio::test(start_paused = true)]
async fn a_copy_comes_page_after_page() {
    let (db, _shop, _region, mut server) = connected(Settings::default()).await;
    let (copy, ()) = tokio::join!(db.copy(), page(&mut server, "", Ok(said("a", Some("x"), Some(head())))));
    let mut copy = copy.unwrap();
    assert_eq!(*copy.head(), head());
    assert_eq!(copy.page().await.unwrap(), Some(said("a", Some("x"), None)), "that came with the head");
    let (second, ()) = tokio::join!(copy.page(), page(&mut server, "x", Ok(said("b", None, None))));
    assert_eq!(second.unwrap(), Some(said("b", None, None)));
    assert_eq!(copy.page().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_copy_ends_with_its_connection_and_is_refused_by_name() {
    let (db, _shop, region, mut server) = connected(Settings::default()).await;
    let refusal = Refusal::Forbidden { identity: "client c".to_owned() };
    let (refused, ()) = tokio::join!(db.copy(), page(&mut server, "", Err(refusal.clone())));
    assert_eq!(refused.unwrap_err(), CopyError::Asked(ReadError::Refused(refusal)));
    let (copy, ()) = tokio::join!(db.copy(), page(&mut server, "", Ok(said("a", Some("x"), Some(head())))));
    let mut copy = copy.unwrap();
    copy.page().await.unwrap();
    drop(server);
    let _again = region.accept().await;
    assert!(matches!(copy.page().await, Err(CopyError::Lost { .. })), "another connection knows nothing of it");
}
