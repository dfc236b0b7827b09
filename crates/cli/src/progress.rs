//! Progress of anything that takes longer than a moment: a bar on a terminal, plain lines anywhere else, on standard
//! error.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Plain lines a whole task prints.
const PLAIN_LINES: u64 = 4;

/// One task's progress.
pub(crate) struct Progress {
    bar: ProgressBar,
    plain: Option<&'static str>,
    shown: AtomicU64,
}

impl Progress {
    /// A task of `total` steps; `unit` is what a step is.
    pub(crate) fn new(label: &'static str, unit: &'static str, total: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_prefix(label).with_message(unit);
        let template = "{prefix:>12} [{bar:40}] {pos}/{len} {msg} {per_sec} {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        if !terminal {
            eprintln!("{label}: {total} {unit}");
        }
        Self { bar, plain: (!terminal).then_some(label), shown: AtomicU64::new(0) }
    }

    /// A task whose end is not known, counted in bytes.
    pub(crate) fn endless(label: &'static str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_prefix(label);
        if let Ok(style) = ProgressStyle::with_template("{prefix:>12} {bytes} {bytes_per_sec} {elapsed}") {
            bar.set_style(style);
        }
        if !terminal {
            eprintln!("{label}: begun");
        }
        Self { bar, plain: None, shown: AtomicU64::new(0) }
    }

    /// So many more steps are done.
    pub(crate) fn more(&self, steps: u64) {
        self.bar.inc(steps);
        self.plain();
    }

    /// One more step is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
        self.plain();
    }

    /// So many steps are done.
    pub(crate) fn at(&self, done: u64) {
        self.bar.set_position(done);
        self.plain();
    }

    /// The task is done, or given up; the bar goes, its place is free for what follows.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn plain(&self) {
        let Some(label) = self.plain else { return };
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0).max(1));
        let due = done * PLAIN_LINES / total;
        if due > self.shown.fetch_max(due, Ordering::Relaxed) {
            eprintln!("{label}: {done} of {total}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
