//! What can go wrong with running nodes, and with scenarios on them.

use std::time::Duration;

use halcyon_client::{ReadError, WriteError};
use halcyon_types::RegionName;

use crate::Remedy;
use crate::admin::AdminError;
use crate::connect::OpenError;

/// Why a step, or the run, cannot go on. What the nodes were made to do is undone all the same.
#[derive(Debug, thiserror::Error)]
pub(super) enum LiveError {
    /// Fewer regions than a scenario has.
    #[error("a scenario has three regions, and this cluster has {0}")]
    TooFewRegions(usize),
    /// Ties of stamps would go to the wrong region.
    #[error(
        "of two writes with equal stamps the region with the higher id wins, and a scenario means C: the first three regions of the file are not in the order of their ids"
    )]
    Order,
    /// A node's certificate, address or process.
    #[error(transparent)]
    Open(Box<OpenError>),
    /// A node's admin plane.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A status that says too little.
    #[error("the status of region {region} cannot be used: {problem}")]
    Status {
        /// Whose.
        region: RegionName,
        /// What is wrong with it.
        problem: String,
    },
    /// A read that the region did not answer.
    #[error("region {region}: {source}")]
    Read {
        /// Which.
        region: RegionName,
        /// Why not.
        source: Box<ReadError>,
    },
    /// A collection longer than can be read whole.
    #[error("there are more than {} items", crate::language::ITEMS_MAX)]
    TooLong,
    /// A write whose outcome the region did not tell.
    #[error("region {region}: {source}")]
    Write {
        /// Which.
        region: RegionName,
        /// Why not.
        source: Box<WriteError>,
    },
    /// A command that means nothing to the store.
    #[error("{0}")]
    Meaning(String),
    /// A transaction that was not begun, or is over.
    #[error("no transaction `{0}` is open; begin it first")]
    NoTransaction(String),
    /// A token that was not saved.
    #[error("no token `{0}` was saved; save it first")]
    NoToken(String),
    /// Records that do not arrive.
    #[error("after {} s, {lacks}", waited.as_secs())]
    Lacks {
        /// How long was waited.
        waited: Duration,
        /// Who lacks what.
        lacks: String,
    },
    /// Replicas at one vector that do not hold the same rows (promise P3).
    #[error("{0}")]
    Differ(String),
    /// A signal came, or nobody reads the verdicts any more.
    #[error("stopped before the last scenario; everything is healed")]
    Interrupted,
    /// What could not be undone.
    #[error("not everything is healed: {0}")]
    Unhealed(String),
    /// The thread that takes the steps.
    #[error("a defect of this command: {0}")]
    Ended(String),
}

impl From<OpenError> for LiveError {
    fn from(error: OpenError) -> Self {
        Self::Open(Box::new(error))
    }
}

impl Remedy for LiveError {
    fn remedy(&self) -> Option<String> {
        match self {
            Self::TooFewRegions(_) => Some("give a cluster of three with --config, or run without --live".to_owned()),
            Self::Order => {
                Some("sort the regions of the file by id; their order means nothing to the nodes".to_owned())
            }
            Self::Open(error) => error.remedy(),
            Self::Admin(error) => error.remedy(),
            Self::Lacks { .. } => {
                Some("look at halcyon status and the nodes' logs; nobody else may write while scenarios run".to_owned())
            }
            Self::Status { .. } => Some("check that the nodes and this command are of one version".to_owned()),
            Self::Unhealed(_) => Some("restart those nodes: faults do not outlive a process".to_owned()),
            _ => None,
        }
    }
}
