//! Whether a field can hold what a map puts into it.

use super::schema::{FieldKind, Schema};
use super::{plain_source, root};
use crate::document::{DocumentField, Located};
use crate::finding::{Finding, MapText, Severity};
use crate::php::date;
use crate::php::number::numeric_string;

pub(super) fn check(
    text: MapText<'_>,
    field: &DocumentField,
    name: &Located,
    source: &Schema,
    target: &Schema,
    findings: &mut Vec<Finding>,
) {
    let Some(held) = target.field(root(&name.text)).filter(|_| !name.text.contains('.')) else {
        return;
    };
    let [part] = field.parts.as_slice() else {
        let joins = field.parts.len() > 1;
        if joins
            && !matches!(
                held.kind,
                FieldKind::Text | FieldKind::Email | FieldKind::Picklist | FieldKind::Multi
            )
        {
            findings.push(text.finding(
                Severity::Warning,
                name.offset,
                format!(
                    "`{}` holds {}, and {} parts are joined to a text",
                    held.name,
                    held.kind,
                    field.parts.len()
                ),
                "use one source",
            ));
        }
        return;
    };
    if part.post_process.as_ref().is_some_and(|post_process| !post_process.text.is_empty()) {
        return;
    }
    if part.id.text.eq_ignore_ascii_case("CONST") {
        if !constant_fits(&part.name.text, held.kind) {
            findings.push(text.finding(
                Severity::Error,
                part.name.offset,
                format!("`{}` holds {}, which `{}` is not", held.name, held.kind, part.name.text),
                "write a value that it can hold",
            ));
        }
        return;
    }
    let Some(given) = plain_source(part).and_then(|plain| source.field(plain.root())) else {
        return;
    };
    if !fits(given.kind, held.kind) {
        findings.push(text.finding(
            Severity::Warning,
            part.name.offset,
            format!("`{}` is {}, and `{}` holds {}", given.name, given.kind, held.name, held.kind),
            "values that cannot be converted are parked",
        ));
    }
}

fn constant_fits(constant: &str, kind: FieldKind) -> bool {
    if constant.is_empty() {
        return true;
    }
    match kind {
        FieldKind::Number => numeric_string(constant.as_bytes()).is_some(),
        FieldKind::Boolean => {
            ["0", "1", "true", "false", "yes", "no"].iter().any(|word| constant.eq_ignore_ascii_case(word))
        }
        FieldKind::Date | FieldKind::DateTime => date::parse(constant, 0).is_some(),
        FieldKind::Email => constant.contains('@'),
        FieldKind::Reference | FieldKind::Owner => constant.bytes().any(|byte| byte.is_ascii_digit()),
        FieldKind::Text | FieldKind::Time | FieldKind::Picklist | FieldKind::Multi | FieldKind::Object => {
            true
        }
    }
}

fn fits(given: FieldKind, held: FieldKind) -> bool {
    use FieldKind::{
        Boolean, Date, DateTime, Email, Multi, Number, Object, Owner, Picklist, Reference, Text, Time,
    };
    match held {
        Text | Picklist => given != Object,
        Multi => matches!(given, Multi | Picklist | Text | Boolean),
        Email => matches!(given, Email | Text),
        Number => matches!(given, Number | Boolean | Text),
        Boolean => matches!(given, Boolean | Number | Picklist),
        Date | DateTime => matches!(given, Date | DateTime),
        Time => matches!(given, Time | DateTime | Text),
        Reference => matches!(given, Reference | Text | Number),
        Owner => matches!(given, Owner | Reference),
        Object => given == Object,
    }
}
