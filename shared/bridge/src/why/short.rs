//! The answer in a few sentences: what stands in the way, what would be done, and when.

use super::report::{DirectionFacts, ParkedFacts, Report};
use crate::times::shown;

/// Outcomes with which a direction is content.
const CONTENT: [&str; 1] = ["unchanged"];
/// Outcomes of a push that does something.
const ACTS: [&str; 4] = ["update", "create", "mark_deleted", "unlink"];
/// States of a field that somebody must look at.
const REFUSED: [&str; 2] = ["refused", "unfit"];

/// Fills in the answer.
pub(super) fn tell(report: &mut Report) {
    reconcile(report);
    let mut told: Vec<String> = report.trouble.clone();
    for direction in &report.directions {
        told.extend(of_direction(direction, report));
    }
    let mut obsolete = Vec::new();
    for parked in &report.parked {
        if is_obsolete(parked, report) {
            obsolete.push(parked.id.clone());
        } else if !is_told_by_a_field(parked, report) {
            let ParkedFacts { id, reason, message, .. } = parked;
            told.push(format!(
                "parked at {} ({reason}): {message} [bridge parked show {id}]",
                shown(parked.at)
            ));
        }
    }
    let looked = !report.directions.is_empty();
    report.in_step = told.is_empty() && looked;
    if report.in_step {
        told.push("in step: both sides hold what was settled last, and nothing waits for it".to_owned());
    }
    // The record is in step with the map that is in use; somebody waits for another one all the same.
    for edit in report.directions.iter().filter_map(|direction| direction.map_edit.as_ref()) {
        told.push(format!("{} [bridge map list]", edit.lines().next().unwrap_or_default()));
    }
    if !obsolete.is_empty() {
        let ids = obsolete.join(" ");
        told.push(format!("parked before and overcome since: bridge parked drop {ids}"));
    }
    report.in_short = told;
}

/// Tells of each direction what only the other one knows: that a side's own change was refused by the other.
fn reconcile(report: &mut Report) {
    let turned_down: Vec<(String, String, Vec<String>)> = report
        .directions
        .iter()
        .flat_map(|direction| {
            let refused = direction.fields.iter().filter(|field| REFUSED.contains(&field.state));
            refused.map(|field| {
                (direction.to.clone(), field.field.clone(), field.sources.keys().cloned().collect())
            })
        })
        .collect();
    for direction in &mut report.directions {
        for field in direction.fields.iter_mut().filter(|field| field.state == "in_step") {
            let answered = turned_down.iter().any(|(by, made, of)| {
                *by == direction.from && of.contains(&field.field) && field.sources.contains_key(made)
            });
            if answered && field.here != field.value {
                field.state = "refused_there";
                field.told = format!("{} has changed it, and {} refused that", direction.to, direction.from);
            }
        }
        let differs = direction.fields.iter().any(|field| REFUSED.contains(&field.state));
        if direction.outcome == "unchanged" && differs {
            direction.next =
                String::from("nothing: what differs was refused, and the rest is as it was settled last");
        }
    }
}

fn of_direction(direction: &DirectionFacts, report: &Report) -> Vec<String> {
    let DirectionFacts { from, to, outcome, next, .. } = direction;
    let arrow = format!("{from} ▶ {to}");
    let mut told: Vec<String> = direction.before.iter().map(|what| format!("{arrow}: {what}")).collect();
    if !CONTENT.contains(outcome) && !is_mirrored(direction, report) {
        told.push(format!("{arrow}: {next}"));
    }
    let refused = direction.fields.iter().filter(|field| REFUSED.contains(&field.state));
    told.extend(refused.map(|field| format!("{arrow}: {}: {}", field.field, field.told)));
    if ACTS.contains(outcome) && direction.before.is_empty() {
        told.push(when(direction, report));
    }
    told
}

