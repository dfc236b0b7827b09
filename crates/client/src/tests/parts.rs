//! Deletes of what one record cannot list, against a region that runs the kernel.

use std::collections::BTreeMap;

use halcyon_crdt::{MemoryRows, Op, Origin, Stamp, Update, apply, prepare, read};
use halcyon_types::{ActorId, Dot, Hlc, Seq, UnixMs, VersionVector};
use halcyon_wire::{Body, Outcome, Receipt, Refusal, Request};

use super::at;
use crate::config::Settings;
use crate::error::DeleteError;
use crate::fake::{Server, connected};

/// One region's kernel, without clocks and disks.
struct Kernel {
    rows: MemoryRows,
    vv: VersionVector,
    records: u64,
    /// After so many records it refuses all.
    records_max: u64,
}

impl Kernel {
    fn new(updates: impl IntoIterator<Item = Update>) -> Self {
        let (rows, vv) = (MemoryRows::default(), VersionVector::new());
        let mut kernel = Self { rows, vv, records: 0, records_max: u64::MAX };
        for part in updates.into_iter().collect::<Vec<_>>().chunks(1000) {
            kernel.commit(part).unwrap();
        }
        kernel
    }

    fn commit(&mut self, updates: &[Update]) -> Result<Receipt, Refusal> {
        if self.records >= self.records_max {
            return Err(Refusal::Overloaded { queue: "the commit queue".to_owned() });
        }
        let dot = Dot { actor: ActorId::from_u64(1 << 48 | 5), seq: Seq(self.records + 1) };
        let (hlc, ctx, actors) = (Hlc::from_u64(dot.seq.0 << 20), self.vv.clone(), BTreeMap::new());
        let origin = Origin { dot, hlc, now: UnixMs(1), ctx: &ctx, actors: &actors };
        let prepared = prepare(updates, origin, &mut self.rows, None::<&mut MemoryRows>)?;
        apply(&mut self.rows, Stamp { dot, hlc, ctx: &ctx }, &prepared.effects).unwrap();
        self.vv.observe(dot);
        self.records += 1;
        Ok(Receipt { dot, token: self.vv.clone() })
    }

    async fn serve(&mut self, server: &mut Server) {
        while let Some(Request { id, body }) = server.next().await {
            let result = match body {
                Body::Write(write) => self.commit(&write.updates).map(Outcome::Written),
                Body::Read { object, query, .. } => {
                    read(&mut self.rows, &object, &query, UnixMs(1)).map(Outcome::Answer).map_err(Refusal::from)
                }
                other => panic!("{other:?}"),
            };
            server.answer(id, result);
        }
    }
}

/// Counters everywhere: in fields, in one large field of a field, and in the members of a sorted set; and a register.
fn large() -> impl Iterator<Item = Update> {
    let add = |path: &[&str]| Update { object: at("k", path), op: Op::Add { amount: 1 } };
    let flat = (0..700).map(move |i| add(&[&format!("f{i}")]));
    let deep = (0..2500).map(move |i| add(&["g", "deep", &format!("{i}")]));
    let members = (0..1300).map(|i: u32| Update {
        object: at("k", &["top"]),
        op: Op::AddScore { member: i.to_string().into(), amount: f64::from(i) },
    });
    let register = Update { object: at("k", &[]), op: Op::Set { value: "v".into(), ttl_ms: None } };
    flat.chain(deep).chain(members).chain([register])
}

/// Deletes the key while the region serves, and says what was told and how many records it took.
async fn delete(kernel: &mut Kernel, in_parts: bool) -> (Result<Receipt, DeleteError>, u64) {
    let (db, shop, _region, mut server) = connected(Settings::default()).await;
    let before = kernel.records;
    let (told, ()) = tokio::join!(
        async move {
            let key = shop.key("k");
            let told = if in_parts {
                key.delete_in_parts().await
            } else {
                key.delete().await.map_err(|source| DeleteError::Write { done: 0, source })
            };
            drop((key, shop, db));
            told
        },
        kernel.serve(&mut server)
    );
    (told, kernel.records - before)
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_one_record_is_deleted_by_several() {
    let mut kernel = Kernel::new(large());
    let (refused, records) = delete(&mut kernel, false).await;
    assert_eq!((refused.unwrap_err().name(), records), ("TooLarge", 0));
    let (receipt, records) = delete(&mut kernel, true).await;
    assert_eq!(receipt.unwrap().token, kernel.vv, "the token covers every part");
    assert!((3..=40).contains(&records), "{records} records");
    assert_eq!(kernel.rows, MemoryRows::default(), "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn what_fits_one_record_is_deleted_by_one() {
    let mut kernel = Kernel::new(large().take(700));
    let (receipt, records) = delete(&mut kernel, true).await;
    assert_eq!((receipt.unwrap().token, records), (kernel.vv.clone(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_delete_that_stops_halfway_says_how_far_it_came_and_goes_on_when_called_again() {
    let mut kernel = Kernel::new(large());
    kernel.records_max = kernel.records + 3;
    let (stopped, records) = delete(&mut kernel, true).await;
    let error = stopped.unwrap_err();
    assert!(matches!(error, DeleteError::Write { done: 3, .. }), "{error}");
    assert_eq!((error.name(), records), ("Overloaded", 3));
    kernel.records_max = u64::MAX;
    delete(&mut kernel, true).await.0.unwrap();
    assert_eq!(kernel.rows, MemoryRows::default());
}
