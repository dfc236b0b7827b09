//! The `halcyon` command line, run to its end.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::until::{PATIENCE, until};

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
    line: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, stdout, stderr, line } = self;
        write!(f, "$ {line}\n{status}\n-- stdout\n{stdout}\n-- stderr\n{stderr}")
    }
}

impl Ended {
    /// It must have succeeded.
    ///
    /// # Panics
    /// It has not.
    #[must_use]
    pub fn succeeded(self) -> Self {
        assert!(self.status.success(), "must succeed: {self}");
        self
    }

    /// It must have failed of its own accord, and said all of `words` on standard error.
    ///
    /// # Panics
    /// It succeeded, was killed, panicked, or did not say so.
    #[must_use]
    pub fn refused(self, words: &[&str]) -> Self {
        assert!(self.status.code().is_some_and(|code| code != 0), "must fail with a code: {self}");
        assert!(!self.stderr.contains("panicked at"), "must not panic: {self}");
        for word in words {
            assert!(self.stderr.contains(word), "must say {word:?}: {self}");
        }
        self
    }
}

/// The binary under test: the one that ships, not one that the tests build.
pub(crate) fn binary() -> PathBuf {
    let path = env::var_os("HALCYON_BIN").map(PathBuf::from).expect(
        "HALCYON_BIN names the halcyon binary to test; `make test` builds it and sets that, or: \
         cargo build --release -p halcyon-cli && HALCYON_BIN=$PWD/target/release/halcyon cargo test -p halcyon-tests",
    );
    assert!(path.is_file(), "HALCYON_BIN is {}, which is no file; `make test` builds it and sets it", path.display());
    path
}

/// Runs `halcyon ARGS…` to its end.
pub async fn halcyon<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Ended {
    halcyon_with_input(args, String::new()).await
}

/// Runs `halcyon ARGS…` with `input` on its standard input.
///
/// # Panics
/// It cannot be started, or does not end within four times [`PATIENCE`].
pub async fn halcyon_with_input<A: Into<OsString>>(args: impl IntoIterator<Item = A>, input: String) -> Ended {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let line = format!("halcyon {}", args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" "));
    let mut child = Command::new(binary())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("halcyon starts");
    let pid = child.id();
    let mut stdin = child.stdin.take().expect("its standard input");
    let feeding = spawn_blocking(move || {
        // A command that refuses its arguments never reads them.
        stdin.write_all(input.as_bytes()).ok();
    });
    let running = spawn_blocking(move || child.wait_with_output());
    let Ok(ended) = timeout(4 * PATIENCE, running).await else {
        Command::new("kill").args(["-KILL", &pid.to_string()]).status().ok();
        panic!("has not ended: {line}");
    };
    let output = ended.expect("a thread that waits").expect("a child to wait for");
    feeding.await.expect("a thread that writes");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr), line }
}

/// Runs `halcyon ARGS…` until it has printed a line, interrupts it as Ctrl-C would, and waits for its end.
///
/// # Panics
/// It cannot be started, prints nothing, or does not end within four times [`PATIENCE`].
pub async fn halcyon_interrupted<A: Into<OsString>>(args: impl IntoIterator<Item = A>) -> Ended {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let line = format!("halcyon {}", args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" "));
    let mut child = Command::new(binary())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("halcyon starts");
    let pid = child.id().to_string();
    let mut printed = BufReader::new(child.stdout.take().expect("its standard output"));
    let interrupt = pid.clone();
    let running = spawn_blocking(move || {
        let mut stdout = String::new();
        printed.read_line(&mut stdout).expect("a line");
        assert!(!stdout.is_empty(), "it prints a line before it ends");
        let told = Command::new("kill").args(["-INT", &interrupt]).status();
        assert!(told.expect("kill").success());
        printed.read_to_string(&mut stdout).expect("text");
        (stdout, child.wait_with_output().expect("a child to wait for"))
    });
    let Ok(ended) = timeout(4 * PATIENCE, running).await else {
        Command::new("kill").args(["-KILL", &pid]).status().ok();
        panic!("has not ended: {line}");
    };
    let (stdout, output) = ended.expect("a thread that waits");
    Ended { status: output.status, stdout, stderr: String::from_utf8_lossy(&output.stderr).into_owned(), line }
}

/// Runs `halcyon ARGS…` until `now` says so, and kills it with `kill -9`.
///
/// # Panics
/// It cannot be started, or ends before that.
pub async fn halcyon_killed<A: Into<OsString>>(args: impl IntoIterator<Item = A>, now: impl Fn() -> bool) {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let (out, mut command) = (Stdio::null, Command::new(binary()));
    let mut child = command.args(args).stdin(out()).stdout(out()).stderr(out()).spawn().expect("halcyon starts");
    until("halcyon has come so far", async || {
        let ended = child.try_wait().expect("a child of ours");
        assert!(ended.is_none() || now(), "halcyon has ended before it could be killed: {ended:?}");
        now().then_some(())
    })
    .await;
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
}
