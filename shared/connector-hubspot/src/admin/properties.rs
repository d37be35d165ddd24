//! The properties that carry coreBOS's ids, and their group.
//!
//! `/crm/properties/{version}/{type}`, "Properties", <https://developers.hubspot.com/docs/api-reference>, read 2026-11-21.

use http_client::{Effect, Method, Request};
use model::ObjectName;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync::ConnectorError;

use crate::client::{HubSpot, with_json};
use crate::error::{refusal, unreadable};
use crate::objects::Object;
use crate::wire::Listed;

/// How many properties of an object may be unique. Whether a property is can never be changed.
pub const UNIQUE_LIMIT: usize = 10;

/// A property as HubSpot has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyThere {
    /// Its internal name.
    pub name: String,
    /// `string`, `number`, `enumeration`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether no two records may have the same value.
    #[serde(default)]
    pub has_unique_value: bool,
    /// Whether it comes with HubSpot.
    #[serde(default)]
    pub hubspot_defined: bool,
    /// Whether somebody has archived it: it is not there, and creating one of its name brings it back as it was.
    #[serde(default)]
    pub archived: bool,
}

#[derive(Deserialize)]
struct WireGroup {
    name: String,
    #[serde(default)]
    archived: bool,
}

impl HubSpot {
    /// The properties of an object, read now, the archived ones included.
    ///
    /// # Errors
    /// Misconfigured where our token may not list them.
    pub async fn listed_properties(&self, object: &ObjectName) -> Result<Vec<PropertyThere>, ConnectorError> {
        let object = Object::of(object)?;
        let mut all = Vec::new();
        for archived in ["false", "true"] {
            let url = self.api(["crm", "properties", self.version(), object.type_id()]);
            let listed: Listed<PropertyThere> =
                self.ask(Request::read(Method::GET, url).query("archived", archived)).await?;
            all.extend(listed.results);
        }
        Ok(all)
    }

    /// The internal names of the groups of properties of an object.
    ///
    /// # Errors
    /// Misconfigured where our token may not list them.
    pub async fn property_groups(&self, object: &ObjectName) -> Result<Vec<String>, ConnectorError> {
        let url = self.api(["crm", "properties", self.version(), Object::of(object)?.type_id(), "groups"]);
        let listed: Listed<WireGroup> = self.ask(Request::read(Method::GET, url)).await?;
        Ok(listed.results.into_iter().filter(|group| !group.archived).map(|group| group.name).collect())
    }

    /// Creates a group of properties. One that is there already is good.
    ///
    /// # Errors
    /// Misconfigured where our token may not.
    pub async fn create_property_group(
        &self,
        object: &ObjectName,
        name: &str,
        label: &str,
    ) -> Result<(), ConnectorError> {
        let url = self.api(["crm", "properties", self.version(), Object::of(object)?.type_id(), "groups"]);
        let body = json!({ "name": name, "label": label, "displayOrder": -1 });
        let answer = self.call(with_json(Request::write(Method::POST, url), &body)?).await?;
        if answer.is_success() || answer.status == 409 {
            return Ok(());
        }
        Err(refusal(&answer, Effect::Write))
    }

    /// Creates a property for ids: a line of text whose values are unique, so that a record is found by it without
    /// search, which lags behind. Gives what HubSpot has stored.
    ///
    /// # Errors
    /// Rejected where there is one of this name, or ten unique ones. Misconfigured where our token may not.
    pub async fn create_id_property(
        &self,
        object: &ObjectName,
        group: &str,
        name: &str,
        label: &str,
    ) -> Result<PropertyThere, ConnectorError> {
        let url = self.api(["crm", "properties", self.version(), Object::of(object)?.type_id()]);
        let body: Json = json!({
            "groupName": group,
            "name": name,
            "label": label,
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": true,
            "hidden": false,
            "formField": false,
            "description": "The id of the record in coreBOS. The coreBOS bridge fills it; leave it alone.",
        });
        let answer = self.call(with_json(Request::write(Method::POST, url), &body)?).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Write));
        }
        self.forget_schemas().await;
        answer.json().map_err(|_| unreadable(&answer, Effect::Write, "no property"))
    }
}
