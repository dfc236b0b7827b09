//! Ranges of records on the wire: any of them survives, what an operation costs there, and what no sender packs.

use std::collections::BTreeMap;

use bytes::Bytes;
use halcyon_crdt::{Effect, Number, Object};
use halcyon_types::limits::{PACKED_BYTES_MAX, RANGE_BYTES_MAX};
use halcyon_types::{Dot, Hlc, RequestId, Seq, UnixMs, VersionVector};
use halcyon_wire::{DecodeError, PeerMessage, Range, Record, codec};
use proptest::prelude::*;
use serde_bytes::ByteBuf;

use crate::values::{T, actor, keyspace};

fn document(records: &[Bytes]) -> Vec<u8> {
    let mut out = Vec::new();
    let range = Range { actor: actor(1), first: Seq(5), records: records.to_vec() };
    codec::encode(&mut out, &PeerMessage::Range(range));
    out
}

fn read(document: &[u8]) -> Result<Vec<Bytes>, DecodeError> {
    codec::decode(document).map(|message| match message {
        PeerMessage::Range(range) => range.records,
        other => panic!("{other:?}"),
    })
}

/// Bytes that resemble nothing.
struct Noise(blake3::OutputReader);

impl Noise {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

/// As many records as a range holds, of one second: each of a key of 16 bytes, and whatever `effect` does to it.
fn written(effect: impl Fn(&Object, &mut Noise) -> Effect) -> Vec<Bytes> {
    let mut noise = Noise(blake3::Hasher::new().finalize_xof());
    let (actor, start, per_ms) = (actor(1), 5_000_000, 100);
    let mut deps: VersionVector = [(actor, Seq(start - 1))].into_iter().collect();
    let mut bytes = 0;
    let record = |n: u64| {
        let previous = deps.clone();
        deps.set(actor, Seq(start + n));
        let at = UnixMs(T.0 + n / per_ms);
        let object = Object::new(keyspace(), Bytes::from(noise.take::<16>().to_vec()));
        let record = Record {
            dot: Dot { actor, seq: Seq(start + n + 1) },
            hlc: Hlc::from_parts(at, n % per_ms).unwrap(),
            deps: deps.clone(),
            ctx: None,
            request: Some(RequestId::mint(UnixMs(at.0 - 2), &noise.take())),
            effects: vec![effect(&object, &mut noise)],
        };
        record.encode(&previous).bytes
    };
    let fits = |record: &Bytes| {
        bytes += record.len();
        bytes <= RANGE_BYTES_MAX
    };
    (0..1000).map(record).take_while(fits).collect()
}

fn register(object: &Object, noise: &mut Noise) -> Effect {
    Effect::Assign { row: object.register(), expiry: None, payload: Bytes::from(noise.take::<64>().to_vec()) }
}

fn increment(object: &Object, noise: &mut Noise) -> Effect {
    let before = i64::from(noise.take::<1>()[0] % 8);
    let prev_seq = Seq(1_000_000 + u64::from(u32::from_be_bytes(noise.take()) % 4_000_000));
    let (before, after) = (Number::Whole(before), Number::Whole(before + 1));
    Effect::Inc { counter: object.counter(), prev_seq, before, after }
}

fn set_add(object: &Object, noise: &mut Noise) -> Effect {
    Effect::Assign { row: object.element(&noise.take::<8>()), expiry: None, payload: Bytes::new() }
}

#[test]
fn a_batched_operation_costs_a_link_few_bytes() {
    let costs = |name, records: Vec<Bytes>, bytes_max: usize| {
        for batch in [100, records.len()] {
            let records = &records[..batch];
            let document = document(records);
            let unpacked: usize = records.iter().map(Bytes::len).sum();
            let per = |bytes: usize| format!("{}.{}", bytes / batch, bytes * 10 / batch % 10);
            println!("{name}, {batch} at once: {} bytes, {} on the link", per(unpacked), per(document.len()));
            assert!(document.len() <= bytes_max * batch, "{name}: {} bytes", document.len());
            assert_eq!(read(&document).as_deref(), Ok(records), "{name}");
        }
    };
    // What the datagrams around it cost is a twentieth more.
    costs("register of 64 bytes", written(register), 104);
    costs("increment", written(increment), 47);
    costs("set add of 8 bytes", written(set_add), 52);
}

#[test]
fn ranges_of_any_size_survive() {
    let records = written(increment);
    for count in 0..200 {
        let records = &records[..count];
        assert_eq!(read(&document(records)).as_deref(), Ok(records), "{count} records");
    }
    for length in [0, 1, 65, 4096, RANGE_BYTES_MAX / 2 - 1, RANGE_BYTES_MAX / 2, RANGE_BYTES_MAX - 1, RANGE_BYTES_MAX] {
        for count in [1, 2, 3] {
            let records = vec![Bytes::from(vec![7; length]); count];
            assert_eq!(read(&document(&records)), Ok(records), "{count} records of {length} bytes");
        }
    }
}

/// A record, or what a peer says is one: of few or of many different bytes.
fn any_record() -> impl Strategy<Value = Bytes> {
    let bytes = prop_oneof![
        prop::collection::vec(0..3_u8, 0..200),
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(0..3_u8, 0..5000),
    ];
    bytes.prop_map(Bytes::from)
}

proptest! {
    #[test]
    fn any_range_survives(records in prop::collection::vec(any_record(), 0..80)) {
        prop_assert_eq!(read(&document(&records)), Ok(records));
    }

    #[test]
    fn no_packed_bytes_do_harm(count in 0..200_u64, declared in 0..20_000_u64, block in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(records) = read(&claim(count, declared, &block)) {
            prop_assert_eq!(records.len() as u64, count);
            prop_assert!(records.iter().map(Bytes::len).sum::<usize>() as u64 <= declared);
        }
    }
}

/// A range that says to be packed.
fn claim(count: u64, declared: u64, block: &[u8]) -> Vec<u8> {
    let packed = BTreeMap::from([("z", (count, declared, ByteBuf::from(block)))]);
    let mut out = Vec::new();
    codec::encode(&mut out, &BTreeMap::from([("r", (actor(1), Seq(5), packed))]));
    out
}

/// What is refused, and what is said of it. The unpacking itself has its own table, in `pack.rs`.
#[test]
fn p10_no_allocation_follows_a_size_that_a_peer_declares() {
    let refused = |document: &[u8]| match read(document) {
        Err(DecodeError::Malformed { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let bomb = lz4_flex::block::compress(&vec![0; 64 * 1024 * 1024]);
    assert!(bomb.len() < 300_000, "it fits a frame");
    // Sizes that no machine has: whoever allocated them would not get as far as an error.
    for declared in [PACKED_BYTES_MAX as u64 + 1, 64 * 1024 * 1024, 1 << 62, u64::MAX] {
        assert!(refused(&claim(2, declared, &bomb)).contains("is the most"), "{declared}");
        assert!(refused(&claim(declared, 1000, &bomb)).contains("claim to be"), "{declared}");
    }
    for declared in [132, 1000, PACKED_BYTES_MAX as u64] {
        assert!(refused(&claim(2, declared, &bomb)).contains("LZ4 block"), "more than the {declared} it claims");
    }
    let noughts = lz4_flex::block::compress(&[0; 1000]);
    assert!(refused(&claim(2, 1001, &noughts)).contains("LZ4 block"), "less than it claims");
    assert!(refused(&claim(2, 1000, &noughts)).contains("lengths"), "no lengths");
    assert!(refused(&claim(2, 1000, b"")).contains("LZ4 block"), "nothing");
    assert!(refused(&claim(2, 1000, &[0xff; 99])).contains("LZ4 block"), "garbage");
    let nested = claim(2, 132, &claim(2, 132, &lz4_flex::block::compress(&[0; 132])));
    assert!(refused(&nested).contains("LZ4 block"), "a range in a range");
    let trailing = [&document(&[Bytes::from_static(b"abc")])[..], b"x"].concat();
    assert_eq!(read(&trailing), Err(DecodeError::Trailing { bytes: 1 }));
    // Fifteen records of no bytes: a packed range that is one.
    assert_eq!(read(&claim(15, 990, &lz4_flex::block::compress(&[0; 990]))), Ok(vec![Bytes::new(); 15]));
}

#[test]
fn records_unpack_to_one_buffer_and_no_more() {
    let records = read(&document(&written(increment))).unwrap();
    for pair in records.windows(2) {
        assert_eq!(pair[0].as_ptr_range().end, pair[1].as_ptr(), "one behind the other");
    }
}
