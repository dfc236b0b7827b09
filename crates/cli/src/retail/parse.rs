//! Reading order lines: the whole file is checked before anything is played, so that nothing is ever half played.
//!
//! Nothing is guessed, trimmed or defaulted. A line that is not exactly of the format is an error that names file, line
//! (counted from 1, the header included, as editors count), column, and what is wrong.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};

use super::{Milli, OrderLine};
use crate::Remedy;

/// The columns, in order.
pub const HEADER: [&str; 10] = ["seq", "ts", "invoice", "sku", "qty", "price", "customer", "country", "geo", "home"];

/// Bytes of an invoice, a SKU or a geo: with its prefix it must fit a key.
const TEXT_BYTES_MAX: usize = 256;

/// Why a file of order lines cannot be played. Nothing was played.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// The file system said no.
    #[error("{} cannot be read: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// Not a file of order lines, or with other columns.
    #[error("{}: line 1 is not the header of order lines, but {found:?}", file.display())]
    Header {
        /// The file.
        file: PathBuf,
        /// Its first line.
        found: String,
    },
    /// A line that is not of the format.
    #[error("{}: line {line}, column {column} `{name}`: {problem}", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// The line, the header being line 1.
        line: u64,
        /// The column, counted from 1.
        column: usize,
        /// What the column is called.
        name: &'static str,
        /// What is wrong there.
        problem: String,
    },
    /// A header and nothing behind it.
    #[error("{} has no order lines", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

impl Remedy for CsvError {
    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => "check the path and its permissions".to_owned(),
            Self::Header { .. } => format!("begin the file with: {}", HEADER.join(",")),
            Self::Broken { .. } => "correct that line; nothing has been played".to_owned(),
            Self::Empty { .. } => "give a file with at least one order line below the header".to_owned(),
        })
    }
}

/// Reads a whole file of order lines.
///
/// # Errors
/// [`CsvError`], for the first thing that is wrong.
pub fn read_file(file: &Path) -> Result<Vec<OrderLine>, CsvError> {
    let open = File::open(file).map_err(|source| CsvError::Io { file: file.to_owned(), source })?;
    read(BufReader::new(open), file)
}

/// Reads order lines; `file` is what errors call them.
///
/// # Errors
/// [`CsvError`], for the first thing that is wrong.
pub fn read(input: impl Read, file: &Path) -> Result<Vec<OrderLine>, CsvError> {
    // Flexible, so that a line of the wrong length is reported here, with its column.
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(input);
    let mut record = ByteRecord::new();
    let mut next = |record: &mut ByteRecord| {
        reader.read_byte_record(record).map_err(|error| CsvError::Io { file: file.to_owned(), source: error.into() })
    };
    if !next(&mut record)? || !record.iter().eq(HEADER.map(str::as_bytes)) {
        let found = String::from_utf8_lossy(record.as_slice()).chars().take(80).collect();
        let found = if record.len() > 1 { record_text(&record) } else { found };
        return Err(CsvError::Header { file: file.to_owned(), found });
    }
    let mut lines = Vec::new();
    while next(&mut record)? {
        let at = record.position().map_or(0, csv::Position::line);
        let line = order_line(&record).map_err(|Broken { column, problem }| CsvError::Broken {
            file: file.to_owned(),
            line: at,
            column: column + 1,
            name: HEADER.get(column).copied().unwrap_or("(none)"),
            problem,
        })?;
        lines.push(line);
    }
    if lines.is_empty() { Err(CsvError::Empty { file: file.to_owned() }) } else { Ok(lines) }
}

fn record_text(record: &ByteRecord) -> String {
    let fields: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
    fields.join(",").chars().take(80).collect()
}

struct Broken {
    column: usize,
    problem: String,
}

fn order_line(record: &ByteRecord) -> Result<OrderLine, Broken> {
    let columns = HEADER.len();
    if record.len() != columns {
        let column = record.len().min(columns);
        let problem = format!("{} columns instead of {columns}", record.len());
        return Err(Broken { column, problem });
    }
    let text = |column: usize| field(record, column);
    let named = |column: usize| match text(column)? {
        "" => broken(column, "is empty"),
        long if long.len() > TEXT_BYTES_MAX => broken(column, format!("is longer than {TEXT_BYTES_MAX} bytes")),
        text => Ok(text.to_owned()),
    };
    let (qty, price) = (number(4, text(4)?)?, text(5)?.parse::<Milli>());
    let price = price.or_else(|error| broken(5, error.to_string()))?;
    let Some(amount) = price.0.checked_mul(qty) else {
        return broken(5, format!("{qty} × {price} is past 64 bits"));
    };
    Ok(OrderLine {
        seq: number(0, text(0)?)?,
        ts: timestamp(1, text(1)?)?,
        invoice: named(2)?,
        sku: named(3)?,
        qty,
        price,
        customer: Some(text(6)?).filter(|customer| !customer.is_empty()).map(str::to_owned),
        country: named(7)?,
        geo: named(8)?,
        home: home(9, text(9)?)?,
        amount,
    })
}

fn broken<T>(column: usize, problem: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { column, problem: problem.into() })
}

fn field(record: &ByteRecord, column: usize) -> Result<&str, Broken> {
    let bytes = record.get(column).unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().any(char::is_control) => {
            broken(column, "has a line break or another control character")
        }
        Ok(text) if text.trim() != text => broken(column, "begins or ends with a blank"),
        Ok(text) => Ok(text),
        Err(_) => broken(column, "is not UTF-8"),
    }
}

