//! A listener for webhooks: keeps what it is sent, byte for byte, and answers what it is told to.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// One POST as it came.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    /// Request line and headers, in their order.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Post {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    }
}

#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    status: Arc<Mutex<u16>>,
    held: Arc<watch::Sender<bool>>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
        let this = Self {
            url,
            posts: Arc::default(),
            status: Arc::new(Mutex::new(200)),
            held: Arc::new(watch::Sender::new(false)),
        };
        let running = this.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let running = running.clone();
                tokio::spawn(async move { running.take(stream).await });
            }
        });
        this
    }

    pub(crate) fn answer_with(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// Answers nobody until it is told to go on.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// What came since the last time.
    pub(crate) fn taken(&self) -> Vec<Post> {
        std::mem::take(&mut self.posts.lock().unwrap())
    }

    /// How much came since the last time.
    pub(crate) fn count(&self) -> usize {
        self.posts.lock().unwrap().len()
    }

    async fn take(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            let count = stream.read(&mut buffer).await.unwrap();
            bytes.extend_from_slice(&buffer[..count]);
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map(|length| length.parse().unwrap())
            .unwrap();
        while bytes.len() < end + 4 + length {
            let count = stream.read(&mut buffer).await.unwrap();
            bytes.extend_from_slice(&buffer[..count]);
        }
        let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
        self.posts.lock().unwrap().push(Post { head, body });
        let status = *self.status.lock().unwrap();
        self.held.subscribe().wait_for(|held| !*held).await.unwrap();
        let answer =
            format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 2\r\nLocation: /elsewhere\r\n\r\nok");
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}
