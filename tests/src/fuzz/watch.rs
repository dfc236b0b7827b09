//! A lane of a campaign in a process of its own, watched: a panic is caught where it happens, but an overflowing stack ends a
//! process, and an input without end ends nothing. Either is a failure as any other here, with its input.
//!
//! The lane says what came of each turn in a line of JSON on its output; other lines are not looked at.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::campaign::{Finding, Tally};
use super::under_way;

/// Looks at a lane within the time that an input may take. A machine that was asleep is not mistaken for a long input.
const LOOKS: u32 = 10;

/// What came of one turn of a target.
#[derive(Debug, Serialize, Deserialize)]
struct Turn {
    target: String,
    tally: Tally,
}

/// Says what came of a turn, to whoever watches.
///
/// # Panics
/// Nobody does.
pub fn tell(target: &str, tally: Tally) {
    let turn = Turn { target: target.to_owned(), tally };
    println!("{}", serde_json::to_string(&turn).expect("counts and bytes"));
}

/// Runs a lane to its end, or until an input ends it or takes longer than `limit`. The lane [tells](tell) its turns, and
/// notes its inputs in the file `under_way`.
///
/// # Panics
/// It does not start, or ends before its first input.
pub fn watch(mut lane: Command, under_way: &Path, limit: Duration) -> BTreeMap<String, Tally> {
    let mut process = lane.stdout(Stdio::piped()).spawn().expect("a lane can be started");
    let output = BufReader::new(process.stdout.take().expect("its output is piped"));
    let (speaker, heard) = mpsc::channel();
    thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| speaker.send(line)));
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let (mut silent, mut latest, mut why) = (0, None, None);
    while silent < LOOKS {
        match heard.recv_timeout(limit / LOOKS) {
            Ok(turn) => {
                silent = 0;
                if let Ok(Turn { target, tally }) = serde_json::from_str(&turn) {
                    tallies.entry(target).or_default().join(tally);
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let now = under_way::read(under_way);
                silent = if now == latest { silent + 1 } else { 0 };
                latest = now;
            }
        }
    }
    if silent == LOOKS {
        process.kill().expect("a lane can be ended");
        why = Some(format!("no end within {limit:?}"));
    }
    let status = process.wait().expect("a lane ends");
    if let Some(message) = why.or_else(|| (!status.success()).then(|| format!("the process ended: {status}"))) {
        let (target, input) =
            under_way::read(under_way).unwrap_or_else(|| panic!("a lane came to no input: {message}"));
        let tally = Tally { executions: 1, findings: vec![Finding { message, input }] };
        tallies.entry(target).or_default().join(tally);
    }
    tallies
}
