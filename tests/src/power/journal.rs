//! The library's journal, replayed: what is durable, and what is done but not yet durable.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A file or directory, as the file system numbers it. Nothing that matters is freed, so no number has two meanings.
pub(crate) type Ino = u64;

/// One change to a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// The name is there, for this file.
    Set { name: String, ino: Ino },
    /// The name is gone.
    Remove { name: String },
    /// Both at once.
    Rename { from: String, to: String, ino: Ino },
}

/// A directory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dir {
    /// What a power cut leaves for sure.
    pub(crate) durable: BTreeMap<String, Ino>,
    /// What no sync has made durable, in order, each with its number in its process (0: of an earlier process).
    pub(crate) pending: Vec<(u64, Change)>,
}

/// A file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    /// Its first bytes, as many as are durable.
    pub(crate) durable: u64,
    /// Ranges within that which a failed sync has lost: zeros after a power cut.
    pub(crate) lost: Vec<(u64, u64)>,
    /// What unsynced writes have replaced, where, in order.
    pub(crate) replaced: Vec<(u64, Vec<u8>)>,
    /// What it was before each cut-off that no sync has made final, in order.
    pub(crate) longer: Vec<Longer>,
    /// What is about to be cut off.
    about: Option<Longer>,
}

/// A file before it was cut off.
#[derive(Debug, Clone)]
pub(crate) struct Longer {
    /// Its first bytes, as many as were durable.
    pub(crate) durable: u64,
    /// As in [`Contents`].
    pub(crate) lost: Vec<(u64, u64)>,
    /// It was cut to so many bytes.
    pub(crate) left: u64,
    /// What was behind them, as a file aside.
    pub(crate) end: String,
}

/// What is known of a disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) root: Ino,
    pub(crate) dirs: BTreeMap<Ino, Dir>,
    pub(crate) files: BTreeMap<Ino, Contents>,
    events: u64,
}

impl Change {
    /// Makes the change.
    pub(crate) fn apply(&self, entries: &mut BTreeMap<String, Ino>) {
        match self {
            Self::Set { name, ino } => {
                entries.insert(name.clone(), *ino);
            }
            Self::Remove { name } => {
                entries.remove(name);
            }
            Self::Rename { from, to, ino } => {
                entries.remove(from);
                entries.insert(to.clone(), *ino);
            }
        }
    }

    const fn ino(&self) -> Option<Ino> {
        match self {
            Self::Set { ino, .. } | Self::Rename { ino, .. } => Some(*ino),
            Self::Remove { .. } => None,
        }
    }
}

impl Dir {
    /// What a process sees.
    pub(crate) fn current(&self) -> BTreeMap<String, Ino> {
        let mut entries = self.durable.clone();
        self.pending.iter().for_each(|(_, change)| change.apply(&mut entries));
        entries
    }
}

/// The inode of a path.
pub(crate) fn ino_of(path: &Path) -> Ino {
    fs::symlink_metadata(path).expect("a file's data").ino()
}

/// What a directory holds.
pub(crate) fn entries(dir: &Path) -> BTreeMap<String, Ino> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
    entries.map(|path| (name(&path), ino_of(&path))).collect()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = |at: usize| hex.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    (0..hex.len()).step_by(2).map(digits).collect()
}

/// Replays a journal.
///
/// # Panics
/// Something was done that the model does not know.
pub(crate) fn replay(text: &str) -> Model {
    let mut model = Model::default();
    for line in text.lines() {
        model.event(line).unwrap_or_else(|| panic!("the journal of a disk has a line that means nothing: {line:?}"));
    }
    model
}

