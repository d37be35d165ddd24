//! What is wrong in a map, told like a good compiler does: where, the line itself, what, and what to do.

use std::fmt;

/// A place in a map's text; both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The map works, but probably not as meant.
    Warning,
    /// The map cannot be used, or some of it can never work.
    Error,
}

/// One thing that is wrong in a map. Holds text of the map, never of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The name of the map, or of its file.
    pub map: String,
    /// Where it is.
    pub position: Position,
    /// The line of the map, as written.
    pub source_line: String,
    /// What is wrong: a lower-case sentence without full stop.
    pub problem: String,
    /// What to do about it; may be empty.
    pub advice: String,
}

/// The longest piece of a map's line that is shown, in characters.
const SHOWN_COLUMNS: usize = 120;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let Position { line, column } = self.position;
        writeln!(f, "{}:{line}:{column}: {severity}: {}", self.map, self.problem)?;
        // A map may be one line of a megabyte: show the neighbourhood of the column.
        let start = column.saturating_sub(SHOWN_COLUMNS * 2 / 3);
        let shown: String = self
            .source_line
            .chars()
            .skip(start)
            .take(SHOWN_COLUMNS)
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{margin} |\n{number} | {}", shown.trim_end())?;
        write!(f, "{margin} | {}^", " ".repeat(column.saturating_sub(1).saturating_sub(start)))?;
        if !self.advice.is_empty() {
            write!(f, "\n{margin} = {}", self.advice)?;
        }
        Ok(())
    }
}

/// A map that cannot be used, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{finding}")]
pub struct MapError {
    finding: Box<Finding>,
    needs_corebos: bool,
}

impl MapError {
    /// What is wrong, and where.
    pub fn finding(&self) -> &Finding {
        &self.finding
    }

    /// What is wrong, and where.
    pub fn into_finding(self) -> Finding {
        *self.finding
    }

    /// Whether nothing is wrong with the map but that only coreBOS itself can evaluate it, which it does for
    /// outbound maps through its operation `ProcessMap`.
    pub fn needs_corebos(&self) -> bool {
        self.needs_corebos
    }

    /// The same with other advice: whoever loads a map knows best what can be done about it.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.finding.advice = advice.into();
        self
    }

    pub(crate) fn that_needs_corebos(mut self) -> Self {
        self.needs_corebos = true;
        self
    }
}

impl miette::Diagnostic for MapError {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Error)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        if self.finding.advice.is_empty() { None } else { Some(Box::new(&self.finding.advice)) }
    }
}

/// The text of a map with its name: turns byte offsets into findings.
#[derive(Clone, Copy)]
pub(crate) struct MapText<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

impl MapText<'_> {
    /// Where a byte offset is.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let before = floor(self.text, offset);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }

    /// A finding at a byte offset.
    pub(crate) fn finding(
        &self,
        severity: Severity,
        offset: usize,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Finding {
        let position = self.position(offset);
        let source_line = self.text.split('\n').nth(position.line - 1).unwrap_or_default().to_owned();
        Finding {
            severity,
            map: self.name.to_owned(),
            position,
            source_line,
            problem: problem.into(),
            advice: advice.into(),
        }
    }

    /// An error at a byte offset.
    pub(crate) fn error(
        &self,
        offset: usize,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> MapError {
        MapError {
            finding: Box::new(self.finding(Severity::Error, offset, problem, advice)),
            needs_corebos: false,
        }
    }
}

/// Tells places one after the other, without counting from the start of the text each time.
pub(crate) struct Places<'a> {
    text: &'a str,
    /// The offset of the last place that was asked for, at the start of a character.
    at: usize,
    position: Position,
}

impl<'a> Places<'a> {
    pub(crate) fn new(map: MapText<'a>) -> Self {
        Self { text: map.text, at: 0, position: Position { line: 1, column: 1 } }
    }

    /// Where a byte offset is; as [`MapText::position`] tells it.
    pub(crate) fn position(&mut self, offset: usize) -> Position {
        let to = floor(self.text, offset).len();
        let between = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        if to >= self.at {
            let passed = between(self.at, to);
            let in_line = match passed.rfind('\n') {
                Some(newline) => {
                    self.position.line += passed.matches('\n').count();
                    self.position.column = 1;
                    passed.get(newline + 1..).unwrap_or_default()
                }
                None => passed,
            };
            self.position.column += in_line.chars().count();
        } else {
            let passed = between(to, self.at);
            let newlines = passed.matches('\n').count();
            self.position.line -= newlines;
            self.position.column = if newlines == 0 {
                self.position.column - passed.chars().count()
            } else {
                let before = between(0, to);
                let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
                before.get(line_start..).unwrap_or_default().chars().count() + 1
            };
        }
        self.at = to;
        self.position
    }
}

/// The text up to an offset, moved back to the start of a character.
fn floor(text: &str, offset: usize) -> &str {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_the_line_and_points_at_the_column() {
        let text = MapText { name: "M", text: "<map>\n  <é>zip</é>\n</map>" };
        let offset = text.text.find("zip").unwrap();
        let error = text.error(offset, "`zip` is not a field", "did you mean `zipcode`?");
        assert_eq!(
            error.to_string(),
            "M:2:6: error: `zip` is not a field\n  |\n2 |   <é>zip</é>\n  |      ^\n  = did you mean `zipcode`?"
        );
    }

    #[test]
    fn places_told_in_any_order_are_those_that_are_counted_from_the_start() {
        let map = MapText { name: "M", text: "<map>\n  <é>zip</é>\r\n\n<ñandú>x</ñandú>" };
        let mut places = Places::new(map);
        let offsets = 0..=map.text.len() + 2;
        for step in [1, 7, 11, 23] {
            for turn in offsets.clone() {
                let offset = turn * step % (map.text.len() + 3);
                assert_eq!(places.position(offset), map.position(offset), "{offset}");
            }
        }
    }

    #[test]
    fn an_endless_line_is_shown_in_part() {
        let long = "x".repeat(1_000_000);
        let text = MapText { name: "M", text: &long };
        assert!(text.error(500_000, "here", "").to_string().len() < 500);
    }
}
