//! What an administrator sets up: properties and their groups, pipelines, owners, the account, lists, custom events.

use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::http::Call;
use super::kinds::Kind;
use super::properties::{Choice, Property};
use super::state::{Pipeline, State};

/// Unique properties of an object type at most.
const UNIQUE: usize = 10;
/// Characters of a property's name at most.
const NAME_CHARS: usize = 100;

pub(crate) fn properties(state: &State, kind: Kind, archived: bool) -> Answer {
    let all = state.properties.get(&kind).into_iter().flat_map(|all| all.values());
    let list: Vec<Json> = all.filter(|each| each.archived == archived).map(|each| each.told(kind)).collect();
    Answer::ok(json!({ "results": list }))
}

pub(crate) fn property(state: &State, kind: Kind, name: &str) -> Answer {
    match state.property(kind, name) {
        Some(property) => Answer::ok(property.told(kind)),
        None => Answer::not_found(&format!("The property {name} does not exist")),
    }
}

pub(crate) fn create_property(state: &mut State, kind: Kind, body: &Json) -> Answer {
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let name = text("name");
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !first || !plain || name.len() > NAME_CHARS {
        return Answer::invalid_input(&format!("{name} is not a valid property name"));
    }
    let known = ["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"];
    let (kind_of_value, group) = (text("type"), text("groupName"));
    if !known.contains(&kind_of_value.as_str()) || text("fieldType").is_empty() || text("label").is_empty() {
        return Answer::invalid_input("type, fieldType, label and groupName are required");
    }
    if !state.groups.get(&kind).is_some_and(|groups| groups.contains_key(&group)) {
        return Answer::invalid_input(&format!("The property group {group} does not exist"));
    }
    let Some(properties) = state.properties.get_mut(&kind) else { return Answer::no_record() };
    if properties.get(&name).is_some_and(|property| !property.archived) {
        return Answer::error(
            409,
            "OBJECT_ALREADY_EXISTS",
            &format!("A property named '{name}' already exists."),
        )
        .with("subCategory", json!("Properties.PROPERTY_WITH_NAME_EXISTS"));
    }
    if let Some(archived) = properties.get_mut(&name) {
        archived.archived = false;
        return Answer::of(201, archived.told(kind));
    }
    let unique = body.get("hasUniqueValue").and_then(Json::as_bool).unwrap_or(false);
    if unique
        && properties.values().filter(|each| each.unique && each.custom && !each.archived).count() >= UNIQUE
    {
        return Answer::invalid_input(&format!("An object has at most {UNIQUE} unique properties"));
    }
    let options = body.get("options").and_then(Json::as_array).into_iter().flatten();
    let property = Property {
        label: text("label"),
        kind: kind_of_value,
        field_type: text("fieldType"),
        group,
        description: text("description"),
        options: options.filter_map(|each| serde_json::from_value::<Choice>(each.clone()).ok()).collect(),
        unique,
        calculated: false,
        read_only: false,
        custom: true,
        archived: false,
        name: name.clone(),
    };
    let told = property.told(kind);
    properties.insert(name, property);
    Answer::of(201, told)
}

/// `POST .../batch/create`: one that is refused refuses the rest.
pub(crate) fn create_properties(state: &mut State, kind: Kind, body: &Json) -> Answer {
    let inputs = body.get("inputs").and_then(Json::as_array).filter(|inputs| !inputs.is_empty());
    let Some(inputs) = inputs else { return Answer::invalid_input("inputs must not be empty") };
    let mut results = Vec::new();
    for input in inputs {
        let answer = create_property(state, kind, input);
        if !answer.is_success() {
            return answer;
        }
        results.extend(answer.body);
    }
    Answer::of(201, json!({ "status": "COMPLETE", "results": results }))
}

pub(crate) fn groups(state: &State, kind: Kind) -> Answer {
    let all = state.groups.get(&kind).into_iter().flatten();
    let list: Vec<Json> = all
        .map(|(name, label)| json!({ "name": name, "label": label, "displayOrder": -1, "archived": false }))
        .collect();
    Answer::ok(json!({ "results": list }))
}

pub(crate) fn create_group(state: &mut State, kind: Kind, body: &Json) -> Answer {
    let text = |name: &str| body.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (name, label) = (text("name"), text("label"));
    if name.is_empty() || label.is_empty() {
        return Answer::invalid_input("name and label are required");
    }
    let Some(groups) = state.groups.get_mut(&kind) else { return Answer::no_record() };
    if groups.contains_key(&name) {
        return Answer::error(
            409,
            "OBJECT_ALREADY_EXISTS",
            &format!("A group named '{name}' already exists."),
        );
    }
    groups.insert(name.clone(), label.clone());
    Answer::of(201, json!({ "name": name, "label": label, "displayOrder": -1, "archived": false }))
}

pub(crate) fn pipelines(state: &State, kind: Kind) -> Answer {
    let list: Vec<Json> = state.pipelines.get(&kind).into_iter().flatten().map(pipeline).collect();
    Answer::ok(json!({ "results": list }))
}

fn pipeline(pipeline: &Pipeline) -> Json {
    let stages: Vec<Json> = pipeline
        .stages
        .iter()
        .enumerate()
        .map(|(order, stage)| {
            json!({
                "id": stage.id,
                "label": stage.label,
                "displayOrder": order,
                "metadata": { "probability": stage.probability, "isClosed": stage.closed.to_string() },
                "archived": false,
                "createdAt": "2020-01-01T00:00:00Z",
                "updatedAt": "2020-01-01T00:00:00Z",
            })
        })
        .collect();
    json!({
        "id": pipeline.id,
        "label": pipeline.label,
        "displayOrder": 0,
        "stages": stages,
        "archived": false,
        "createdAt": "2020-01-01T00:00:00Z",
        "updatedAt": "2020-01-01T00:00:00Z",
    })
}

pub(crate) fn owners(call: &Call, state: &State) -> Answer {
    let archived = call.flag("archived");
    let email = call.parameter("email");
    let list: Vec<Json> = state
        .owners
        .iter()
        .filter(|owner| owner.archived == archived)
        .filter(|owner| email.is_none_or(|email| owner.email.eq_ignore_ascii_case(email)))
        .map(|owner| {
            json!({
                "id": owner.id.to_string(),
                "email": owner.email,
                "type": "PERSON",
                "firstName": owner.first_name,
                "lastName": owner.last_name,
                "userId": if owner.archived { Json::Null } else { json!(owner.user_id) },
                "userIdIncludingInactive": owner.user_id,
                "createdAt": "2020-01-01T00:00:00Z",
                "updatedAt": "2020-01-01T00:00:00Z",
                "archived": owner.archived,
            })
        })
        .collect();
    Answer::ok(json!({ "results": list }))
}

pub(crate) fn account(state: &State) -> Answer {
    Answer::ok(json!({
        "portalId": state.portal_id,
        "accountType": "STANDARD",
        "timeZone": state.time_zone,
        "companyCurrency": "EUR",
        "additionalCurrencies": [],
        "utcOffset": "-05:00",
        "utcOffsetMilliseconds": -18_000_000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }))
}
