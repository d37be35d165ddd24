//! The client: one per process and system.

use std::error::Error as _;
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;

use crate::answer::Answer;
use crate::base_url::check_transport;
use crate::error::{ClientError, TransportError};
use crate::request::{Effect, Request};
use crate::tls;

/// What every request says it comes from. Constant, because coreBOS binds a session to it.
pub const USER_AGENT: &str = concat!("corebos-bridge/", env!("CARGO_PKG_VERSION"));

/// The largest body of an answer that is read.
const ANSWER_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// How long an unused connection is kept.
///
/// Shorter than the five seconds after which Apache closes one by default: a write that meets a connection
/// which is just being closed has no answer, and would be in doubt for nothing.
const IDLE_CONNECTION: Duration = Duration::from_secs(4);

/// The longest text of a cause in an error.
const CAUSE_LIMIT_CHARS: usize = 200;

/// Time and size limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// How long a connection may take, name lookup and TLS included.
    pub connect_timeout: Duration,
    /// How long a request may take from its first byte to the last of its answer.
    pub total_timeout: Duration,
    /// The largest body of an answer, in bytes.
    pub answer_limit_bytes: usize,
}

impl Default for ClientSettings {
    /// 5 s, 15 s, 16 MB.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(15),
            answer_limit_bytes: ANSWER_LIMIT_BYTES,
        }
    }
}

/// Sends requests over kept-alive connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    settings: ClientSettings,
}

impl Client {
    /// A client of its own. Redirects are answers, cookies are forgotten, proxies of the environment are not used.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::settings()?)
            .user_agent(USER_AGENT)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.total_timeout)
            .pool_idle_timeout(IDLE_CONNECTION)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| ClientError { detail: innermost_cause(&error) })?;
        Ok(Self { inner, settings })
    }

    /// Sends a request and reads its answer to the end.
    ///
    /// A read whose connection breaks before an answer began is sent once more: a kept-alive connection that the
    /// server closed meanwhile looks like that.
    pub async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        check_transport(&request.url)
            .map_err(|error| TransportError::NotAllowed { detail: error.to_string() })?;
        let started = Instant::now();
        let mut outcome = self.send_once(request).await;
        if request.effect == Effect::Read && matches!(outcome, Err(Failure::Broken { .. })) {
            outcome = self.send_once(request).await;
        }
        let outcome = outcome.map_err(|failure| failure.into_error(request.effect));
        report(request, started.elapsed(), &outcome);
        outcome
    }

    async fn send_once(&self, request: &Request) -> Result<Answer, Failure> {
        let mut builder = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone());
        if let Some(timeout) = request.timeout {
            builder = builder.timeout(timeout);
        }
        let limit = request.timeout.unwrap_or(self.settings.total_timeout);
        let mut response = builder.send().await.map_err(|error| Failure::of(&error, limit))?;
        let too_large = || Failure::Unread {
            detail: format!("the answer is larger than {} bytes", self.settings.answer_limit_bytes),
        };
        let declared = response.content_length().unwrap_or(0);
        if usize::try_from(declared).map_or(true, |bytes| bytes > self.settings.answer_limit_bytes) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.settings.answer_limit_bytes => {
                    return Err(too_large());
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if error.is_timeout() => return Err(Failure::of(&error, limit)),
                Err(_) => return Err(Failure::Unread { detail: "the answer broke off".to_owned() }),
            }
        }
        Ok(Answer::new(response.status().as_u16(), std::mem::take(response.headers_mut()), body))
    }
}

/// How sending failed, before it is known what that means for this request.
#[derive(Debug)]
enum Failure {
    /// No connection: nothing was sent.
    NotConnected { detail: String },
    /// The connection broke before an answer began.
    Broken { detail: String },
    /// The request was sent, and its answer did not come or could not be read to its end.
    Unread { detail: String },
}

impl Failure {
    fn of(error: &reqwest::Error, limit: Duration) -> Self {
        if error.is_connect() && error.is_timeout() {
            return Self::NotConnected { detail: "no connection in time".to_owned() };
        }
        if error.is_timeout() {
            // The time may have run out while connecting, too; that cannot be told from here.
            return Self::Unread { detail: format!("no complete answer within {} ms", limit.as_millis()) };
        }
        let cause = innermost_cause(error);
        if error.is_connect() || error.is_builder() {
            return Self::NotConnected { detail: format!("no connection: {cause}") };
        }
        Self::Broken { detail: format!("the connection broke: {cause}") }
    }

    fn into_error(self, effect: Effect) -> TransportError {
        match (self, effect) {
            (Self::NotConnected { detail }, _)
            | (Self::Broken { detail } | Self::Unread { detail }, Effect::Read) => {
                TransportError::NothingDone { detail }
            }
            (Self::Broken { detail } | Self::Unread { detail }, Effect::Write) => {
                TransportError::Doubtful { detail }
            }
        }
    }
}

/// The text of the innermost cause. The outer ones repeat the URL, which may hold personal data in its query.
fn innermost_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let text = cause.map_or_else(|| "unknown cause".to_owned(), ToString::to_string);
    text.chars().take(CAUSE_LIMIT_CHARS).collect()
}

/// One line per request: where to, how long, with what result.
fn report(request: &Request, took: Duration, outcome: &Result<Answer, TransportError>) {
    let method = request.method.as_str();
    let host = request.url.host_str().unwrap_or_default();
    let path = request.told_path();
    let path = path.as_ref();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Ok(answer) => {
            tracing::debug!(method, host, path, status = answer.status, duration_ms, "request answered");
        }
        Err(error) => {
            tracing::warn!(method, host, path, duration_ms, error = %error, "request without an answer");
        }
    }
}
