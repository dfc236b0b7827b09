//! Where a scan goes on, as a word that can be given back: a key may hold anything, so its bytes in hexadecimal.

use crate::hex;

/// The word for a key to go on behind.
pub(super) fn print(key: &[u8]) -> String {
    hex(key)
}

/// The key of a word; `None` if no page of keys that begin with `beginning` has told it.
pub(super) fn parse(word: &str, beginning: &str) -> Option<Vec<u8>> {
    let digits = word.is_ascii().then_some(word.as_bytes()).filter(|digits| digits.len().is_multiple_of(2))?;
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let key: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    // As it was printed, so that one place has one word: no sign, no capitals.
    key.filter(|key| !key.is_empty() && key.starts_with(beginning.as_bytes()) && print(key) == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_told_and_nothing_else_does() {
        assert_eq!(parse(&print(b"cart:\xFF"), "cart:"), Some(b"cart:\xFF".to_vec()));
        for bad in ["", "x", "6", "6k", "+6", "6K", "ü", "6B"] {
            assert_eq!(parse(bad, ""), None, "{bad}");
        }
        assert_eq!(parse(&print(b"cart:1"), "net:"), None, "of another prefix");
    }
}
