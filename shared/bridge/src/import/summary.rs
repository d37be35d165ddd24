//! What an import says in words: its differences, and what has come of it.

use std::time::Duration;

use model::{Direction, PairKind};
use sync::PairContext;
use sync::import::{Difference, Ended, Foreseen, Imported, Tally};

use crate::screen::{BAD, BOLD, CARE, DIM, GOOD, NAME, line, styled};

/// The longest value that is shown whole, in characters.
const VALUE_CHARS: usize = 40;

/// `mautic:main contact to corebos:main Contacts`
pub(super) fn title(context: &PairContext, direction: Direction) -> String {
    let of = |side| format!("{} {}", context.pair.system(side), context.spec.object(side));
    format!("{} to {}", of(direction.source()), of(direction.target()))
}

/// Outcomes in the order in which they are shown, and what they are called in a report and in a dry run.
const OUTCOMES: [(&str, &str, &str); 11] = [
    ("created", "created", "would be created"),
    ("linked_updated", "linked and updated", "would be linked and updated"),
    ("linked", "linked, nothing to write", "would be linked, nothing to write"),
    ("updated", "updated", "would be updated"),
    ("settled", "settled, nothing to write", "would be settled, nothing to write"),
    ("marked_deleted", "marked as deleted", "would be marked as deleted"),
    ("unlinked", "unlinked", "would be unlinked"),
    ("skipped", "skipped", "would be skipped"),
    ("parked", "parked", "would be parked"),
    ("left", "left to the push function", "would be left to the push function"),
    ("waits", "", "cannot be told now"),
];

/// Reasons in words.
fn reason(code: &str) -> &str {
    match code {
        "unchanged" => "nothing has changed",
        "switched_off" => "switched off in the settings",
        "tombstone" => "its partner was deleted",
        "never_linked" => "gone, and was never linked",
        "refused_before" => "refused before, and not changed since",
        "nobody_yet" => "nobody yet: no name and no address",
        "not_linked" => "not linked",
        "other_pair" => "belongs to another pair",
        "not_opted_in" => "not ticked for HubSpot",
        "map_not_edited" => "the map was not edited since",
        "ambiguous" => "several could be meant",
        "candidate_taken" => "the only match belongs to another one",
        "refused" => "refused by the system",
        "breaker" => "written too often lately",
        "leased" => "somebody is writing it",
        "unrecovered" => "a write of it is not finished",
        other => other,
    }
}

fn rows(tally: &Tally, dry: bool) -> Vec<String> {
    let mut rows = Vec::new();
    for (outcome, done, would) in OUTCOMES {
        for (key, count) in &tally.0 {
            let (key, why) = key.split_once('/').unwrap_or((key, ""));
            if key != outcome {
                continue;
            }
            let style = match outcome {
                "parked" | "left" | "waits" => CARE,
                "skipped" | "settled" => DIM,
                _ => GOOD,
            };
            let words = if dry { would } else { done };
            let why = if why.is_empty() { String::new() } else { format!(": {}", reason(why)) };
            rows.push(format!("  {:>9}  {}", grouped(*count), styled(style, &format!("{words}{why}"))));
        }
    }
    rows
}

/// Tells what an import has done.
pub(super) fn imported(title: &str, imported: &Imported, took: Duration, kind: PairKind) {
    let done = imported.tally.total();
    let rate = per_second(done, took.as_secs_f64());
    let records = format!("{} records in {}, {rate:.1} per second", grouped(done), duration(took));
    line(&format!("{}: {records}", styled(BOLD, title)));
    for row in rows(&imported.tally, false) {
        line(&row);
    }
    if imported.in_all.total() > done {
        line(&styled(DIM, &format!("  with earlier runs: {} records", grouped(imported.in_all.total()))));
    }
    if imported.tally.of("parked") > 0 {
        let command = format!("bridge parked list --pair {}", kind.as_str());
        line(&format!("  Why, and what to do: {NAME}{command}{NAME:#}"));
    }
    ending(&imported.ended, true);
}

