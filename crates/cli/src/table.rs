//! Tables for a terminal: columns as wide as their widest cell, numbers to the right.

use std::fmt;

/// Rows of cells under a header.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&cell| cell.to_owned()).collect(), rows: Vec::new() }
    }

    /// Appends a row; a cell too few is empty, a cell too many is not shown.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }
}

fn is_number(cell: &str) -> bool {
    cell.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && cell.ends_with(|last: char| last.is_ascii_digit() || last == '-')
        && cell.chars().all(|c| c.is_ascii_digit() || "-/.,".contains(c))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self
            .header
            .iter()
            .enumerate()
            .map(|(column, head)| {
                let width = self.cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0);
                (width.max(head.chars().count()), self.cells(column).all(is_number))
            })
            .collect();
        for (line, row) in std::iter::once(&self.header).chain(&self.rows).enumerate() {
            let mut text = String::new();
            for (column, (width, right)) in columns.iter().copied().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let gap = if column == 0 { "" } else { "  " };
                let padded = if right { format!("{gap}{cell:>width$}") } else { format!("{gap}{cell:<width$}") };
                text.push_str(&padded);
            }
            if line > 0 {
                writeln!(f)?;
            }
            f.write_str(text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_stand_to_the_right() {
        let mut table = Table::new(&["region", "lines", "verdict"]);
        table.row(vec!["us-east".into(), "9".into(), "agrees".into()]);
        table.row(vec!["eu".into(), "1200".into(), "2 wrong".into()]);
        let text = table.to_string();
        assert_eq!(text, "region   lines  verdict\nus-east      9  agrees\neu        1200  2 wrong");
    }
}
