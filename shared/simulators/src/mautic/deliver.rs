//! Sends webhooks: signed, over a connection of its own, with the headers of Mautic's client in their order.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

/// Longest answer of a listener that is read, in bytes.
const ANSWER_LIMIT_BYTES: usize = 1024 * 1024;

/// `Webhook-Signature`: base64 of HMAC-SHA256 over the raw body.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Posts a body and gives the status of the answer; an error means that there was no HTTP answer at all.
///
/// There is no time limit, as Mautic 5.1 has none: its `webhook_timeout` is not applied (capture I03).
/// Only plain HTTP is spoken.
pub(crate) async fn post(url: &str, origin: &str, secret: &str, body: &str) -> io::Result<u16> {
    let url = Url::parse(url).map_err(io::Error::other)?;
    if url.scheme() != "http" {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the simulator sends webhooks over plain HTTP only",
        ));
    }
    let host = url.host_str().ok_or_else(|| io::Error::other("a webhook URL without a host"))?;
    let address = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
    let mut stream = TcpStream::connect(&address).await?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let head = format!(
        "POST {path}{query} HTTP/1.1\r\n\
         Host: {host}\r\n\
         User-Agent: GuzzleHttp/7\r\n\
         Content-Type: application/json\r\n\
         X-Origin-Base-URL: {origin}\r\n\
         Webhook-Signature: {signature}\r\n\
         Content-Length: {length}\r\n\r\n",
        path = url.path(),
        signature = signature(secret, body.as_bytes()),
        length = body.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    // A listener may answer and close before it has read everything: its answer counts.
    let written = stream.write_all(body.as_bytes()).await;
    let answer = read_answer(&mut stream).await;
    match (written, answer) {
        (Err(error), Err(_)) => Err(error),
        (_, answer) => answer,
    }
}

async fn read_answer(stream: &mut TcpStream) -> io::Result<u16> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .and_then(|(_, value)| value.trim().parse::<usize>().ok())
                .unwrap_or(0);
            let complete = (end + 4).saturating_add(length).min(ANSWER_LIMIT_BYTES);
            while bytes.len() < complete {
                match stream.read(&mut buffer).await {
                    Ok(count) if count > 0 => {
                        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default())
                    }
                    _ => break,
                }
            }
            let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
            return status.ok_or_else(|| io::Error::other("the listener does not speak HTTP"));
        }
        let count = stream.read(&mut buffer).await?;
        if count == 0 || bytes.len() > ANSWER_LIMIT_BYTES {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231_test_case_2() {
        let bytes = STANDARD.decode(signature("Jefe", b"what do ya want for nothing?")).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
