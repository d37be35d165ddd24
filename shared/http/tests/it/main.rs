//! The client against a server that misbehaves on purpose, over real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridge_http::{Answer, Client, ClientSettings, Method, Request, TransportError, USER_AGENT};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What the server does with a request.
#[derive(Clone)]
enum Reply {
    Text(&'static str),
    HangUp,
    Never,
}

struct Server {
    url: Url,
    requests: Arc<AtomicUsize>,
    seen: Arc<tokio::sync::Mutex<String>>,
}

/// Serves the replies in order, the last one for ever; every connection is kept.
async fn serve(replies: Vec<Reply>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/api/x", listener.local_addr().unwrap())).unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(tokio::sync::Mutex::new(String::new()));
    let server = Server { url, requests: requests.clone(), seen: seen.clone() };
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(converse(stream, replies.clone(), requests.clone(), seen.clone()));
        }
    });
    server
}

async fn converse(
    mut stream: TcpStream,
    replies: Vec<Reply>,
    requests: Arc<AtomicUsize>,
    seen: Arc<tokio::sync::Mutex<String>>,
) {
    loop {
        let mut head = Vec::new();
        let mut byte = [0_u8; 1];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                return;
            }
            head.push(byte[0]);
        }
        *seen.lock().await = String::from_utf8_lossy(&head).into_owned();
        let number = requests.fetch_add(1, Ordering::SeqCst);
        match &replies[number.min(replies.len() - 1)] {
            Reply::Text(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Reply::HangUp => return,
            Reply::Never => std::future::pending::<()>().await,
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}";

fn client() -> Client {
    Client::new(ClientSettings { total_timeout: Duration::from_millis(300), ..ClientSettings::default() })
        .unwrap()
}

async fn read(server: &Server) -> Result<Answer, TransportError> {
    client().send(&Request::read(Method::GET, server.url.clone())).await
}

async fn write(server: &Server) -> Result<Answer, TransportError> {
    client().send(&Request::write(Method::POST, server.url.clone())).await
}

#[tokio::test]
async fn an_answer_is_read_and_the_user_agent_is_constant() {
    let server = serve(vec![Reply::Text(OK)]).await;
    let answer = read(&server).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["a"], 1);
    let head = server.seen.lock().await.clone();
    assert!(head.contains(&format!("user-agent: {USER_AGENT}\r\n")), "{head}");
}

#[tokio::test]
async fn a_broken_connection_is_tried_once_more_for_a_read_and_never_for_a_write() {
    let server = serve(vec![Reply::HangUp, Reply::Text(OK)]).await;
    assert_eq!(read(&server).await.unwrap().status, 200);
    assert_eq!(server.requests.load(Ordering::SeqCst), 2);

    let server = serve(vec![Reply::HangUp, Reply::Text(OK)]).await;
    assert!(matches!(write(&server).await, Err(TransportError::Doubtful { .. })));
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);

    let server = serve(vec![Reply::HangUp]).await;
    assert!(matches!(read(&server).await, Err(TransportError::NothingDone { .. })));
    assert_eq!(server.requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_does_not_hurt_a_read() {
    let server = serve(vec![Reply::Text(OK), Reply::HangUp, Reply::Text(OK)]).await;
    let client = client();
    let request = Request::read(Method::GET, server.url.clone());
    for _ in 0..2 {
        assert_eq!(client.send(&request).await.unwrap().status, 200);
    }
    assert_eq!(server.requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_lost_answer_leaves_a_doubt_about_a_write_only() {
    let server = serve(vec![Reply::Never]).await;
    assert!(matches!(write(&server).await, Err(TransportError::Doubtful { .. })));
    assert!(matches!(read(&server).await, Err(TransportError::NothingDone { .. })));
    let half = serve(vec![Reply::Text("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\"")]).await;
    assert!(matches!(write(&half).await, Err(TransportError::Doubtful { .. })));
}

#[tokio::test]
async fn nothing_was_sent_where_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url =
        Url::parse(&format!("http://{}/?email=ana@example.org", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = client().send(&Request::write(Method::POST, url)).await.unwrap_err();
    assert!(matches!(error, TransportError::NothingDone { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("ana"), "{error:?}");
}

#[tokio::test]
async fn credentials_never_leave_in_clear_text() {
    let url = Url::parse("http://crm.example.com/webservice.php").unwrap();
    let error = client().send(&Request::read(Method::GET, url)).await.unwrap_err();
    assert!(
        matches!(&error, TransportError::NotAllowed { detail } if detail.contains("https://")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    let settings = ClientSettings { answer_limit_bytes: 6, ..ClientSettings::default() };
    let client = Client::new(settings).unwrap();
    let declared = serve(vec![Reply::Text(OK)]).await;
    let error = client.send(&Request::read(Method::GET, declared.url.clone())).await.unwrap_err();
    assert!(error.detail().contains("larger than 6 bytes"), "{error:?}");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\naaaa\r\n4\r\naaaa\r\n0\r\n\r\n";
    let undeclared = serve(vec![Reply::Text(chunked)]).await;
    let error = client.send(&Request::write(Method::POST, undeclared.url.clone())).await.unwrap_err();
    assert!(matches!(&error, TransportError::Doubtful { detail } if detail.contains("larger")), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let server =
        serve(vec![Reply::Text("HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")]).await;
    let answer = read(&server).await.unwrap();
    assert!(answer.is_redirect());
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}
