//! A server that answers calls as the fuzzer wants, or as the real system did.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use crate::BETWEEN;

/// The statuses that an input can choose.
const STATUSES: [u16; 16] = [200, 200, 200, 200, 201, 204, 400, 401, 403, 404, 405, 409, 429, 500, 503, 302];

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header lines, each with its line end.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A good answer with this body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: "content-type: application/json\r\n".to_owned(), body: body.into() }
    }

    /// The first byte is the status, the second says which headers there are, the rest is the body.
    fn of(part: &[u8]) -> Self {
        let (status, rest) = part.split_first().unwrap_or((&0, b""));
        let (flags, body) = rest.split_first().unwrap_or((&0, b""));
        let mut headers = String::new();
        // A header's value is taken from the body: what is printable of its beginning.
        let text: String =
            body.iter().take(40).filter(|b| (b' '..=b'~').contains(b)).map(|&b| char::from(b)).collect();
        for (bit, name) in
            ["content-type", "retry-after", "date", "x-hubspot-ratelimit-remaining", "location"]
                .iter()
                .enumerate()
        {
            if flags >> bit & 1 == 1 {
                headers.push_str(&format!("{name}: {text}\r\n"));
            }
        }
        Self { status: STATUSES[usize::from(status % 16)], headers, body: body.to_vec() }
    }
}

/// The answer of a recorded exchange.
///
/// # Panics
/// The text is none.
pub fn recorded(exchange: &str) -> Reply {
    let exchange: Value = serde_json::from_str(exchange).expect("a recorded exchange");
    Reply::ok(exchange["response"]["body"].to_string())
}

struct Script {
    /// Bit n: the call n is answered by the input.
    mask: u8,
    replies: Vec<Reply>,
    calls: usize,
    used: usize,
}

/// A system that answers.
pub struct Answers {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl Answers {
    /// Starts to serve. `usual` answers what the input does not: from the request's line and its body.
    ///
    /// # Panics
    /// No port is free.
    pub fn start(usual: fn(&str, &str) -> Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let script = Arc::new(Mutex::new(Script { mask: 0, replies: Vec::new(), calls: 0, used: 0 }));
        let shared = Arc::clone(&script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &script, usual));
            }
        });
        Self { address, script }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes an input: a mask of the calls that it answers, then the answers. The last one is given again and again.
    pub fn play(&self, data: &[u8]) {
        let (mask, mut rest) = data.split_first().unwrap_or((&0, b""));
        let mut replies = Vec::new();
        while replies.len() < 16 {
            let (part, behind) = crate::halves(rest);
            replies.push(Reply::of(part));
            if part.len() + BETWEEN.len() > rest.len() {
                break;
            }
            rest = behind;
        }
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) =
            Script { mask: *mask, replies, calls: 0, used: 0 };
    }
}

fn serve(stream: &TcpStream, script: &Mutex<Script>, usual: fn(&str, &str) -> Reply) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let reply = choose(script, || usual(&first, &String::from_utf8_lossy(&body)));
        // HTTP knows no body there.
        let body: &[u8] = if reply.status == 204 { b"" } else { &reply.body };
        let mut answer = format!("HTTP/1.1 {} x\r\n{}", reply.status, reply.headers).into_bytes();
        if reply.status != 204 {
            answer.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        answer.extend_from_slice(b"\r\n");
        answer.extend_from_slice(body);
        writer.write_all(&answer).ok()?;
    }
}

fn choose(script: &Mutex<Script>, usual: impl FnOnce() -> Reply) -> Reply {
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    let call = script.calls;
    script.calls += 1;
    // Who asks for ever has found a hang: the ninth call and all after it are the input's, unless it answers none.
    let ours = script.mask >> call.min(7) & 1 == 1;
    if !ours || script.replies.is_empty() {
        drop(script);
        return usual();
    }
    let at = script.used.min(script.replies.len() - 1);
    script.used += 1;
    script.replies[at].clone()
}
