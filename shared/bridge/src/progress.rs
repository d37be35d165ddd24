//! A bar for what takes long: on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar up to `count`, with the rate and the time that is left. Nothing is shown for a few.
pub(crate) fn bar(count: usize, what: &str) -> ProgressBar {
    if count < 20 {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    let look = format!("  {{bar:30}} {{pos}} of {{len}} {what}, {{per_sec}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&look) {
        bar.set_style(style);
    }
    bar
}
