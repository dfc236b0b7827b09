//! The preloaded library, compiled where it is used.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::shim;

const SOURCE: &str = include_str!("../../shim/powerloss.c");

/// The library that notes what a process has made durable.
#[derive(Debug)]
pub struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Compiled at its first use. `None` where that cannot be; says so on standard error.
    pub fn built() -> Option<&'static Self> {
        static BUILT: OnceLock<Option<Shim>> = OnceLock::new();
        let build = || Some(Self { library: shim::build("powerloss", SOURCE)? });
        BUILT.get_or_init(build).as_ref()
    }

    /// The shared object.
    pub fn library(&self) -> &Path {
        &self.library
    }
}
