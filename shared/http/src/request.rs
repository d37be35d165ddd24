//! A request, with its effect named.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use url::Url;
use url::form_urlencoded;

/// What a request can do to the system that gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it may be repeated at will.
    Read,
    /// It may change something: a lost answer leaves a doubt.
    Write,
}

/// A request to be sent once.
///
/// Its `Debug` form has no query, no header and no body.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) effect: Effect,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Option<Duration>,
    /// The last segment of the path is somebody's, and is not told.
    names_somebody: bool,
}

impl Request {
    /// A request that changes nothing, whatever its method.
    pub fn read(method: Method, url: Url) -> Self {
        Self::new(method, url, Effect::Read)
    }

    /// A request that may change something.
    pub fn write(method: Method, url: Url) -> Self {
        Self::new(method, url, Effect::Write)
    }

    fn new(method: Method, url: Url, effect: Effect) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/json"));
        Self { method, url, effect, headers, body: Vec::new(), timeout: None, names_somebody: false }
    }

    /// The path that is called: some servers count by it.
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The last segment of the path is personal, such as an e-mail that a record is asked for by: no log tells it.
    #[must_use]
    pub fn naming_somebody(mut self) -> Self {
        self.names_somebody = true;
        self
    }

    /// The path as logs tell it.
    pub(crate) fn told_path(&self) -> Cow<'_, str> {
        match self.url.path().rsplit_once('/') {
            Some((before, _)) if self.names_somebody => format!("{before}/...").into(),
            _ => self.url.path().into(),
        }
    }

    /// Adds a pair to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Sets a header. A value that no header can carry (control characters) is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Sends a JSON body.
    ///
    /// # Errors
    /// A value that has no JSON form.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        self.body = serde_json::to_vec(body)?;
        self.headers.insert("content-type", HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// Sends a form, `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn form<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(pairs);
        self.body = form.finish().into_bytes();
        self.headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        self
    }

    /// Sends these bytes.
    #[must_use]
    pub fn bytes(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.body = body;
        self.headers.insert("content-type", HeaderValue::from_static(content_type));
        self
    }

    /// Sets a time limit of its own, instead of the client's.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method.as_str())
            .field("host", &self.url.host_str().unwrap_or_default())
            .field("path", &self.told_path())
            .field("effect", &self.effect)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_names_somebody_is_not_told() {
        let url =
            Url::parse("https://api.example.com/crm/contacts/ana%40example.org?idProperty=email").unwrap();
        let request = Request::read(Method::GET, url).naming_somebody();
        assert_eq!(request.told_path(), "/crm/contacts/...");
        assert!(!format!("{request:?}").contains("ana"), "{request:?}");
        assert!(request.path().ends_with("ana%40example.org"));
        let url = Url::parse("https://api.example.com/crm/contacts/47").unwrap();
        assert_eq!(Request::read(Method::GET, url).told_path(), "/crm/contacts/47");
    }

    #[test]
    fn a_request_in_a_log_shows_no_person_and_no_secret() {
        let url = Url::parse("https://example.com/api/contacts?search=ana%40example.org").unwrap();
        let request = Request::write(Method::POST, url)
            .query("email", "ana@example.org")
            .header("authorization", "Basic c2VjcmV0")
            .form([("accessKey", "geheim")]);
        let shown = format!("{request:?}");
        for hidden in ["ana", "c2VjcmV0", "geheim"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        assert!(shown.contains("/api/contacts"));
        assert!(shown.contains("body_bytes: 16"));
    }

    #[test]
    fn a_form_is_encoded_as_php_reads_it() {
        let request = Request::write(Method::POST, Url::parse("https://example.com").unwrap())
            .form([("element", "{\"a\":\"é & b\"}")]);
        assert_eq!(request.body, b"element=%7B%22a%22%3A%22%C3%A9+%26+b%22%7D");
    }
}
