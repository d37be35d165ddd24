//! WordPress's JSON of a user, both ways.

use std::collections::BTreeMap;

use model::{Fields, ObjectName, RecordRef, System, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use sync::{Record, Related, Writer};

use crate::schema::{FIELDS, Meta, USER, WordPressSchema};

/// A user in the context `edit`, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct WireUser {
    pub(crate) id: u64,
    /// Missing in any other context than `edit`.
    pub(crate) username: String,
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// An object, or an empty list: PHP knows no difference.
    #[serde(default)]
    pub(crate) capabilities: Json,
    #[serde(default)]
    pub(crate) meta: Json,
    #[serde(flatten)]
    others: Map<String, Json>,
}

/// What a user may who is more than a visitor: whoever can write posts, or manage anything, is staff.
const STAFF: [&str; 11] = [
    "edit_posts",
    "manage_options",
    "create_users",
    "delete_users",
    "edit_users",
    "list_users",
    "promote_users",
    "remove_users",
    "activate_plugins",
    "manage_woocommerce",
    "manage_network",
];

impl WireUser {
    /// The capabilities that the user has.
    pub(crate) fn capabilities(&self) -> impl Iterator<Item = &str> {
        let all = self.capabilities.as_object().into_iter().flatten();
        all.filter(|(_, has)| has.as_bool() == Some(true)).map(|(name, _)| name.as_str())
    }

    /// Whether this is a user whom nobody but an administrator of the site may change.
    pub(crate) fn is_staff(&self) -> bool {
        self.capabilities().any(|name| STAFF.contains(&name))
    }

    /// The registered keys of meta that hold texts or lists of texts. WordPress's own preferences are an object.
    pub(crate) fn meta_keys(&self) -> BTreeMap<String, Meta> {
        let all = self.meta.as_object().into_iter().flatten();
        all.filter(|(name, _)| *name != "persisted_preferences")
            .filter_map(|(name, value)| match value {
                Json::String(_) => Some((name.clone(), Meta::Text)),
                Json::Array(_) => Some((name.clone(), Meta::Texts)),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn record(&self, system: &System) -> Record {
        let mut fields = Fields::new();
        fields.insert("id", self.id.to_string());
        fields.insert("user_login", self.username.as_str());
        fields.insert("user_email", self.email.as_str());
        for (ours, theirs) in FIELDS {
            if let Some(Json::String(text)) = self.others.get(*theirs) {
                fields.insert(*ours, text.as_str());
            }
        }
        let roles = self.roles.iter().map(|role| Value::Text(role.clone()));
        fields.insert("role", Value::Array(roles.collect()));
        fields.insert(IS_STAFF, Value::Bool(self.is_staff()));
        for (name, value) in self.meta.as_object().into_iter().flatten() {
            if !fields.contains(name) {
                fields.insert(name.as_str(), value.clone());
            }
        }
        let registered = self.others.get("registered_date").and_then(Json::as_str);
        Record {
            reference: RecordRef::new(system, &ObjectName::new(USER), self.id.to_string()),
            fields,
            // A site tells when a user registered, and never when it was changed.
            modified: registered.and_then(|text| text.parse().ok()),
            last_writer: Writer::Unknown,
            related: Related::default(),
        }
    }
}

/// The field of a record that says whether the user is staff.
pub const IS_STAFF: &str = "is_staff";
/// The field of a creation that asks the must-use plugin for a welcome mail.
pub const SEND_NOTIFICATION: &str = "send_notification";

/// The name that we have for a parameter of WordPress's.
pub(crate) fn our_name(theirs: &str) -> &str {
    let theirs = theirs.strip_prefix("meta.").unwrap_or(theirs);
    FIELDS.iter().find(|(_, name)| *name == theirs).map_or(theirs, |(ours, _)| *ours)
}

/// The body of a creation or an edit. What the site has no field for is left out.
pub(crate) fn body(schema: &WordPressSchema, values: &Fields) -> Json {
    let mut body = Map::new();
    let mut meta = Map::new();
    for (name, value) in values.iter() {
        if let Some(kind) = schema.meta().get(name) {
            meta.insert(name.to_owned(), meta_value(*kind, value));
            continue;
        }
        let Some((_, theirs)) = FIELDS.iter().find(|(ours, _)| *ours == name) else {
            if name == SEND_NOTIFICATION && schema.has_plugin() {
                body.insert("mautic_send_notification".to_owned(), json!(true));
            }
            continue;
        };
        let value = match (name, value) {
            ("role", Value::Array(roles)) => json!(roles.values().map(Value::php_string).collect::<Vec<_>>()),
            ("role", role) => json!([role.php_string()]),
            (_, other) => json!(other.php_string()),
        };
        body.insert((*theirs).to_owned(), value);
    }
    if !meta.is_empty() {
        body.insert("meta".to_owned(), Json::Object(meta));
    }
    Json::Object(body)
}

/// Numbers are refused where a text is registered, and a text where a list is would be split at its blanks.
fn meta_value(kind: Meta, value: &Value) -> Json {
    match (kind, value) {
        (Meta::Texts, Value::Array(list)) => json!(list.values().map(Value::php_string).collect::<Vec<_>>()),
        (Meta::Texts, other) => json!([other.php_string()]),
        (Meta::Text, other) => json!(other.php_string()),
    }
}
