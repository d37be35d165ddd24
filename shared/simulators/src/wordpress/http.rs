//! The site over HTTP: who calls, and which route they want.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::http::{Method, Request, Response, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use url::form_urlencoded;

use super::answer::Answer;
use super::engine::{Caller, Engine};
use super::parameters::Parameters;
use super::{fusion, users_api};
use crate::server::{Answering, Site};

impl Site for Engine {
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> Answering {
        Box::pin(
            async move { respond(&self, &request).await.unwrap_or_else(|refused| refused).into_response() },
        )
    }

    fn operation(&self, _: &Method, _: &Uri, _: &[u8]) -> Option<String> {
        None
    }

    fn refusal(&self, status: StatusCode, _: &Method, _: &Uri) -> Response<Bytes> {
        let answer = match status.as_u16() {
            503 => Answer::maintenance(),
            500 => Answer::no_database(),
            401 => Answer::error(401, "rest_forbidden_context", "Sorry, you are not allowed to edit users."),
            // Firewalls and the caches in front of sites answer with pages.
            code => {
                Answer::page(code, "Just a moment...", "Checking your browser before accessing the site.")
            }
        };
        answer.into_response()
    }
}

/// Where a request leads within the API: the path after `/wp-json`, or the parameter `rest_route`.
fn route(uri: &Uri) -> Option<String> {
    if let Some(route) = uri.path().strip_prefix("/wp-json") {
        return Some(route.to_owned());
    }
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "rest_route")
        .map(|(_, route)| route.into_owned())
}

async fn respond(engine: &Engine, request: &Request<Bytes>) -> Result<Answer, Answer> {
    if engine.maintenance.load(Ordering::Relaxed) {
        return Err(Answer::maintenance());
    }
    if engine.no_database.load(Ordering::Relaxed) {
        return Err(Answer::no_database());
    }
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let content_type = header("content-type").unwrap_or_default();
    let parameters =
        Parameters::read(request.uri().query().unwrap_or_default(), content_type, request.body());
    let Some(route) = route(request.uri()) else {
        let fusion = parameters.ok().and_then(|parameters| fusion::answer(engine, &parameters));
        return Ok(fusion.unwrap_or_else(|| Answer::page(200, "Peer WP", "Just another WordPress site")));
    };
    let caller = Caller::of(&engine.state(), credentials(header("authorization")));
    let parts: Vec<&str> = route.split('/').filter(|part| !part.is_empty()).collect();
    let method = request.method();
    let users = match parts.as_slice() {
        [] if method == Method::GET => return Ok(index(engine)),
        ["wp", "v2", "users", rest @ ..] => rest,
        _ => return Err(no_route()),
    };
    let parameters = parameters?;
    let id =
        match users {
            [] => None,
            ["me"] => Some(caller.id.ok_or_else(|| {
                Answer::error(401, "rest_not_logged_in", "You are not currently logged in.")
            })?),
            [id] => Some(id.parse().map_err(|_| no_route())?),
            _ => return Err(no_route()),
        };
    match (method.as_str(), id) {
        ("GET", None) => users_api::list(engine, &caller, &parameters),
        ("POST", None) => users_api::create(engine, &caller, &parameters).await,
        ("GET", Some(id)) => users_api::read(engine, &caller, id, &parameters),
        ("POST" | "PUT" | "PATCH", Some(id)) => users_api::update(engine, &caller, id, &parameters),
        ("DELETE", Some(id)) => users_api::delete(engine, &caller, id, &parameters),
        _ => Err(no_route()),
    }
}

fn credentials(authorization: Option<&str>) -> Option<(String, String)> {
    let decoded = BASE64.decode(authorization?.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (login, password) = text.split_once(':')?;
    Some((login.to_owned(), password.to_owned()))
}

fn no_route() -> Answer {
    Answer::error(404, "rest_no_route", "No route was found matching the URL and request method.")
}

/// What everybody may read: the site's name, its namespaces, and how to authenticate.
fn index(engine: &Engine) -> Answer {
    let url = engine.url();
    Answer::ok(json!({
        "name": "Peer WP",
        "description": "",
        "url": url,
        "home": url,
        "gmt_offset": "0",
        "timezone_string": "",
        "namespaces": ["oembed/1.0", "wp/v2", "wp-site-health/v1", "wp-block-editor/v1"],
        "authentication": {
            "application-passwords": {
                "endpoints": { "authorization": format!("{url}/wp-admin/authorize-application.php") },
            },
        },
    }))
}
