//! One field in depth: each step from what the source holds to what the target holds.

use super::report::{DirectionFacts, FieldFacts, Report};
use super::text::{named, value};
use crate::screen::{BOLD, CARE, DIM, GOOD, clean, styled};
use crate::times::shown;

/// Whether a direction has to do with a field, as target or as source.
fn concerns(field: &FieldFacts, name: &str) -> bool {
    field.field == name || field.sources.contains_key(name)
}

/// The report, with this field only.
pub(super) fn only(mut report: Report, name: &str) -> Report {
    for direction in &mut report.directions {
        direction.fields.retain(|field| concerns(field, name));
    }
    report
}

/// The lines about a field, in both directions.
pub(super) fn render(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    for direction in &report.directions {
        for field in &direction.fields {
            steps(report, direction, field, &mut out);
            out.push(String::new());
        }
    }
    out
}

fn steps(report: &Report, direction: &DirectionFacts, field: &FieldFacts, out: &mut Vec<String>) {
    let DirectionFacts { from, to, map, map_kept, .. } = direction;
    let record_of = |system: &String| {
        let record = report.records.iter().find(|record| record.system == *system);
        record.map_or_else(|| format!("{system}: no record"), named)
    };
    out.push(styled(BOLD, &format!("{} in {to}, from {from}", clean(&field.field))));
    let mut step = |name: &str, text: &str| {
        let name = format!("{name:<10}");
        for (index, line) in clean(text).lines().enumerate() {
            let name = if index == 0 { styled(DIM, &name) } else { " ".repeat(10) };
            out.push(format!("  {name}{line}"));
        }
    };
    let sources = field.sources.iter().map(|(name, held)| {
        let held = held.as_ref().map_or_else(|| "(not in the record)".to_owned(), |held| quoted(Some(held)));
        format!("{name} = {held}")
    });
    let sources: Vec<String> = sources.collect();
    let holds = if sources.is_empty() { "nothing: it is a constant".to_owned() } else { sources.join("\n") };
    step("source", &format!("{} holds\n{holds}", record_of(from)));
    let line = match field.line {
        Some(line) => format!("{map} (from {map_kept}), line {line}: {}", field.directive),
        None => field.directive.clone(),
    };
    step("map", &format!("{line}\nmakes {}", quoted(field.made.as_ref())));
    if let Some(edit) = &direction.map_edit {
        step("edit", edit);
    }
    step("value", &format!("as {to} stores it: {}", quoted(field.value.as_ref())));
    let held = format!("{} holds {}", record_of(to), quoted(field.held.as_ref()));
    let compared = match (&field.here, &field.held) {
        (Some(here), held) if held.as_ref() != Some(here) => {
            format!("\ncompared as {}", quoted(Some(here)))
        }
        _ => String::new(),
    };
    step("target", &format!("{held}{compared}"));
    step("base", base(field.base));
    if let Some(master) = &field.master {
        step("master", &format!("the map's <master> names {master}"));
    }
    if !field.pending.is_empty() {
        let names = field.pending.join(", ");
        let time = |time| {
            Option::map_or(time, "at an unknown time".to_owned(), |time| format!("at {}", shown(time)))
        };
        let (source, target) = (time(field.source_edited), time(field.target_edited));
        step(
            "contest",
            &format!(
                "{to} was changed too, and that has not travelled yet ({names})\nedited in {from} {source}, in {to} {target}"
            ),
        );
    }
    let style = if matches!(field.state, "in_step" | "already_there") { GOOD } else { CARE };
    let told = styled(style, &clean(&field.told));
    out.push(format!("  {}{told}", styled(DIM, "so        ")));
}

fn base(code: &str) -> &'static str {
    match code {
        "never" => "nothing was settled yet",
        "edited_map" => "the map was edited since it was settled: what was settled does not count",
        "equal" => "the map makes what it made when it was settled last",
        _ => "the map makes something else than when it was settled last: it has changed",
    }
}

fn quoted(held: Option<&model::Value>) -> String {
    match held {
        None => "nothing".to_owned(),
        Some(model::Value::Null) => "a blank".to_owned(),
        Some(model::Value::Text(text)) => format!("\"{text}\""),
        Some(_) => value(held),
    }
}
