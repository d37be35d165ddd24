//! The report as text, for a person at a terminal.

use jiff::Timestamp;
use model::Value;

use super::columns::{Cell, lines};
use super::report::{
    DirectionFacts, FieldFacts, HistoryFacts, LinkFacts, LogFacts, ParkedFacts, RecordFacts, Report,
};
use crate::screen::{BAD, BOLD, CARE, DIM, GOOD, NAME, clean, shortened, styled};
use crate::times::{ago, lasting, shown};

/// The longest value in a table, in characters. `bridge why RECORD FIELD` shows it whole.
const VALUE: usize = 28;
/// The longest text in the last column.
const TEXT: usize = 160;

/// States of a field that need no attention.
const QUIET: [&str; 6] = ["in_step", "already_there", "blank", "create_only", "rides_along", "not_made"];

/// The lines of a report. All fields are shown with `all`; otherwise those in step that are blank on both sides are
/// only counted.
pub(super) fn render(report: &Report, all: bool) -> Vec<String> {
    let mut out = Vec::new();
    let now = report.looked_at;
    heading(report, &mut out);
    out.push(String::new());
    let (mark, style) = if report.in_step { ("✓", GOOD) } else { ("!", CARE) };
    for sentence in &report.in_short {
        out.push(format!("  {} {}", styled(style, mark), clean(sentence)));
    }
    out.push(String::new());
    out.extend(lines(&report.records.iter().map(|record| record_row(record, now)).collect::<Vec<_>>(), "  "));
    match &report.link {
        Some(link) => out.extend(link_lines(link)),
        None => out.push("  not linked".to_owned()),
    }
    for direction in &report.directions {
        out.push(String::new());
        direction_lines(direction, all, &mut out);
    }
    if !report.parked.is_empty() {
        out.push(String::new());
        out.push(styled(BOLD, "Parked"));
        out.extend(lines(&report.parked.iter().map(parked_row).collect::<Vec<_>>(), "  "));
    }
    out.push(String::new());
    out.push(styled(BOLD, "What was done") + &styled(DIM, "  newest first, times in UTC"));
    if report.history.is_empty() {
        out.push(styled(DIM, "  nothing was ever settled for it"));
    }
    out.extend(lines(&report.history.iter().map(history_row).collect::<Vec<_>>(), "  "));
    for lost in report.history.iter().flat_map(|entry| &entry.lost) {
        let value = value(Some(&lost.value));
        out.push(styled(
            DIM,
            &format!(
                "  did not survive: {} = {value} of {} ({})",
                clean(&lost.field),
                lost.of,
                clean(&lost.reason)
            ),
        ));
    }
    log_lines(&report.log, &mut out);
    out.push(String::new());
    queue_lines(report, &mut out);
    out
}

fn heading(report: &Report, out: &mut Vec<String>) {
    let names: Vec<String> = report.records.iter().map(|record| styled(NAME, &named(record))).collect();
    out.push(format!(
        "{}  {}",
        names.join(" ⇄ "),
        styled(DIM, &format!("{} on {}", report.pair, report.stack))
    ));
}

/// `Mautic contact 47`.
pub(super) fn named(record: &RecordFacts) -> String {
    let rest = record.record.split_once('#').map_or("", |(_, rest)| rest).replacen('#', " ", 1);
    format!("{} {}", record.system, clean(&rest))
}

fn record_row(record: &RecordFacts, now: Timestamp) -> Vec<Cell> {
    let (is, style) = match record.is {
        "there" => ("", GOOD),
        "gone" => ("gone", CARE),
        "merged" => ("answers for a record that was merged into it", CARE),
        _ => ("could not be read", BAD),
    };
    let mut parts = Vec::new();
    if !is.is_empty() {
        parts.push(is.to_owned());
    }
    if let Some(modified) = record.modified {
        let by = record.last_writer.unwrap_or("unknown");
        parts.push(format!("changed {} ({}) by {by}", shown(modified), ago(modified, now)));
    }
    if let Some(lease) = &record.lease {
        let who = if lease.live { "a push is at work" } else { "a worker died" };
        parts.push(format!(
            "{who}: {} {} until {}",
            lease.intent,
            lease.fields.join(" "),
            shown(lease.until)
        ));
    }
    if record.creation_refused {
        parts.push("its creation on the other side was refused".to_owned());
    }
    let style = if record.is == "there" { anstyle::Style::new() } else { style };
    vec![Cell::new(&named(record), 60), Cell::new(&parts.join("; "), TEXT).in_style(style)]
}

