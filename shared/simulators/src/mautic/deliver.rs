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
                        bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
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
        let expected: [u8; 32] = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
            0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
        ];
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), STANDARD.encode(expected));
    }
}
