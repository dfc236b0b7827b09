//! Bytes of any kind: an error or a value, never harm.

use std::collections::BTreeMap;

use halcyon_crdt::{MemoryRows, Row, RowKey, Shape, Stamp, apply};
use halcyon_types::limits::{ACTORS_MAX, DEPTH_MAX, EFFECTS_MAX};
use halcyon_types::{ActorId, Seq, VersionVector};
use halcyon_wire::{PeerMessage, Record, Request, Response, codec};
use proptest::prelude::*;
use serde::Serialize;

use crate::values::{self, actor};

const SHAPES: [Shape; 5] = [Shape::Entries, Shape::Whole, Shape::Float, Shape::Registers, Shape::Escrow];

fn previous() -> VersionVector {
    [(actor(1), Seq(3))].into_iter().collect()
}

/// Reads `bytes` as everything there is. What comes out as a record is within its bounds and does no harm to rows.
fn read_as_everything(bytes: &[u8]) {
    let _ = codec::decode::<PeerMessage>(bytes);
    let _ = codec::decode::<Request>(bytes).map(|request| format!("{request:?}").len());
    let _ = codec::decode::<Response>(bytes).map(|response| match response.result {
        Ok(_) => 0,
        Err(refusal) => refusal.to_string().len(),
    });
    for shape in SHAPES {
        if let Ok(row) = Row::decode(shape, bytes) {
            let mut again = Vec::new();
            row.encode(&mut again);
            assert_eq!(Row::decode(shape, &again), Ok(row));
        }
    }
    if let Ok(record) = Record::decode(bytes, actor(1), &previous()) {
        assert!(record.effects.len() <= EFFECTS_MAX && record.deps.len() <= ACTORS_MAX);
        let mut rows = MemoryRows::default();
        let stamp = Stamp { dot: record.dot, hlc: record.hlc, ctx: record.ctx() };
        apply(&mut rows, stamp, &record.effects).unwrap();
        for (key, row) in rows.iter() {
            let mut stored = Vec::new();
            row.encode(&mut stored);
            let shape = RowKey::shape_of(key.as_bytes()).expect("only rows of this version come to be");
            assert_eq!(Row::decode(shape, &stored).as_ref(), Ok(row), "and each can be read again");
        }
    }
}

fn document<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    codec::encode(&mut out, value);
    out
}

/// One of every document there is.
fn documents() -> Vec<Vec<u8>> {
    let mut all = vec![values::record().encode(&previous()).bytes.to_vec()];
    for (_, effect) in values::effects() {
        let mut record = values::record();
        record.effects = vec![effect];
        all.push(record.encode(&previous()).bytes.to_vec());
    }
    all.extend(values::peer_messages().iter().map(|(_, message)| document(message)));
    all.extend(values::bodies().into_iter().map(|(_, body)| document(&Request { id: 1, body })));
    all.extend(values::outcomes().into_iter().map(|(_, outcome)| document(&Response { id: 1, result: Ok(outcome) })));
    all.extend(values::refusals().into_iter().map(|refusal| document(&Response { id: 1, result: Err(refusal) })));
    all.extend(values::rows().into_iter().map(|(_, _, row)| {
        let mut out = Vec::new();
        row.encode(&mut out);
        out
    }));
    all
}

/// One thing done to a document.
#[derive(Debug, Clone)]
enum Damage {
    Put(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    // Bytes that mean something to MessagePack come up more often than by chance.
    let byte = prop_oneof![any::<u8>(), 0x80..=0x9f_u8, 0xc0..=0xdf_u8];
    prop_oneof![
        (any::<prop::sample::Index>(), byte.clone()).prop_map(|(at, byte)| Damage::Put(at, byte)),
        (any::<prop::sample::Index>(), prop::collection::vec(byte, 1..6))
            .prop_map(|(at, more)| Damage::Insert(at, more)),
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, n)| Damage::Cut(at, n)),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Put(at, byte) => *at.get_mut(&mut bytes) = *byte,
            Damage::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Cut(at, n) => {
                let at = at.index(bytes.len());
                let end = bytes.len().min(at + usize::from(*n % 8));
                bytes.drain(at..end);
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_as_everything(&bytes);
        read_as_everything(&[&[1], &bytes[..]].concat());
    }

    #[test]
    fn damaged_documents_do_no_harm(
        which in any::<prop::sample::Index>(), damages in prop::collection::vec(damage(), 1..4),
    ) {
        read_as_everything(&damaged(which.get(&documents()).clone(), &damages));
    }
}

#[test]
fn documents_cut_short_are_refused_everywhere() {
    for document in documents() {
        for cut in 0..document.len() {
            read_as_everything(&document[..cut]);
            assert!(codec::decode::<Request>(&document[..cut]).is_err());
            assert!(Record::decode(&document[..cut], actor(1), &previous()).is_err());
        }
    }
}

#[test]
fn lengths_that_are_claimed_and_not_there_are_refused_before_they_are_allocated() {
    // Every byte of every document in turn begins a list, a map, bytes or text of 4 GiB.
    for document in documents() {
        for at in 1..document.len() {
            for head in [0xdd, 0xdf, 0xc6, 0xdb] {
                let claim = [&document[..at], &[head, 0xff, 0xff, 0xff, 0xff], &document[at + 1..]].concat();
                read_as_everything(&claim);
                assert!(codec::decode::<Request>(&claim).is_err());
            }
        }
    }
}

#[test]
fn nesting_past_the_limit_is_refused() {
    let nested = |depth: usize| [vec![1], vec![0x91; depth], vec![0xc0]].concat();
    assert!(codec::decode::<serde::de::IgnoredAny>(&nested(DEPTH_MAX / 2)).is_ok());
    for depth in [DEPTH_MAX + 1, 1_000_000] {
        assert!(codec::decode::<serde::de::IgnoredAny>(&nested(depth)).is_err(), "{depth}");
        read_as_everything(&nested(depth));
    }
}

#[test]
fn a_vector_lists_each_actor_once_in_order_and_nothing_unseen() {
    let reads = |entries: &[(u64, u64)]| codec::decode::<VersionVector>(&document(&entries)).is_ok();
    assert!(reads(&[]) && reads(&[(1, 4), (2, 9)]));
    assert!(!reads(&[(2, 9), (1, 4)]) && !reads(&[(1, 4), (1, 4)]) && !reads(&[(1, 0)]));
}

#[test]
fn an_escrow_survives_whatever_it_is_worth() {
    let granted: BTreeMap<ActorId, u64> = (0..9).map(|n| (ActorId::from_u64(n), u64::MAX)).collect();
    let generation = (0..9).map(|n| {
        let escrow = halcyon_crdt::Escrow { granted: granted.clone(), used: u64::MAX };
        (ActorId::from_u64(n), escrow)
    });
    let generation = generation.collect();
    assert_eq!(halcyon_crdt::escrow::value(&generation), 0);
    assert_eq!(halcyon_crdt::escrow::rights(&generation, ActorId::from_u64(3)), 0);
}
