//! The keys and values that are the store's own. Rows are the kernel's (`halcyon_crdt::key`, `halcyon_crdt::row`), records
//! are the wire's. Every value begins with a version byte.
//!
//! ```text
//! state   row key (keyspace:u32be ≥ 1 ‖ …)      row value
//!         00000000 ‖ 'v'                         01 ‖ vector                            version vector
//!         00000000 ‖ 'a' ‖ actor:u64be           01 ‖ seq:u64be ‖ hash[32] ‖ vector     head of a log, with deps
//!         00000000 ‖ 'p'                         01 ‖ ms:u64be                          requests minted before are forgotten
//! log     actor:u64be ‖ seq:u64be                the record as first encoded
//! local   'i'                                    01 ‖ node[16] ‖ actor:u64be ‖ region:u16be
//!                                                   ‖ len:u8 ‖ cluster ‖ len:u8 ‖ region's name
//!         'c'                                    01 ‖ hlc:u64be                         clock ceiling
//!         'd'                                    02                                     derived rows are complete
//!         'f'                                    01 ‖ vector                            up to where logs are truncated
//! derived see `derived.rs`
//! requests request[16]                           01 ‖ actor:u64be ‖ seq:u64be           the record it became
//! vector  = entries:u32be ‖ (actor:u64be ‖ seq:u64be)*   ascending actors, no seq of zero
//! ```
//!
//! Request ids are UUID v7: their keys stand in mint order, so that old ones are one range.

use halcyon_types::{ActorId, Dot, Hlc, Seq, UnixMs, VersionVector};
use halcyon_wire::ChainHash;

use crate::cells::{Cell, CellError};

/// The version byte of the values drawn above.
pub(crate) const VALUE_VERSION: u8 = 1;
/// The version vector's key.
pub(crate) const VV_KEY: [u8; 5] = [0, 0, 0, 0, b'v'];
/// The identity's key.
pub(crate) const IDENTITY_KEY: [u8; 1] = *b"i";
/// The key of the mint time before which requests are forgotten.
pub(crate) const FORGOTTEN_KEY: [u8; 5] = *b"\0\0\0\0p";
/// The clock ceiling's key.
pub(crate) const CEILING_KEY: [u8; 1] = *b"c";
/// The key of the vector up to which records have been dropped from the logs.
pub(crate) const FLOORS_KEY: [u8; 1] = *b"f";
/// The key of the mark that derived rows are complete.
pub(crate) const DERIVED_KEY: [u8; 1] = *b"d";
/// What is derived, and how.
pub(crate) const DERIVED_VERSION: u8 = 2;
/// Where rows begin: keyspace 1. Everything below is the system's own.
pub(crate) const ROWS_FROM: [u8; 4] = [0, 0, 0, 1];
/// Where requests once stood among the rows, each behind the first of these.
pub(crate) const FORMER_REQUESTS: ([u8; 5], [u8; 5]) = ([0, 0, 0, 0, b'q'], [0, 0, 0, 0, b'r']);
/// Where heads begin and end.
pub(crate) const HEADS: ([u8; 5], [u8; 5]) = ([0, 0, 0, 0, b'a'], [0, 0, 0, 0, b'b']);

/// The end of an actor's log: what the next record of it is read, chained and checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last record.
    pub seq: Seq,
    /// Its deps.
    pub deps: VersionVector,
    /// The chain hash up to and with it.
    pub hash: ChainHash,
}

impl Head {
    /// The head of `actor`'s log before its first record.
    pub fn genesis(actor: ActorId) -> Self {
        Self { seq: Seq::ZERO, deps: VersionVector::new(), hash: ChainHash::genesis(actor) }
    }
}

pub(crate) fn head_key(actor: ActorId) -> [u8; 13] {
    let mut key = [0, 0, 0, 0, b'a', 0, 0, 0, 0, 0, 0, 0, 0];
    fill(&mut key, 5, &actor.as_u64().to_be_bytes());
    key
}

/// The first key that a request minted at `at` or later can have.
pub(crate) fn requests_from(at: UnixMs) -> [u8; 6] {
    // A UUID v7 begins with 48 bits of milliseconds.
    let [_, _, ms @ ..] = at.0.min((1 << 48) - 1).to_be_bytes();
    ms
}

