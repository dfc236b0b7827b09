//! What a backup says about itself.
//!
//! A JSON object whose last member is the BLAKE3, in hexadecimal, of the file's bytes before that member: whatever is changed
//! in the file, it is noticed.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use halcyon_types::{ActorId, ClusterName, Hlc, RegionId, RegionName, Seq, UnixMs, VersionVector};
use serde::{Deserialize, Serialize};

use super::error::BackupError;
use super::part;

/// Its name in the directory of a backup.
pub const MANIFEST: &str = "manifest.json";
/// The format of everything in a backup.
const FORMAT: u64 = 1;
/// No manifest of so many bytes was ever written: a vector has at most a few thousand actors.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a backup is of, and what it consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The cluster.
    pub cluster: ClusterName,
    /// The region that it was taken in.
    pub region: RegionName,
    /// As whom that region's node wrote.
    pub actor: ActorId,
    /// What the node had seen: all of it is in the backup, and nothing else.
    pub vv: VersionVector,
    /// No stamp in it is above this, but for those of clocks that were wrong.
    pub hlc: Hlc,
    /// When it was begun, by the clock of whoever took it.
    pub taken: UnixMs,
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name in the directory.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// How many rows it holds.
    pub rows: u64,
    /// The BLAKE3 of its bytes, in hexadecimal.
    pub blake3: String,
}

/// As it stands in the file, but for the checksum: numbers that are too long for JSON's readers are text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u64,
    cluster: ClusterName,
    region: RegionName,
    actor: String,
    vv: BTreeMap<String, u64>,
    hlc: String,
    taken_ms: u64,
    rows: u64,
    bytes: u64,
    parts: Vec<Part>,
}

/// To look at the format before anything else.
#[derive(Deserialize)]
struct Formatted {
    format: u64,
}

impl Manifest {
    /// Rows of all parts.
    pub fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// Bytes of all parts.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// Reads and checks the manifest of a backup; its parts are another matter.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn read(dir: &Path) -> Result<Self, BackupError> {
        let file = dir.join(MANIFEST);
        let found = fs::metadata(&file)
            .and_then(|meta| if meta.len() > BYTES_MAX { Ok(None) } else { fs::read(&file).map(Some) });
        match found {
            Ok(Some(text)) => Self::parse(&file, &text),
            Ok(None) => Err(BackupError::damaged(&file, "it is far too long")),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(BackupError::Unfinished { dir: dir.to_owned() }),
            Err(error) => Err(BackupError::io(&file)(error)),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let vv = self.vv.iter().map(|(actor, seq)| (actor.to_string(), seq.0)).collect();
        let written = Written {
            format: FORMAT,
            cluster: self.cluster.clone(),
            region: self.region.clone(),
            actor: self.actor.to_string(),
            vv,
            hlc: format!("{}.{}", self.hlc.wall().0, self.hlc.count()),
            taken_ms: self.taken.0,
            rows: self.rows(),
            bytes: self.bytes(),
            parts: self.parts.clone(),
        };
        // Plain data: this cannot fail, and were it to, the manifest would be refused when it is read again.
        let mut text = serde_json::to_vec_pretty(&written).unwrap_or_default();
        text.truncate(text.len().saturating_sub(END.len()));
        let seal = seal(&text);
        text.extend_from_slice(seal.as_bytes());
        text
    }

    pub(super) fn parse(file: &Path, text: &[u8]) -> Result<Self, BackupError> {
        let damaged = |reason: &str| BackupError::damaged(file, reason);
        let body = text.len().checked_sub(seal(&[]).len()).and_then(|at| text.split_at_checked(at));
        let (body, sealed) = body.ok_or_else(|| damaged("it is cut short"))?;
        if sealed != seal(body).as_bytes() {
            return Err(damaged("its checksum is another"));
        }
        let document = [body, END].concat();
        let said = |error: serde_json::Error| damaged(&error.to_string());
        let Formatted { format } = serde_json::from_slice(&document).map_err(said)?;
        if format != FORMAT {
            return Err(BackupError::Format { file: file.to_owned(), found: format, expected: FORMAT });
        }
        let written: Written = serde_json::from_slice(&document).map_err(said)?;
        written.checked().ok_or_else(|| damaged("it contradicts itself"))
    }
}

/// How the object ends without its checksum.
const END: &[u8] = b"\n}";

/// How it ends with it.
fn seal(body: &[u8]) -> String {
    format!(",\n  \"blake3\": \"{}\"\n}}\n", blake3::hash(body).to_hex())
}

impl Written {
    fn checked(self) -> Option<Manifest> {
        let mut vv = VersionVector::new();
        for (actor, seq) in &self.vv {
            vv.set(actor_of(actor)?, Seq(*seq));
        }
        let (wall, count) = self.hlc.split_once('.')?;
        let (wall, count) = (UnixMs(wall.parse().ok()?), count.parse().ok()?);
        let manifest = Manifest {
            cluster: self.cluster,
            region: self.region,
            actor: actor_of(&self.actor)?,
            hlc: Hlc::from_parts(wall, count)?,
            taken: UnixMs(self.taken_ms),
            vv,
            parts: self.parts,
        };
        let named = |(number, part): (usize, &Part)| part.name == part::name(number);
        let whole = manifest.vv.len() == self.vv.len() && manifest.parts.iter().enumerate().all(named);
        (whole && manifest.rows() == self.rows && manifest.bytes() == self.bytes).then_some(manifest)
    }
}

/// `REGION.MS`, as actors are shown everywhere.
fn actor_of(text: &str) -> Option<ActorId> {
    let (region, minted) = text.split_once('.')?;
    let region = RegionId::try_from(region.parse::<u64>().ok()?).ok()?;
    let actor = ActorId::mint(region, UnixMs(minted.parse().ok()?));
    (actor.to_string() == text).then_some(actor)
}
