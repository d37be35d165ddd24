//! Tokens: a refresh token for an access token that ends, and what a token may do.

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::engine::Engine;
use super::http::{Call, Known, VERSIONS, no_route};

/// Everything below `/oauth`. None of it needs a token in the header.
pub(crate) fn answer(engine: &Engine, call: &Call) -> Answer {
    let parts: Vec<&str> = call.parts.iter().map(String::as_str).collect();
    let version = |version: &str| version == "v3" || VERSIONS.contains(&version);
    match (&call.method, &parts[..]) {
        (&Method::POST, ["oauth", v, "token"]) if version(v) => token(engine, call),
        (&Method::POST, ["oauth", v, "token", "introspect"]) if version(v) => introspect(engine, call),
        (&Method::POST, ["oauth", "v2", "private-apps", "get", "access-token-info"]) => info(engine, call),
        _ => no_route(),
    }
}

/// `POST /oauth/v3/token` and its dated twin: a refresh token for an access token that ends.
fn token(engine: &Engine, call: &Call) -> Answer {
    let field = |name: &str| call.form_field(name).unwrap_or_default();
    if field("grant_type") != "refresh_token" {
        return Answer::error(400, "VALIDATION_ERROR", "BAD_GRANT_TYPE");
    }
    engine.renew(&field("client_id"), &field("client_secret"), &field("refresh_token")).map_or_else(
        || Answer::error(400, "BAD_REFRESH_TOKEN", "missing or invalid refresh token"),
        |(access, refresh, seconds)| {
            Answer::ok(json!({
                "access_token": access, "refresh_token": refresh, "expires_in": seconds, "token_type": "bearer",
            }))
        },
    )
}

/// `POST /oauth/v3/token/introspect` and its dated twin: for the app that the token belongs to, and nobody else.
fn introspect(engine: &Engine, call: &Call) -> Answer {
    let field = |name: &str| call.form_field(name).unwrap_or_default();
    if !engine.is_client(&field("client_id"), &field("client_secret")) {
        return Answer::error(401, "INVALID_CLIENT", "client_id or client_secret is wrong");
    }
    if !engine.is_of_client(&field("token")) {
        return Answer::ok(json!({ "active": false }));
    }
    Answer::ok(json!({
        "active": true,
        "token_use": "access_token",
        "token_type": "bearer",
        "hub_id": engine.read(|state| state.portal_id),
        "app_id": engine.read(|state| state.app_id),
        "scopes": engine.scopes(),
    }))
}

/// `POST /oauth/v2/private-apps/get/access-token-info`: for tokens that do not end. Whether a service key is one of
/// them is not documented, so it can be switched off.
fn info(engine: &Engine, call: &Call) -> Answer {
    if !engine.tells_of_tokens() {
        return no_route();
    }
    let body = match call.json() {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let named = body.get("tokenKey").and_then(Json::as_str).unwrap_or_default();
    if named != call.bearer() || engine.knows(named) != Known::Yes || engine.is_of_client(named) {
        return Answer::error(401, "INVALID_AUTHENTICATION", "The token is not that of a private app");
    }
    Answer::ok(json!({
        "userId": 50_001,
        "hubId": engine.read(|state| state.portal_id),
        "appId": engine.read(|state| state.app_id),
        "scopes": engine.scopes(),
    }))
}
