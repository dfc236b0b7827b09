//! Why certificates are not issued, not written, or not found.

use std::io;
use std::path::PathBuf;

/// Why certificates were not issued or not written.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Nothing was written over. Files that were created before this one are left in place.
    #[error("{} already exists and is never written over; choose another directory, or move it away if it is not in use", file.display())]
    AlreadyThere {
        /// The file in the way.
        file: PathBuf,
    },
    /// There is no authority in the directory.
    #[error("{} is missing; `halcyon certs init` makes it", file.display())]
    Missing {
        /// The file that should be there.
        file: PathBuf,
    },
    /// Others may have copied the key.
    #[error("{} can be read by others than its owner (mode {mode:03o}); run `chmod 600 {}`", file.display(), file.display())]
    Shared {
        /// The key.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not what `certs init` wrote.
    #[error("{} is not an authority's file: {problem}; restore it from a copy, or make a new authority", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file system said no. Files that were created before this one are left in place.
    #[error("{}: {source}; check the directory and its permissions", file.display())]
    Io {
        /// The file or directory.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// No certificate was made.
    #[error("the certificate cannot be made: {problem}")]
    Issue {
        /// What the certificate library answered.
        problem: String,
    },
}

impl From<rcgen::Error> for AuthorityError {
    fn from(error: rcgen::Error) -> Self {
        Self::Issue { problem: error.to_string() }
    }
}
