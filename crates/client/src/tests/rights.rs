//! Rights of bounded counters, told by the names of regions.

use halcyon_types::ActorId;
use halcyon_wire::Refusal;

use super::at;
use crate::config::Settings;
use crate::error::WriteError;
use crate::fake::connected;

fn holders() -> Vec<(ActorId, i128)> {
    vec![(ActorId::from_u64(1 << 48 | 5), 7), (ActorId::from_u64(9 << 48 | 5), 2)]
}

async fn refused_as(refusal: Refusal) -> WriteError {
    let (_db, shop, _region, mut server) = connected(Settings::default()).await;
    let stock = shop.bounded_counter("stock");
    let (refused, ()) = tokio::join!(stock.decrease(12), async {
        let (id, _) = server.write().await;
        server.answer(id, Err(refusal));
    });
    refused.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_lack_of_rights_says_which_region_holds_how_much() {
    let (counter, reason) = (at("stock", &[]), "in words".to_owned());
    let error =
        refused_as(Refusal::InsufficientRights { reason, counter: counter.clone(), needed: 12, holders: holders() });
    let error = error.await;
    assert_eq!(error.name(), "InsufficientRights");
    let told = error.to_string();
    assert!(told.contains("12") && told.contains("stock") && told.contains("us-east holds 7"), "{told}");
    let WriteError::InsufficientRights { counter: of, needed: 12, holders } = error else { panic!("{told}") };
    let regions: Vec<_> = holders.0.iter().map(|holder| holder.region.as_ref().map(ToString::to_string)).collect();
    assert_eq!((of, regions), (counter, vec![Some("us-east".to_owned()), None]), "a region that is not in the file");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_others_rights_forbid_says_whose() {
    let reason = "in words".to_owned();
    let error = refused_as(Refusal::RightsOutstanding { reason, holders: holders() }).await;
    assert_eq!(error.name(), "RightsOutstanding");
    assert!(error.to_string().contains("us-east holds 7"), "{error}");
}
