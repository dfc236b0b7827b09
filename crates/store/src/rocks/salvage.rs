//! A database whose logs are damaged, opened as far as they are whole. Not in its own directory: what is left of it is evidence,
//! and a better tool may make more of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::high_water::HighWater;
use super::{RocksBackend, directory, generation, wal_tail};
use crate::error::OpenError;
use crate::files::{self, End, Log, Records};
use crate::rocks::RocksSettings;

/// What was not taken along.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    /// Where logs were cut, in their order. The logs behind the first damaged one are left out whole.
    pub cuts: Vec<Cut>,
    /// The number of the last change that is there.
    pub last: u64,
    /// The number of the last change that was on disk once, as far as is known.
    pub synced: Option<u64>,
}

/// Where one log was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The log.
    pub log: PathBuf,
    /// How many bytes of it were taken.
    pub whole: u64,
    /// How many were not.
    pub cut: u64,
    /// Why.
    pub why: &'static str,
}

impl RocksBackend {
    /// Opens what is whole of the database in `dir`, in the new directory `scratch`: its files, its logs up to the first damage.
    /// `dir` stays as it is, and no other process may have it open.
    ///
    /// # Errors
    /// [`OpenError`]: it is none, its manifest is damaged, or files are missing.
    pub fn open_what_is_whole(dir: &Path, scratch: &Path) -> Result<(Self, Lost), OpenError> {
        let root = generation::root(dir)?;
        if !directory::is_finished(&root)? {
            return Err(directory::not_ours(dir));
        }
        let mut high_water = HighWater::open(&root)?;
        let synced = high_water.read()?;
        let manifest = directory::manifest(&root)?;
        let edits = File::open(&manifest).and_then(|file| files::read_log(file, Records::Edits));
        let edits = edits.map_err(|error| directory::io(&manifest, &error))?;
        if let End::Damaged { at, how } = edits.end {
            return Err(wal_tail::damaged(&manifest, at, how));
        }
        let cuts = take_along(&root, (&manifest, edits.whole), scratch);
        let cuts = cuts.map_err(|error| directory::io(scratch, &error))?;
        directory::finish(scratch)?;
        let backend = Self::open_in(scratch, RocksSettings::default())?;
        let last = backend.open.db.latest_sequence_number();
        Ok((backend, Lost { cuts, last, synced }))
    }
}

/// Makes the files of `scratch` out of those of `root`; of its manifest so many bytes.
fn take_along(root: &Path, (manifest, whole): (&Path, u64), scratch: &Path) -> io::Result<Vec<Cut>> {
    let (from, to) = (directory::database(root), directory::database(scratch));
    fs::create_dir_all(&to)?;
    let mut logs = Vec::new();
    for entry in fs::read_dir(&from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if let Some(number) = directory::number_of_log(&path) {
            logs.push((number, path));
        } else if path == manifest {
            copy(&path, &target, whole)?;
        } else if path.extension().is_some_and(|kind| kind == "sst") {
            // They never change; a file system without links gets a copy.
            fs::hard_link(&path, &target).or_else(|_| fs::copy(&path, &target).map(|_| ()))?;
        } else if name == "CURRENT" || name == "IDENTITY" {
            copy(&path, &target, u64::MAX)?;
        }
    }
    logs.sort_unstable();
    copy_logs(&logs, &to)
}

/// Copies logs up to the first damage in them; of the later ones nothing but a name, which the database looks for.
fn copy_logs(logs: &[(u64, PathBuf)], to: &Path) -> io::Result<Vec<Cut>> {
    let (mut cuts, mut last) = (Vec::new(), None);
    for (index, (_, path)) in logs.iter().enumerate() {
        let Log { bytes, whole, last: end_of_log, end } = files::read_log(File::open(path)?, Records::Numbered(last))?;
        let bytes = bytes.max(fs::metadata(path)?.len());
        let newest = index + 1 == logs.len();
        let (whole, why) = match end {
            _ if !cuts.is_empty() => (0, Some("it lies behind the damage")),
            End::Damaged { how, .. } => (whole, Some(how)),
            End::Torn if !newest => (whole, Some("its end is torn, though a later log follows")),
            End::Torn => (whole, None),
            End::Whole => (bytes, None),
        };
        last = end_of_log.or(last);
        copy(path, &to.join(path.file_name().unwrap_or_default()), whole)?;
        cuts.extend(why.map(|why| Cut { log: path.clone(), whole, cut: bytes - whole, why }));
    }
    Ok(cuts)
}

fn copy(from: &Path, to: &Path, bytes_max: u64) -> io::Result<()> {
    let mut target = File::create_new(to)?;
    io::copy(&mut File::open(from)?.take(bytes_max), &mut target)?;
    target.sync_all()
}
