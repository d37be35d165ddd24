//! The words of `bridge why`: what codes and decisions mean to somebody who knows the two systems and not the bridge.

use model::{Direction, RecordRef, Side, System, SystemKind};
use sync::inspect::{BaseState, FieldView, Inspected, Verdict};
use sync::plan::{FieldPlan, LinkChange, WriteBack};
use sync::{PairContext, Plan, SkipReason, park_text};

use crate::times::shown;

/// A system as people call it: `coreBOS`, or `Mautic (shop)` where it has a name of its own.
pub(crate) fn label(system: &System) -> String {
    let kind = match system.kind() {
        SystemKind::CoreBos => "coreBOS",
        SystemKind::Mautic => "Mautic",
        SystemKind::HubSpot => "HubSpot",
        SystemKind::WordPress => "WordPress",
        SystemKind::Signal => "Signal",
    };
    if system.name() == "main" { kind.to_owned() } else { format!("{kind} ({})", system.name()) }
}

/// A record as people call it: `Mautic contact 47`.
pub(crate) fn named(record: &RecordRef) -> String {
    format!("{} {} {}", label(&record.system), record.object, record.id)
}

/// The two systems of a direction.
pub(crate) fn ends(context: &PairContext, direction: Direction) -> (String, String) {
    (label(context.pair.system(direction.source())), label(context.pair.system(direction.target())))
}

/// The setting that switches an operation of a direction.
fn switch(context: &PairContext, direction: Direction, operation: &str) -> String {
    let way = match direction {
        Direction::ToHub => "to_hub",
        Direction::ToRemote => "to_remote",
    };
    format!("pair:{} {way}.{operation}", context.pair.kind.as_str())
}

/// What would be done: a code and a sentence.
pub(super) fn plan(context: &PairContext, inspected: &Inspected) -> (&'static str, String) {
    let direction = inspected.direction;
    let (from, to) = ends(context, direction);
    match &inspected.plan {
        Plan::Skip(reason) => (reason.code(), skip(context, inspected, *reason)),
        Plan::Create { fields } => {
            let count = fields.writes.len();
            ("create", format!("it would be created in {to}, with {count} fields"))
        }
        Plan::Update { fields, link, write_back } => {
            ("update", update(inspected, fields, link, write_back.as_ref(), &from, &to))
        }
        Plan::MarkDeleted { gone, marks, park } => {
            let gone = label(context.pair.system(*gone));
            let marks = marks.names().collect::<Vec<_>>().join(", ");
            let why = park.as_ref().map(|reason| format!("; parked: {}", park_text(reason).1));
            let why = why.unwrap_or_default();
            (
                "mark_deleted",
                format!("its record in {gone} is gone: the other one would be marked ({marks}){why}"),
            )
        }
        Plan::Archive => {
            let (hub, remote) = (label(&context.pair.hub), label(&context.pair.remote));
            (
                "archive",
                format!("its record in {hub} is gone: the one in {remote} would go into the recycle bin"),
            )
        }
        Plan::Pause => ("pause", skip(context, inspected, SkipReason::NotOptedIn)),
        Plan::Forget => {
            let remote = label(&context.pair.remote);
            (
                "create",
                format!(
                    "its record in {remote} was deleted, and it is wanted back: it would be created anew"
                ),
            )
        }
        Plan::Unlink { gone, park } => {
            let gone = label(context.pair.system(*gone));
            let why = park.as_ref().map(|reason| format!("; parked: {}", park_text(reason).1));
            let why = why.unwrap_or_default();
            ("unlink", format!("its record in {gone} is gone: the two would be no longer linked{why}"))
        }
        Plan::Park(reason) => {
            let (code, text) = park_text(reason);
            ("park", format!("it would be parked ({code}): {text}"))
        }
    }
}

