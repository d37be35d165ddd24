//! Who stands between functions and a service of AWS: passes requests on, unless a fault of [`crate::faults`] says
//! otherwise, and counts the steps, at any of which it may call for a kill. On request it keeps what was called.

mod calls;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri};

pub use calls::Call;

use crate::faults::{Fault, FaultKind, Faults};
use crate::server::{Answering, Server, Site};

/// A service that can be stood before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// SQS.
    Sqs,
    /// DynamoDB.
    DynamoDb,
    /// Secrets Manager.
    SecretsManager,
}

impl Service {
    /// What the service answers when it is asked too much, as a fault.
    pub fn throttled(self) -> Fault {
        let body = match self {
            Self::Sqs => r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"Rate exceeded"}"#,
            Self::DynamoDb => {
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Throughput exceeds"}"#
            }
            Self::SecretsManager => r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#,
        };
        let body = Some(body.to_owned());
        Fault::new(FaultKind::Status { code: 400, retry_after_seconds: None, body })
    }
}

/// What is called when a step comes.
type Called = Box<dyn FnOnce() + Send>;

struct Passage {
    service: Service,
    target: Mutex<Option<String>>,
    client: reqwest::Client,
    steps: AtomicU64,
    /// At which step something is called, whether before the step is done, and what.
    at_step: Mutex<Option<(u64, bool, Called)>>,
    /// What was called; none where nobody wants it.
    calls: Option<Mutex<Vec<Call>>>,
}

/// Stands in between until it is dropped.
#[derive(Debug)]
pub struct InBetween {
    site: Arc<Passage>,
    server: Server<Passage>,
}

impl std::fmt::Debug for Passage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Passage").field("service", &self.service).finish_non_exhaustive()
    }
}

impl InBetween {
    /// Listens on any free port. Until [`Self::lead_to`] every request is answered 503.
    ///
    /// # Errors
    /// There is no free port, or no client can be made.
    pub async fn start(service: Service) -> io::Result<Self> {
        Self::keeping(service, None).await
    }

    /// The same, and keeps every call. DynamoDB is asked for the units that a call consumes.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn recording(service: Service) -> io::Result<Self> {
        Self::keeping(service, Some(Mutex::default())).await
    }

    async fn keeping(service: Service, calls: Option<Mutex<Vec<Call>>>) -> io::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
        let site = Arc::new(Passage {
            service,
            target: Mutex::default(),
            client,
            steps: AtomicU64::new(0),
            at_step: Mutex::default(),
            calls,
        });
        let server = Server::start(0, Faults::default(), Arc::clone(&site)).await?;
        Ok(Self { site, server })
    }

    /// Base URL without a slash at the end.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What goes wrong with requests.
    pub fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// Where the service is from now on; nowhere with `None`.
    pub fn lead_to(&self, url: Option<String>) {
        *locked(&self.site.target) = url;
    }

    /// What was called so far, in the order of the answers; nothing unless it is recording.
    pub fn calls(&self) -> Vec<Call> {
        self.site.calls.as_ref().map(|calls| locked(calls).clone()).unwrap_or_default()
    }

    /// How many requests were passed on.
    pub fn steps(&self) -> u64 {
        self.site.steps.load(Ordering::Relaxed)
    }

    /// Calls something at a step to come, 0 being the next one: before the service gets the request, or after it has
    /// done the work and before the caller knows. Replaces what was to be called.
    pub fn at_step(&self, ahead: u64, before: bool, call: impl FnOnce() + Send + 'static) {
        *locked(&self.site.at_step) = Some((self.steps() + ahead, before, Box::new(call)));
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Passage {
    /// Calls what is to be called at this step.
    fn come_to(&self, step: u64, before: bool) {
        let mut at_step = locked(&self.at_step);
        // A step that was passed by while this was being asked for counts as well.
        let due =
            at_step.as_ref().is_some_and(|(at, wants_before, _)| *at <= step && *wants_before == before);
        let call = if due { at_step.take() } else { None };
        drop(at_step);
        if let Some((_, _, call)) = call {
            call();
        }
    }

    async fn pass_on(&self, request: Request<Bytes>) -> Result<Response<Bytes>, reqwest::Error> {
        let (parts, body) = request.into_parts();
        let target = locked(&self.target).clone().unwrap_or_default();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = parts.headers;
        for hop in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(hop);
        }
        let asked = self.calls.is_some().then(|| (headers.clone(), body.clone()));
        let units = asked.as_ref().and_then(|(_, body)| calls::asking_for_units(self.service, body));
        let body = units.map_or(body, Bytes::from);
        let sent = self.client.request(parts.method, format!("{target}{path}")).headers(headers).body(body);
        let answer = sent.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(answer.bytes().await?);
        if let (Some(calls), Some((headers, body))) = (&self.calls, asked) {
            let header =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let call = calls::read(header("x-amz-target"), header("authorization"), &body, response.body());
            locked(calls).extend(call);
        }
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        for hop in [CONTENT_LENGTH, TRANSFER_ENCODING] {
            response.headers_mut().remove(hop);
        }
        Ok(response)
    }

    fn unavailable(&self) -> Response<Bytes> {
        let body = match self.service {
            Service::Sqs => r#"{"__type":"com.amazonaws.sqs#ServiceUnavailable","message":"unavailable"}"#,
            Service::DynamoDb => {
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"unavailable"}"#
            }
            Service::SecretsManager => r#"{"__type":"InternalServiceError","Message":"unavailable"}"#,
        };
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let json = HeaderValue::from_static("application/x-amz-json-1.0");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}

impl Site for Passage {
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> Answering {
        Box::pin(async move {
            let step = self.steps.fetch_add(1, Ordering::Relaxed);
            self.come_to(step, true);
            // A service that is not there answers as one that has a bad day.
            let response = self.pass_on(request).await.unwrap_or_else(|_| self.unavailable());
            self.come_to(step, false);
            response
        })
    }

    fn operation(&self, _method: &Method, _uri: &Uri, _body: &[u8]) -> Option<String> {
        None
    }

    fn refusal(&self, status: StatusCode, _method: &Method, _uri: &Uri) -> Response<Bytes> {
        let mut response = self.unavailable();
        *response.status_mut() = status;
        response
    }
}