fn number<T: std::str::FromStr>(column: usize, text: &str) -> Result<T, Broken> {
    // `parse` takes a leading plus, which no line of the format has.
    match text.parse() {
        Ok(number) if !text.starts_with('+') => Ok(number),
        _ => broken(column, format!("{text:?} is not a whole number in range")),
    }
}

fn home(column: usize, text: &str) -> Result<usize, Broken> {
    match text.strip_prefix('r').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(digits) => number(column, digits),
        None => broken(column, format!("{text:?} is not r0, r1, r2 …")),
    }
}

fn timestamp(column: usize, text: &str) -> Result<String, Broken> {
    let shape = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let part = |from: usize| text.get(from..from + 2).and_then(|part| part.parse::<u8>().ok()).unwrap_or(u8::MAX);
    let good = shape.eq(*b"0000-00-00 00:00:00")
        && (1..=12).contains(&part(5))
        && (1..=31).contains(&part(8))
        && part(11) < 24
        && part(14) < 60
        && part(17) < 60;
    if good { Ok(text.to_owned()) } else { broken(column, format!("{text:?} is not YYYY-MM-DD HH:MM:SS")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "0,2011-11-14 08:10:00,576080,22465,12,1.65,18211,United Kingdom,uk,r1";

    fn parse(text: &str) -> Result<Vec<OrderLine>, CsvError> {
        read(text.as_bytes(), Path::new("orders.csv"))
    }

    fn with_line(line: &str) -> String {
        format!("{}\n{GOOD}\n{line}\n", HEADER.join(","))
    }

    #[test]
    fn a_good_line_says_what_it_says() {
        let lines = parse(&with_line("7,2011-11-20 16:12:00,C577595,POST,-3,0.29,,\"Korea, South\",row,r2")).unwrap();
        assert_eq!(lines.len(), 2);
        let line = &lines[1];
        assert_eq!((line.seq, line.qty, line.price, line.amount, line.home), (7, -3, Milli(290), -870, 2));
        assert_eq!((line.customer.as_deref(), line.country.as_str()), (None, "Korea, South"));
        assert_eq!(line.stamp(), "2011-11-20 16:12:00|C577595");
    }

    #[test]
    fn every_broken_line_is_named_by_line_and_column() {
        let replaced = |from: &str, to: &str| {
            assert!(GOOD.contains(from));
            GOOD.replacen(from, to, 1)
        };
        let cases = [
            (GOOD.rsplit_once(',').unwrap().0.to_owned(), 10, "9 columns"),
            (format!("{GOOD},x"), 11, "11 columns"),
            ("garbage".to_owned(), 2, "1 columns"),
            (replaced("0,", "x,"), 1, "whole number"),
            (replaced("0,", "-1,"), 1, "whole number"),
            (replaced("2011-11-14", "14.11.2011"), 2, "YYYY"),
            (replaced("2011-11-14", "2011-13-14"), 2, "YYYY"),
            (replaced("08:10:00", "24:10:00"), 2, "YYYY"),
            (replaced("576080", ""), 3, "empty"),
            (replaced("22465", ""), 4, "empty"),
            (replaced("22465", &"x".repeat(257)), 4, "longer"),
            (replaced("22465", "22465 "), 4, "blank"),
            (replaced("22465", "\"22\n465\""), 4, "control"),
            (replaced(",12,", ",twelve,"), 5, "whole number"),
            (replaced(",12,", ",1.5,"), 5, "whole number"),
            (replaced(",12,", ",+12,"), 5, "whole number"),
            (replaced(",12,", ",9223372036854775808,"), 5, "whole number"),
            (replaced("1.65", "1,65"), 11, "11 columns"),
            (replaced("1.65", "abc"), 6, "decimal"),
            (replaced("1.65", "1.6501"), 6, "three decimals"),
            (replaced(",12,1.65", ",9223372036854775807,1.65"), 6, "past 64 bits"),
            (replaced("United Kingdom", ""), 8, "empty"),
            (replaced("uk", ""), 9, "empty"),
            (replaced("r1", "eu"), 10, "r0, r1"),
            (replaced("r1", "r"), 10, "whole number"),
            (replaced("r1", "r-1"), 10, "r0, r1"),
            (format!("\"{GOOD}"), 2, "1 columns"),
        ];
        for (line, column, problem) in cases {
            match parse(&with_line(&line)) {
                Err(error @ CsvError::Broken { .. }) => {
                    let text = error.to_string();
                    assert!(text.contains(&format!("line 3, column {column} ")), "{line}: {text}");
                    assert!(text.contains(problem), "{line}: {text}");
                    assert!(error.remedy().is_some());
                }
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let mut bytes = with_line(GOOD).into_bytes();
        let at = bytes.len() - 20;
        bytes[at] = 0xFF;
        let error = read(bytes.as_slice(), Path::new("orders.csv")).unwrap_err();
        assert!(error.to_string().contains("line 3, column 8 `country`: is not UTF-8"), "{error}");
    }

    #[test]
    fn another_file_is_refused_by_its_header() {
        for text in ["", "sku\tsold\n1\t2\n", "seq,ts\n0,1\n", &GOOD.replace(',', ";")] {
            assert!(matches!(parse(text), Err(CsvError::Header { .. })), "{text}");
        }
        assert!(matches!(parse(&HEADER.join(",")), Err(CsvError::Empty { .. })));
        assert!(matches!(read_file(Path::new("/nowhere/x.csv")), Err(CsvError::Io { .. })));
    }

    #[test]
    fn a_real_week_parses_whole() {
        let Some(dir) = std::env::var_os("HALCYON_RETAIL_DIR") else {
            return;
        };
        let lines = read_file(&Path::new(&dir).join("online-retail-2011w46.csv")).unwrap();
        assert_eq!(lines.len(), 21_112);
    }
}
