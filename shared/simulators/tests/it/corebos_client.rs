//! A small client of the coreBOS webservice, and a receiver of its hooks.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use simulators::clock::ManualClock;
use simulators::corebos::{CoreBosOptions, CoreBosSimulator, start};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// 2026-11-21 02:00:00 UTC.
pub(crate) const START: i64 = 1_795_226_400;

/// A logged-in caller.
pub(crate) struct Caller {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) session: String,
}

impl Caller {
    /// Logs in with the access key of a user.
    pub(crate) async fn login(simulator: &CoreBosSimulator, user: &str) -> Self {
        let mut caller = Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: format!("{}/webservice.php", simulator.url()),
            session: String::new(),
        };
        let challenge = caller.call("getchallenge", &[("username", user)]).await;
        let token = challenge["result"]["token"].as_str().unwrap().to_owned();
        let key = hashed(&token, &simulator.access_key(user).unwrap());
        let login = caller.call("login", &[("username", user), ("accessKey", &key)]).await;
        login["result"]["sessionName"].as_str().expect("a session").clone_into(&mut caller.session);
        caller
    }

    /// Posts an operation as a form and gives the envelope.
    pub(crate) async fn call(&self, operation: &str, parameters: &[(&str, &str)]) -> Value {
        let mut form = vec![("operation", operation)];
        if !self.session.is_empty() {
            form.push(("sessionName", &self.session));
        }
        form.extend_from_slice(parameters);
        let answer = self.http.post(&self.url).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// The result of an operation that must succeed.
    pub(crate) async fn ok(&self, operation: &str, parameters: &[(&str, &str)]) -> Value {
        let envelope = self.call(operation, parameters).await;
        assert_eq!(envelope["success"], json!(true), "{operation}: {envelope}");
        envelope["result"].clone()
    }

    /// Code and message of an operation that must fail.
    pub(crate) async fn error(&self, operation: &str, parameters: &[(&str, &str)]) -> (String, String) {
        let envelope = self.call(operation, parameters).await;
        assert_eq!(envelope["success"], json!(false), "{operation}: {envelope}");
        let text = |key: &str| envelope["error"][key].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"))
    }

    pub(crate) async fn create(&self, module: &str, element: Value) -> Value {
        self.ok("create", &[("elementType", module), ("element", &element.to_string())]).await
    }

    pub(crate) async fn revise(&self, element: Value) -> Value {
        self.ok("revise", &[("element", &element.to_string())]).await
    }

    pub(crate) async fn query(&self, text: &str) -> Vec<Value> {
        self.ok("query", &[("query", text)]).await.as_array().unwrap().clone()
    }

    pub(crate) async fn sync(&self, since: i64, modules: &str) -> Value {
        self.ok(
            "sync",
            &[("modifiedTime", &since.to_string()), ("elementType", modules), ("syncType", "application")],
        )
        .await
    }
}

/// What `login` wants for a token and an access key.
pub(crate) fn hashed(token: &str, key: &str) -> String {
    let digits = Md5::digest(format!("{token}{key}"));
    digits.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A stand-in whose clock stands at [`START`].
pub(crate) async fn standing() -> (CoreBosSimulator, ManualClock) {
    let clock = ManualClock::starting_at(jiff::Timestamp::from_second(START).unwrap());
    let options = CoreBosOptions { clock: clock.as_clock(), ..CoreBosOptions::default() };
    (start(options).await.unwrap(), clock)
}

/// One request that a receiver got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Log = Arc<Mutex<Vec<Received>>>;

/// An address that hooks are sent to. Paths with `fail` in them answer 500, with `array` a JSON array, others `{}`.
pub(crate) struct Receiver {
    log: Log,
    address: std::net::SocketAddr,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let log = Log::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { task: serve(listener, &log), log, address }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.log.lock().unwrap().clone()
    }

    /// Refuses connections.
    pub(crate) async fn close(&mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Accepts connections again, at the same address.
    pub(crate) async fn open(&mut self) {
        self.task = serve(TcpListener::bind(self.address).await.unwrap(), &self.log);
    }
}

fn serve(listener: TcpListener, log: &Log) -> JoinHandle<()> {
    let app = Router::new().fallback(receive).with_state(Arc::clone(log));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() })
}

async fn receive(
    State(log): State<Log>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let path = uri.to_string();
    let answer = match &path {
        path if path.contains("fail") => (StatusCode::INTERNAL_SERVER_ERROR, "{}"),
        path if path.contains("array") => (StatusCode::OK, "[]"),
        _ => (StatusCode::OK, "{}"),
    };
    let body = String::from_utf8(body.to_vec()).unwrap();
    log.lock().unwrap().push(Received { method: method.to_string(), path, headers, body });
    answer
}