/// Whether the other direction says the same: a tombstone is one for both.
fn is_mirrored(direction: &DirectionFacts, report: &Report) -> bool {
    let is_first = report.directions.first().is_some_and(|first| std::ptr::eq(first, direction));
    direction.outcome == "tombstone"
        && !is_first
        && report.directions.first().is_some_and(|first| first.outcome == "tombstone")
}

/// When what would be done is done.
fn when(direction: &DirectionFacts, report: &Report) -> String {
    let DirectionFacts { from, to, .. } = direction;
    let queue = report.queues.iter().find(|queue| queue.towards == *to);
    let queued = queue.map(|queue| queue.waiting + queue.in_flight).unwrap_or_default();
    let polled = report.polls.iter().find(|poll| poll.system == *from).and_then(|poll| poll.read_until);
    if queued > 0 {
        return format!(
            "it is done when its turn comes: {queued} changes are in the queue towards {to}; whether this one is among \
             them, SQS does not tell"
        );
    }
    match polled {
        Some(until) => format!(
            "nothing is queued towards {to}: no webhook has told of it; the next poll of {from} finds what was changed \
             after {}",
            shown(until)
        ),
        None => format!(
            "nothing is queued towards {to}: no webhook has told of it, and {from} was never polled; save the record \
             once more, or import it"
        ),
    }
}

/// Whether what was parked is no trouble any more: the direction is content, and so are the fields.
fn is_obsolete(parked: &ParkedFacts, report: &Report) -> bool {
    let direction = report.directions.iter().find(|direction| direction.to == parked.to);
    direction.is_some_and(|direction| {
        let refused = |name: &String| {
            direction.fields.iter().any(|field| field.field == *name && REFUSED.contains(&field.state))
        };
        let is_linked = report.link.as_ref().is_some_and(|link| link.status == "active");
        is_linked && CONTENT.contains(&direction.outcome) && !parked.fields.keys().any(refused)
    })
}

