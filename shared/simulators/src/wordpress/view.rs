//! Users as the API shows them.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use serde_json::{Map, Value as Json, json};

use super::roles;
use super::state::{MetaType, State, User};

/// Which fields an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    View,
    Edit,
}

/// A user, with all fields of the context.
pub(crate) fn user(state: &State, user: &User, context: Context, url: &str) -> Json {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Json| {
        shown.insert(name.to_owned(), value);
    };
    let edit = context == Context::Edit;
    put("id", json!(user.id));
    if edit {
        put("username", json!(user.login));
    }
    put("name", json!(user.display_name));
    if edit {
        put("first_name", json!(user.first_name));
        put("last_name", json!(user.last_name));
        put("email", json!(user.email));
    }
    put("url", json!(user.url));
    put("description", json!(user.description));
    put("link", json!(format!("{url}/author/{}/", user.slug)));
    if edit {
        put("locale", json!(user.locale));
        put("nickname", json!(user.nickname));
    }
    put("slug", json!(user.slug));
    if edit {
        put("roles", json!(user.roles));
        put("registered_date", json!(user.registered.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()));
        put("capabilities", capabilities(&user.roles));
        let own: Map<String, Json> = user.roles.iter().map(|role| (role.clone(), json!(true))).collect();
        put("extra_capabilities", Json::Object(own));
    }
    put("avatar_urls", avatars(&user.email));
    put("meta", if edit { meta(state, user) } else { json!([]) });
    put(
        "_links",
        json!({
            "self": [{ "href": format!("{url}/wp-json/wp/v2/users/{}", user.id) }],
            "collection": [{ "href": format!("{url}/wp-json/wp/v2/users") }],
        }),
    );
    Json::Object(shown)
}

/// Every registered key, with its default where nothing is stored. What is not registered is not shown.
fn meta(state: &State, user: &User) -> Json {
    let mut shown = Map::new();
    shown.insert("persisted_preferences".to_owned(), json!([]));
    for (key, kind) in &state.meta {
        let blank = match kind {
            MetaType::Text => json!(""),
            MetaType::Texts => json!([]),
        };
        shown.insert(key.clone(), user.meta.get(key).cloned().unwrap_or(blank));
    }
    Json::Object(shown)
}

fn capabilities(of: &[String]) -> Json {
    let mut all = Map::new();
    for role in of {
        let known = roles::capabilities(role).unwrap_or_default();
        all.extend(known.iter().map(|name| ((*name).to_owned(), json!(true))));
    }
    all.extend(of.iter().map(|role| (role.clone(), json!(true))));
    Json::Object(all)
}

fn avatars(email: &str) -> Json {
    let digest = Md5::digest(email.trim().to_lowercase().as_bytes());
    let hash = digest.iter().fold(String::new(), |mut hash, byte| {
        // Writing to a text cannot fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    });
    let server = digest.first().map_or(0, |byte| (byte >> 4) % 3);
    let address = |size: u32| format!("http://{server}.gravatar.com/avatar/{hash}?s={size}&d=mm&r=g");
    json!({ "24": address(24), "48": address(48), "96": address(96) })
}

/// Only the fields that `_fields` names.
pub(crate) fn cut(value: Json, fields: Option<&str>) -> Json {
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else { return value };
    let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
    match value {
        Json::Object(all) => {
            Json::Object(all.into_iter().filter(|(name, _)| wanted.contains(&name.as_str())).collect())
        }
        other => other,
    }
}