fn skip(context: &PairContext, inspected: &Inspected, reason: SkipReason) -> String {
    let direction = inspected.direction;
    let (from, to) = ends(context, direction);
    match reason {
        SkipReason::Unchanged => "nothing: every field is as it was settled last".to_owned(),
        SkipReason::NeverLinked => {
            format!("nothing: it is gone in {from}, and was never linked to a record in {to}")
        }
        SkipReason::Tombstone => {
            let side = inspected.link.as_ref().and_then(|link| match link.status {
                model::LinkStatus::Tombstone { gone, .. } => Some(gone),
                _ => None,
            });
            let marks = side.map(|gone| context.spec.marks(gone.other())).unwrap_or_default();
            let marks: Vec<&str> =
                marks.iter().filter(|mark| mark.unmarked.is_some()).map(|mark| mark.field).collect();
            let gone = label(context.pair.system(side.unwrap_or(Side::Hub)));
            let clear = if marks.is_empty() {
                "it is linked again when that record is back".to_owned()
            } else {
                format!("clear {} on the other one to link it again", marks.join(", "))
            };
            format!("nothing: its record in {gone} was deleted, and an edit must not bring it back; {clear}")
        }
        SkipReason::Anonymous => format!(
            "nothing: {from} does not know who it is; a record without a name or an address is not created in {to} \
             before it has one"
        ),
        SkipReason::NotOptedIn => {
            let fields = context.spec.gate.map_or(("", ""), |gate| (gate.opted_in, gate.gone));
            format!(
                "nothing: the record in {} does not want it; tick {} and untick {} there, and it is brought in step",
                label(&context.pair.hub),
                fields.0,
                fields.1
            )
        }
        SkipReason::AwaitsParent => format!(
            "nothing yet: {to} takes no such record without the one that it belongs to, and that is not linked; it \
             follows when that is there"
        ),
        SkipReason::RefusedBefore => format!(
            "nothing: {to} refused to create exactly this; it is tried again when the record differs, or by \
             `bridge parked redrive`"
        ),
        SkipReason::SwitchedOff => {
            let operation = if inspected.source.record.is_none() {
                "delete"
            } else if inspected.target.is_some() {
                "update"
            } else {
                "create"
            };
            let set = context.settings.operations(direction);
            let is_set = match operation {
                "delete" => set.delete,
                "update" => set.update,
                _ => set.create,
            };
            if is_set {
                return format!("nothing: no push towards {to} is deployed");
            }
            let switch = switch(context, direction, operation);
            format!("nothing: the {operation} towards {to} is switched off (setting {switch})")
        }
    }
}

fn update(
    inspected: &Inspected,
    fields: &FieldPlan,
    link: &LinkChange,
    back: Option<&WriteBack>,
    from: &str,
    to: &str,
) -> String {
    let mut parts = Vec::new();
    match link {
        LinkChange::None => {}
        LinkChange::New => {
            let target = inspected.target.as_ref().map(|target| named(&target.reference)).unwrap_or_default();
            parts.push(format!("it would be linked to {target}, which is found to be the same"));
        }
        LinkChange::Moved { to, .. } => {
            parts.push(format!("its link would move to {}: the two were merged", named(to)));
        }
        LinkChange::Again { to, .. } => parts.push(format!("it would be linked again, with {}", named(to))),
    }
    if !fields.writes.is_empty() {
        let names = fields.writes.names().collect::<Vec<_>>().join(", ");
        parts.push(format!("{to} would get {names}"));
    }
    if let Some(back) = back.filter(|back| !back.already_there) {
        parts.push(format!("{from} would get the id {} in {}", back.value, back.field));
    }
    let losers: Vec<&str> = fields
        .lost
        .iter()
        .filter(|lost| fields.writes.get(&lost.field).is_none())
        .map(|lost| lost.field.as_str())
        .collect();
    if !losers.is_empty() {
        parts.push(format!("{} stays as {to} has it", losers.join(", ")));
    }
    if parts.is_empty() {
        let what = if fields.leftovers {
            "nothing this way: what differs travels the other way"
        } else {
            "nothing is written: what is the same on both sides would be remembered as such"
        };
        return what.to_owned();
    }
    parts.join("; ")
}

