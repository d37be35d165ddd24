//! Columns of text, as wide as what stands in them; the last one is as wide as it likes.

use anstyle::Style;

use crate::screen::{shortened, styled};

/// A cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A text, cut to so many characters.
    pub(crate) fn new(text: &str, longest: usize) -> Self {
        Self { text: shortened(text, longest), style: Style::new() }
    }

    /// The same in a style.
    pub(crate) fn in_style(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// The rows as lines, each behind a margin.
pub(crate) fn lines(rows: &[Vec<Cell>], margin: &str) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<Cell>| {
        let mut line = margin.to_owned();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(&if cell.text.is_empty() { String::new() } else { styled(cell.style, &cell.text) });
            if column + 1 < row.len() {
                let used = cell.text.chars().count();
                let wide = widths.get(column).copied().unwrap_or_default();
                line.push_str(&" ".repeat(wide.saturating_sub(used) + 2));
            }
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
