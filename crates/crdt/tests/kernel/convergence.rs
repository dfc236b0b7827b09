//! Promise P3: equal version vectors, equal bytes.

use std::collections::BTreeMap;

use proptest::prelude::prop_assert_eq;

use crate::generator::{Diet, programs};
use crate::run::{check, run};

/// Every state that any replica was in at any time is held against every other at the same vector; at the end all
/// replicas, having taken every record in orders of their own, hold the same bytes.
#[test]
fn p3_equal_vectors_mean_equal_bytes_whatever_the_order_of_delivery() {
    check(&programs(Diet::Mixed), |program| {
        let mut states = BTreeMap::new();
        let world = run(&program, 2, &mut |replica, _| {
            let state = states.entry(replica.seen).or_insert_with(|| replica.rows.clone());
            prop_assert_eq!(&*state, &replica.rows, "at {:?}", replica.seen);
            Ok(())
        })?;
        let first = &world.replicas[0];
        for replica in &world.replicas {
            prop_assert_eq!(replica.seen, first.seen, "everything is delivered everywhere");
            prop_assert_eq!(replica.bytes(), first.bytes());
        }
        Ok(())
    });
}
