//! `MessagePack` from outside: where each value of a document stands, so that a mutation can be one of a value, and how
//! deep it goes, judged by somebody other than the decoder. <https://github.com/msgpack/msgpack/blob/master/spec.md>

/// A value of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Where its head begins.
    pub at: usize,
    /// Bytes of its head: the marker, and a length or a number.
    pub head: usize,
    /// Where it ends, with all that is in it.
    pub end: usize,
    /// How many containers it stands in.
    pub depth: usize,
}

/// More values than any document of ours that a fuzzer makes.
const NODES_MAX: usize = 1 << 16;

/// Bytes of the head at the beginning of `bytes`, bytes of a body behind it, and values that it holds.
fn head(bytes: &[u8]) -> Option<(usize, usize, usize)> {
    let number = |len: usize| {
        let digits = bytes.get(1..=len)?;
        Some(digits.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let marker = *bytes.first()?;
    let small = usize::from(marker);
    Some(match marker {
        0x80..=0x8f => (1, 0, 2 * (small & 0x0f)),
        0x90..=0x9f => (1, 0, small & 0x0f),
        0xa0..=0xbf => (1, small & 0x1f, 0),
        0xc4 | 0xd9 => (2, number(1)?, 0),
        0xc5 | 0xda => (3, number(2)?, 0),
        0xc6 | 0xdb => (5, number(4)?, 0),
        0xc7 => (3, number(1)?, 0),
        0xc8 => (4, number(2)?, 0),
        0xc9 => (6, number(4)?, 0),
        0xcc | 0xd0 => (2, 0, 0),
        0xcd | 0xd1 => (3, 0, 0),
        0xce | 0xd2 | 0xca => (5, 0, 0),
        0xcf | 0xd3 | 0xcb => (9, 0, 0),
        0xd4..=0xd8 => (2, 1 << (small - 0xd4), 0),
        0xdc => (3, 0, number(2)?),
        0xdd => (5, 0, number(4)?),
        0xde => (3, 0, number(2)?.saturating_mul(2)),
        0xdf => (5, 0, number(4)?.saturating_mul(2)),
        _ => (1, 0, 0),
    })
}

/// Every value of the document that `bytes` begin with, in the order of their heads; `None` if it is none. The first is the
/// whole document.
pub fn nodes(bytes: &[u8]) -> Option<Vec<Node>> {
    let (mut nodes, mut at): (Vec<Node>, usize) = (Vec::new(), 0);
    // Containers that are open: which, and how many values are still to come.
    let mut open: Vec<(usize, usize)> = Vec::new();
    loop {
        let (head, body, values) = head(bytes.get(at..)?)?;
        let end = at.checked_add(head)?.checked_add(body).filter(|end| *end <= bytes.len())?;
        if nodes.len() >= NODES_MAX || values > bytes.len() {
            return None;
        }
        nodes.push(Node { at, head, end, depth: open.len() });
        at = end;
        if values > 0 {
            open.push((nodes.len() - 1, values));
            continue;
        }
        loop {
            let Some((container, left)) = open.last_mut() else { return Some(nodes) };
            *left -= 1;
            if *left > 0 {
                break;
            }
            if let Some(container) = nodes.get_mut(*container) {
                container.end = at;
            }
            open.pop();
        }
    }
}

/// How many containers the deepest value of a document stands in; `None` if it is no document.
pub fn depth(bytes: &[u8]) -> Option<usize> {
    nodes(bytes)?.iter().map(|node| node.depth).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_document_is_found() {
        // [1, {"a": [nil]}, bin 2 bytes], and a byte behind it.
        let bytes = [0x93, 0x01, 0x81, 0xa1, b'a', 0x91, 0xc0, 0xc4, 2, 7, 7, 0xff];
        let found: Vec<_> = nodes(&bytes).unwrap().iter().map(|n| (n.at, n.head, n.end, n.depth)).collect();
        let all = [(0, 1, 11, 0), (1, 1, 2, 1), (2, 1, 7, 1), (3, 1, 5, 2), (5, 1, 7, 2), (6, 1, 7, 3), (7, 2, 11, 1)];
        assert_eq!(found, all);
        assert_eq!(depth(&bytes), Some(3));
        for cut in 0..11 {
            assert_eq!(nodes(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(nodes(&[0xdd, 0xff, 0xff, 0xff, 0xff]), None, "what is claimed and not there");
    }
}
