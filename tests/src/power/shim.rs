//! The preloaded library, compiled where it is used.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs, process};

const SOURCE: &str = include_str!("../../shim/powerloss.c");

/// The library that notes what a process has made durable.
#[derive(Debug)]
pub struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Compiled once per source, beside the program that asks, which is in the target directory. `None` where there is no C
    /// compiler, or no Linux; says so on standard error.
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
            crate::skip("power cuts are emulated with LD_PRELOAD, which needs Linux");
            return None;
        }
        let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
        let program = env::current_exe().expect("a program that runs");
        let below = |end: String| program.with_file_name(format!("powerloss-{:016x}{end}", hash(SOURCE)));
        let library = below(".so".to_owned());
        if library.is_file() {
            return Some(Self { library });
        }
        // Under a name of its own first: others may build it, too, or be loading it.
        let (source, unfinished) = (below(format!(".{}.c", process::id())), below(format!(".{}.so", process::id())));
        fs::write(&source, SOURCE).expect("a source file");
        let mut command = Command::new(&compiler);
        command.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&unfinished).arg(&source).args(["-ldl", "-lpthread"]);
        let ended = command.output();
        fs::remove_file(&source).expect("a source file that was there");
        match ended {
            Ok(ended) => {
                let said = String::from_utf8_lossy(&ended.stderr).into_owned();
                assert!(ended.status.success(), "tests/shim/powerloss.c does not compile:\n{said}");
                fs::rename(&unfinished, &library).expect("a library beside the program");
                Some(Self { library })
            }
            Err(error) => {
                let compiler = compiler.to_string_lossy().into_owned();
                crate::skip(&format!("power cuts need a C compiler, and {compiler} does not start: {error}"));
                None
            }
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
