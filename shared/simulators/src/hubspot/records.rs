//! What becomes of records: created, changed, archived, restored, merged, erased. Everything is told to the webhooks.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::answer::{Answer, Invalid};
use super::events::Event;
use super::kinds::{ASSOCIATION_TYPES, Kind, association_type};
use super::properties::{LIFECYCLE, written};
use super::state::{Association, Record, Source, State, Values};

/// Where a change happens, and who makes it.
pub(crate) struct Work<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) now: Timestamp,
    pub(crate) lag: SignedDuration,
    pub(crate) source: Source,
    /// The stage of life of new contacts; a setting of the portal.
    pub(crate) default_lifecycle: Option<String>,
    /// The API's version makes administrators' rules count.
    pub(crate) enforces_rules: bool,
    pub(crate) events: Vec<Event>,
}

/// The properties of a request: all values are texts, whatever HubSpot would make of others.
pub(crate) fn values_of(body: &Json) -> Result<Values, Answer> {
    let Some(Json::Object(properties)) = body.get("properties") else {
        return Err(Answer::invalid_input(
            "Invalid input JSON: Some required fields were not set: [properties]",
        ));
    };
    properties
        .iter()
        .map(|(name, value)| match value {
            Json::String(text) => Ok((name.clone(), text.clone())),
            // HubSpot takes these; its own description of the API does not, and neither does this.
            _ => Err(Answer::invalid_input(&format!(
                "Invalid input JSON: the value of {name} must be a string"
            ))),
        })
        .collect()
}

/// The associations of a create.
pub(crate) fn associations_of(body: &Json) -> Result<Vec<(u64, u32)>, Answer> {
    let Some(list) = body.get("associations").and_then(Json::as_array) else {
        return Err(Answer::invalid_input(
            "Invalid input JSON: Some required fields were not set: [associations]",
        ));
    };
    let mut wanted = Vec::new();
    for each in list {
        let id = each.pointer("/to/id").and_then(|id| id.as_str().and_then(|id| id.parse().ok()));
        let types = each.get("types").and_then(Json::as_array);
        let (Some(id), Some(types)) = (id, types) else {
            return Err(Answer::invalid_input("Invalid input JSON: an association needs to.id and types"));
        };
        for kind in types {
            let type_id =
                kind.get("associationTypeId").and_then(Json::as_u64).and_then(|id| u32::try_from(id).ok());
            match (kind.get("associationCategory").and_then(Json::as_str), type_id) {
                (Some("HUBSPOT_DEFINED"), Some(type_id)) => wanted.push((id, type_id)),
                _ => {
                    return Err(Answer::invalid_input(
                        "Invalid input JSON: associationCategory or associationTypeId",
                    ));
                }
            }
        }
    }
    Ok(wanted)
}