/// The state of a field: a code and a sentence. `happens`: whether the push would write at all.
pub(super) fn field(
    view: &FieldView,
    from: &str,
    to: &str,
    happens: bool,
    words: Option<&str>,
) -> (&'static str, String) {
    match &view.verdict {
        Verdict::InStep => ("in_step", in_step(view, to)),
        Verdict::AlreadyThere => ("already_there", format!("{to} holds it already")),
        Verdict::Write { beats } => ("write", write(view, from, to, beats.as_deref(), happens)),
        Verdict::Loses { to: reason } => {
            let why = why(view, reason, to, from);
            ("loses", format!("differs; {to} keeps what it has: {why}"))
        }
        Verdict::RefusedBefore => {
            let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
            ("refused", format!("{to} refused this value{words}; it is tried again when it differs"))
        }
        Verdict::Unfit { reason, .. } => ("unfit", format!("{to} cannot hold it: {reason}")),
        Verdict::NotMade => ("not_made", format!("left alone: {from} says nothing about it")),
        Verdict::BlankKept => {
            ("blank_kept", format!("blank in {from}, and blanks do not overwrite (setting blank_overwrites)"))
        }
        Verdict::Blank => ("blank", "blank".to_owned()),
        Verdict::CreateOnly => ("create_only", "only filled when a record is created".to_owned()),
        Verdict::RidesAlong => {
            ("rides_along", "hangs on the clock: only written with other fields".to_owned())
        }
        Verdict::NoSuchField => ("no_such_field", format!("{to} has no such field")),
        Verdict::NotWritten => ("not_written", format!("{to} fills it by itself")),
    }
}

fn in_step(view: &FieldView, to: &str) -> String {
    if !view.pending.is_empty() {
        return format!("{to} has changed it since: that travels the other way");
    }
    if view.here.is_some() && view.value.is_some() && view.here != view.value {
        return format!("settled; {to} has another form of it");
    }
    "in step".to_owned()
}

fn write(view: &FieldView, from: &str, to: &str, beats: Option<&str>, happens: bool) -> String {
    let would = if happens { "would be written" } else { "is not written (see above)" };
    if let Some(reason) = beats {
        return format!("differs; {would}: {}", why(view, reason, from, to));
    }
    match view.base {
        _ if view.here.is_none() => would.to_owned(),
        BaseState::Changed => format!("changed in {from}; {would}"),
        BaseState::Edited => format!("the map was edited; {would}"),
        BaseState::Never => format!("never settled; {would}"),
        BaseState::Equal => would.to_owned(),
    }
}

/// Why a side wins.
fn why(view: &FieldView, reason: &str, winner: &str, loser: &str) -> String {
    match reason {
        "master" => format!("the map's <master> names {winner}"),
        "newest" => match (view.source_edited, view.target_edited) {
            (Some(source), Some(target)) if source != target => {
                let (earlier, later) = (source.min(target), source.max(target));
                format!("the edit in {winner} is later ({} against {})", shown(later), shown(earlier))
            }
            _ => format!("both edits have the same time, or one has none: {winner} wins then"),
        },
        "first_link" => format!("{winner} wins where two records meet (setting first_link)"),
        "setting" => format!("{winner} wins conflicts (setting conflict)"),
        "edited_map" => "an edited map is being applied".to_owned(),
        "not_a_partner" => format!("nothing carries what {loser} has"),
        "" => "it has a value there, or its own change travels first".to_owned(),
        other => other.to_owned(),
    }
}

/// How a field compares with what was settled last.
pub(super) fn base(base: BaseState) -> (&'static str, &'static str) {
    match base {
        BaseState::Never => ("never", "nothing was settled yet"),
        BaseState::Edited => {
            ("edited_map", "the map was edited since it was settled: that does not count any more")
        }
        BaseState::Equal => ("equal", "the same as when it was settled last"),
        BaseState::Changed => ("changed", "not what was settled last: it has changed"),
    }
}

/// What to do about a parked change.
pub(crate) fn advice(reason: &str, record: &str, to: &str) -> String {
    match reason {
        "refused" | "unfit_value" => format!(
            "correct the value in the record, or the map, and it is tried again by itself; if it was {to} that was \
             corrected (a picklist, a mandatory field), redrive it"
        ),
        "ambiguous" => {
            "merge the records that are the same, or write the right id into the record; then redrive"
                .to_owned()
        }
        "candidate_taken" | "merged_into_linked" => {
            "find out which records stand for the same one, and merge them; then redrive".to_owned()
        }
        "brake" => {
            "if the deletes are meant, raise deletes_per_hour and redrive; if not, find out who deletes"
                .to_owned()
        }
        "breaker" => format!(
            "find out what keeps changing {record}: another integration, a workflow. The notice is still in its queue and \
             goes on by itself; drop this entry when you know, or redrive it to end the rest at once"
        ),
        "id_refused" => "let our user write the field for the other system's id; then redrive".to_owned(),
        "not_permitted" => format!("give our user in {to} the right that the message names; then redrive"),
        _ => "mend what the message names; then redrive".to_owned(),
    }
}