fn link_lines(link: &LinkFacts) -> Vec<String> {
    let status = match (link.status, link.since) {
        ("tombstone", Some(since)) => {
            let gone = link.gone_in.as_deref().unwrap_or_default();
            styled(CARE, &format!("a tombstone since {}: gone in {gone}", shown(since)))
        }
        ("resting", Some(since)) => {
            let until = link.until.map(shown).unwrap_or_default();
            styled(CARE, &format!("rests since {} until {until}", shown(since)))
        }
        (status, _) => status.to_owned(),
    };
    let writes = match link.writes_lately {
        0 => String::new(),
        count => format!(
            "; {} lately, as the breaker counts",
            crate::screen::count(usize::try_from(count).unwrap_or_default(), "write")
        ),
    };
    let mut out = vec![format!("  link {}: {status}{writes}", clean(&link.id))];
    for refused in &link.refused {
        let words = refused.words.as_deref().map(|words| format!(": {}", clean(words))).unwrap_or_default();
        out.push(styled(CARE, &format!("  refused by {}: {}{words}", refused.by, clean(&refused.field))));
    }
    out
}

fn direction_lines(direction: &DirectionFacts, all: bool, out: &mut Vec<String>) {
    let DirectionFacts { from, to, map, map_kept, .. } = direction;
    let title = styled(BOLD, &format!("{from} ▶ {to}"));
    out.push(format!("{title}  {}", styled(DIM, &format!("map {map}, from {map_kept}"))));
    if let Some(edit) = &direction.map_edit {
        out.extend(edit.lines().map(|line| format!("  {}", styled(CARE, &clean(line)))));
    }
    for what in &direction.before {
        out.push(format!("  {} {}", styled(CARE, "first:"), clean(what)));
    }
    out.push(format!("  next: {}", clean(&direction.next)));
    let (missing, fields): (Vec<_>, Vec<_>) =
        direction.fields.iter().partition(|field| field.state == "no_such_field");
    let (quiet, loud): (Vec<_>, Vec<_>) = fields.into_iter().partition(|field| QUIET.contains(&field.state));
    let (blank, quiet): (Vec<_>, Vec<_>) = quiet.into_iter().partition(|field| !all && is_blank(field));
    if !loud.is_empty() || !quiet.is_empty() {
        let header =
            ["field", &format!("{from} holds"), &format!("{to} holds"), "state", "made of (line of the map)"]
                .map(|text| Cell::new(text, 40).in_style(DIM));
        let mut rows = vec![header.to_vec()];
        rows.extend(loud.iter().map(|field| field_row(field, CARE)));
        rows.extend(quiet.iter().map(|field| field_row(field, DIM)));
        out.extend(lines(&rows, "  "));
    }
    let no_such_field = format!("left out, because {to} has no such field");
    // Where there is no record to compare with, there is only one side.
    let alone = direction.fields.iter().all(|field| field.here.is_none());
    let blank_there =
        if alone { format!("blank in {from}") } else { "blank on both sides, and in step".to_owned() };
    for (what, fields) in [(blank_there, blank), (no_such_field, missing)] {
        if !fields.is_empty() {
            let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
            out.push(styled(DIM, &format!("  {what}: {}", clean(&names.join(", ")))));
        }
    }
}

fn is_blank(field: &FieldFacts) -> bool {
    let blank = |value: Option<&Value>| value.is_none_or(sync::project::is_blank);
    blank(field.value.as_ref()) && blank(field.here.as_ref())
}

fn field_row(field: &FieldFacts, style: anstyle::Style) -> Vec<Cell> {
    let line = field.line.map(|line| format!("  ({line})")).unwrap_or_default();
    vec![
        Cell::new(&field.field, 40),
        Cell::new(&sources(field), VALUE),
        Cell::new(&value(field.here.as_ref()), VALUE),
        Cell::new(&field.told, 90).in_style(style),
        Cell::new(&format!("{}{line}", shortened(&field.directive, 80)), 100).in_style(DIM),
    ]
}