impl Model {
    pub(super) fn event(&mut self, line: &str) -> Option<()> {
        let (kind, rest) = line.split_once(' ')?;
        assert!(kind != "X", "the power-loss model does not know what the node did: {rest}");
        let words: Vec<_> = rest.split(' ').collect();
        let number = |at: usize| words.get(at)?.parse::<u64>().ok();
        let name = |at: usize| words.get(at).map(|name| (*name).to_owned());
        match kind {
            "B" => {
                self.root = number(0)?;
                self.dirs.insert(self.root, Dir::default());
            }
            "P" => {
                self.events = 0;
                self.dirs.values_mut().flat_map(|dir| &mut dir.pending).for_each(|(event, _)| *event = 0);
            }
            "C" => {
                self.files.insert(number(2)?, Contents::default());
                self.change(number(0)?, Change::Set { name: name(1)?, ino: number(2)? })?;
            }
            "M" => {
                self.dirs.insert(number(2)?, Dir::default());
                self.change(number(0)?, Change::Set { name: name(1)?, ino: number(2)? })?;
            }
            "R" => self.change(number(0)?, Change::Rename { from: name(1)?, to: name(2)?, ino: number(3)? })?,
            "U" => self.change(number(0)?, Change::Remove { name: name(1)? })?,
            "D" => self.synced_dir(number(0)?, number(1)?)?,
            "S" => {
                let (file, len) = (self.files.get_mut(&number(0)?), number(1)?);
                // Of a file that has vanished meanwhile, nothing is left to know.
                if let Some(file) = file {
                    file.durable = file.durable.max(len);
                    file.replaced.clear();
                    file.longer.clear();
                }
            }
            "K" => {
                let (file, left, end) = (self.files.get_mut(&number(0)?)?, number(1)?, name(2)?);
                file.about = Some(Longer { durable: file.durable, lost: file.lost.clone(), left, end });
            }
            "T" => {
                let (file, len) = (self.files.get_mut(&number(0)?)?, number(1)?);
                file.longer.extend(file.about.take());
                file.durable = file.durable.min(len);
                file.lost.retain(|(from, _)| *from < len);
            }
            "H" => {
                let (file, upto) = (self.files.get_mut(&number(0)?)?, number(2)?);
                if file.durable < upto {
                    file.lost.push((file.durable, upto));
                }
            }
            "O" => {
                let (at, old) = (number(1)?, bytes_of(words.get(2)?)?);
                self.files.get_mut(&number(0)?)?.replaced.push((at, old));
            }
            "F" => {}
            _ => return None,
        }
        Some(())
    }

    fn change(&mut self, dir: Ino, change: Change) -> Option<()> {
        self.events += 1;
        self.dirs.get_mut(&dir)?.pending.push((self.events, change));
        Some(())
    }

    fn synced_dir(&mut self, ino: Ino, upto: u64) -> Option<()> {
        let dir = self.dirs.get_mut(&ino)?;
        let before: BTreeSet<_> = dir.durable.values().copied().collect();
        let pending = std::mem::take(&mut dir.pending);
        let (done, open): (Vec<_>, Vec<_>) = pending.into_iter().partition(|(event, _)| *event <= upto);
        for (_, change) in &done {
            change.apply(&mut dir.durable);
        }
        dir.pending = open;
        let candidates = before.into_iter().chain(done.iter().filter_map(|(_, change)| change.ino()));
        let gone: Vec<_> = candidates.filter(|ino| !self.needs(*ino)).collect();
        for ino in gone {
            // Its number may be used again.
            self.files.remove(&ino);
            self.dirs.remove(&ino);
        }
        Some(())
    }

    /// Whether a power cut could leave this file.
    pub(crate) fn needs(&self, ino: Ino) -> bool {
        let named = |dir: &Dir| {
            dir.durable.values().any(|held| *held == ino)
                || dir.pending.iter().any(|(_, change)| change.ino() == Some(ino))
        };
        self.dirs.values().any(named)
    }

    /// Whether a power cut could bring back this end of a file.
    pub(crate) fn needs_end(&self, name: &str) -> bool {
        self.files.values().flat_map(|file| &file.longer).any(|longer| longer.end == name)
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Set { name, .. } => write!(f, "+{name}"),
            Self::Remove { name } => write!(f, "-{name}"),
            Self::Rename { from, to, .. } => write!(f, "{from}->{to}"),
        }
    }
}
