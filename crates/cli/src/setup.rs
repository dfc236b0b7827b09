//! What most commands begin with: the cluster's file, and a region and a keyspace of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use halcyon_types::topology::{Keyspace, Region, Topology, TopologyError};
use halcyon_types::{KeyspaceName, RegionName};

use crate::Remedy;

/// Why a command cannot begin. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The file system said no.
    #[error("{} cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The file does not describe a cluster.
    #[error("{}: line {}, field `{}`: {}", file.display(), source.line, source.field, source.problem)]
    Refused {
        /// The file.
        file: PathBuf,
        /// Line, field and problem.
        source: TopologyError,
    },
    /// No such region.
    #[error("no region is called {name}; there are: {known}")]
    UnknownRegion {
        /// What was asked for.
        name: RegionName,
        /// The regions of the file.
        known: String,
    },
    /// No such keyspace.
    #[error("no keyspace is called {name}; there are: {known}")]
    UnknownKeyspace {
        /// What was asked for.
        name: KeyspaceName,
        /// The keyspaces of the file.
        known: String,
    },
}

impl Remedy for SetupError {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. } => "give the cluster's file with --config regions.toml".to_owned(),
            Self::Refused { source, .. } => source.remedy.clone(),
            Self::UnknownRegion { .. } | Self::UnknownKeyspace { .. } => {
                "use one of those, or give another file with --config".to_owned()
            }
        })
    }
}

/// Reads and checks a `regions.toml`.
///
/// # Errors
/// It cannot be read, or describes no cluster this version can run.
pub(crate) fn topology(file: &Path) -> Result<Topology, SetupError> {
    let unreadable = |source| SetupError::Unreadable { file: file.to_owned(), source };
    let text = fs::read_to_string(file).map_err(unreadable)?;
    Topology::parse(&text).map_err(|source| SetupError::Refused { file: file.to_owned(), source })
}

/// The region called `name`.
///
/// # Errors
/// [`SetupError::UnknownRegion`].
pub(crate) fn region<'a>(topology: &'a Topology, name: &RegionName) -> Result<&'a Region, SetupError> {
    topology.region(name).ok_or_else(|| SetupError::UnknownRegion {
        name: name.clone(),
        known: topology.regions.iter().map(|region| region.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// The keyspace called `name`.
///
/// # Errors
/// [`SetupError::UnknownKeyspace`].
pub(crate) fn keyspace<'a>(topology: &'a Topology, name: &KeyspaceName) -> Result<&'a Keyspace, SetupError> {
    topology.keyspace(name).ok_or_else(|| SetupError::UnknownKeyspace {
        name: name.clone(),
        known: topology.keyspaces.iter().map(|keyspace| keyspace.name.as_str()).collect::<Vec<_>>().join(", "),
    })
}
