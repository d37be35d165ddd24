//! `/wp/v2/users`: what WordPress's users controller does, in its order.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::engine::{Caller, Engine};
use super::parameters::{Parameters, list_of};
use super::state::{MetaType, State, User};
use super::view::{self, Context};
use super::{clean, roles};

/// The longest login, in characters.
const LONGEST_LOGIN: usize = 60;
/// The width of the column of e-mail addresses: what is longer ends in a fatal error of PHP.
const LONGEST_EMAIL: usize = 100;

fn context(parameters: &Parameters) -> Context {
    if parameters.text("context").as_deref() == Some("edit") { Context::Edit } else { Context::View }
}

/// 401 to strangers, 403 to those who are known.
fn denied(caller: &Caller, code: &str, message: &str) -> Answer {
    Answer::error(if caller.is_known() { 403 } else { 401 }, code, message)
}

fn unknown_user() -> Answer {
    Answer::error(404, "rest_user_invalid_id", "Invalid user ID.")
}

/// `GET /users`. Strangers get an empty list and no error, unless they want to edit.
pub(crate) fn list(engine: &Engine, caller: &Caller, parameters: &Parameters) -> Result<Answer, Answer> {
    let per_page = parameters.number("per_page", 10);
    if !(1..=100).contains(&per_page) {
        let message = "per_page must be between 1 (inclusive) and 100 (inclusive)";
        return Err(Answer::invalid_param("per_page", "rest_out_of_bounds", message, &Json::Null));
    }
    let state = engine.state();
    if context(parameters) == Context::Edit && !caller.may(&state, "list_users") {
        return Err(denied(caller, "rest_forbidden_context", "Sorry, you are not allowed to edit users."));
    }
    let search = parameters.text("search").unwrap_or_default().to_lowercase();
    let contact = parameters.text("mautic_contact_id").filter(|_| state.plugin);
    let mut found: Vec<&User> = state.users.iter().filter(|user| matches(user, search.trim())).collect();
    found.retain(|user| {
        contact
            .as_ref()
            .is_none_or(|id| user.meta.get("mautic_contact_id").and_then(Json::as_str) == Some(id))
    });
    if context(parameters) == Context::Edit {
        // Whom the caller may not edit is left out in silence: the must-use plugin hides the staff so.
        found.retain(|user| caller.id == Some(user.id) || may_edit(&state, caller, user));
    }
    if !caller.may(&state, "list_users") {
        // Strangers see authors of published posts, and nobody here has published any.
        found.clear();
    }
    found.sort_by_key(|user| user.display_name.to_lowercase());
    let page = parameters.number("page", 1).max(1);
    let total = found.len() as u64;
    let start = usize::try_from((page - 1).saturating_mul(per_page)).unwrap_or(usize::MAX);
    let shown: Vec<Json> = found
        .into_iter()
        .skip(start)
        .take(usize::try_from(per_page).unwrap_or(100))
        .map(|user| {
            let whole = view::user(&state, user, context(parameters), engine.url());
            view::cut(whole, parameters.text("_fields").as_deref())
        })
        .collect();
    Ok(Answer::ok(json!(shown))
        .header("x-wp-total", total.to_string())
        .header("x-wp-totalpages", total.div_ceil(per_page).to_string()))
}

/// `WP_User_Query`: which columns are searched depends on what is searched for; always for a part of them.
fn matches(user: &User, search: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(search);
    if search.is_empty() {
        true
    } else if search.contains('@') {
        has(&user.email)
    } else if search.bytes().all(|b| b.is_ascii_digit()) {
        has(&user.login) || user.id.to_string() == search
    } else {
        [&user.login, &user.url, &user.email, &user.slug, &user.display_name]
            .into_iter()
            .any(|text| has(text))
    }
}

/// `GET /users/{id}`.
pub(crate) fn read(
    engine: &Engine,
    caller: &Caller,
    id: u64,
    parameters: &Parameters,
) -> Result<Answer, Answer> {
    let state = engine.state();
    let user = state.user(id).ok_or_else(unknown_user)?;
    if caller.id != Some(id) && !caller.may(&state, "list_users") {
        return Err(denied(caller, "rest_user_cannot_view", "Sorry, you are not allowed to list users."));
    }
    if context(parameters) == Context::Edit && !may_edit(&state, caller, user) {
        let message = "Sorry, you are not allowed to edit this user.";
        return Err(denied(caller, "rest_forbidden_context", message));
    }
    let whole = view::user(&state, user, context(parameters), engine.url());
    Ok(Answer::ok(view::cut(whole, parameters.text("_fields").as_deref())))
}

