//! Business maps: the module cbMap. Recorded: B005 to B010, E001.
//!
//! Two types matter: "Mapping", the field maps, and "Webservice Mapping", which says what a workflow task "Run Web
//! Service" sends where.

use std::fmt::Write as _;

use http_client::Effect;
use serde_json::{Value as Json, json};
use sync::{ConnectorError, KeepsMaps, KeptMap};

use crate::client::CoreBos;
use crate::query;
use crate::webhook::KEY_HEADER;

/// The type of field maps.
pub const FIELD_MAP: &str = "Mapping";
/// The type of maps that call a web service.
pub const WEBSERVICE_MAP: &str = "Webservice Mapping";

/// The module.
const MODULE: &str = "cbMap";

/// A business map as coreBOS keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMap {
    /// Its id: `37x8606`.
    pub id: String,
    /// Its name. coreBOS looks maps up by it, without regard to letter case.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// The XML.
    pub content: String,
}

impl StoredMap {
    fn of(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let id = text("id");
        (!id.is_empty()).then(|| Self {
            id,
            name: text("mapname"),
            kind: text("maptype"),
            content: text("content"),
        })
    }
}

/// What has happened to the record that a webservice map tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEvent<'n> {
    /// It was created or changed.
    Save,
    /// It is about to be deleted.
    Delete,
    /// What a workflow of the user's own calls by this name.
    Named(&'n str),
}

/// The text of a Webservice Mapping map that tells the bridge of a record.
///
/// The key comes from a setting of coreBOS, so that it stands in no map. TLS certificates are verified: coreBOS does
/// not do so unless told. The map serves all modules; what names its own module is not read by the task.
pub fn webservice_map(url: &str, key_setting: &str, event: WebhookEvent<'_>) -> String {
    let event = match event {
        WebhookEvent::Save => "save",
        WebhookEvent::Delete => "delete",
        WebhookEvent::Named(name) => &escaped(name),
    };
    let mut fields = String::new();
    for (name, directive, source) in [
        ("event", "CONST", event),
        ("module", "", "record_module"),
        ("id", "EXPRESSION", "id"),
        ("modifiedtime", "", "modifiedtime"),
    ] {
        // Writing to a string does not fail.
        let _ = write!(
            fields,
            "<field><fieldname>{name}</fieldname><Orgfields><Orgfield><OrgfieldName>{source}</OrgfieldName>\
             <OrgfieldID>{directive}</OrgfieldID></Orgfield></Orgfields></field>"
        );
    }
    let verified = if url.starts_with("https:") { "<certinsecure>2</certinsecure>" } else { "" };
    format!(
        "<map><originmodule><originname>Contacts</originname></originmodule><wsconfig><wsurl>{}</wsurl>\
         <wshttpmethod>POST</wshttpmethod><methodname>bridge</methodname><wstype>REST</wstype>\
         <inputtype>JSON</inputtype><outputtype>JSON</outputtype>{verified}<wsheader>\
         <header><keyname>Content-type</keyname><keyvalue>application/json</keyvalue></header>\
         <header><keyname>{KEY_HEADER}</keyname><keyvalue>getSetting({})</keyvalue></header></wsheader></wsconfig>\
         <fields>{fields}</fields><Response></Response></map>",
        escaped(url),
        escaped(key_setting)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl CoreBos {
    /// The maps of this name, three at most: more than one is already too many.
    ///
    /// # Errors
    /// Misconfigured where our user may not use business maps.
    pub async fn maps_named(&self, name: &str) -> Result<Vec<StoredMap>, ConnectorError> {
        let text = query::by_field(MODULE, "mapname", name, 3)?;
        let rows = self.map_rows(&text).await?;
        let named = |map: &StoredMap| map.name.trim().eq_ignore_ascii_case(name);
        Ok(rows.iter().filter_map(StoredMap::of).filter(named).collect())
    }

    /// What a query of maps finds.
    async fn map_rows(&self, query: &str) -> Result<Vec<Json>, ConnectorError> {
        let (rows, _) =
            self.call_timed("query", &[("query", query)], Effect::Read).await.map_err(may_not_use_maps)?;
        let no_rows = || ConnectorError::Unavailable { detail: "a query answered with no rows".to_owned() };
        rows.as_array().cloned().ok_or_else(no_rows)
    }

    /// `create` of a map, owned by us.
    ///
    /// # Errors
    /// Doubtful where it may have been created all the same: look for it by its name.
    pub async fn create_map(
        &self,
        name: &str,
        kind: &str,
        target_module: &str,
        content: &str,
    ) -> Result<(), ConnectorError> {
        let owner = self.our_id().await?;
        let element = json!({
            "mapname": name,
            "maptype": kind,
            "targetname": target_module,
            "content": content,
            "assigned_user_id": owner,
        });
        let parameters = [("elementType", MODULE), ("element", &element.to_string())];
        self.call_timed("create", &parameters, Effect::Write).await.map(drop).map_err(may_not_use_maps)
    }

    /// `revise` of a map's text.
    ///
    /// # Errors
    /// Forbidden where our user may not change it.
    pub async fn change_map(&self, id: &str, content: &str) -> Result<(), ConnectorError> {
        let element = json!({ "id": id, "content": content }).to_string();
        self.call_timed("revise", &[("element", &element)], Effect::Write).await.map(drop)
    }
}

/// The most maps that an answer may hold: a name may stand in coreBOS more than once.
const FIELD_MAPS_AT_MOST: usize = 40;

impl KeepsMaps for CoreBos {
    /// One `query` for all names. The database compares names without regard to case, accents and blanks at the end;
    /// what is not exactly one of these names is left out, as are maps of other types. The text comes as it was typed.
    async fn field_maps(&self, names: &[&str]) -> Result<Vec<KeptMap>, ConnectorError> {
        let text = query::maps_named(names, FIELD_MAPS_AT_MOST)?;
        let rows = self.map_rows(&text).await?;
        let is_meant = |map: &StoredMap| map.kind == FIELD_MAP && names.contains(&map.name.as_str());
        let kept = |map: StoredMap| KeptMap { id: map.id, name: map.name, xml: map.content };
        Ok(rows.iter().filter_map(StoredMap::of).filter(is_meant).map(kept).collect())
    }
}

fn may_not_use_maps(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Forbidden { .. } => ConnectorError::Misconfigured {
            detail: "our coreBOS user may not use the module Business Maps: give it to its profile, or make the user \
                     an administrator"
                .to_owned(),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_that_calls_us_names_the_key_and_never_holds_it() {
        let map = webservice_map(
            "https://h.example.com/webhooks/corebos?a=1&b=2",
            "bridge_key",
            WebhookEvent::Delete,
        );
        for part in [
            "<wsurl>https://h.example.com/webhooks/corebos?a=1&amp;b=2</wsurl>",
            "<keyname>X-Bridge-Key</keyname><keyvalue>getSetting(bridge_key)</keyvalue>",
            "<certinsecure>2</certinsecure>",
            "<OrgfieldName>delete</OrgfieldName><OrgfieldID>CONST</OrgfieldID>",
        ] {
            assert!(map.contains(part), "{part} is not in {map}");
        }
        // A loopback address has no certificate to verify.
        assert!(!webservice_map("http://127.0.0.1:1", "k", WebhookEvent::Save).contains("certinsecure"));
    }
}
