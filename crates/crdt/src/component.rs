//! One part of a row key: bytes that order as they are and end by themselves.
//!
//! Each `00` is written as `00 FF`, and the end as `00 01`.

use crate::key::KeyError;

const TERMINATOR: [u8; 2] = [0x00, 0x01];
const ESCAPED_ZERO: [u8; 2] = [0x00, 0xFF];

pub(crate) fn check(what: &'static str, bytes: &[u8], max: usize) -> Result<(), KeyError> {
    match bytes.len() {
        0 => Err(KeyError::Empty { what }),
        n if n > max => Err(KeyError::TooLong { what, bytes: n, max }),
        _ => Ok(()),
    }
}

pub(crate) fn push(out: &mut Vec<u8>, component: &[u8]) {
    let mut rest = component;
    while let Some(zero) = rest.iter().position(|byte| *byte == 0) {
        let (head, tail) = rest.split_at(zero);
        out.extend_from_slice(head);
        out.extend_from_slice(&ESCAPED_ZERO);
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&TERMINATOR);
}

/// The encoded length of the component at the front of `bytes`, its terminator included.
pub(crate) fn encoded_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0)?;
        match bytes.get(at + 1)? {
            0x01 => return Some(at + 2),
            0xFF => at += 2,
            _ => return None,
        }
    }
}

/// As [`encoded_len`], of a component that names something: neither empty nor, unescaped, longer than `max`.
pub(crate) fn named_len(bytes: &[u8], max: usize) -> Option<usize> {
    let taken = encoded_len(bytes)?;
    let encoded = taken.checked_sub(TERMINATOR.len())?;
    let fits = encoded <= max || first(bytes).is_some_and(|component| component.len() <= max);
    (encoded > 0 && fits).then_some(taken)
}

/// The component at the front of `bytes`, unescaped.
pub(crate) fn first(bytes: &[u8]) -> Option<Vec<u8>> {
    let encoded = bytes.get(..encoded_len(bytes)?.checked_sub(TERMINATOR.len())?)?;
    let mut component = Vec::with_capacity(encoded.len());
    let mut escaped = false;
    for byte in encoded {
        // The byte after a zero is the FF of its escape.
        if !std::mem::take(&mut escaped) {
            component.push(*byte);
            escaped = *byte == 0;
        }
    }
    Some(component)
}