/// `POST /users`. Whether login and e-mail are taken is looked at well before the user is stored, and nothing in the
/// table keeps two from being stored at once.
pub(crate) async fn create(
    engine: &Engine,
    caller: &Caller,
    parameters: &Parameters,
) -> Result<Answer, Answer> {
    parameters.require(&["username", "email", "password"])?;
    parameters.check_user()?;
    let text = |name: &str| parameters.text(name).unwrap_or_default();
    {
        let state = engine.state();
        if !caller.may(&state, "create_users") {
            let message = "Sorry, you are not allowed to create new users.";
            return Err(denied(caller, "rest_cannot_create_user", message));
        }
        if parameters.has("id") {
            return Err(Answer::error(400, "rest_user_exists", "Cannot create existing user."));
        }
        check_roles(&state, caller, parameters)?;
        let login = text("username");
        if login.chars().count() > LONGEST_LOGIN {
            let message = "Username may not be longer than 60 characters.";
            return Err(Answer::core_error("user_login_too_long", message));
        }
        if state.has_login(&login) {
            let message = "Sorry, that username already exists!";
            return Err(Answer::core_error("existing_user_login", message));
        }
        if state.by_email(&text("email")).is_some() {
            let message = "Sorry, that email address is already used!";
            return Err(Answer::core_error("existing_user_email", message));
        }
        if text("email").chars().count() > LONGEST_EMAIL {
            return Err(Answer::critical());
        }
    }
    engine.pause_before_storing().await;
    engine.change(|state| {
        let id = state.seat(&text("username"), &text("email"), "subscriber", engine.now());
        let slug = free_slug(state, id);
        let Some(user) = state.user_mut(id) else { return Err(Answer::critical()) };
        user.slug = slug;
        user.password = text("password");
        write_profile(user, parameters);
        if !parameters.has("name") {
            let full = format!("{} {}", user.first_name, user.last_name);
            let full = full.trim();
            user.display_name = if full.is_empty() { user.login.clone() } else { full.to_owned() };
        }
        if let Some(roles) = parameters.list("roles") {
            // An empty list is not the default role, but none at all.
            user.roles = roles;
        }
        write_meta(state, caller, id, parameters)?;
        if state.plugin && parameters.flag("mautic_send_notification") {
            state.mail(&text("email"), "Login Details");
        }
        let user = state.user(id).ok_or_else(Answer::critical)?;
        let location = format!("{}/wp-json/wp/v2/users/{id}", engine.url());
        let body = view::user(state, user, Context::Edit, engine.url());
        Ok(Answer::of(201, body).header("location", location))
    })
}

/// `POST`, `PUT` and `PATCH /users/{id}`: all three change what is sent and nothing else.
pub(crate) fn update(
    engine: &Engine,
    caller: &Caller,
    id: u64,
    parameters: &Parameters,
) -> Result<Answer, Answer> {
    parameters.check_user()?;
    engine.change(|state| {
        let before = state.user(id).cloned().ok_or_else(unknown_user)?;
        if !may_edit(state, caller, &before) {
            return Err(denied(caller, "rest_cannot_edit", "Sorry, you are not allowed to edit this user."));
        }
        if let Some(email) = parameters.text("email")
            && state.by_email(&email).is_some_and(|owner| owner.id != id)
        {
            return Err(Answer::error(400, "rest_user_invalid_email", "Invalid email address."));
        }
        if parameters.text("username").is_some_and(|login| login != before.login) {
            return Err(Answer::error(400, "rest_user_invalid_argument", "Username is not editable."));
        }
        check_roles(state, caller, parameters)?;
        let user = state.user_mut(id).ok_or_else(unknown_user)?;
        if let Some(email) = parameters.text("email") {
            user.email = email;
        }
        let new_password = parameters.text("password");
        if let Some(password) = &new_password {
            user.password.clone_from(password);
        }
        write_profile(user, parameters);
        if let Some(roles) = parameters.list("roles") {
            user.roles = roles;
        }
        let now_email = user.email.clone();
        if now_email != before.email {
            state.mail(&before.email, "Email Changed");
        }
        if new_password.is_some() {
            // The password that is sent is not compared: the same one again mails, too.
            state.mail(&now_email, "Password Changed");
        }
        // What stands above is stored already when this fails.
        write_meta(state, caller, id, parameters)?;
        let user = state.user(id).ok_or_else(unknown_user)?;
        Ok(Answer::ok(view::user(state, user, Context::Edit, engine.url())))
    })
}

/// `DELETE /users/{id}`.
pub(crate) fn delete(
    engine: &Engine,
    caller: &Caller,
    id: u64,
    parameters: &Parameters,
) -> Result<Answer, Answer> {
    parameters.require(&["reassign"])?;
    engine.change(|state| {
        let user = state.user(id).cloned().ok_or_else(unknown_user)?;
        if !caller.may(state, "delete_users") {
            let message = "Sorry, you are not allowed to delete this user.";
            return Err(denied(caller, "rest_user_cannot_delete", message));
        }
        if !parameters.flag("force") {
            let message = "Users do not support trashing. Set 'force=true' to delete.";
            return Err(Answer::error(501, "rest_trash_not_supported", message));
        }
        let to = parameters.number("reassign", 0);
        if parameters.text("reassign").as_deref() != Some("false") && (to == id || state.user(to).is_none()) {
            return Err(Answer::error(
                400,
                "rest_user_invalid_reassign",
                "Invalid user ID for reassignment.",
            ));
        }
        let mut previous = view::user(state, &user, Context::Edit, engine.url());
        if let Json::Object(previous) = &mut previous {
            previous.remove("_links");
        }
        state.users.retain(|user| user.id != id);
        Ok(Answer::ok(json!({ "deleted": true, "previous": previous })))
    })
}