fn is_told_by_a_field(parked: &ParkedFacts, report: &Report) -> bool {
    let direction = report.directions.iter().find(|direction| direction.to == parked.to);
    direction.is_some_and(|direction| {
        parked
            .fields
            .keys()
            .any(|name| direction.fields.iter().any(|field| field.field == *name && field.state == "refused"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::report::{FieldFacts, LinkFacts, LogFacts, PollFacts, QueueFacts};
    use super::*;

    fn field(name: &str, state: &'static str) -> FieldFacts {
        FieldFacts {
            field: name.to_owned(),
            sources: BTreeMap::from([(name.to_owned(), None)]),
            line: Some(12),
            directive: name.to_owned(),
            made: None,
            value: None,
            held: None,
            here: None,
            base: "equal",
            master: None,
            pending: Vec::new(),
            source_edited: None,
            target_edited: None,
            state,
            told: format!("is {state}"),
        }
    }

    fn direction(outcome: &'static str, next: &str, fields: Vec<FieldFacts>) -> DirectionFacts {
        DirectionFacts {
            from: "Mautic".to_owned(),
            to: "coreBOS".to_owned(),
            map: "MauticToContacts".to_owned(),
            map_kept: "the bundle".to_owned(),
            map_edit: None,
            before: Vec::new(),
            outcome,
            next: next.to_owned(),
            fields,
        }
    }

    fn report(directions: Vec<DirectionFacts>) -> Report {
        let link = LinkFacts {
            id: "l-1".to_owned(),
            status: "active",
            since: None,
            gone_in: None,
            until: None,
            writes_lately: 0,
            refused: Vec::new(),
        };
        Report {
            looked_at: "2026-11-21T08:15:30Z".parse().unwrap(),
            stack: "a stack".to_owned(),
            pair: "mautic-contacts".to_owned(),
            in_short: Vec::new(),
            in_step: false,
            records: Vec::new(),
            link: Some(link),
            directions,
            parked: Vec::new(),
            history: Vec::new(),
            queues: Vec::new(),
            polls: Vec::new(),
            log: LogFacts::default(),
            trouble: Vec::new(),
        }
    }

    fn parked(field: &str) -> ParkedFacts {
        ParkedFacts {
            id: "a1b2c3d4".to_owned(),
            at: "2026-11-21T08:00:00Z".parse().unwrap(),
            pair: "mautic-contacts".to_owned(),
            record: "mautic:main#contact#47".to_owned(),
            to: "coreBOS".to_owned(),
            reason: "refused".to_owned(),
            message: "coreBOS does not take it".to_owned(),
            fields: BTreeMap::from([(field.to_owned(), "mandatory".to_owned())]),
            receipt: "req-1/0".to_owned(),
            received_at: "2026-11-21T08:00:00Z".parse().unwrap(),
            advice: String::new(),
        }
    }

    fn short(mut report: Report) -> (bool, Vec<String>) {
        tell(&mut report);
        (report.in_step, report.in_short)
    }

    #[test]
    fn a_pair_in_step_is_one_sentence() {
        let (in_step, told) = short(report(vec![direction("unchanged", "nothing", Vec::new())]));
        assert!(in_step && told.len() == 1 && told[0].starts_with("in step"), "{told:?}");
    }

    #[test]
    fn nothing_is_in_step_that_could_not_be_looked_at() {
        let (in_step, told) = short(report(Vec::new()));
        assert!(!in_step && told.is_empty(), "{told:?}");
        let away = Report { trouble: vec!["Mautic is away".to_owned()], ..report(Vec::new()) };
        assert_eq!(short(away), (false, vec!["Mautic is away".to_owned()]));
    }

    #[test]
    fn what_would_be_done_is_told_with_when_it_is() {
        let act = || report(vec![direction("update", "coreBOS would get mobile", Vec::new())]);
        let queue = |waiting| QueueFacts {
            towards: "coreBOS".to_owned(),
            waiting,
            in_flight: 0,
            dead_letters: Some(0),
        };
        let poll =
            |read_until| PollFacts { system: "Mautic".to_owned(), object: "contact".to_owned(), read_until };
        let until = "2026-11-21T08:10:00Z".parse().ok();
        for (queues, polls, words) in [
            (vec![queue(3)], vec![poll(until)], "3 changes are in the queue towards coreBOS"),
            (
                vec![queue(0)],
                vec![poll(until)],
                "the next poll of Mautic finds what was changed after 2026-11-21 08:10:00",
            ),
            (Vec::new(), vec![poll(None)], "Mautic was never polled"),
        ] {
            let (in_step, told) = short(Report { queues, polls, ..act() });
            assert_eq!(told[0], "Mautic ▶ coreBOS: coreBOS would get mobile");
            assert!(!in_step && told[1].contains(words), "{told:?}");
        }
    }

    #[test]
    fn a_refused_field_is_told_once_and_what_is_overcome_is_told_apart() {
        let refused = report(vec![direction("unchanged", "nothing", vec![field("lastname", "refused")])]);
        let (in_step, told) = short(Report { parked: vec![parked("lastname")], ..refused });
        assert_eq!((in_step, told), (false, vec!["Mautic ▶ coreBOS: lastname: is refused".to_owned()]));
        let mended = report(vec![direction("unchanged", "nothing", vec![field("lastname", "in_step")])]);
        let (in_step, told) = short(Report { parked: vec![parked("lastname")], ..mended });
        assert!(in_step && told[1].contains("overcome since: bridge parked drop a1b2c3d4"), "{told:?}");
    }

    #[test]
    fn a_parked_change_that_no_field_tells_of_is_told() {
        let waiting = report(vec![direction("refused_before", "nothing: refused", Vec::new())]);
        let (_, told) = short(Report { parked: vec![parked("lastname")], link: None, ..waiting });
        assert!(
            told[1].contains("(refused): coreBOS does not take it [bridge parked show a1b2c3d4]"),
            "{told:?}"
        );
    }
}
