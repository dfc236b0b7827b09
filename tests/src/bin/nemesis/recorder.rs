//! Where a run writes its history: in memory, and in a file, line by line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::history::{Answered, Asked, Converged, Fault, Header, History, Line};

/// Where a run writes its history.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    next: u64,
    next_call: u64,
    lines: Vec<Line>,
    out: BufWriter<File>,
}

impl Recorder {
    pub(crate) fn new(file: &Path, header: Header) -> std::io::Result<Self> {
        let out = BufWriter::new(File::create(file)?);
        let recorder =
            Self { started: Instant::now(), inside: Mutex::new(Inside { next: 0, next_call: 0, lines: vec![], out }) };
        recorder.with(|_, _| Line::Header(header));
        Ok(recorder)
    }

    /// Milliseconds since the run began.
    pub(crate) fn ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn with(&self, line: impl FnOnce(u64, u64) -> Line) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let n = inside.next;
        inside.next += 1;
        let line = line(n, self.ms());
        serde_json::to_writer(&mut inside.out, &line).expect("a history that can be written");
        inside.out.write_all(b"\n").expect("a history that can be written");
        inside.lines.push(line);
    }

    /// A call begins; its number.
    pub(crate) fn ask(&self, asked: Asked) -> u64 {
        let call = {
            let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
            inside.next_call += 1;
            inside.next_call
        };
        self.with(|n, ms| Line::Asked(Asked { n, ms, call, ..asked }));
        call
    }

    pub(crate) fn answer(&self, call: u64, answered: Answered) {
        self.with(|n, ms| Line::Answered(Answered { n, ms, call, ..answered }));
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.with(|n, ms| Line::Fault(Fault { n, ms, ..fault }));
    }

    pub(crate) fn converged(&self, converged: Converged) {
        self.with(|n, ms| Line::Converged(Converged { n, ms, ..converged }));
    }

    /// Calls asked so far.
    pub(crate) fn calls(&self) -> u64 {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).next_call
    }

    /// All that was recorded so far.
    pub(crate) fn history(&self) -> History {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.out.flush().expect("a history that can be written");
        History::of_lines(inside.lines.iter().cloned()).expect("a history that was recorded in order")
    }
}