/// Whether a caller may edit a user. The plugin keeps the bridge's user from everybody who can write posts.
fn may_edit(state: &State, caller: &Caller, user: &User) -> bool {
    if caller.id == Some(user.id) {
        return true;
    }
    let guarded = state.plugin && caller.is_bridge(state) && roles::may(&user.roles, "edit_posts");
    caller.may(state, "edit_users") && !guarded
}

fn check_roles(state: &State, caller: &Caller, parameters: &Parameters) -> Result<(), Answer> {
    for role in parameters.list("roles").unwrap_or_default() {
        if !state.roles.contains(&role) {
            let message = format!("The role {role} does not exist.");
            return Err(Answer::error(400, "rest_user_invalid_role", &message));
        }
        let is_high = roles::capabilities(&role).unwrap_or_default().contains(&"edit_posts");
        let guarded = state.plugin && caller.is_bridge(state) && is_high;
        if guarded || !caller.may(state, "promote_users") {
            let message = "Sorry, you are not allowed to give users that role.";
            return Err(denied(caller, "rest_user_invalid_role", message));
        }
    }
    Ok(())
}

fn write_profile(user: &mut User, parameters: &Parameters) {
    let cleaned = |name: &str| parameters.text(name).map(|text| clean::text(&text));
    let slots: [(&str, &mut String); 6] = [
        ("first_name", &mut user.first_name),
        ("last_name", &mut user.last_name),
        ("nickname", &mut user.nickname),
        ("name", &mut user.display_name),
        ("url", &mut user.url),
        ("locale", &mut user.locale),
    ];
    for (name, slot) in slots {
        if let Some(text) = cleaned(name) {
            *slot = text;
        }
    }
    if let Some(text) = parameters.text("description") {
        user.description = text;
    }
    if let Some(text) = parameters.text("slug") {
        user.slug = clean::slug(&text);
    }
}

fn free_slug(state: &State, id: u64) -> String {
    let Some(user) = state.user(id) else { return String::new() };
    let taken = |slug: &str| state.users.iter().any(|other| other.id != id && other.slug == slug);
    let wanted = clean::slug(&user.login);
    if !taken(&wanted) {
        return wanted;
    }
    let numbered = |n: usize| format!("{wanted}-{n}");
    (2..=state.users.len() + 2).map(numbered).find(|slug| !taken(slug)).unwrap_or(wanted)
}

/// Key by key, in the order of their registration; an error leaves what came before it. What is not registered is
/// passed over in silence.
fn write_meta(state: &mut State, caller: &Caller, id: u64, parameters: &Parameters) -> Result<(), Answer> {
    let Some(Json::Object(sent)) = parameters.get("meta") else { return Ok(()) };
    let registered = state.meta.clone();
    let may = caller.may(state, "edit_users");
    for (key, kind) in registered {
        let Some(value) = sent.get(&key) else { continue };
        let wrong = |expected: &str| {
            Answer::of(
                400,
                json!({
                    "code": "rest_invalid_type",
                    "message": format!("meta.{key} is not of type {expected}."),
                    "data": { "status": 400 },
                    "additional_data": [{ "param": format!("meta.{key}") }],
                }),
            )
        };
        let stored = match (kind, value) {
            (_, Json::Null) => None,
            (MetaType::Text, Json::String(text)) => Some(json!(text)),
            (MetaType::Text, _) => return Err(wrong("string")),
            (MetaType::Texts, Json::Array(items)) if items.iter().any(|item| !item.is_string()) => {
                return Err(wrong("array"));
            }
            (MetaType::Texts, Json::Array(_) | Json::String(_)) => Some(json!(list_of(value))),
            (MetaType::Texts, _) => return Err(wrong("array")),
        };
        if !may {
            return Err(Answer::of(
                403,
                json!({
                    "code": "rest_cannot_update",
                    "message": format!("Sorry, you are not allowed to edit the {key} custom field."),
                    "data": { "key": key, "status": 403 },
                }),
            ));
        }
        let user = state.user_mut(id).ok_or_else(unknown_user)?;
        let meta: &mut BTreeMap<String, Json> = &mut user.meta;
        match stored {
            Some(value) => meta.insert(key, value),
            None => meta.remove(&key),
        };
    }
    Ok(())
}
