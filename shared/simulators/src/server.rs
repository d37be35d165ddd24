//! The HTTP server under every simulator: applies faults, keeps a log without bodies, can go away and come back.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::faults::{FaultKind, Faults, Verdict};

/// Largest request body that a simulator reads, in bytes; what is longer ends the connection.
const BODY_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// How long a closing server waits for requests that are being worked on.
const GRACE: Duration = Duration::from_secs(20);

/// A request that a simulator received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// HTTP method.
    pub method: String,
    /// Path without the query, which may hold personal data or a session.
    pub path: String,
    /// coreBOS's operation; none for other systems.
    pub operation: Option<String>,
    /// Status of the answer; none when the connection was ended without one.
    pub status: Option<u16>,
}

/// A request that was worked on, with what was sent and answered: for whoever counts effects.
#[derive(Debug, Clone)]
pub struct WorkRecord {
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Body of the request.
    pub body: Bytes,
    /// Status that the work ended with, whatever the caller was told.
    pub status: u16,
    /// Body of the answer to it.
    pub answer: Bytes,
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// What a simulator is to its server.
pub(crate) trait Site: Send + Sync + 'static {
    /// Does the work that the request asks for.
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> Answering;

    /// The name of the operation, for faults and the log.
    fn operation(&self, method: &Method, uri: &Uri, body: &[u8]) -> Option<String>;

    /// The system's own answer of this status, for faults that bring no body.
    fn refusal(&self, status: StatusCode, method: &Method, uri: &Uri) -> Response<Bytes>;
}

/// Ends the connection without an answer.
#[derive(Debug)]
struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is ended without an answer")
    }
}

impl std::error::Error for NoAnswer {}

struct Shared {
    faults: Faults,
    log: Mutex<Vec<RequestRecord>>,
    /// None while nobody wants it: it holds everything that was sent.
    work: Mutex<Option<Vec<WorkRecord>>>,
}

impl Shared {
    /// Lets the site do the work, and keeps what was sent and answered if somebody wants it.
    async fn work<S: Site>(&self, site: &Arc<S>, request: Request<Bytes>) -> Response<Bytes> {
        let wanted = self.work.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let sent = wanted
            .then(|| (request.method().to_string(), request.uri().path().to_owned(), request.body().clone()));
        let answer = Arc::clone(site).answer(request).await;
        if let Some((method, path, body)) = sent
            && let Some(kept) = self.work.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
        {
            let (status, answer) = (answer.status().as_u16(), answer.body().clone());
            kept.push(WorkRecord { method, path, body, status, answer });
        }
        answer
    }
}

/// A listening simulator.
pub(crate) struct Server<S> {
    site: Arc<S>,
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: tokio::sync::Mutex<Option<Listening>>,
}

struct Listening {
    close: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl<S: Site> Server<S> {
    /// Listens on 127.0.0.1; port 0 takes any free one.
    pub(crate) async fn start(port: u16, faults: Faults, site: Arc<S>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { faults, log: Mutex::default(), work: Mutex::default() });
        let listening = Listening::on(listener, &site, &shared);
        Ok(Self { site, shared, address, listening: tokio::sync::Mutex::new(Some(listening)) })
    }

    /// Base URL without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Requests since the start or the last clearing, in the order in which they were answered.
    pub(crate) fn requests(&self) -> Vec<RequestRecord> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear_requests(&self) {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// From now on keeps what is sent and answered.
    pub(crate) fn keep_work(&self) {
        self.shared.work.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// What was worked on since [`Self::keep_work`].
    pub(crate) fn work(&self) -> Vec<WorkRecord> {
        self.shared.work.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Closes the port: what is being worked on is finished, new connections are refused.
    pub(crate) async fn stop_listening(&self) {
        if let Some(listening) = self.listening.lock().await.take() {
            listening.end().await;
        }
    }

    /// Opens the same port again; nothing happens when it is open.
    pub(crate) async fn listen_again(&self) -> io::Result<()> {
        let mut listening = self.listening.lock().await;
        if listening.is_none() {
            let listener = TcpListener::bind(self.address).await?;
            *listening = Some(Listening::on(listener, &self.site, &self.shared));
        }
        Ok(())
    }
}

impl<S> std::fmt::Debug for Server<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Listening {
    fn on<S: Site>(listener: TcpListener, site: &Arc<S>, shared: &Arc<Shared>) -> Self {
        let (close, closing) = watch::channel(false);
        let task = tokio::spawn(accept(listener, Arc::clone(site), Arc::clone(shared), closing));
        Self { close, task }
    }

    async fn end(self) {
        let _ = self.close.send(true);
        let _ = self.task.await;
    }
}

async fn accept<S: Site>(
    listener: TcpListener,
    site: Arc<S>,
    shared: Arc<Shared>,
    closing: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut closed = closing.clone();
    loop {
        tokio::select! {
            () = until_true(&mut closed) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&site), Arc::clone(&shared), closing.clone()));
                }
                // Out of file descriptors, most likely: waiting is all that helps.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

async fn until_true(receiver: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is as good as closed.
    drop(receiver.wait_for(|value| *value).await);
}

async fn serve<S: Site>(
    stream: TcpStream,
    site: Arc<S>,
    shared: Arc<Shared>,
    mut closing: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let (site, shared) = (Arc::clone(&site), Arc::clone(&shared));
        async move {
            // A task of its own: PHP goes on with the work when the client has hung up.
            tokio::spawn(exchange(request, site, shared)).await.unwrap_or(Err(NoAnswer))
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = until_true(&mut closing) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn exchange<S: Site>(
    request: Request<Incoming>,
    site: Arc<S>,
    shared: Arc<Shared>,
) -> Result<Response<Body>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), BODY_LIMIT_BYTES).await.map_err(|_| NoAnswer)?;
    let (method, uri) = (parts.method.clone(), parts.uri.clone());
    let operation = site.operation(&method, &uri, &body);
    let Verdict { delay, kind } = shared.faults.judge(method.as_str(), uri.path(), operation.as_deref());
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let request = Request::from_parts(parts, body);
    let answer = match kind {
        None | Some(FaultKind::Delay(_)) => Ok(shared.work(&site, request).await),
        Some(FaultKind::DropConnection) => Err(NoAnswer),
        Some(FaultKind::Status { code, retry_after_seconds, body }) => {
            Ok(refuse(&*site, code, retry_after_seconds, body, &method, &uri))
        }
        Some(FaultKind::LoseAnswer) => {
            shared.work(&site, request).await;
            Err(NoAnswer)
        }
        Some(FaultKind::AnswerAfterWork(code)) => {
            shared.work(&site, request).await;
            Ok(refuse(&*site, code, None, None, &method, &uri))
        }
        Some(FaultKind::WorkTwice) => {
            shared.work(&site, request.clone()).await;
            Ok(shared.work(&site, request).await)
        }
    };
    let record = RequestRecord {
        method: method.to_string(),
        path: uri.path().to_owned(),
        operation,
        status: answer.as_ref().ok().map(|response| response.status().as_u16()),
    };
    shared.log.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    answer.map(|response| response.map(Body::from))
}

fn refuse(
    site: &impl Site,
    code: u16,
    retry_after_seconds: Option<u64>,
    body: Option<String>,
    method: &Method,
    uri: &Uri,
) -> Response<Bytes> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        None => site.refusal(status, method, uri),
        Some(body) => {
            let mut response = Response::new(Bytes::from(body));
            *response.status_mut() = status;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
    };
    if let Some(seconds) = retry_after_seconds {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
