//! The parts of writes: what goes into them, what is made of their answers, and associations.

use std::collections::BTreeMap;

use http_client::{Effect, Method, Request};
use model::Fields;
use serde_json::{Value as Json, json};
use sync::{ConnectorError, Record};

use crate::batches::{Unwritten, Written};
use crate::client::{HubSpot, with_json};
use crate::error::refusal;
use crate::objects::Object;
use crate::schema::{HubSpotSchema, STAGE_LABEL};
use crate::wire::{LEAD_OF_CONTACT, Wanted, WireRecord, association, is_id};

/// The parts of a write.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) properties: serde_json::Map<String, Json>,
    pub(crate) associations: Vec<(Wanted, String)>,
}

impl HubSpot {
    /// The properties of a write, as HubSpot takes them; and its associations. `pipeline` is the one that the record is in.
    pub(crate) fn body(
        schema: &HubSpotSchema,
        object: Object,
        values: &Fields,
        pipeline: Option<&str>,
    ) -> Result<Body, ConnectorError> {
        let mut body = Body::default();
        let mut refused = BTreeMap::new();
        for (field, value) in values.iter() {
            if let Some(wanted) = association(object, field) {
                body.associations.push((wanted, value.php_string().into_owned()));
            } else if field == STAGE_LABEL {
                let staged = schema.staged(value, pipeline).into_iter();
                body.properties.extend(staged.map(|(property, text)| (property, Json::String(text))));
            } else if let Some((property, text)) = schema.written(field, value) {
                body.properties.insert(property, Json::String(text));
            } else {
                refused.insert(field.to_owned(), "HubSpot has no such property".to_owned());
            }
        }
        if refused.is_empty() {
            return Ok(body);
        }
        Err(ConnectorError::Rejected {
            message: "some values have no place in HubSpot".to_owned(),
            fields: refused,
        })
    }

    /// The pipeline that a record is in, if a stage is to be written by its label, which several pipelines may have.
    pub(crate) async fn pipeline_of(
        &self,
        object: Object,
        id: &str,
        values: &Fields,
    ) -> Result<Option<String>, ConnectorError> {
        let Some((property, _)) = object.pipeline_properties().filter(|_| values.contains(STAGE_LABEL))
        else {
            return Ok(None);
        };
        let present = self.get(object, id, None, &[]).await?.ok_or(ConnectorError::Gone)?;
        Ok(present.fields.text(property).map(str::to_owned))
    }

    /// The records that belong to another one, by one of their associations: read from the other end, each read then.
    pub(crate) async fn belonging(
        &self,
        object: Object,
        wanted: Wanted,
        to: &str,
    ) -> Result<Vec<Record>, ConnectorError> {
        if !is_id(to) {
            return Ok(Vec::new());
        }
        let request = Request::read(Method::GET, self.objects(wanted.to, [to]))
            .query("properties", "hs_object_id")
            .query("associations", object.plural());
        let parent: WireRecord = match self.ask(request).await {
            Err(ConnectorError::Gone) => return Ok(Vec::new()),
            other => other?,
        };
        let mut found = Vec::new();
        for id in parent.all_associated(object) {
            let Some(record) = self.get(object, &id.to_string(), None, &[wanted]).await? else { continue };
            // It may only be mentioned there, and belong to somebody else.
            if record.fields.text(wanted.field) == Some(parent.id.as_str()) {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// What is looked at beside the associations that are asked for: whether a contact has a lead record.
    pub(crate) fn looked_at(&self, object: Object) -> Option<Wanted> {
        let wanted = object == Object::Contact && self.preferences().leads.have_records();
        wanted.then_some(LEAD_OF_CONTACT)
    }

    /// Makes an association, or takes the one away that was there.
    pub(crate) async fn associate(
        &self,
        object: Object,
        id: &str,
        wanted: Wanted,
        to: &str,
    ) -> Result<(), ConnectorError> {
        if is_id(to) {
            let path = [id, "associations", wanted.to.type_id(), to];
            let types =
                json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": wanted.type_id }]);
            let request = with_json(Request::write(Method::PUT, self.objects(object, path)), &types)?;
            return self.done(request).await;
        }
        let present = self.get(object, id, None, &[wanted]).await?.ok_or(ConnectorError::Gone)?;
        let Some(before) = present.fields.text(wanted.field).filter(|id| is_id(id)).map(str::to_owned) else {
            return Ok(());
        };
        let path = [id, "associations", wanted.to.type_id(), &before];
        self.done(Request::write(Method::DELETE, self.objects(object, path))).await
    }

    pub(crate) async fn done(&self, request: Request) -> Result<(), ConnectorError> {
        let answer = self.call(request).await?;
        if answer.is_success() { Ok(()) } else { Err(refusal(&answer, Effect::Write)) }
    }

    /// The record as HubSpot has it after a write.
    pub(crate) fn stored(
        &self,
        object: Object,
        schema: &HubSpotSchema,
        values: &Fields,
        written: Written,
    ) -> Result<Record, ConnectorError> {
        let told = written.map_err(|unwritten| taken(schema, values, unwritten))?;
        let told = told.ok_or_else(|| ConnectorError::Doubtful {
            detail: "HubSpot does not tell the record that it has written".to_owned(),
        })?;
        Ok(told.record(&self.system, object, schema, &[]))
    }
}

/// What went wrong; a clash told by the unique properties of the values, one of which the other record has: HubSpot names
/// that record in its text only.
fn taken(schema: &HubSpotSchema, values: &Fields, unwritten: Unwritten) -> ConnectorError {
    match unwritten {
        Unwritten { error: ConnectorError::Rejected { message, .. }, existing: Some(existing) } => {
            let is_unique = |name: &&str| schema.property(name).is_some_and(|property| property.unique);
            let words = format!("record {existing} has this value");
            let fields =
                values.names().filter(is_unique).map(|name| (name.to_owned(), words.clone())).collect();
            ConnectorError::Rejected { message, fields }
        }
        Unwritten { error, .. } => error,
    }
}
