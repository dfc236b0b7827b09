//! Why a replay did not come to a verdict.

use std::time::Duration;

use halcyon_client::{ReadError, WriteError};
use halcyon_types::RegionName;
use tokio::task::JoinError;

use super::figures::FiguresError;
use crate::Remedy;
use crate::admin::AdminError;
use crate::connect::OpenError;
use crate::interrupt::SignalError;
use crate::retail::CsvError;

/// Why a replay stopped. What is left in the regions is said by each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    /// Nothing was played.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// Nothing was played.
    #[error(transparent)]
    Figures(#[from] FiguresError),
    /// Nothing was played.
    #[error("order line {line} has home r{home}, but there are only {regions} regions")]
    Home {
        /// The order line, counted from 1.
        line: usize,
        /// Its home.
        home: usize,
        /// How many regions there are.
        regions: usize,
    },
    /// Nothing was played.
    #[error("cut at {at} and heal at {heal} do not fit a file of {lines} order lines")]
    Window {
        /// `--cut-at`
        at: usize,
        /// `--heal-at`
        heal: usize,
        /// Order lines.
        lines: usize,
    },
    /// Nothing was played.
    #[error("region {region} already has data at {key}, so the figures could not come out right")]
    NotEmpty {
        /// The region.
        region: RegionName,
        /// The key.
        key: String,
    },
    /// No region is connected to; nothing was played. Cannot come later.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What was played before stays. A link that the replay cut has been healed, if its node could still be asked.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// What was played before stays.
    #[error("order line {line} could not be played into region {region}: {source}")]
    Write {
        /// The order line, counted from 1.
        line: usize,
        /// The region.
        region: RegionName,
        /// What the SDK said.
        source: Box<WriteError>,
    },
    /// No order line was played; some products are on the shelves.
    #[error("the shelves could not be filled in region {region}: {source}")]
    Stock {
        /// The region.
        region: RegionName,
        /// What the SDK said.
        source: Box<WriteError>,
    },
    /// What was played stays.
    #[error("region {region} could not be read: {source}")]
    Read {
        /// The region.
        region: RegionName,
        /// What the SDK said.
        source: Box<ReadError>,
    },
    /// What was played stays, and goes on converging.
    #[error("the regions had not converged after {} s: {lagging}", waited.as_secs())]
    NotConverged {
        /// How long it waited.
        waited: Duration,
        /// Who lacks what.
        lagging: String,
    },
    /// Nothing was played.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// What was played before stays.
    #[error("stopped by a signal")]
    Interrupted,
    /// A defect of this program. What was played before stays.
    #[error("a task ended early: {0}")]
    Task(#[from] JoinError),
}

impl Remedy for ReplayError {
    fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Csv(error) => return error.remedy(),
            Self::Figures(error) => return error.remedy(),
            Self::Open(error) => return error.remedy(),
            Self::Admin(error) => return error.remedy(),
            Self::Home { .. } => "add a region to regions.toml, or correct the line; nothing has been played",
            Self::Window { .. } => "let 1 ≤ --cut-at < --heal-at ≤ the number of order lines; nothing has been played",
            Self::NotEmpty { .. } => {
                "play into a fresh cluster, or below a prefix of its own: --prefix again:; nothing has been played"
            }
            Self::Write { .. } | Self::Interrupted => {
                "what was played before that line stays; play again into a fresh cluster or with --prefix"
            }
            Self::Stock { .. } => {
                "see whether every link is up: halcyon status; then play into a fresh cluster or with --prefix"
            }
            Self::Read { .. } => "see how the region is: halcyon status",
            Self::NotConverged { .. } => "see whether every link is up: halcyon status; or wait longer: --timeout 300",
            Self::Task(_) | Self::Signal(_) => "report this",
        };
        Some(text.to_owned())
    }
}