/// When the request was minted that the key of one names.
pub(crate) fn request_minted_at(key: &[u8]) -> Option<UnixMs> {
    let ms = *key.first_chunk::<6>()?;
    Some(UnixMs(ms.into_iter().fold(0, |ms, byte| ms << 8 | u64::from(byte))))
}

pub(crate) fn log_key(dot: Dot) -> [u8; 16] {
    let mut key = [0; 16];
    fill(&mut key, 0, &dot.actor.as_u64().to_be_bytes());
    fill(&mut key, 8, &dot.seq.0.to_be_bytes());
    key
}

/// Where the log of `actor` begins with `seq`; behind all of it, if there is no such seq.
pub(crate) fn log_bound(actor: ActorId, seq: Option<Seq>) -> [u8; 16] {
    match seq {
        Some(seq) => log_key(Dot { actor, seq }),
        None => log_key(Dot { actor: ActorId::from_u64(actor.as_u64().saturating_add(1)), seq: Seq::ZERO }),
    }
}

fn fill(key: &mut [u8], at: usize, part: &[u8]) {
    for (to, from) in key.iter_mut().skip(at).zip(part) {
        *to = *from;
    }
}

/// The actor of a head's key.
pub(crate) fn head_actor(key: &[u8]) -> Option<ActorId> {
    let actor = key.strip_prefix(&HEADS.0)?;
    Some(ActorId::from_u64(u64::from_be_bytes(actor.try_into().ok()?)))
}

/// The seq of a log entry's key.
pub(crate) fn log_seq(key: &[u8]) -> Option<Seq> {
    let (_, seq) = key.split_last_chunk::<8>()?;
    Some(Seq(u64::from_be_bytes(*seq)))
}

/// What record a log entry's key is of.
pub(crate) fn log_dot(key: &[u8]) -> Option<Dot> {
    let (actor, seq) = key.split_first_chunk::<8>()?;
    let seq = Seq(u64::from_be_bytes(seq.try_into().ok()?));
    Some(Dot { actor: ActorId::from_u64(u64::from_be_bytes(*actor)), seq })
}

pub(crate) fn put_vv(out: &mut Vec<u8>, vv: &VersionVector) {
    out.push(VALUE_VERSION);
    put_entries(out, vv);
}

pub(crate) fn vv(value: &[u8]) -> Result<VersionVector, CellError> {
    let mut cell = Cell::open(value)?;
    entries(&mut cell)
}

pub(crate) fn put_head(out: &mut Vec<u8>, head: &Head) {
    out.push(VALUE_VERSION);
    out.extend_from_slice(&head.seq.0.to_be_bytes());
    out.extend_from_slice(head.hash.as_bytes());
    put_entries(out, &head.deps);
}

pub(crate) fn head(value: &[u8]) -> Result<Head, CellError> {
    let mut cell = Cell::open(value)?;
    Ok(Head { seq: Seq(cell.u64()?), hash: ChainHash::from_bytes(cell.array()?), deps: entries(&mut cell)? })
}

pub(crate) fn put_dot(out: &mut Vec<u8>, dot: Dot) {
    out.push(VALUE_VERSION);
    out.extend_from_slice(&log_key(dot));
}

pub(crate) fn dot(value: &[u8]) -> Result<Dot, CellError> {
    let mut cell = Cell::open(value)?;
    let dot = Dot { actor: ActorId::from_u64(cell.u64()?), seq: Seq(cell.u64()?) };
    cell.end()?;
    Ok(dot)
}

pub(crate) fn put_forgotten(out: &mut Vec<u8>, before: UnixMs) {
    out.push(VALUE_VERSION);
    out.extend_from_slice(&before.0.to_be_bytes());
}

pub(crate) fn forgotten(value: &[u8]) -> Result<UnixMs, CellError> {
    let mut cell = Cell::open(value)?;
    let before = UnixMs(cell.u64()?);
    cell.end()?;
    Ok(before)
}

pub(crate) fn put_ceiling(out: &mut Vec<u8>, ceiling: Hlc) {
    out.push(VALUE_VERSION);
    out.extend_from_slice(&ceiling.as_u64().to_be_bytes());
}

