//! P1, P2, P5: what was acknowledged stays, under the name it was given, whole.

use std::collections::BTreeMap;

use halcyon_types::{Dot, Seq};
use halcyon_wire::{ChainHash, Record, Refusal};

use super::Disk;
use super::node::{Node, T, add, insert, object, set};
use crate::backend::{Backend, Batch, Durability, Family};
use crate::layout::{self, Head};
use crate::{StageError, Staged};

fn p1_a_committed_write_is_there_after_a_crash<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for n in 0..50 {
        node.stage(vec![add("stock", 1), insert("cart", &format!("{n}")), set("last", &format!("{n}"))]).unwrap();
        if n % 7 == 0 {
            node.commit();
        }
    }
    let committed = node.commit();
    let before = node.digest();
    node.restart();
    assert_eq!(node.recovered.vv, committed.vv);
    assert_eq!(node.digest(), before);
    assert_eq!(node.sum(&object("stock")), 50);
    assert_eq!(node.elements(&object("cart")).len(), 50);
    assert_eq!(node.value(&object("last")).unwrap(), "49");
    assert_eq!(node.recovered.heads[&node.actor()].hash, committed.head);
}

fn p1_a_write_that_was_only_staged_is_gone_whole_after_a_crash<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.put(vec![add("stock", 1)]);
    let before = node.digest();
    node.stage(vec![add("stock", 1), insert("cart", "a")]).unwrap();
    assert_eq!(node.digest(), before, "nothing shows before the commit");
    node.restart();
    assert_eq!(node.digest(), before);
    assert_eq!(node.recovered.vv.get(node.actor()), Seq(1));
}

fn p2_no_dot_is_used_twice_whatever_crashes_between<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let actor = node.actor();
    let mut told: BTreeMap<Seq, bytes::Bytes> = BTreeMap::new();
    for round in 0..12_i64 {
        for n in 0..3 {
            node.stage(vec![add("stock", round * 10 + n)]).unwrap();
        }
        if round % 3 != 1 {
            for record in node.commit().own {
                assert!(told.insert(record.seq, record.bytes).is_none(), "a dot was told twice");
            }
        }
        node.restart();
        assert_eq!(node.actor(), actor, "a restart is no new incarnation");
    }
    let log = node.committer.reader().log(actor, Seq::ZERO, Seq(u64::MAX), usize::MAX).unwrap();
    let kept: BTreeMap<_, _> = log.into_iter().map(|record| (record.seq, record.bytes)).collect();
    assert_eq!(kept, told);
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), (1..=told.len() as u64).map(Seq).collect::<Vec<_>>());
}

fn p2_the_chain_hash_is_that_of_the_log<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for n in 0..10 {
        node.stage(vec![add("stock", n)]).unwrap();
        if n % 4 == 0 {
            node.commit();
        }
        if n % 5 == 0 {
            node.commit();
            node.restart();
        }
    }
    let head = node.commit().head;
    let log = node.committer.reader().log(node.actor(), Seq::ZERO, Seq(10), usize::MAX).unwrap();
    let genesis = ChainHash::genesis(node.actor());
    assert_eq!(log.iter().fold(genesis, |hash, record| hash.extend(&record.bytes)), head);
}

fn a_record_is_encoded_as_the_change_since_the_one_before<D: Disk>() {
    let (mut node, mut other) = (Node::<D>::new(1), Node::<D>::new(2));
    other.put(vec![add("stock", 1)]);
    node.pull(&other, other.actor(), 1);
    let mut previous = halcyon_types::VersionVector::new();
    for n in 0..6 {
        node.stage(vec![add("stock", n)]).unwrap();
        if n % 2 == 0 {
            let own = node.commit().own;
            for stored in own {
                let record = Record::decode(&stored.bytes, node.actor(), &previous).unwrap();
                assert_eq!(record.encode(&previous), stored);
                previous = record.deps;
            }
            assert_eq!(node.heads[&node.actor()].deps, previous);
            node.restart();
        }
    }
}

