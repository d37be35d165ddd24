//! Associations: of one record under `/crm/objects`, of many under `/crm/associations`.

use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::kinds::{ASSOCIATION_TYPES, Kind, association_type, unlabelled};
use super::records::Work;

/// Inputs of a batch read, and of a batch write.
const READS: usize = 1_000;
const WRITES: usize = 2_000;

/// `PUT .../associations/default/{to}/{toId}`
pub(crate) fn put_default(work: &mut Work<'_>, from: (Kind, u64), to: (Kind, u64)) -> Result<Answer, Answer> {
    let Some(known) = unlabelled(from.0, to.0) else {
        return Err(Answer::invalid_input("These types cannot be associated"));
    };
    work.associate(from, to, known.id)?;
    let one = |a: (Kind, u64), b: (Kind, u64), id: u32| {
        json!({
            "from": { "id": a.1.to_string() },
            "to": { "id": b.1.to_string() },
            "associationSpec": { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id },
        })
    };
    Ok(Answer::ok(json!({
        "status": "COMPLETE",
        "results": [one(from, to, known.id), one(to, from, known.inverse)],
    })))
}

/// The types of a labelled association in a body.
fn types_of(json: &Json) -> Result<Vec<u32>, Answer> {
    let list = json.as_array().filter(|list| !list.is_empty());
    let Some(list) = list else { return Err(Answer::invalid_input("types must be a list")) };
    list.iter()
        .map(|each| {
            let id =
                each.get("associationTypeId").and_then(Json::as_u64).and_then(|id| u32::try_from(id).ok());
            match (each.get("associationCategory").and_then(Json::as_str), id) {
                (Some("HUBSPOT_DEFINED"), Some(id)) => Ok(id),
                _ => Err(Answer::invalid_input("associationCategory and associationTypeId are required")),
            }
        })
        .collect()
}

/// `PUT .../associations/{to}/{toId}`
pub(crate) fn put_labelled(
    work: &mut Work<'_>,
    from: (Kind, u64),
    to: (Kind, u64),
    body: &Json,
) -> Result<Answer, Answer> {
    for type_id in types_of(body)? {
        work.associate(from, to, type_id)?;
    }
    Ok(Answer::of(
        201,
        json!({
            "fromObjectTypeId": from.0.type_id(),
            "fromObjectId": from.1.to_string(),
            "toObjectTypeId": to.0.type_id(),
            "toObjectId": to.1.to_string(),
            "labels": [],
        }),
    ))
}

/// `POST /crm/associations/{version}/{from}/{to}/batch/{action}`
pub(crate) fn batch(
    work: &mut Work<'_>,
    from: Kind,
    to: Kind,
    action: &str,
    body: &Json,
) -> Result<Answer, Answer> {
    let limit = if action == "read" { READS } else { WRITES };
    let inputs = match body.get("inputs").and_then(Json::as_array) {
        None => return Err(Answer::invalid_input("Some required fields were not set: [inputs]")),
        Some(inputs) if inputs.len() > limit => {
            return Err(Answer::invalid_input(&format!("The maximum number of inputs is {limit}")));
        }
        Some(inputs) => inputs,
    };
    let end = |input: &Json, name: &str| -> Result<u64, Answer> {
        let id = if name == "id" { input.get("id") } else { input.pointer(&format!("/{name}/id")) };
        id.and_then(Json::as_str)
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Answer::invalid_input(&format!("Some required fields were not set: [{name}]")))
    };
    match action {
        "read" => {
            let mut results = Vec::new();
            for input in inputs {
                let id = end(input, "id")?;
                if let Some(told) = associated(work, (from, id), to) {
                    results.push(told);
                }
            }
            Ok(Answer::ok(json!({ "status": "COMPLETE", "results": results })))
        }
        "associate/default" => {
            for input in inputs {
                put_default(work, (from, end(input, "from")?), (to, end(input, "to")?))?;
            }
            Ok(Answer::ok(json!({ "status": "COMPLETE", "results": [] })))
        }
        "create" => {
            for input in inputs {
                let (a, b) = ((from, end(input, "from")?), (to, end(input, "to")?));
                for type_id in types_of(input.get("types").unwrap_or(&Json::Null))? {
                    work.associate(a, b, type_id)?;
                }
            }
            Ok(Answer::of(201, json!({ "status": "COMPLETE", "results": [] })))
        }
        "archive" => {
            for input in inputs {
                let a = (from, end(input, "from")?);
                let targets = input.get("to").and_then(Json::as_array).cloned().unwrap_or_default();
                for target in targets {
                    let b = target.get("id").and_then(Json::as_str).and_then(|id| id.parse().ok());
                    if let Some(b) = b {
                        work.dissociate(a, (to, b));
                    }
                }
            }
            Ok(Answer::no_content())
        }
        _ => Err(Answer::not_found("There is no such operation")),
    }
}

/// The associations of one record, grouped by the other record; none where there are none.
fn associated(work: &Work<'_>, from: (Kind, u64), to: Kind) -> Option<Json> {
    let mut others: Vec<(u64, Vec<Json>)> = Vec::new();
    for each in work.state.associated(from, to) {
        let label =
            association_type(from.0, to, each.type_id).filter(|known| known.primary).map(|_| "Primary");
        let kind = json!({ "category": "HUBSPOT_DEFINED", "typeId": each.type_id, "label": label });
        match others.iter_mut().find(|(id, _)| *id == each.to.1) {
            Some((_, types)) => types.push(kind),
            None => others.push((each.to.1, vec![kind])),
        }
    }
    if others.is_empty() {
        return None;
    }
    let list: Vec<Json> = others
        .into_iter()
        .map(|(id, types)| json!({ "toObjectId": id.to_string(), "associationTypes": types }))
        .collect();
    Some(json!({ "from": { "id": from.1.to_string() }, "to": list }))
}

/// `GET /crm/associations/{version}/{from}/{to}/labels`
pub(crate) fn labels(from: Kind, to: Kind) -> Answer {
    let list: Vec<Json> = ASSOCIATION_TYPES
        .iter()
        .filter(|known| known.from == from && known.to == to)
        .map(|known| {
            json!({
                "category": "HUBSPOT_DEFINED",
                "typeId": known.id,
                "label": known.primary.then_some("Primary"),
            })
        })
        .collect();
    Answer::ok(json!({ "results": list }))
}
