//! The API over HTTP: who calls, whether they may, and which operation they want.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{Method, Request, Response, StatusCode, Uri};
use serde_json::{Value as Json, json};
use url::form_urlencoded;

use super::answer::Answer;
use super::engine::Engine;
use super::kinds::Kind;
use super::records::Work;
use super::state::State;
use super::{associations_api, batch_api, marketing, objects_api, search, setup_api, tokens_api};
use crate::server::{Answering, Site};

/// The versions that are served. Both have the same shape for what is here.
pub(crate) const VERSIONS: [&str; 2] = ["2026-03", "2026-09"];
/// The version that makes the rules of administrators count for writes through the API.
const ENFORCING: &str = "2026-09";

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) parts: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Bytes,
    authorization: Option<String>,
    content_type: String,
}

impl Call {
    fn of(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let header = |name: &str| {
            let value = head.headers.get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let decoded = |part: &str| {
            let pairs = form_urlencoded::parse(part.replace('+', "%2B").as_bytes())
                .next()
                .map(|(key, _)| key.into_owned());
            pairs.unwrap_or_default()
        };
        Self {
            parts: head.uri.path().split('/').filter(|part| !part.is_empty()).map(decoded).collect(),
            query: form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
            authorization: header("authorization"),
            content_type: header("content-type").unwrap_or_default(),
            method: head.method,
            body,
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The token that the call is made with; blank without one.
    pub(crate) fn bearer(&self) -> &str {
        self.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
    }

    /// A field of a form.
    pub(crate) fn form_field(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(&self.body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    pub(crate) fn json(&self) -> Result<Json, Answer> {
        if !self.content_type.starts_with("application/json") {
            return Err(Answer::error(415, "VALIDATION_ERROR", "Unsupported Media Type"));
        }
        serde_json::from_slice(&self.body).map_err(|_| Answer::invalid_input("Invalid input JSON"))
    }

    fn is_search(&self) -> bool {
        self.parts.last().is_some_and(|last| last == "search")
    }
}

impl Site for Engine {
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> Answering {
        Box::pin(async move {
            let call = Call::of(request);
            let answer = respond(&self, &call);
            self.wake();
            answer.into_response()
        })
    }

    fn operation(&self, _: &Method, uri: &Uri, _: &[u8]) -> Option<String> {
        // `batch/read`, `search`: what faults and the log are told by, beside the path.
        let parts: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [.., "batch", action] => Some(format!("batch/{action}")),
            [.., "search"] => Some("search".to_owned()),
            _ => None,
        }
    }

    fn refusal(&self, status: StatusCode, _: &Method, _: &Uri) -> Response<Bytes> {
        let answer = match status.as_u16() {
            429 => Answer::of(
                429,
                json!({
                    "status": "error",
                    "message": "You have reached your ten_secondly_rolling limit.",
                    "errorType": "RATE_LIMIT",
                    "correlationId": uuid::Uuid::new_v4().to_string(),
                    "policyName": "TEN_SECONDLY_ROLLING",
                }),
            ),
            401 => bad_token(),
            403 => Answer::missing_scopes(&["crm.objects.contacts.write"]),
            404 => Answer::no_record(),
            423 => Answer::error(423, "LOCKED", "The resource is locked"),
            code if code >= 500 => Answer::error(code, "INTERNAL_ERROR", "internal error"),
            code => Answer::error(code, "VALIDATION_ERROR", "The request is not valid"),
        };
        answer.into_response()
    }
}

fn bad_token() -> Answer {
    Answer::error(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details \
         at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )
}

fn respond(engine: &Engine, call: &Call) -> Answer {
    if call.parts.first().is_some_and(|first| first == "oauth") {
        return tokens_api::answer(engine, call);
    }
    match engine.knows(call.bearer()) {
        Known::Yes => {}
        Known::Expired => {
            return Answer::error(
                401,
                "EXPIRED_AUTHENTICATION",
                "The OAuth token used to make this call expired",
            );
        }
        Known::No => return bad_token(),
    }
    if let Some(refused) = engine.count_call(call.is_search()) {
        return refused;
    }
    let mut answer = route(engine, call).unwrap_or_else(|refused| refused);
    if !call.is_search() {
        answer.headers.extend(engine.limit_headers());
    }
    answer
}

/// Whether a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Yes,
    Expired,
    No,
}

/// The parts of a path in the order of today. Before versions had dates, they stood in front: `/crm/v3/objects`, which
/// HubSpot serves until September 2027, and its older libraries speak nothing else.
fn in_order(call: &Call) -> Vec<&str> {
    let parts: Vec<&str> = call.parts.iter().map(String::as_str).collect();
    match parts[..] {
        ["crm", version @ ("v3" | "v4"), what, ref rest @ ..] => {
            ["crm", what, version].into_iter().chain(rest.iter().copied()).collect()
        }
        _ => parts,
    }
}

fn route(engine: &Engine, call: &Call) -> Result<Answer, Answer> {
    let parts = in_order(call);
    let is_old = call.parts.get(1).is_some_and(|second| second == "v3" || second == "v4");
    let version = |version: &str| VERSIONS.contains(&version) || is_old;
    match parts[..] {
        ["crm", "objects", v, kind, ref rest @ ..] if version(v) => {
            let kind = Kind::of(kind).ok_or_else(|| unknown_type(kind))?;
            engine.allows(call, kind)?;
            engine.has(kind)?;
            objects(engine, call, v, kind, rest)
        }
        ["crm", "associations", v, from, to, ref rest @ ..] if version(v) => {
            let ends = (
                Kind::of(from).ok_or_else(|| unknown_type(from))?,
                Kind::of(to).ok_or_else(|| unknown_type(to))?,
            );
            match *rest {
                ["labels"] if call.method == Method::GET => Ok(associations_api::labels(ends.0, ends.1)),
                ["batch", ref action @ ..] if call.method == Method::POST => {
                    let (action, body) = (action.join("/"), call.json()?);
                    engine.change(v == ENFORCING, |work| {
                        associations_api::batch(work, ends.0, ends.1, &action, &body)
                    })
                }
                _ => Err(no_route()),
            }
        }
        ["crm", "properties", v, kind, ref rest @ ..] if version(v) => {
            let kind = Kind::of(kind).ok_or_else(|| unknown_type(kind))?;
            engine.allows_schema(call, kind)?;
            properties(engine, call, kind, rest)
        }
        ["crm", "pipelines", v, kind] if version(v) && call.method == Method::GET => {
            let kind = Kind::of(kind).ok_or_else(|| unknown_type(kind))?;
            engine.allows(call, kind)?;
            Ok(engine.read(|state| setup_api::pipelines(state, kind)))
        }
        ["crm", "owners", v] if version(v) && call.method == Method::GET => {
            engine.needs("crm.objects.owners.read")?;
            Ok(engine.read(|state| setup_api::owners(call, state)))
        }
        ["account-info", v, "details"] if version(v) && call.method == Method::GET => {
            Ok(engine.read(setup_api::account))
        }
        ["crm", "lists", v, list, "memberships", "add"] if version(v) && call.method == Method::PUT => {
            engine.needs("crm.lists.write")?;
            let body = call.json()?;
            Ok(engine.write(|state| marketing::add_to_list(state, list, &body)))
        }
        ["events", v, "send"] if version(v) && call.method == Method::POST => {
            engine.needs("analytics.behavioral_events.send")?;
            let body = call.json()?;
            Ok(engine.write(|state| marketing::send_event(state, &body)))
        }
        ["marketing", "campaigns", v] if version(v) && call.method == Method::GET => {
            engine.needs("marketing.campaigns.read")?;
            Ok(engine.read(|state| marketing::campaigns(call, state)))
        }
        ["marketing", "campaigns", v, id, "reports", what] if version(v) && call.method == Method::GET => {
            let scope = if what == "revenue" { "revenue.read" } else { "read" };
            engine.needs(&format!("marketing.campaigns.{scope}"))?;
            Ok(engine.read(|state| marketing::campaign_report(state, id, what)))
        }
        _ => Err(no_route()),
    }
}

fn objects(engine: &Engine, call: &Call, version: &str, kind: Kind, rest: &[&str]) -> Result<Answer, Answer> {
    let enforces = version == ENFORCING;
    let one = |work: &mut Work<'_>, change: &dyn Fn(&mut Work<'_>) -> Answer| {
        let answer = change(work);
        if answer.is_success() { Ok(answer) } else { Err(answer) }
    };
    match (&call.method, rest) {
        (&Method::GET, []) => Ok(engine.read(|state| objects_api::list(call, state, kind))),
        (&Method::POST, []) => {
            let body = call.json()?;
            engine.change(enforces, |work| one(work, &|work| objects_api::create(work, kind, &body)))
        }
        (&Method::POST, ["search"]) => {
            let body = call.json()?;
            let (now, lag) = engine.now_and_lag();
            Ok(engine.read(|state| search::search(state, kind, &body, call.body.len(), now, lag)))
        }
        (&Method::POST, ["merge"]) => {
            let body = call.json()?;
            engine.change(enforces, |work| one(work, &|work| objects_api::merge(work, kind, &body)))
        }
        (&Method::POST, ["gdpr-delete"]) if kind == Kind::Contact => {
            let body = call.json()?;
            engine.change(enforces, |work| one(work, &|work| objects_api::erase(work, &body)))
        }
        (&Method::POST, ["batch", action]) => {
            let body = call.json()?;
            engine.change(enforces, |work| match *action {
                "read" => batch_api::read(work, kind, &body),
                "create" => batch_api::create(work, kind, &body),
                "update" => batch_api::update(work, kind, &body),
                "upsert" => batch_api::upsert(work, kind, &body),
                "archive" => batch_api::archive(work, kind, &body),
                _ => Err(no_route()),
            })
        }
        (&Method::GET, [id]) => Ok(engine.read(|state| objects_api::read(call, state, kind, id))),
        (&Method::PATCH, [id]) => {
            let body = call.json()?;
            engine
                .change(enforces, |work| one(work, &|work| objects_api::update(call, work, kind, id, &body)))
        }
        (&Method::DELETE, [id]) => {
            engine.change(enforces, |work| one(work, &|work| objects_api::archive(work, kind, id)))
        }
        (method, [id, "associations", ends @ ..]) => {
            associations(engine, call, enforces, method, (kind, id), ends)
        }
        _ => Err(no_route()),
    }
}

fn associations(
    engine: &Engine,
    call: &Call,
    enforces: bool,
    method: &Method,
    from: (Kind, &str),
    ends: &[&str],
) -> Result<Answer, Answer> {
    let number = |id: &str| id.parse::<u64>().map_err(|_| Answer::no_record());
    let from = (from.0, number(from.1)?);
    let (default, to, id) = match ends {
        ["default", to, id] => (true, to, id),
        [to, id] => (false, to, id),
        _ => return Err(no_route()),
    };
    let to = (Kind::of(to).ok_or_else(|| unknown_type(to))?, number(id)?);
    match (method, default) {
        (&Method::PUT, true) => engine.change(enforces, |work| associations_api::put_default(work, from, to)),
        (&Method::PUT, false) => {
            let body = call.json()?;
            engine.change(enforces, |work| associations_api::put_labelled(work, from, to, &body))
        }
        (&Method::DELETE, false) => engine.change(enforces, |work| {
            work.dissociate(from, to);
            Ok(Answer::no_content())
        }),
        _ => Err(no_route()),
    }
}

fn properties(engine: &Engine, call: &Call, kind: Kind, rest: &[&str]) -> Result<Answer, Answer> {
    match (&call.method, rest) {
        (&Method::GET, []) => {
            Ok(engine.read(|state| setup_api::properties(state, kind, call.flag("archived"))))
        }
        (&Method::POST, []) => {
            let body = call.json()?;
            Ok(engine.write(|state| setup_api::create_property(state, kind, &body)))
        }
        (&Method::POST, ["batch", "create"]) => {
            let body = call.json()?;
            Ok(engine.write(|state| setup_api::create_properties(state, kind, &body)))
        }
        (&Method::GET, ["groups"]) => Ok(engine.read(|state| setup_api::groups(state, kind))),
        (&Method::POST, ["groups"]) => {
            let body = call.json()?;
            Ok(engine.write(|state| setup_api::create_group(state, kind, &body)))
        }
        (&Method::GET, [name]) => Ok(engine.read(|state: &State| setup_api::property(state, kind, name))),
        _ => Err(no_route()),
    }
}

fn unknown_type(name: &str) -> Answer {
    Answer::invalid_input(&format!("Unable to infer object type from: {name}"))
}

pub(crate) fn no_route() -> Answer {
    Answer::of(
        404,
        json!({ "status": "error", "message": "resource not found", "correlationId": uuid::Uuid::new_v4().to_string() }),
    )
}