fn p2_the_end_of_numbers_is_refused_never_wrapped<D: Disk>() {
    let mut node = Node::<D>::new(1);
    let end = Dot { actor: node.actor(), seq: Seq(u64::MAX) };
    let backend = node.disk.start();
    let (mut batch, mut value) = (backend.batch(), Vec::new());
    layout::put_vv(&mut value, &[(end.actor, end.seq)].into_iter().collect());
    batch.put(Family::State, &layout::VV_KEY, &value);
    value.clear();
    let deps = [(end.actor, end.seq.previous())].into_iter().collect();
    layout::put_head(&mut value, &Head { seq: end.seq, deps, ..Head::genesis(end.actor) });
    batch.put(Family::State, &layout::head_key(end.actor), &value);
    batch.put(Family::Log, &layout::log_key(end), b"record");
    backend.write(batch, Durability::Synced).unwrap();
    drop(backend);
    node.restart();
    let refused = node.stage(vec![add("stock", 1)]);
    assert!(matches!(refused, Err(StageError::Refused(Refusal::Storage { .. }))), "{refused:?}");
    assert_eq!(node.commit().vv.get(end.actor), end.seq);
}

fn p5_a_record_is_visible_whole_or_not_at_all<D: Disk>() {
    let mut node = Node::<D>::new(1);
    for n in 1..=20 {
        node.stage(vec![add("a", 1), add("b", 1)]).unwrap();
        assert_eq!(node.sum(&object("a")), node.sum(&object("b")));
        if n % 3 == 0 {
            node.commit();
        }
        assert_eq!(node.sum(&object("a")), i128::from(node.vv().get(node.actor()).0));
        assert_eq!(node.sum(&object("a")), node.sum(&object("b")));
    }
}

fn a_write_sees_what_its_own_group_wrote_before_it<D: Disk>() {
    let mut node = Node::<D>::new(1);
    node.stage(vec![add("stock", i64::MAX)]).unwrap();
    let refused = node.stage(vec![add("stock", 1)]);
    assert!(matches!(refused, Err(StageError::Refused(Refusal::CounterOverflow { .. }))), "{refused:?}");
    node.commit();
    assert_eq!(node.sum(&object("stock")), i64::MAX.into());
}

fn what_is_staged_is_counted_and_what_is_committed_is_told<D: Disk>() {
    let mut node = Node::<D>::new(1);
    assert_eq!(node.committer.staged(), (0, 0));
    let Ok(Staged::Fresh { dot, .. }) = node.stage(vec![add("stock", 1)]) else { panic!() };
    let (count, bytes) = node.committer.staged();
    assert_eq!((count, dot.seq), (1, Seq(1)));
    let committed = node.commit();
    assert_eq!(node.committer.staged(), (0, 0));
    assert_eq!(committed.own.len(), 1);
    assert_eq!(committed.own[0].bytes.len(), bytes);
    let record = Record::decode(&committed.own[0].bytes, dot.actor, &halcyon_types::VersionVector::new()).unwrap();
    assert_eq!((record.dot, record.hlc.wall(), record.hlc), (dot, T, committed.hlc));
    assert_eq!(committed.heads[&dot.actor].hash, committed.head);
    let nothing = node.commit();
    assert!(nothing.own.is_empty() && nothing.heads.is_empty());
    assert_eq!((nothing.vv, nothing.head), (committed.vv, committed.head));
}

on_every_backend!(
    p1_a_committed_write_is_there_after_a_crash,
    p1_a_write_that_was_only_staged_is_gone_whole_after_a_crash,
    p2_no_dot_is_used_twice_whatever_crashes_between,
    p2_the_chain_hash_is_that_of_the_log,
    a_record_is_encoded_as_the_change_since_the_one_before,
    p2_the_end_of_numbers_is_refused_never_wrapped,
    p5_a_record_is_visible_whole_or_not_at_all,
    a_write_sees_what_its_own_group_wrote_before_it,
    what_is_staged_is_counted_and_what_is_committed_is_told,
);
