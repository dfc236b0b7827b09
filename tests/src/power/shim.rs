//! The preloaded library, compiled where it is used.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, process};

const SOURCE: &str = include_str!("../../shim/powerloss.c");

/// The library that notes what a process has made durable.
#[derive(Debug)]
pub struct Shim {
    library: PathBuf,
    _dir: tempfile::TempDir,
}

impl Shim {
    /// Compiled once per process. `None` where there is no C compiler, or no Linux; says so on standard error.
    pub fn built() -> Option<&'static Self> {
        static BUILT: OnceLock<Option<Shim>> = OnceLock::new();
        BUILT.get_or_init(Self::build).as_ref()
    }

    /// The shared object.
    pub fn library(&self) -> &Path {
        &self.library
    }

    fn build() -> Option<Self> {
        if !cfg!(target_os = "linux") {
            eprintln!("skip: power cuts are emulated with LD_PRELOAD, which needs Linux");
            return None;
        }
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let prefix = format!("halcyon-shim-{}-", process::id());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir().expect("a directory for the library");
        let (source, library) = (dir.path().join("powerloss.c"), dir.path().join("powerloss.so"));
        fs::write(&source, SOURCE).expect("a source file");
        let mut command = Command::new(&compiler);
        command.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).args(["-ldl", "-lpthread"]);
        match command.output() {
            Ok(ended) => {
                let said = String::from_utf8_lossy(&ended.stderr).into_owned();
                assert!(ended.status.success(), "tests/shim/powerloss.c does not compile:\n{said}");
                Some(Self { library, _dir: dir })
            }
            Err(error) => {
                let compiler = compiler.to_string_lossy().into_owned();
                eprintln!("skip: power cuts need a C compiler, and {compiler} does not start: {error}");
                None
            }
        }
    }
}
