//! Libraries that are preloaded into nodes, compiled where they are used.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, process};

/// Compiles the library called `name` once per source, beside the program that asks, which is in the target directory. `None`
/// where there is no C compiler, or no Linux; says so on standard error.
pub(crate) fn build(name: &str, source: &str) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        crate::skip(&format!("{name} is emulated with LD_PRELOAD, which needs Linux"));
        return None;
    }
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let program = env::current_exe().expect("a program that runs");
    let below = |end: String| program.with_file_name(format!("{name}-{:016x}{end}", hash(source)));
    let library = below(".so".to_owned());
    if library.is_file() {
        return Some(library);
    }
    // Under a name of its own first: others may build it, too, or be loading it.
    let (code, unfinished) = (below(format!(".{}.c", process::id())), below(format!(".{}.so", process::id())));
    fs::write(&code, source).expect("a source file");
    let mut command = Command::new(&compiler);
    command.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&unfinished).arg(&code).args(["-ldl", "-lpthread"]);
    let ended = command.output();
    fs::remove_file(&code).expect("a source file that was there");
    match ended {
        Ok(ended) => {
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(ended.status.success(), "tests/shim/{name}.c does not compile:\n{said}");
            fs::rename(&unfinished, &library).expect("a library beside the program");
            Some(library)
        }
        Err(error) => {
            let compiler = compiler.to_string_lossy().into_owned();
            crate::skip(&format!("{name} needs a C compiler, and {compiler} does not start: {error}"));
            None
        }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
