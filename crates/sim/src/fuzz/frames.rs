//! Whatever a frame holds: what can be read is written again to the same meaning, is no deeper and not much larger than the
//! bytes that it came from, and can be told to people.

use std::fmt::Debug;

use halcyon_crdt::{Answer, Effect, Object, Op, Query};
use halcyon_types::VersionVector;
use halcyon_types::limits::{DEPTH_MAX, RANGE_BYTES_MAX};
use halcyon_wire::{PeerMessage, Request, Response, Session, codec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::msgpack;

/// What is written is at most so many times what was read: a kind may be given by its number and is written by its name.
const GROWTH_MAX: usize = 16;
/// A refusal ends up in logs: it may quote what it refuses, and not all of it.
const REFUSAL_BYTES_MAX: usize = 1024;

/// Panics where a law is violated: something was read that is not written again to the same meaning, or is larger or deeper than what it was read from.
pub(super) fn body(data: &[u8]) {
    if let Some(PeerMessage::Range(range)) = reads_back::<PeerMessage>(data) {
        assert!(range.bytes() <= data.len().max(RANGE_BYTES_MAX), "more records than bytes, and than a packed range");
        assert!(range.last() >= range.first.previous());
    }
    reads_back::<Request>(data);
    if let Some(Response { result: Err(refusal), .. }) = reads_back::<Response>(data) {
        // Its words may be none: some refusals carry their own.
        drop(refusal.to_string());
        assert!(!refusal.name().is_empty());
    }
    reads_back::<Op>(data);
    reads_back::<Query>(data);
    reads_back::<Answer>(data);
    if let Some(effect) = reads_back::<Effect>(data) {
        let _ = effect.check();
    }
    if let Some(object) = reads_back::<Object>(data) {
        let _ = object.check();
    }
    reads_back::<Session>(data);
    reads_back::<VersionVector>(data);
}

/// Reads a document and holds it to the laws of every document.
///
/// # Panics
/// It breaks one.
pub fn reads_back<T: Serialize + DeserializeOwned + Debug>(data: &[u8]) -> Option<T> {
    let value: T = match codec::decode(data) {
        Ok(value) => value,
        Err(error) => {
            assert!(error.to_string().len() < REFUSAL_BYTES_MAX, "a refusal that repeats what it was given");
            return None;
        }
    };
    let depth = data.get(1..).and_then(msgpack::depth);
    assert!(depth.is_some_and(|depth| depth <= DEPTH_MAX), "read, but {depth:?} deep: {value:?}");
    let written = write(&value);
    assert!(written.len() <= GROWTH_MAX * data.len() + 16, "{} bytes became {}", data.len(), written.len());
    let again: T = codec::decode(&written).unwrap_or_else(|error| panic!("{error}: {value:?}"));
    // By their bytes: a number that is none equals nothing, itself included.
    assert_eq!(write(&again), written, "read otherwise than written: {value:?}");
    Some(value)
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    codec::encode(&mut out, value);
    out
}
