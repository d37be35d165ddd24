//! Custom fields: `POST /api/fields/{object}/new`.
//!
//! Recorded: A05 to A21. An alias that contacts or companies use is refused with a 400, a long one is cut to 25
//! characters and a reserved one gets `f_` before it: what was stored is not always what was asked for.

use http_client::{Effect, Method};
use model::ObjectName;
use serde_json::{Value as Json, json};
use sync::ConnectorError;

use crate::client::{Mautic, json_request};
use crate::error::{refusal, unreadable};
use crate::objects::Object;

/// A field as Mautic has stored it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewField {
    /// Its alias.
    pub alias: String,
    /// Whether it can be used now. Otherwise Mautic makes the column in the background, by its cron jobs.
    pub is_ready: bool,
}

impl Mautic {
    /// The fields of an object as Mautic lists them, all pages, read now.
    ///
    /// # Errors
    /// Misconfigured where our role may not list them.
    pub async fn listed_fields(&self, object: &ObjectName) -> Result<Vec<Json>, ConnectorError> {
        self.field_list(Object::of(object)?).await
    }

    /// Creates a text field in the group core, which the bridge fills: neither unique nor public.
    ///
    /// # Errors
    /// Rejected where the alias is in use, by contacts or by companies. Forbidden where our role may not.
    pub async fn create_text_field(
        &self,
        object: &ObjectName,
        label: &str,
        alias: &str,
    ) -> Result<NewField, ConnectorError> {
        let object = Object::of(object)?;
        let body = json!({
            "label": label,
            "alias": alias,
            "type": "text",
            "group": "core",
            "isPublished": 1,
            "isVisible": 1,
            "isListable": 1,
            "isPubliclyUpdatable": 0,
            "isUniqueIdentifier": 0,
        });
        let url = self.api(["fields", object.singular(), "new"]);
        let answer = self.call(json_request(Method::POST, url, &body)?).await?;
        if !answer.is_success() {
            return Err(may_not_create(refusal(&answer, Effect::Write)));
        }
        self.forget_schemas().await;
        let json: Json = answer.json().map_err(|_| unreadable(&answer, Effect::Write, "not JSON"))?;
        let alias = json.pointer("/field/alias").and_then(Json::as_str);
        let alias = alias.ok_or_else(|| unreadable(&answer, Effect::Write, "no field"))?.to_owned();
        Ok(NewField { alias, is_ready: answer.status != 202 })
    }
}

fn may_not_create(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Forbidden { .. } => ConnectorError::Forbidden {
            detail:
                "our Mautic user may not create fields: give its role \"Custom fields: Full\" for the setup"
                    .to_owned(),
        },
        other => other,
    }
}
