//! The bytes of every format, checked in: what was written yesterday is read today, and what is written today is the same.
//!
//! A test that fails here after a release means a new version byte, not a new fixture. Until then: the failure tells the
//! lines to put into `format.txt`.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

use halcyon_crdt::Row;
use halcyon_types::Seq;
use halcyon_wire::{Record, Request, Response, codec};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::values::{self, actor};

const FIXTURES: &str = include_str!("format.txt");

/// What is checked in, and what is written today.
struct Golden {
    fixtures: BTreeMap<&'static str, &'static str>,
    wrong: String,
}

impl Golden {
    /// The fixtures whose names begin so.
    fn of(beginnings: &[&str]) -> Self {
        let lines = FIXTURES.lines().filter_map(|line| line.split_once(" = "));
        let ours = |name: &str| beginnings.iter().any(|beginning| name.starts_with(beginning));
        Self { fixtures: lines.filter(|(name, _)| ours(name)).collect(), wrong: String::new() }
    }

    /// The bytes checked in under `name`, if `written` is what they are.
    fn take(&mut self, name: &str, written: &[u8]) -> Option<Vec<u8>> {
        let written = hex(written);
        if self.fixtures.remove(name) == Some(&written) {
            return Some(bytes(&written));
        }
        writeln!(self.wrong, "{name} = {written}").unwrap();
        None
    }

    fn document<T: Serialize + DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, value: &T) {
        let mut written = Vec::new();
        codec::encode(&mut written, value);
        assert_eq!(codec::decode::<T>(&written).as_ref(), Ok(value), "{name}: read otherwise than written");
        self.take(name, &written);
    }

    fn finish(self) {
        assert!(self.wrong.is_empty(), "written otherwise than checked in:\n{}", self.wrong);
        assert!(self.fixtures.is_empty(), "checked in, but written by nothing: {:?}", self.fixtures.keys());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn messages_between_regions_have_the_bytes_they_always_had() {
    let mut golden = Golden::of(&["peer."]);
    for (name, message) in values::peer_messages() {
        golden.document(name, &message);
    }
    golden.finish();
}

#[test]
fn requests_have_the_bytes_they_always_had() {
    let mut golden = Golden::of(&["body.", "op.", "query."]);
    for (name, body) in values::bodies() {
        golden.document(name, &Request { id: 1, body });
    }
    for (name, op) in values::ops() {
        golden.document(name, &op);
    }
    for (name, query) in values::queries() {
        golden.document(name, &query);
    }
    golden.finish();
}

#[test]
fn responses_have_the_bytes_they_always_had() {
    let mut golden = Golden::of(&["outcome.", "answer.", "refusal."]);
    for (name, outcome) in values::outcomes() {
        golden.document(name, &Response { id: 1, result: Ok(outcome) });
    }
    for (name, answer) in values::answers() {
        golden.document(name, &answer);
    }
    for refusal in values::refusals() {
        let name = format!("refusal.{}", refusal.name());
        golden.document(&name, &Response { id: 1, result: Err(refusal) });
    }
    golden.finish();
}

#[test]
fn records_and_their_effects_have_the_bytes_they_always_had() {
    let mut golden = Golden::of(&["effect.", "record"]);
    for (name, effect) in values::effects() {
        assert_eq!(effect.check(), Ok(()), "{name}");
        golden.document(name, &effect);
    }
    let previous = [(actor(1), Seq(3))].into_iter().collect();
    let record = values::record();
    if let Some(bytes) = golden.take("record", &record.encode(&previous).bytes) {
        assert_eq!(Record::decode(&bytes, actor(1), &previous), Ok(record));
    }
    golden.finish();
}

#[test]
fn rows_have_the_bytes_they_always_had() {
    let mut golden = Golden::of(&["row."]);
    for (name, shape, row) in values::rows() {
        let mut written = Vec::new();
        row.encode(&mut written);
        if let Some(bytes) = golden.take(name, &written) {
            assert_eq!(Row::decode(shape, &bytes), Ok(row), "{name}");
        }
    }
    golden.finish();
}
