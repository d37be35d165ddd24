//! What an import shows while it runs: a bar in a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sync::import::{Difference, ImportEvent, ImportWatch};

use super::summary;
use crate::screen::{CARE, DIM, line, styled};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows an import.
pub(super) struct Shown {
    bar: ProgressBar,
    is_terminal: bool,
    title: String,
    map: &'static str,
    stops: Arc<AtomicBool>,
    /// How many differences are still to be shown.
    inside: Mutex<Inside>,
}

struct Inside {
    differences: usize,
    hidden: u64,
    begun: Instant,
    last_line: Instant,
    /// Records done in this run, and where it began.
    done: u64,
    before: u64,
    total: Option<u64>,
    /// What everybody waits for.
    waits: Option<&'static str>,
    unfetched: bool,
}

impl Shown {
    /// `differences`: how many a dry run shows. `map`: the name of the map that differences name lines of.
    pub(super) fn new(
        title: &str,
        stops: Arc<AtomicBool>,
        differences: Option<usize>,
        map: &'static str,
    ) -> Self {
        let bar = ProgressBar::no_length().with_prefix(title.to_owned());
        let template = "{prefix} [{bar:28}] {human_pos} of {human_len}  {per_sec}  {eta} left {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        let now = Instant::now();
        Self {
            bar,
            is_terminal: std::io::stderr().is_terminal(),
            title: title.to_owned(),
            map,
            stops,
            inside: Mutex::new(Inside {
                differences: differences.unwrap_or_default(),
                hidden: 0,
                begun: now,
                last_line: now,
                done: 0,
                before: 0,
                total: None,
                waits: None,
                unfetched: false,
            }),
        }
    }

    /// Prints a line without disturbing the bar.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| line(text));
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn is_stopped(&self) -> bool {
        self.stops.load(Ordering::SeqCst)
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
        let hidden = self.inside.lock().unwrap_or_else(PoisonError::into_inner).hidden;
        if hidden > 0 {
            line(&styled(DIM, &format!("... and {hidden} more; --show N shows more of them")));
        }
    }

    fn difference(&self, difference: &Difference) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.differences == 0 {
            inside.hidden += 1;
            return;
        }
        inside.differences -= 1;
        drop(inside);
        for text in summary::difference(difference, self.map) {
            self.say(&text);
        }
    }

    fn count(&self, records: u64) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.done += records;
        inside.waits = None;
        self.bar.set_message("");
        self.bar.inc(records);
        let now = Instant::now();
        if self.is_terminal || now.duration_since(inside.last_line) < LINE_EVERY {
            return;
        }
        inside.last_line = now;
        let text = told(&self.title, &inside, now);
        drop(inside);
        line(&text);
    }
}

/// `Mautic contacts to coreBOS: 1,200 of 10,000, 38.2 records per second, 3 min 50 s left`
fn told(title: &str, inside: &Inside, now: Instant) -> String {
    let seconds = now.duration_since(inside.begun).as_secs_f64();
    let rate = summary::per_second(inside.done, seconds);
    let place = inside.before + inside.done;
    let Some(total) = inside.total else {
        return format!("{title}: {}, {rate:.1} records per second", summary::grouped(place));
    };
    let left = if rate > 0.0 {
        let left = summary::per_second(total.saturating_sub(place), rate);
        format!(", {} left", summary::duration(Duration::try_from_secs_f64(left).unwrap_or_default()))
    } else {
        String::new()
    };
    let (place, total) = (summary::grouped(place), summary::grouped(total));
    format!("{title}: {place} of {total}, {rate:.1} records per second{left}")
}

impl ImportWatch for Shown {
    fn told(&self, event: &ImportEvent<'_>) {
        match event {
            ImportEvent::Resumed(progress) => {
                let done = progress.tally.total();
                self.inside.lock().unwrap_or_else(PoisonError::into_inner).before = done;
                self.bar.set_position(done);
                self.bar.reset_eta();
                let text = format!(
                    "{}: going on behind {} records that are done",
                    self.title,
                    summary::grouped(done)
                );
                self.say(&styled(DIM, &text));
            }
            ImportEvent::Page { passed_over, left, .. } => {
                let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(left) = left {
                    let total = inside.before + inside.done + left;
                    inside.total = Some(total);
                    self.bar.set_length(total);
                }
                drop(inside);
                self.count(*passed_over);
            }
            ImportEvent::Done { .. } => self.count(1),
            ImportEvent::Difference(difference) => self.difference(difference),
            ImportEvent::Waits { reason, detail } => {
                let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
                let is_news = inside.waits.replace(reason) != Some(reason);
                drop(inside);
                self.bar.set_message(styled(CARE, &format!("waits: {detail}")));
                if is_news {
                    self.say(&styled(CARE, &format!("{}: waits: {detail}", self.title)));
                }
            }
            ImportEvent::Unfetched { detail } => {
                let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
                let is_news = !std::mem::replace(&mut inside.unfetched, true);
                drop(inside);
                if is_news {
                    let text =
                        format!("{}: reading one by one where several at once fails: {detail}", self.title);
                    self.say(&styled(CARE, &text));
                }
            }
        }
    }

    fn stops(&self) -> bool {
        self.is_stopped()
    }
}