impl Work<'_> {
    /// Checks the values of a write; nothing is taken if one is wrong.
    fn checked(&self, kind: Kind, record: Option<u64>, values: &Values) -> Result<Values, Answer> {
        let mut stored = Values::new();
        let mut invalid = Vec::new();
        for (name, value) in values {
            match self.state.property(kind, name) {
                None => invalid.push(Invalid {
                    property: name.clone(),
                    code: "PROPERTY_DOESNT_EXIST",
                    message: format!("Property \"{name}\" does not exist"),
                }),
                Some(property) => match property.stored(value) {
                    Ok(value) => {
                        stored.insert(name.clone(), value);
                    }
                    Err(error) => invalid.push(error),
                },
            }
        }
        self.check_stage(kind, record, &stored, &mut invalid);
        invalid.extend(self.check_rules(kind, record, &stored));
        if !invalid.is_empty() {
            return Err(Answer::invalid(&invalid));
        }
        self.check_unique(kind, record, &stored)?;
        Ok(stored)
    }

    /// A stage must be one of the record's pipeline.
    fn check_stage(&self, kind: Kind, record: Option<u64>, stored: &Values, invalid: &mut Vec<Invalid>) {
        let (pipeline, stage) = match kind {
            Kind::Deal => ("pipeline", "dealstage"),
            Kind::Lead => ("hs_pipeline", "hs_pipeline_stage"),
            _ => return,
        };
        if !stored.contains_key(pipeline) && !stored.contains_key(stage) {
            return;
        }
        let before = record.and_then(|id| self.state.record(kind, id)).map(|record| &record.values);
        let now_in = |name: &str| stored.get(name).or_else(|| before.and_then(|values| values.get(name)));
        let pipelines = self.state.pipelines.get(&kind).map(Vec::as_slice).unwrap_or_default();
        let chosen = now_in(pipeline).cloned().or_else(|| pipelines.first().map(|first| first.id.clone()));
        let of_pipeline = pipelines.iter().find(|each| Some(&each.id) == chosen.as_ref());
        if let (Some(of_pipeline), Some(wanted)) = (of_pipeline, now_in(stage))
            && !of_pipeline.stages.iter().any(|each| &each.id == wanted)
        {
            invalid.push(Invalid {
                property: stage.to_owned(),
                code: "INVALID_OPTION",
                message: format!("{wanted} is not a stage of the pipeline {}", of_pipeline.id),
            });
        }
    }

    /// Unique values, and addresses that a privacy deletion has closed.
    fn check_unique(&self, kind: Kind, record: Option<u64>, stored: &Values) -> Result<(), Answer> {
        for (name, value) in stored.iter().filter(|(_, value)| !value.is_empty()) {
            if name == "email" && kind == Kind::Contact && self.state.blocked_emails.contains(value) {
                return Err(Answer::invalid_input(
                    "This contact was deleted for privacy and cannot be created again",
                ));
            }
            let Some(property) = self.state.property(kind, name).filter(|property| property.unique) else {
                continue;
            };
            let Some(other) =
                self.state.by_unique(kind, &property.name, value).filter(|other| Some(other.id) != record)
            else {
                continue;
            };
            let message = if name == "email" {
                format!("Contact already exists. Existing ID: {}", other.id)
            } else {
                format!("{} with {name}={value} already exists. Existing ID: {}", kind.singular(), other.id)
            };
            return Err(Answer::error(409, "CONFLICT", &message));
        }
        Ok(())
    }

    /// What HubSpot wants of a new record.
    fn required(&self, kind: Kind, values: &Values, associations: &[(u64, u32)]) -> Result<(), Answer> {
        let has = |name: &str| values.get(name).is_some_and(|value| !value.is_empty());
        let missing = match kind {
            Kind::Contact => {
                [has("email"), has("firstname"), has("lastname")].iter().all(|has| !has).then_some("email")
            }
            Kind::Company => (!has("name") && !has("domain")).then_some("name"),
            Kind::Deal if !has("dealstage") => Some("dealstage"),
            Kind::Deal => (self.enforces_rules && !has("dealname")).then_some("dealname"),
            Kind::Lead => (!has("hs_lead_name")).then_some("hs_lead_name"),
        };
        if let Some(name) = missing {
            return Err(Answer::invalid(&[Invalid {
                property: name.to_owned(),
                code: "MISSING_REQUIRED_PROPERTY",
                message: format!("Property \"{name}\" is required."),
            }]));
        }
        if kind == Kind::Lead && !associations.iter().any(|(_, type_id)| *type_id == 578) {
            return Err(Answer::invalid_input("A lead must be associated with a primary contact"));
        }
        Ok(())
    }

    /// Creates a record.
    pub(crate) fn create(
        &mut self,
        kind: Kind,
        values: &Values,
        associations: &[(u64, u32)],
    ) -> Result<u64, Answer> {
        self.required(kind, values, associations)?;
        let mut values = self.checked(kind, None, values)?;
        values.retain(|_, value| !value.is_empty());
        let mut links = Vec::new();
        for (to, type_id) in associations {
            let known = ASSOCIATION_TYPES.iter().find(|known| known.from == kind && known.id == *type_id);
            let Some(known) = known else {
                return Err(Answer::invalid_input(&format!(
                    "No association type {type_id} from {}",
                    kind.plural()
                )));
            };
            if !self.state.survivor(known.to, *to).is_some_and(Record::is_live) {
                return Err(Answer::invalid_input(&format!("One or more associations are not valid: {to}")));
            }
            links.push((known.to, *to, *type_id));
        }
        if kind == Kind::Contact
            && let Some(stage) = &self.default_lifecycle
        {
            values.entry("lifecyclestage".to_owned()).or_insert_with(|| stage.clone());
        }
        if kind == Kind::Deal && !values.contains_key("pipeline") {
            values.insert("pipeline".to_owned(), "default".to_owned());
        }
        let id = self.state.take_id();
        let mut record = Record {
            id,
            values: Values::new(),
            history: std::collections::BTreeMap::new(),
            created_at: self.now,
            updated_at: self.now,
            archived_at: None,
            merged_into: None,
            erased: false,
            seen: std::collections::VecDeque::new(),
        };
        for (name, value) in &values {
            record.put(name, value, self.now, &self.source);
        }
        let source = self.source.clone();
        record.put("hs_object_id", &id.to_string(), self.now, &source);
        record.put("hs_object_source", &source.kind, self.now, &source);
        record.put(kind.created_property(), &written(self.now), self.now, &source);
        record.put(kind.modified_property(), &written(self.now), self.now, &source);
        record.note(self.now, self.lag);
        self.state.records.entry(kind).or_default().insert(id, record);
        self.tell(Event::created(kind, id));
        for (name, value) in values {
            self.tell(Event::changed(kind, id, &name, &value));
        }
        for (to_kind, to, type_id) in links {
            self.associate((kind, id), (to_kind, to), type_id)?;
        }
        Ok(id)
    }

    /// Changes properties of a record; values that are there already change nothing, not even its date.
    pub(crate) fn update(&mut self, kind: Kind, id: u64, values: &Values) -> Result<(), Answer> {
        let mut values = self.checked(kind, Some(id), values)?;
        let Some(record) = self.state.record(kind, id).filter(|record| record.is_live()) else {
            return Err(Answer::no_record());
        };
        if let (Some(now), Some(wanted)) = (record.values.get("lifecyclestage"), values.get("lifecyclestage"))
            && !wanted.is_empty()
            && rank(wanted) < rank(now)
        {
            // It only moves forward, and says nothing about it.
            values.remove("lifecyclestage");
        }
        let changed: Values = values
            .into_iter()
            .filter(|(name, value)| record.values.get(name).map_or("", String::as_str) != value)
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let (now, lag, source) = (self.now, self.lag, self.source.clone());
        if let Some(record) = self.state.record_mut(kind, id) {
            for (name, value) in &changed {
                record.put(name, value, now, &source);
            }
            record.put(kind.modified_property(), &written(now), now, &source);
            record.updated_at = now;
            record.note(now, lag);
        }
        for (name, value) in changed {
            self.tell(Event::changed(kind, id, &name, &value));
        }
        Ok(())
    }

    /// Stores values whoever may write them: HubSpot's own.
    pub(crate) fn note(&mut self, kind: Kind, id: u64, values: &Values) {
        let (now, lag, source) = (self.now, self.lag, self.source.clone());
        let Some(record) = self.state.record_mut(kind, id).filter(|record| record.is_live()) else { return };
        for (name, value) in values {
            record.put(name, value, now, &source);
        }
        record.put(kind.modified_property(), &written(now), now, &source);
        record.updated_at = now;
        record.note(now, lag);
        for (name, value) in values {
            self.tell(Event::changed(kind, id, name, value));
        }
    }

    /// Moves a record to the recycle bin. Its modified date stays as it is.
    pub(crate) fn archive(&mut self, kind: Kind, id: u64) {
        let now = self.now;
        let Some(record) = self.state.record_mut(kind, id).filter(|record| record.is_live()) else { return };
        record.archived_at = Some(now);
        record.seen.clear();
        self.tell(Event::deleted(kind, id));
        self.drop_leads_without_contact(kind, id);
    }

    /// A lead whose last primary contact is gone goes with it.
    fn drop_leads_without_contact(&mut self, kind: Kind, id: u64) {
        if kind != Kind::Contact {
            return;
        }
        let leads: Vec<u64> = self
            .state
            .associations
            .iter()
            .filter(|each| each.to == (kind, id) && each.from.0 == Kind::Lead && each.type_id == 578)
            .map(|each| each.from.1)
            .collect();
        for lead in leads {
            self.archive(Kind::Lead, lead);
        }
    }

    /// Takes a record out of the recycle bin, as a user does.
    pub(crate) fn restore(&mut self, kind: Kind, id: u64) -> bool {
        let (now, lag) = (self.now, self.lag);
        let Some(record) = self.state.record_mut(kind, id) else { return false };
        if record.archived_at.is_none() || record.erased {
            return false;
        }
        record.archived_at = None;
        record.note(now, lag);
        self.tell(Event::restored(kind, id));
        true
    }

    /// A third record takes the place of both. The primary's values win.
    pub(crate) fn merge(&mut self, kind: Kind, primary: u64, other: u64) -> Result<u64, Answer> {
        let live = |id| self.state.record(kind, id).filter(|record| record.is_live());
        let (Some(first), Some(second)) = (live(primary), live(other)) else {
            return Err(Answer::no_record());
        };
        let mut values = second.values.clone();
        values.extend(first.values.clone());
        let mut merged: Vec<String> = [first, second]
            .iter()
            .filter_map(|record| record.values.get("hs_merged_object_ids"))
            .flat_map(|ids| ids.split(';').map(str::to_owned).collect::<Vec<_>>())
            .collect();
        merged.extend([primary.to_string(), other.to_string()]);
        if let (Some(kept), Some(lost)) = (first.values.get("email"), second.values.get("email"))
            && kept != lost
        {
            values.insert("hs_additional_emails".to_owned(), lost.clone());
        }
        let mut record = first.clone();
        let id = self.state.take_id();
        record.id = id;
        record.values = values;
        record.created_at = first_of(record.created_at, self.state.record(kind, other));
        record.seen.clear();
        let source = self.source.clone();
        record.put("hs_object_id", &id.to_string(), self.now, &source);
        record.put("hs_merged_object_ids", &merged.join(";"), self.now, &source);
        record.put(kind.modified_property(), &written(self.now), self.now, &source);
        record.updated_at = self.now;
        record.note(self.now, self.lag);
        self.state.records.entry(kind).or_default().insert(id, record);
        for gone in [primary, other] {
            if let Some(record) = self.state.record_mut(kind, gone) {
                record.merged_into = Some(id);
                record.seen.clear();
            }
            let of_it: Vec<Association> = self
                .state
                .associations
                .iter()
                .filter(|a| a.from == (kind, gone) || a.to == (kind, gone))
                .copied()
                .collect();
            for association in of_it {
                self.state.associations.remove(&association);
                let moved = |end: (Kind, u64)| if end == (kind, gone) { (kind, id) } else { end };
                let again =
                    Association { from: moved(association.from), to: moved(association.to), ..association };
                self.state.associations.insert(again);
            }
        }
        // No property change is told for what the merge changed.
        self.tell(Event::merged(kind, primary, other, id));
        self.tell(Event::deleted(kind, other));
        Ok(id)
    }

    /// Erases a contact for good.
    pub(crate) fn erase(&mut self, id: u64) {
        let Some(record) = self.state.record_mut(Kind::Contact, id) else { return };
        let email = record.values.get("email").cloned();
        record.erased = true;
        record.values.clear();
        record.history.clear();
        record.seen.clear();
        self.state.blocked_emails.extend(email);
        self.tell(Event::privacy(id));
    }

    /// Associates two records. A primary association makes the unlabelled one too, and takes its rank from another.
    pub(crate) fn associate(
        &mut self,
        from: (Kind, u64),
        to: (Kind, u64),
        type_id: u32,
    ) -> Result<(), Answer> {
        let Some(known) = association_type(from.0, to.0, type_id) else {
            return Err(Answer::invalid_input(&format!("No association type {type_id}")));
        };
        let live = |end: (Kind, u64)| {
            self.state.survivor(end.0, end.1).filter(|record| record.is_live()).map(|r| r.id)
        };
        let (Some(from_id), Some(to_id)) = (live(from), live(to)) else {
            return Err(Answer::not_found("One of the records does not exist"));
        };
        let (from, to) = ((from.0, from_id), (to.0, to_id));
        let mut wanted = vec![known];
        if known.primary {
            // The record that has one primary company is the contact, the deal or the lead.
            let holder = if from.0 == Kind::Company { (to, known.inverse) } else { (from, known.id) };
            let before: Vec<Association> = self
                .state
                .associations
                .iter()
                .filter(|each| each.from == holder.0 && each.type_id == holder.1)
                .copied()
                .collect();
            for association in before {
                self.forget(association);
            }
            wanted.extend(
                ASSOCIATION_TYPES.iter().find(|each| each.from == from.0 && each.to == to.0 && !each.primary),
            );
        }
        for kind in wanted {
            let new = self.state.associations.insert(Association { from, to, type_id: kind.id });
            self.state.associations.insert(Association { from: to, to: from, type_id: kind.inverse });
            if new {
                self.tell(Event::associated(from, to, kind.id, kind.primary, false));
                self.tell(Event::associated(to, from, kind.inverse, kind.primary, false));
            }
        }
        Ok(())
    }

    fn forget(&mut self, association: Association) {
        let Association { from, to, type_id } = association;
        let Some(known) = association_type(from.0, to.0, type_id) else { return };
        self.state.associations.remove(&association);
        self.state.associations.remove(&Association { from: to, to: from, type_id: known.inverse });
        self.tell(Event::associated(from, to, known.id, known.primary, true));
        self.tell(Event::associated(to, from, known.inverse, known.primary, true));
    }

    /// Takes all associations between two records away.
    pub(crate) fn dissociate(&mut self, from: (Kind, u64), to: (Kind, u64)) {
        let between: Vec<Association> =
            self.state.associated(from, to.0).filter(|each| each.to == to).copied().collect();
        for association in between {
            self.forget(association);
        }
        if from.0 == Kind::Lead && to.0 == Kind::Contact {
            let left = self.state.associated(from, Kind::Contact).any(|each| each.type_id == 578);
            if !left {
                self.archive(Kind::Lead, from.1);
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

fn rank(stage: &str) -> usize {
    LIFECYCLE.iter().position(|known| *known == stage).unwrap_or(LIFECYCLE.len())
}

fn first_of(at: Timestamp, other: Option<&Record>) -> Timestamp {
    other.map_or(at, |other| at.min(other.created_at))
}
