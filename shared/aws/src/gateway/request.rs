//! A webhook request, out of an event of payload format 2.0.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A request as it was received.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The route of ours that it matched: `POST /webhooks/mautic`. Fit for logs, unlike the path.
    pub route: String,
    /// The query's names and values, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The body, byte for byte: signatures are made over it.
    pub body: Vec<u8>,
    /// The host that was called, as API Gateway says it: one of its own names, or of ours that lead to it.
    pub host: String,
    /// The sender's address.
    pub source_ip: String,
    /// The id that API Gateway gave it; unique.
    pub request_id: String,
    /// When API Gateway took it, where it says so.
    pub time: Option<Timestamp>,
    headers: BTreeMap<String, String>,
}

/// Shows neither headers nor query nor body: they hold personal data and keys.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("route", &self.route)
            .field("request_id", &self.request_id)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why an event is not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No method or no request context: something else has invoked the function.
    #[error("not an HTTP API request")]
    NotARequest,
    /// The gateway says that the body is base64, and it is not.
    #[error("the body cannot be decoded")]
    Body,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    route_key: Option<String>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    headers: Option<BTreeMap<String, Header>>,
    request_context: Option<Context>,
    body: Option<String>,
    #[serde(deserialize_with = "true_or_not")]
    is_base64_encoded: bool,
}

/// Text as the format says; a list from gateways that pretend to be one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Header {
    Text(String),
    Texts(Vec<String>),
    Other(serde::de::IgnoredAny),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Context {
    request_id: Option<String>,
    time_epoch: Option<i64>,
    domain_name: Option<String>,
    http: Http,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Http {
    method: Option<String>,
    path: Option<String>,
    source_ip: Option<String>,
}

fn true_or_not<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or(false))
}

impl Request {
    /// The request that an event carries.
    pub fn from_event(event: Value) -> Result<Self, Unreadable> {
        let event: Event = serde_json::from_value(event).map_err(|_| Unreadable::NotARequest)?;
        let context = event.request_context.ok_or(Unreadable::NotARequest)?;
        let method =
            context.http.method.filter(|method| !method.is_empty()).ok_or(Unreadable::NotARequest)?;
        let body = match event.body {
            Some(text) if event.is_base64_encoded => BASE64.decode(text).map_err(|_| Unreadable::Body)?,
            body => body.unwrap_or_default().into_bytes(),
        };
        let query = event.raw_query_string.unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self {
            method: method.to_ascii_uppercase(),
            path: event.raw_path.or(context.http.path).unwrap_or_default(),
            route: event.route_key.unwrap_or_default(),
            query,
            body,
            host: context.domain_name.unwrap_or_default(),
            source_ip: context.http.source_ip.unwrap_or_default(),
            request_id: context.request_id.unwrap_or_default(),
            time: context.time_epoch.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            headers: headers(event.headers.unwrap_or_default()),
        })
    }

    /// A header by its name in any case. Several of one name are joined by commas, as the gateway does.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The first value of a name in the query.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn headers(sent: BTreeMap<String, Header>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in sent {
        let text = match value {
            Header::Text(text) => text,
            Header::Texts(texts) => texts.join(","),
            Header::Other(_) => continue,
        };
        headers
            .entry(name.to_ascii_lowercase())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(&text);
            })
            .or_insert(text);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> Value {
        json!({
            "version": "2.0",
            "routeKey": "POST /webhooks/mautic",
            "rawPath": "/webhooks/mautic",
            "rawQueryString": "a=1&b=%C3%A9%20x&a=2&flag",
            "headers": { "content-type": "application/json", "Webhook-Signature": "c2ln", "x-name": "Jos\u{e9}" },
            "requestContext": {
                "requestId": "req-1",
                "timeEpoch": 1_795_248_000_000_i64,
                "http": { "method": "post", "path": "/webhooks/mautic", "sourceIp": "192.0.2.1" }
            },
            "body": "{\"a\":1}",
            "isBase64Encoded": false
        })
    }

    #[test]
    fn a_request_is_what_was_sent() {
        let request = Request::from_event(event()).unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/webhooks/mautic"));
        assert_eq!(request.header("WEBHOOK-signature"), Some("c2ln"));
        assert_eq!(request.header("x-name"), Some("José"));
        assert_eq!(request.header("absent"), None);
        assert_eq!(request.query_value("a"), Some("1"));
        assert_eq!(request.query_value("b"), Some("é x"));
        assert_eq!(request.query_value("flag"), Some(""));
        assert_eq!(request.body, b"{\"a\":1}");
        assert_eq!((request.source_ip.as_str(), request.request_id.as_str()), ("192.0.2.1", "req-1"));
        assert_eq!(request.time.unwrap().to_string(), "2026-11-21T08:00:00Z");
    }

    #[test]
    fn a_base64_body_is_decoded_to_its_bytes() {
        let mut event = event();
        event["isBase64Encoded"] = json!(true);
        event["body"] = json!("/wD+");
        assert_eq!(Request::from_event(event.clone()).unwrap().body, [0xff, 0, 0xfe]);
        event["body"] = json!("not base64!");
        assert_eq!(Request::from_event(event), Err(Unreadable::Body));
    }

    #[test]
    fn absent_and_odd_parts_do_no_harm() {
        let bare = json!({ "requestContext": { "http": { "method": "GET" } } });
        let request = Request::from_event(bare).unwrap();
        assert!(request.body.is_empty() && request.query.is_empty() && request.time.is_none());
        let mut odd = event();
        odd["headers"] = json!({ "a": ["1", "2"], "A": "3", "n": 4, "z": null });
        odd["body"] = Value::Null;
        odd["isBase64Encoded"] = Value::Null;
        odd["rawQueryString"] = json!("%ff=%zz&&=");
        odd["requestContext"]["timeEpoch"] = json!(i64::MAX);
        let request = Request::from_event(odd).unwrap();
        assert_eq!((request.header("a"), request.header("n"), request.time), (Some("3,1,2"), None, None));
    }

    #[test]
    fn what_is_no_request_is_refused_and_never_panics() {
        let no_method = json!({ "requestContext": { "http": {} } });
        for event in [Value::Null, json!([]), json!({}), json!({ "Records": [] }), json!("x"), no_method] {
            assert_eq!(Request::from_event(event), Err(Unreadable::NotARequest));
        }
        let mut wrong_type = event();
        wrong_type["body"] = json!({ "a": 1 });
        assert_eq!(Request::from_event(wrong_type), Err(Unreadable::NotARequest));
    }

    #[test]
    fn debug_shows_neither_headers_nor_query_nor_body() {
        let shown = format!("{:?}", Request::from_event(event()).unwrap());
        assert!(
            !shown.contains("c2ln") && !shown.contains("flag") && !shown.contains("192.0.2.1"),
            "{shown}"
        );
    }
}
