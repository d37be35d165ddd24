//! Who may call: basic authentication, OAuth client credentials, the API's switches, the rate limit.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answer::Answer;
use super::engine::{Caller, Engine};
use super::php::Php;
use super::stamp::Actor;

/// How long a token lives, in seconds.
const TOKEN_SECONDS: i64 = 3600;

/// The window of the rate limit, in seconds.
const WINDOW_SECONDS: i64 = 3600;

/// Finds out who calls, or why nobody may.
pub(crate) fn authenticate(engine: &Engine, headers: &HeaderMap) -> Result<Caller, Answer> {
    if !engine.api_enabled.load(Ordering::Relaxed) {
        let words = "API disabled. You need to enable the API in the API settings of Mautic's Configuration.";
        return Err(Answer::early(403, words, Php::text("api_disabled")));
    }
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, credentials) = header.split_once(' ').unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => basic(engine, credentials),
        "bearer" => bearer(engine, credentials.trim()),
        _ => Err(Answer::early(401, "API authorization denied.", Php::text("access_denied"))),
    }
}

fn basic(engine: &Engine, credentials: &str) -> Result<Caller, Answer> {
    if !engine.basic_auth_enabled.load(Ordering::Relaxed) {
        let words = "Basic Auth disabled. You need to enable HTTP basic auth in the API settings of Mautic's \
                     Configuration.";
        return Err(Answer::early(403, words, Php::text("access_denied")));
    }
    let decoded = STANDARD.decode(credentials.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (name, password) = decoded.as_deref().and_then(|text| text.split_once(':')).unwrap_or_default();
    let caller = engine.read(|state| {
        let user = state.users.values().find(|user| user.username == name && user.password == password)?;
        Some(Caller { actor: user.actor(), role: user.role })
    });
    caller.ok_or_else(|| {
        Answer::early(401, "Authorization denied, invalid credentials.", Php::text("access_denied"))
    })
}

fn bearer(engine: &Engine, token: &str) -> Result<Caller, Answer> {
    let tokens = engine.tokens.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((client, expires)) = tokens.get(token) else {
        let words = "The access token provided is invalid.";
        return Err(Answer::early(401, words, Php::text("invalid_grant")));
    };
    if *expires <= engine.now() {
        let words = "The access token provided has expired.";
        return Err(Answer::early(401, words, Php::text("invalid_grant")));
    }
    let client = engine.clients.get(*client);
    let actor = |name: &str| Actor { id: None, name: format!("{name} [1]") };
    client
        .map(|client| Caller { actor: actor(&client.name), role: client.role })
        .ok_or_else(|| Answer::generic(500))
}

/// `POST /oauth/v2/token` with `grant_type=client_credentials`. Source: captures I53, I54.
pub(crate) fn token(engine: &Engine, form: &Php) -> Answer {
    let text = |key: &str| form.get(key).and_then(Php::as_text).unwrap_or_default();
    if text("grant_type") != "client_credentials" {
        let words = "Invalid grant_type parameter or parameter missing";
        return Answer::early(400, words, Php::text("invalid_request"));
    }
    let client = engine
        .clients
        .iter()
        .position(|client| client.id == text("client_id") && client.secret == text("client_secret"));
    let Some(client) = client else {
        return Answer::early(400, "The client credentials are invalid", Php::text("invalid_client"));
    };
    let token = uuid::Uuid::new_v4().simple().to_string();
    let now = engine.now();
    let expires = now.checked_add(jiff::SignedDuration::from_secs(TOKEN_SECONDS)).unwrap_or(now);
    engine.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), (client, expires));
    let mut answer = Answer::ok(Php::map([
        ("access_token", Php::text(token)),
        ("expires_in", Php::Int(TOKEN_SECONDS)),
        ("token_type", Php::text("bearer")),
        ("scope", Php::Null),
    ]));
    answer.from_controller = false;
    answer
}

/// Where a caller stands in the rate limit: the headers, and whether the request is refused.
pub(crate) struct Budget {
    limit: u32,
    remaining: u32,
    reset: i64,
    pub(crate) exceeded: bool,
}

/// Counts a request against the limit per hour, if there is one.
pub(crate) fn budget(engine: &Engine) -> Option<Budget> {
    let limit = engine.rate?;
    let now = engine.now();
    let mut window = engine.window.lock().unwrap_or_else(PoisonError::into_inner);
    if now.as_second().saturating_sub(window.0.as_second()) >= WINDOW_SECONDS {
        *window = (now, 0);
    }
    let exceeded = window.1 >= limit;
    if !exceeded {
        window.1 += 1;
    }
    let reset = window.0.as_second().saturating_add(WINDOW_SECONDS);
    Some(Budget { limit, remaining: limit.saturating_sub(window.1), reset, exceeded })
}

/// Writes the `X-RateLimit-*` headers: there is no `Retry-After` (capture K90).
pub(crate) fn write_budget(response: &mut Response<Bytes>, budget: &Budget) {
    for (name, value) in [
        ("x-ratelimit-limit", i64::from(budget.limit)),
        ("x-ratelimit-remaining", i64::from(budget.remaining)),
        ("x-ratelimit-reset", budget.reset),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

/// The body of a 429, with the blanks that the real one has (capture K90).
pub(crate) fn rate_limit_body(limit: u32) -> String {
    format!(
        "{{ \"errors\": [ {{ \"code\": 429, \"message\": \"You exceeded the rate limit of {limit} API calls per \
         hour.\", \"details\": [] }} ]}}"
    )
}
