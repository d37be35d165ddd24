//! A request as an API Gateway HTTP API event, payload format 2.0.
//!
//! Sources: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs"; and what users have
//! recorded of the real gateway where the guide is silent: `rawPath` comes percent-decoded (hotsock/voker pull request
//! 8), and only `text/*`, JSON, XML and JavaScript bodies come as text, a form or a body without a type in base64
//! (ministackorg/ministack pull request 766).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::http::{HeaderMap, Method, Uri, header};
use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::route::Match;
use crate::names::ACCOUNT_ID;

/// A request as it came in.
pub(super) struct Incoming<'r> {
    pub(super) method: &'r Method,
    pub(super) uri: &'r Uri,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
    pub(super) peer: SocketAddr,
    pub(super) request_id: &'r str,
    pub(super) now: Timestamp,
}

/// The payload for a request that a route matched.
pub(super) fn http_event(request: &Incoming<'_>, path: &str, found: &Match<'_>) -> Vec<u8> {
    let host = text(request.headers, "host");
    let query = request.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": found.route.key(),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(request, &host),
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": crate::template::API_ID,
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or_default(),
            "http": {
                "method": request.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.peer.ip().to_string(),
                "userAgent": text(request.headers, "user-agent"),
            },
            "requestId": request.request_id,
            "routeKey": found.route.key(),
            "stage": "$default",
            "time": request.now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": request.now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(request.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let parameters = query_parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !found.parameters.is_empty() {
        event["pathParameters"] = json!(found.parameters);
    }
    if !request.body.is_empty() {
        let as_text = is_text(&text(request.headers, "content-type"));
        if let Some(body) = std::str::from_utf8(request.body).ok().filter(|_| as_text) {
            event["body"] = json!(body);
        } else {
            event["body"] = json!(base64::engine::general_purpose::STANDARD.encode(request.body));
            event["isBase64Encoded"] = json!(true);
        }
    }
    event.to_string().into_bytes()
}

/// Lower-case names, values of one name joined by commas. Cookies have a field of their own, and what concerns the
/// connection stays at the gateway.
fn headers(request: &Incoming<'_>, host: &str) -> Map<String, Json> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in request.headers {
        if [header::COOKIE, header::CONNECTION, header::TRANSFER_ENCODING, header::TE, header::UPGRADE]
            .contains(name)
        {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|known| {
                known.push(',');
                known.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    let peer = request.peer.ip().to_string();
    joined
        .entry("x-forwarded-for".to_owned())
        .and_modify(|known| {
            known.push_str(", ");
            known.push_str(&peer);
        })
        .or_insert(peer);
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    joined.insert("x-forwarded-port".to_owned(), port.to_owned());
    joined.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    joined.entry("content-length".to_owned()).or_insert_with(|| request.body.len().to_string());
    let random = uuid::Uuid::new_v4().simple().to_string();
    joined
        .entry("x-amzn-trace-id".to_owned())
        .or_insert_with(|| format!("Root=1-{:08x}-{}", request.now.as_second(), &random[..24]));
    joined.into_iter().map(|(name, value)| (name, Json::String(value))).collect()
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values =
        headers.get_all(header::COOKIE).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut cookies = Vec::new();
    for value in values {
        cookies.extend(
            value.split(';').map(|cookie| cookie.trim().to_owned()).filter(|cookie| !cookie.is_empty()),
        );
    }
    cookies
}

/// Decoded, values of one name joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|known| {
                known.push(',');
                known.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || matches!(essence.as_str(), "application/json" | "application/xml" | "application/javascript")
}

/// The path as the gateway gives it to functions: percent-decoded, and cut at a question mark that was encoded.
pub(super) fn decoded_path(uri: &Uri) -> String {
    let mut bytes = Vec::with_capacity(uri.path().len());
    let raw = uri.path().as_bytes();
    let mut index = 0;
    while let Some(byte) = raw.get(index) {
        let digits = raw.get(index + 1..index + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let hex = |digits: &str| u8::from_str_radix(digits, 16).ok();
        let decoded = digits.filter(|_| *byte == b'%' && raw[index + 1] != b'+').and_then(hex);
        bytes.push(decoded.unwrap_or(*byte));
        index += if decoded.is_some() { 3 } else { 1 };
    }
    let path = String::from_utf8_lossy(&bytes).into_owned();
    match path.split_once('?') {
        Some((before, _)) => before.to_owned(),
        None => path,
    }
}
