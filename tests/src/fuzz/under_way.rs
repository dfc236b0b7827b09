//! The input under way, in a file: what is left of it where the process ends with it, or never comes to an end.
//!
//! Written before each input and never synced: the kernel keeps what a process wrote, and a microsecond is no price.
//!
//! ```text
//! target ‖ newline ‖ length:u64le ‖ input, then what is left of longer ones
//! ```

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The file. It is gone once its campaign has come to an end.
#[derive(Debug)]
pub struct UnderWay {
    path: PathBuf,
    file: File,
    bytes: Vec<u8>,
}

impl UnderWay {
    /// Begins the file at `path`.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn create(path: &Path) -> Self {
        let file = File::create(path).expect("a file for the input under way");
        Self { path: path.to_owned(), file, bytes: Vec::new() }
    }

    /// This one now.
    pub(super) fn note(&mut self, target: &str, input: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(target.as_bytes());
        self.bytes.push(b'\n');
        self.bytes.extend_from_slice(&(input.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(input);
        self.file.write_all_at(&self.bytes, 0).expect("the input under way can be noted");
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // That it stays is no harm: the next campaign has another.
        let _ = fs::remove_file(&self.path);
    }
}

/// Target and input, if there is one under way.
pub(super) fn read(path: &Path) -> Option<(String, Vec<u8>)> {
    let bytes = fs::read(path).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (target, rest) = (bytes.get(..end)?, bytes.get(end + 1..)?);
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let input = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    Some((String::from_utf8(target.to_vec()).ok()?, input.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_input_is_found_behind_longer_ones_and_nothing_once_all_have_ended() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("under-way");
        let mut under_way = UnderWay::create(&path);
        assert_eq!(read(&path), None);
        for input in [&b"a\nlong one"[..], b"short", b""] {
            under_way.note("frames", input);
            assert_eq!(read(&path), Some(("frames".to_owned(), input.to_vec())));
        }
        drop(under_way);
        assert_eq!(read(&path), None);
    }
}
