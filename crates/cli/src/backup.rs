//! `halcyon backup`: all rows of a running region, as they are at one moment, in a directory of files.

use std::path::{Path, PathBuf};

use clap::Args;
use halcyon_client::{Copy, CopyError, CopyPage, Role};
use halcyon_node::backup::{self, BackupError, Manifest, Writer};
use halcyon_types::{NameError, RegionName, VersionVector};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::connect::connect_as;
use crate::out::say;
use crate::progress::Progress;
use crate::{Failure, Remedy, clock, setup};

/// Pages that wait for the disk.
const PAGES_AHEAD: usize = 8;

/// Copies all rows of a running region into a directory, or looks whether such a directory is whole
///
/// The copy shows one moment; the region serves meanwhile. It is written as part files and a manifest with their checksums,
/// which comes last, and is then read again and compared. It is not encrypted: whoever can read it can read all data. It
/// needs the admin certificate that `halcyon certs init` has made.
///
/// `halcyon restore` makes a data directory of it, for the same region or any other of the cluster.
///
/// Example: halcyon backup backups/monday --region us-east --config regions.toml --certs certs/
/// Example: halcyon backup backups/monday --verify
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Command {
    /// The backup's directory: new or empty, unless --verify is given
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The region to copy
    #[arg(long, value_name = "NAME", required_unless_present = "verify")]
    region: Option<RegionName>,
    /// Read a backup that is there and compare it with its manifest; no region is asked
    #[arg(long, conflicts_with = "region")]
    verify: bool,
    /// The cluster's file
    #[arg(long, value_name = "FILE", default_value = "regions.toml")]
    config: PathBuf,
    /// The directory with ca.pem, admin-admin.pem and admin-admin.key
    #[arg(long, value_name = "DIR", default_value = "certs")]
    certs: PathBuf,
    /// The name of the admin certificate
    #[arg(long, value_name = "NAME", default_value = "admin")]
    admin: String,
    /// One JSON document instead of a sentence
    #[arg(long)]
    json: bool,
}

// Their messages end with the remedy.
impl Remedy for BackupError {}

impl Remedy for NameError {}

impl Remedy for CopyError {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Asked(error) if error.name() == "Forbidden" => return None,
            Self::Asked(_) => "see how the region is with `halcyon status`, then try again".to_owned(),
            Self::Lost { .. } => "begin again with a new directory; what was written so far is no backup".to_owned(),
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the thread that writes ended without a word: a defect, please report it")]
struct Vanished;

impl Remedy for Vanished {}

/// Runs the command.
///
/// # Errors
/// What stopped it, with its remedy.
pub(crate) async fn run(command: &Command) -> Result<(), Failure> {
    let manifest = match &command.region {
        None => verified(&command.dir)?,
        Some(region) => {
            let topology = setup::topology(&command.config)?;
            let region = setup::region(&topology, region)?.name.clone();
            let role = Role::Admin(command.admin.parse()?);
            let client = connect_as(role, &topology, &command.certs, &region).await?;
            let taken = clock::wall();
            let copy = client.copy().await?;
            let (actor, vv, hlc) = (copy.head().actor, copy.head().vv.clone(), copy.head().hlc);
            let manifest = Manifest { cluster: topology.cluster, region, actor, vv, hlc, taken, parts: Vec::new() };
            take(copy, Writer::begin(&command.dir, manifest)?).await?;
            verified(&command.dir)?
        }
    };
    let dir = command.dir.display();
    if command.json {
        say(document(&command.dir, &manifest))?;
    } else {
        let (rows, bytes, parts) = (manifest.rows(), manifest.bytes(), manifest.parts.len());
        let Manifest { cluster, region, taken, .. } = &manifest;
        say(format_args!(
            "{dir}: a whole backup of region {region} of cluster {cluster}, taken {} s ago: {rows} rows, {bytes} bytes in {parts} parts",
            clock::wall().0.saturating_sub(taken.0) / 1000
        ))?;
        say("It is not encrypted. Make a data directory of it with `halcyon restore`, for any region of the cluster")?;
    }
    Ok(())
}

/// Writes the pages as they come. The disk is waited for on a thread of its own, so that the connection lives on.
async fn take(mut copy: Copy, mut writer: Writer) -> Result<(), Failure> {
    let (pages, mut waiting) = mpsc::channel::<CopyPage>(PAGES_AHEAD);
    let storing = tokio::task::spawn_blocking(move || {
        while let Some(page) = waiting.blocking_recv() {
            writer.page(&page.entries)?;
        }
        Ok::<_, BackupError>(writer)
    });
    let progress = Progress::endless("backup");
    while let Some(page) = copy.page().await? {
        progress.more(page.entries.len() as u64);
        // If nobody takes it, the writer has failed, and says why.
        if pages.send(page).await.is_err() {
            break;
        }
    }
    drop(pages);
    let writer = storing.await.map_err(|_| Vanished)??;
    tokio::task::spawn_blocking(|| writer.finish()).await.map_err(|_| Vanished)??;
    Ok(())
}

fn verified(dir: &Path) -> Result<Manifest, Failure> {
    let rows = Manifest::read(dir)?.rows();
    let progress = Progress::new("verify", "rows", rows);
    Ok(backup::verify(dir, |rows| progress.more(rows))?)
}

/// A backup, for scripts.
pub(crate) fn document(dir: &Path, manifest: &Manifest) -> Value {
    json!({
        "dir": dir.display().to_string(),
        "cluster": manifest.cluster,
        "region": manifest.region,
        "actor": manifest.actor.to_string(),
        "vv": vector(&manifest.vv),
        "taken_ms": manifest.taken.0,
        "rows": manifest.rows(),
        "bytes": manifest.bytes(),
        "parts": manifest.parts.len(),
    })
}

/// A version vector, as `/status` shows it.
pub(crate) fn vector(vv: &VersionVector) -> Map<String, Value> {
    vv.iter().map(|(actor, seq)| (actor.to_string(), seq.0.into())).collect()
}