pub(crate) fn ceiling(value: &[u8]) -> Result<Hlc, CellError> {
    let mut cell = Cell::open(value)?;
    let ceiling = Hlc::from_u64(cell.u64()?);
    cell.end()?;
    Ok(ceiling)
}

pub(crate) fn put_entries(out: &mut Vec<u8>, vv: &VersionVector) {
    out.extend_from_slice(&u32::try_from(vv.len()).unwrap_or(u32::MAX).to_be_bytes());
    for (actor, seq) in vv.iter() {
        out.extend_from_slice(&log_key(Dot { actor, seq }));
    }
}

/// The rest of a cell as a vector: ascending actors, no zero, as equal vectors must have equal bytes.
pub(crate) fn entries(cell: &mut Cell<'_>) -> Result<VersionVector, CellError> {
    let mut vv = VersionVector::new();
    let mut last = None;
    for _ in 0..u32::from_be_bytes(cell.array()?) {
        let (actor, seq) = (ActorId::from_u64(cell.u64()?), Seq(cell.u64()?));
        if last >= Some(actor) || seq == Seq::ZERO {
            return Err(CellError::Disorder);
        }
        last = Some(actor);
        vv.set(actor, seq);
    }
    cell.end()?;
    Ok(vv)
}

#[cfg(test)]
mod tests {
    use halcyon_types::RequestId;

    use super::*;

    fn sample() -> VersionVector {
        [(ActorId::from_u64(3), Seq(9)), (ActorId::from_u64(7), Seq(1))].into_iter().collect()
    }

    #[test]
    fn values_survive_their_bytes_and_no_cut_of_them_is_read() {
        let mut bytes = Vec::new();
        put_vv(&mut bytes, &sample());
        assert_eq!(vv(&bytes), Ok(sample()));

        let head_of = Head { seq: Seq(4), deps: sample(), hash: ChainHash::genesis(ActorId::from_u64(1)) };
        bytes.clear();
        put_head(&mut bytes, &head_of);
        assert_eq!(head(&bytes), Ok(head_of));
        assert!((0..bytes.len()).all(|n| head(&bytes[..n]).is_err()));

        let at = Dot { actor: ActorId::from_u64(3), seq: Seq(9) };
        bytes.clear();
        put_dot(&mut bytes, at);
        assert_eq!(dot(&bytes), Ok(at));
        assert!((0..bytes.len()).all(|n| dot(&bytes[..n]).is_err()));
    }

    #[test]
    fn a_value_of_another_version_is_refused() {
        assert_eq!(vv(&[2]), Err(CellError::Version { found: 2 }));
        assert_eq!(vv(&[]), Err(CellError::Short));
        assert_eq!(vv(&[1, 0, 0, 0, 0]), Ok(VersionVector::new()));
        assert_eq!(vv(&[1, 0, 0, 0, 0, 0]), Err(CellError::Long));
    }

    #[test]
    fn a_vector_out_of_order_is_damage() {
        let mut bytes = vec![VALUE_VERSION, 0, 0, 0, 2];
        for actor in [7_u64, 3] {
            bytes.extend_from_slice(&actor.to_be_bytes());
            bytes.extend_from_slice(&1_u64.to_be_bytes());
        }
        assert_eq!(vv(&bytes), Err(CellError::Disorder));
    }

    #[test]
    fn request_keys_stand_in_mint_order() {
        let minted = |ms, random: u8| *RequestId::mint(UnixMs(ms), &[random; 10]).as_bytes();
        assert!(minted(1_000, 255) < minted(1_001, 0));
        let bound = requests_from(UnixMs(1_001));
        assert!(minted(1_000, 255)[..] < bound[..] && bound[..] <= minted(1_001, 0)[..]);
        assert_eq!(request_minted_at(&minted(1_001, 7)), Some(UnixMs(1_001)));
    }

    #[test]
    fn system_keys_lie_below_every_row() {
        assert!(VV_KEY[..] < ROWS_FROM[..]);
        let head = head_key(ActorId::from_u64(u64::MAX));
        assert!(HEADS.0[..] < head[..] && head[..] < HEADS.1[..]);
        assert_eq!(head_actor(&head), Some(ActorId::from_u64(u64::MAX)));
    }
}
