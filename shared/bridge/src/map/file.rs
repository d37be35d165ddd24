//! Reads what the user names: maps, records and lines, none of them longer than it may be.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// The longest record file and the longest line of cases, in bytes.
pub(super) const MAX_JSON_BYTES: usize = 16 << 20;

/// How much of a map is read at most, in bytes: enough to tell how long it is when it is too long.
const MAX_MAP_READ: usize = mapping::MAX_BYTES << 6;

/// Reads a map. Of one that is too long only so much that the map engine sees that it is.
pub(super) fn read_map(path: &Path) -> Result<Vec<u8>> {
    read_start(path, MAX_MAP_READ)
}

/// Reads a JSON file.
pub(super) fn read_json(path: &Path) -> Result<Vec<u8>> {
    let bytes = read_start(path, MAX_JSON_BYTES + 1)?;
    if bytes.len() > MAX_JSON_BYTES {
        bail!("{} is longer than {} MB", path.display(), MAX_JSON_BYTES >> 20);
    }
    Ok(bytes)
}

fn read_start(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// One line of a file.
pub(super) enum Line {
    /// The line without its end.
    Read(Vec<u8>),
    /// A line that is longer than it may be; it is passed over.
    TooLong,
}

/// Reads the next line; nothing at the end of the file.
pub(super) fn next_line(reader: &mut impl BufRead, limit: usize) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(match (is_too_long, line.is_empty()) {
                (true, _) => Some(Line::TooLong),
                (false, true) => None,
                (false, false) => Some(Line::Read(line)),
            });
        }
        let newline = buffer.iter().position(|byte| *byte == b'\n');
        let length = newline.unwrap_or(buffer.len());
        if line.len() + length > limit {
            is_too_long = true;
            line = Vec::new();
        }
        if !is_too_long {
            line.extend(buffer.iter().take(length));
        }
        reader.consume(newline.map_or(length, |newline| newline + 1));
        if newline.is_some() {
            return Ok(Some(if is_too_long { Line::TooLong } else { Line::Read(line) }));
        }
    }
}

/// What is wrong with a JSON text, with its place: `3:7: expected value`.
pub(super) fn json_problem(error: &serde_json::Error, first_line: usize) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let problem = text.strip_suffix(&place).unwrap_or(&text);
    format!("{}:{}: {problem}", error.line().saturating_sub(1) + first_line, error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, limit: usize) -> Vec<String> {
        let mut reader = io::BufReader::with_capacity(3, text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut reader, limit).unwrap() {
            lines.push(match line {
                Line::Read(bytes) => String::from_utf8(bytes).unwrap(),
                Line::TooLong => "too long".to_owned(),
            });
        }
        lines
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        assert_eq!(lines("abcd\n\nabcdefgh\nx", 5), ["abcd", "", "too long", "x"]);
        assert_eq!(lines("abcdefgh", 5), ["too long"]);
        assert_eq!(lines("abcde\n", 5), ["abcde"]);
        assert!(lines("", 5).is_empty());
    }

    #[test]
    fn the_place_of_a_json_problem_stands_in_front() {
        let error = serde_json::from_str::<serde_json::Value>("{\n  \"a\": x}").unwrap_err();
        assert_eq!(json_problem(&error, 1), "2:8: expected value");
        assert_eq!(json_problem(&error, 11), "12:8: expected value");
    }
}
