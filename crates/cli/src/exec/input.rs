//! Standard input, a line at a time, each of bounded length.
//!
//! Standard input blocks, and a blocked read cannot be given up; so a thread of its own reads, and the process may end
//! while it waits.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

/// Bytes of a line: the largest value that a register takes, four times over for its JSON escapes.
const LINE_BYTES_MAX: usize = 4 * halcyon_types::limits::VALUE_BYTES_MAX;
/// Lines read ahead.
const AHEAD: usize = 16;

/// One line of input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Text(String),
    /// One that is no command, and why.
    Bad(String),
    /// Standard input cannot be read further.
    Failed(String),
}

/// The lines of standard input.
pub(super) fn lines() -> mpsc::Receiver<Line> {
    let (line, lines) = mpsc::channel(AHEAD);
    std::thread::spawn(move || read(io::stdin().lock(), |next| line.blocking_send(next).is_ok()));
    lines
}

/// Hands each line to `take`, until it wants no more or there is no more.
fn read(mut input: impl BufRead, mut take: impl FnMut(Line) -> bool) {
    loop {
        let line = match next(&mut input) {
            Ok(Some(line)) => line,
            Ok(None) => return,
            Err(error) => {
                take(Line::Failed(error.to_string()));
                return;
            }
        };
        if !take(line) {
            return;
        }
    }
}

fn next(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    input.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() > LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::Bad(format!("a line has at most {LINE_BYTES_MAX} bytes"))));
    }
    Ok(Some(String::from_utf8(bytes).map_or_else(|_| Line::Bad("the line is not UTF-8".to_owned()), Line::Text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_a_bad_one_does_not_spoil_the_next() {
        let mut input = b"one\n\ntwo \xFF\n".to_vec();
        input.extend(vec![b'x'; LINE_BYTES_MAX + 5]);
        input.extend(b"\nlast");
        let mut read_lines = Vec::new();
        read(input.as_slice(), |line| {
            read_lines.push(line);
            true
        });
        let text = |text: &str| Line::Text(text.to_owned());
        assert!(
            matches!(&read_lines[..], [one, blank, Line::Bad(utf8), Line::Bad(long), last]
            if *one == text("one") && *blank == text("") && utf8.contains("UTF-8") && long.contains("at most")
                && *last == text("last")),
            "{read_lines:?}"
        );
    }
}
