//! The REST API: from a request to its answer.

use std::pin::Pin;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use indexmap::IndexMap;

use super::answer::Answer;
use super::engine::{Caller, Engine};
use super::parameters::{parse_body, parse_form};
use super::php::Php;
use super::{auth, batch, companies_api, contacts_api, hooks_api, lists_api, setup_api};
use crate::server::{Answering, Site};

/// A request of somebody who may call.
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) method: Method,
    pub(crate) query: Php,
    pub(crate) body: Php,
}

impl Call {
    /// The parameters of the body by name; a list gives none (capture E42).
    pub(crate) fn parameters(&self) -> IndexMap<String, Php> {
        match &self.body {
            Php::Map(entries) => entries.clone(),
            _ => IndexMap::new(),
        }
    }

    /// Whether the caller's role grants one of these actions.
    pub(crate) fn may(&self, engine: &Engine, object: &str, actions: &[&str]) -> bool {
        engine.read(|state| {
            let role = state.roles.get(&self.caller.role);
            role.is_some_and(|role| actions.iter().any(|action| role.may(object, action)))
        })
    }
}

impl Site for Engine {
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> Answering {
        Box::pin(async move { respond(&self, request).await })
    }

    fn operation(&self, _method: &Method, _uri: &Uri, _body: &[u8]) -> Option<String> {
        None
    }

    fn refusal(&self, status: StatusCode, _method: &Method, uri: &Uri) -> Response<Bytes> {
        match status.as_u16() {
            429 => rate_limited(self.rate.unwrap_or(1000)),
            404 => Answer::no_route(uri.path()).into_response(),
            401 => {
                Answer::early(401, "API authorization denied.", Php::text("access_denied")).into_response()
            }
            status => Answer::generic(status).into_response(),
        }
    }
}

fn rate_limited(limit: u32) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(auth::rate_limit_body(limit)));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn respond(engine: &Engine, request: Request<Bytes>) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let content_type =
        parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if path == "/oauth/v2/token" && parts.method == Method::POST {
        return auth::token(engine, &parse_body(content_type, &body).unwrap_or(Php::Null)).into_response();
    }
    if !path.starts_with("/api/") {
        return Answer::no_route(&path).into_response();
    }
    let caller = match auth::authenticate(engine, &parts.headers) {
        Ok(caller) => caller,
        Err(answer) => return answer.into_response(),
    };
    let budget = auth::budget(engine);
    let mut response = match &budget {
        Some(budget) if budget.exceeded => rate_limited(engine.rate.unwrap_or_default()),
        _ => {
            let query = parse_form(parts.uri.query().unwrap_or_default().as_bytes());
            match parse_body(content_type, &body) {
                Err(_) => Answer::generic(400).into_response(),
                Ok(body) => {
                    let call = Call { caller, method: parts.method, query, body };
                    let answer = route(engine, &call, &path).await;
                    answer.unwrap_or_else(|| Answer::no_route(&path)).into_response()
                }
            }
        }
    };
    if let Some(budget) = &budget {
        auth::write_budget(&mut response, budget);
    }
    response
}

type Routed<'a> = Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>>;

/// Answers the call; none when there is no such route, a wrong verb included (captures E39, E40, B60).
fn route<'a>(engine: &'a Engine, call: &'a Call, path: &'a str) -> Routed<'a> {
    Box::pin(async move {
        let segments: Vec<&str> = path.trim_start_matches("/api/").split('/').collect();
        let verb = match call.method.as_str() {
            "PUT" | "PATCH" => "EDIT",
            other => other,
        };
        match *segments.first()? {
            "contacts" => contact_route(engine, call, verb, segments.get(1..)?).await,
            "companies" => company_route(engine, call, verb, segments.get(1..)?).await,
            "fields" => field_route(engine, call, verb, segments.get(1..)?),
            "hooks" => hooks_api::route(engine, call, verb, segments.get(1..)?),
            "segments" => lists_api::segments(engine, call, verb, segments.get(1..)?).await,
            "stages" => lists_api::stages(engine, call, verb, segments.get(1..)?).await,
            "users" | "roles" => setup_api::people(engine, call, verb, &segments),
            _ => None,
        }
    })
}

async fn contact_route(engine: &Engine, call: &Call, verb: &str, segments: &[&str]) -> Option<Answer> {
    Some(match (verb, segments) {
        ("GET", []) => contacts_api::list(engine, call),
        ("POST", ["new"]) => contacts_api::create(engine, call).await,
        ("POST", ["batch", "new"]) => batch::create_contacts(engine, call).await,
        ("EDIT", ["batch", "edit"]) => batch::edit_contacts(engine, call).await,
        ("DELETE", ["batch", "delete"]) => batch::delete_contacts(engine, call).await,
        ("GET", [id]) => contacts_api::show(engine, call, number(id)?),
        ("EDIT", [id, "edit"]) => contacts_api::edit(engine, call, number(id)?).await,
        ("DELETE", [id, "delete"]) => contacts_api::delete(engine, call, number(id)?).await,
        ("POST", [id, "points", direction @ ("plus" | "minus"), points]) => {
            let points = i64::try_from(number(points)?).ok()?;
            let delta = if *direction == "plus" { points } else { -points };
            contacts_api::add_points(engine, call, number(id)?, delta).await
        }
        ("POST", [id, "dnc", channel, "add"]) => {
            contacts_api::add_refusal(engine, call, number(id)?, channel).await
        }
        ("POST", [id, "dnc", channel, "remove"]) => {
            contacts_api::remove_refusal(engine, call, number(id)?, channel).await
        }
        ("POST", [id, "utm", "add"]) => contacts_api::add_utm(engine, call, number(id)?).await,
        ("GET", [id, "companies"]) => companies_api::of_contact(engine, call, number(id)?),
        ("GET", [id, "segments"]) => lists_api::of_contact(engine, call, number(id)?),
        _ => return None,
    })
}

async fn company_route(engine: &Engine, call: &Call, verb: &str, segments: &[&str]) -> Option<Answer> {
    Some(match (verb, segments) {
        ("GET", []) => companies_api::list(engine, call),
        ("POST", ["new"]) => companies_api::create(engine, call).await,
        ("POST", ["batch", "new"]) => batch::create_companies(engine, call).await,
        ("EDIT", ["batch", "edit"]) => batch::edit_companies(engine, call).await,
        ("GET", [id]) => companies_api::show(engine, call, number(id)?),
        ("EDIT", [id, "edit"]) => companies_api::edit(engine, call, number(id)?).await,
        ("DELETE", [id, "delete"]) => companies_api::delete(engine, call, number(id)?).await,
        ("POST", [id, "contact", contact, action @ ("add" | "remove")]) => {
            let pair = (number(id)?, number(contact)?);
            companies_api::set_member(engine, call, pair, *action == "add").await
        }
        _ => return None,
    })
}

fn field_route(engine: &Engine, call: &Call, verb: &str, segments: &[&str]) -> Option<Answer> {
    use super::schema::Object;
    let (object, rest) = segments.split_first()?;
    let object = match *object {
        "contact" => Object::Contact,
        "company" => Object::Company,
        _ => return None,
    };
    Some(match (verb, rest) {
        ("GET", []) => setup_api::fields(engine, call, object),
        ("POST", ["new"]) => setup_api::create_field(engine, call, object),
        _ => return None,
    })
}

/// An id in a path: digits only, anything else is no route.
pub(crate) fn number(segment: &str) -> Option<u64> {
    segment.chars().all(|character| character.is_ascii_digit()).then(|| segment.parse().ok()).flatten()
}
