//! The trace of a run: a hash over everything that happens, and the same in words if somebody wants to read it.

use std::fmt::Write as _;
use std::time::Duration;

use halcyon_types::RegionId;

/// A running hash.
#[derive(Debug, Default)]
pub(super) struct Trace {
    hasher: blake3::Hasher,
    text: Option<String>,
}

impl Trace {
    /// One that also keeps the words.
    pub(super) fn in_words() -> Self {
        Self { text: Some(String::new()), ..Self::default() }
    }

    /// Something happens at a region, with these bytes; `words` are only looked for if somebody reads them.
    pub(super) fn tell(
        &mut self,
        now: Duration,
        region: Option<RegionId>,
        what: &'static str,
        bytes: &[u8],
        words: impl FnOnce() -> String,
    ) {
        let mut head = [0; 32];
        let region = region.map_or(0, RegionId::get);
        for (to, from) in head.iter_mut().zip(
            now.as_nanos()
                .to_le_bytes()
                .into_iter()
                .chain(region.to_le_bytes())
                .chain((bytes.len() as u64).to_le_bytes()),
        ) {
            *to = from;
        }
        self.hasher.update(&head).update(what.as_bytes()).update(bytes);
        if let Some(text) = &mut self.text {
            let _ = writeln!(text, "{:>11.6} s  {region:>2}  {what:<9} {}", now.as_secs_f64(), words());
        }
    }

    pub(super) fn hash(&self) -> blake3::Hash {
        self.hasher.finalize()
    }

    pub(super) fn take_words(&mut self) -> String {
        self.text.take().unwrap_or_default()
    }
}