/// Tells what an import would do.
pub(super) fn foreseen(title: &str, foreseen: &Foreseen, changed: bool) {
    let done = grouped(foreseen.tally.total());
    line(&format!("{}: dry run over {done} records; nothing was written", styled(BOLD, title)));
    for row in rows(&foreseen.tally, true) {
        line(&row);
    }
    line(&format!("  {:>9}  fields would be written", grouped(foreseen.fields)));
    if !changed {
        line(&format!("  {:>9}  records would get the id of their partner", grouped(foreseen.ids)));
    }
    for (key, count) in &foreseen.conflicts {
        let (winner, why) = key.split_once('/').unwrap_or((key, ""));
        let text = format!("values differ: {winner} would win ({why}); the other value goes to the history");
        line(&format!("  {:>9}  {text}", grouped(*count)));
    }
    ending(&foreseen.ended, false);
}

fn ending(ended: &Ended, resumes: bool) {
    let (style, text) = match ended {
        Ended::Complete => return,
        Ended::Limit if resumes => (DIM, "ended at --limit; the next run goes on behind it".to_owned()),
        Ended::Limit => (DIM, "ended at --limit".to_owned()),
        Ended::Interrupted if resumes => (
            CARE,
            "ended early. The same command goes on from here; with --restart it begins anew".to_owned(),
        ),
        Ended::Interrupted => (CARE, "ended early".to_owned()),
        Ended::LeaseLost => {
            (BAD, "ended: another import of the same records has begun while this one was asleep".to_owned())
        }
        Ended::Away { detail } => (
            BAD,
            format!(
                "ended: no answer for too long: {detail}. Nothing is lost: the same command goes on from here"
            ),
        ),
        Ended::Stopped { reason, detail } => {
            (BAD, format!("ended ({reason}): {detail}. Nothing is lost: the same command goes on from here"))
        }
    };
    line(&format!("  {}", styled(style, &text)));
}

/// A difference, in lines.
pub(super) fn difference(difference: &Difference, map: &str) -> Vec<String> {
    let told = &difference.told;
    let would =
        OUTCOMES.iter().find(|(outcome, ..)| *outcome == told.outcome).map_or("", |(.., would)| would);
    let target = difference.target.as_ref().map(|target| format!(" ({target})")).unwrap_or_default();
    let why = if told.reason.is_empty() { String::new() } else { format!(": {}", reason(told.reason)) };
    let mut lines = vec![format!("{NAME}{}{NAME:#}{target} {would}{why}", difference.source)];
    if !difference.detail.is_empty() {
        lines.push(format!("    {}", difference.detail));
    }
    for field in &difference.fields {
        let place = field.line.map_or_else(String::new, |line| format!("   {map} line {line}"));
        let (from, to) = (value(&field.from), value(&field.to));
        let text = match &field.kept {
            None if told.outcome == "created" => format!("    {}: {to}", field.field),
            None => format!("    {}: {from} -> {to}", field.field),
            Some(why) => format!("    {}: {from} is kept ({why}), not {to}", field.field),
        };
        lines.push(format!("{text}{}", styled(DIM, &place)));
    }
    lines
}

/// A value in quotes, on one line, and not too long.
fn value(text: &str) -> String {
    let mut short: String = text.chars().take(VALUE_CHARS).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    format!("{short:?}")
}

/// `1,234,567`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How many per second; also how many seconds so many take at a rate.
#[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
pub(super) fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// `1 h 2 min`, `3 min 20 s`, `4.2 s`
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..=59 => format!("{:.1} s", duration.as_secs_f64()),
        60..=3599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_readable() {
        assert_eq!([7, 1_000, 12_345_678].map(grouped), ["7", "1,000", "12,345,678"]);
        let shown = [4.25, 200.0, 3_720.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!(shown, ["4.2 s", "3 min 20 s", "1 h 2 min"]);
    }

    #[test]
    fn every_outcome_of_an_import_has_its_words() {
        let mut tally = Tally::default();
        for outcome in [
            "created",
            "linked_updated",
            "linked",
            "updated",
            "settled",
            "marked_deleted",
            "unlinked",
            "skipped",
            "parked",
            "left",
            "waits",
        ] {
            tally.count(outcome, "");
        }
        assert_eq!(rows(&tally, true).len(), tally.0.len());
    }

    #[test]
    fn values_are_shown_on_one_line_and_cut() {
        assert_eq!(value("a\nb"), r#""a\nb""#);
        assert_eq!(value(&"x".repeat(60)).len(), VALUE_CHARS + 5);
    }
}
