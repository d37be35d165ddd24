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

/// A text without what would command a terminal.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() && character != '\n' { '\u{fffd}' } else { character })
        .collect()
}

/// A text from outside on one line, of so many characters at most.
pub fn shortened(text: &str, longest: usize) -> String {
    let line = clean(text).replace('\n', " ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

/// `1 error`, `2 errors`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Asks a question on the terminal that is answered with yes or no. Nobody there is a no.
pub fn confirmed(question: &str) -> bool {
    use std::io::IsTerminal as _;
    if !std::io::stdin().is_terminal() {
        return false;
    }
    let mut screen = anstream::stderr().lock();
    let _ = write!(screen, "{question} [y/N] ");
    let _ = screen.flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// A text in a style.
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
