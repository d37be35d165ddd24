//! Shows findings to people: as a compiler does, in colour on a terminal.

use std::io::Write as _;

use anstyle::Style;
use mapping::{Finding, Position, Severity};

use crate::screen::{BAD, BOLD, CARE, NAME, styled};
pub(super) use crate::screen::{clean, count};

/// Prints something that is not the result.
pub(super) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// A finding for a person: `file:line:column`, what is wrong, the line, the place in it, what to do.
pub(super) fn finding(finding: &Finding) -> String {
    let (word, style) = match finding.severity {
        Severity::Error => ("error", BAD),
        Severity::Warning => ("warning", CARE),
    };
    let plain = clean(&finding.to_string());
    let mut lines = plain.split('\n');
    let first = lines.next().unwrap_or_default();
    let mut shown = match first.split_once(&format!(": {word}: ")) {
        Some((place, problem)) => {
            format!("{}: {}: {}", styled(BOLD, place), styled(style, word), styled(BOLD, problem))
        }
        None => first.to_owned(),
    };
    for line in lines {
        shown.push('\n');
        shown.push_str(&in_margin(line, style));
    }
    shown
}

/// The lines below the first: margin, caret and advice stand out.
fn in_margin(line: &str, style: Style) -> String {
    let caret = line.strip_suffix('^').filter(|rest| rest.trim_end().ends_with('|'));
    if let Some((margin, blanks)) = caret.and_then(|rest| rest.split_once('|')) {
        return format!("{}{blanks}{}", styled(NAME, &format!("{margin}|")), styled(style, "^"));
    }
    let at = line.find(['|', '=']).map_or(0, |at| at + 1);
    match line.split_at_checked(at) {
        Some((margin, rest)) if at > 0 => format!("{}{rest}", styled(NAME, margin)),
        _ => line.to_owned(),
    }
}

/// The text of a map as positions count it: line ends are `\n`.
pub(super) fn text(xml: &[u8]) -> String {
    String::from_utf8_lossy(xml).replace("\r\n", "\n").replace('\r', "\n")
}

/// The line of a text in which a position is.
pub(super) fn line_of(text: &str, position: Position) -> String {
    text.split('\n').nth(position.line.saturating_sub(1)).unwrap_or_default().to_owned()
}
