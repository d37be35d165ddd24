//! What a person sees: colours in a terminal, plain text in a pipe.

use std::io::Write;

use anstyle::{AnsiColor, Style};

/// Headings.
pub const BOLD: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// Done.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Waits, was refused, was parked.
pub const CARE: Style = AnsiColor::Yellow.on_default();
/// Went wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Who speaks.
pub const NAME: Style = AnsiColor::Cyan.on_default();

/// Prints one line. A reader that has gone away is no reason to fail.
pub fn line(text: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{text}");
}

/// Prints an error.
pub fn error(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{BAD}error:{BAD:#} {text}");
}

/// A text in a style.
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