/// What the source holds in the fields that a field is made of.
fn sources(field: &FieldFacts) -> String {
    let held: Vec<_> = field.sources.iter().collect();
    match held.as_slice() {
        [] => "(constant)".to_owned(),
        [(_, held)] => value(held.as_ref()),
        several => {
            let each = several.iter().map(|(name, held)| format!("{name}={}", value(held.as_ref())));
            each.collect::<Vec<_>>().join(" ")
        }
    }
}

/// A value as people read it. Nothing and blank look alike in a table.
pub(super) fn value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::Text(text)) if text.is_empty() => "–".to_owned(),
        Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(_)) => value.map(Value::to_json_text).unwrap_or_default(),
        Some(other) => clean(&other.php_string()),
    }
}

fn parked_row(parked: &ParkedFacts) -> Vec<Cell> {
    let words = parked.fields.iter().map(|(field, words)| format!("{field}: {words}")).collect::<Vec<_>>();
    let words = if words.is_empty() { parked.message.clone() } else { words.join("; ") };
    vec![
        Cell::new(&parked.id, 12).in_style(NAME),
        Cell::new(&shown(parked.at), 20),
        Cell::new(&format!("▶ {}", parked.to), 30),
        Cell::new(&parked.reason, 30).in_style(CARE),
        Cell::new(&words, TEXT),
    ]
}

fn history_row(entry: &HistoryFacts) -> Vec<Cell> {
    let mut what = entry.written.join(" ");
    if !entry.refused.is_empty() {
        what = format!("{what} (refused: {})", entry.refused.join(" "));
    }
    let took = entry.received_at.and_then(|received| {
        let took = entry.at.duration_since(received);
        (!took.is_negative()).then(|| format!("{} after its notice", lasting(took.unsigned_abs())))
    });
    vec![
        Cell::new(&shown(entry.at), 20),
        Cell::new(&format!("{} ▶ {}", entry.from, entry.to), 40),
        Cell::new(&entry.outcome.replace('_', " "), 20).in_style(GOOD),
        Cell::new(what.trim(), 80),
        Cell::new(&took.unwrap_or_default(), 40).in_style(DIM),
        Cell::new(&entry.receipt, 60).in_style(DIM),
    ]
}

fn log_lines(log: &LogFacts, out: &mut Vec<String>) {
    if !log.lines.is_empty() {
        out.push(String::new());
        out.push(styled(BOLD, "What was decided") + &styled(DIM, "  the log of the pushes, newest first"));
        let row = |line: &crate::stack::log::LogLine| {
            let reason = if line.reason.is_empty() { String::new() } else { format!(" ({})", line.reason) };
            vec![
                Cell::new(&shown(line.at), 20),
                Cell::new(&line.function, 20).in_style(DIM),
                Cell::new(&line.record(), 60),
                Cell::new(&format!("{}{reason}", line.outcome.replace('_', " ")), 60),
                Cell::new(format!("{} {}", line.fields, line.detail).trim(), TEXT),
            ]
        };
        out.extend(lines(&log.lines.iter().map(row).collect::<Vec<_>>(), "  "));
    }
    if let Some(query) = &log.query {
        out.push(String::new());
        out.push(styled(BOLD, "What was decided") + &styled(DIM, "  skipped changes are only in the log"));
        out.push(format!("  CloudWatch Logs Insights, log groups {}:", log.groups.join(" ")));
        out.extend(clean(query).lines().map(|line| format!("    {line}")));
    }
}

fn queue_lines(report: &Report, out: &mut Vec<String>) {
    let queues = report.queues.iter().map(|queue| {
        let dead = match queue.dead_letters {
            Some(0) | None => String::new(),
            Some(count) => format!(", {count} dead letters"),
        };
        format!("towards {}: {} waiting, {} at work{dead}", queue.towards, queue.waiting, queue.in_flight)
    });
    let queues: Vec<String> = queues.collect();
    if !queues.is_empty() {
        out.push(styled(DIM, &format!("Queues    {}", queues.join("; "))));
    }
    let polls = report.polls.iter().map(|poll| {
        let until =
            poll.read_until.map_or_else(|| "never".to_owned(), |until| format!("until {}", shown(until)));
        format!("{} {} read {until}", poll.system, poll.object)
    });
    out.push(styled(DIM, &format!("Polls     {}", polls.collect::<Vec<_>>().join("; "))));
}
