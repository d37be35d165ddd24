//! The signature of a webhook, version 3: over method, URL, raw body and time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-HubSpot-Signature-v3";
/// The header that carries the time of the request, in milliseconds since 1970.
pub const TIMESTAMP_HEADER: &str = "X-HubSpot-Request-Timestamp";

/// How old a request may be, and how far ahead its clock.
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The escapes of a URL that HubSpot undoes before it signs, and no others.
const UNDONE: [(&str, &str); 13] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
    ("%3a", ":"),
];

/// A body whose signature is right. Only [`verify`] makes one.
#[derive(Clone, Copy)]
pub struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// The bytes that were signed.
    pub fn raw(self) -> &'a [u8] {
        self.0
    }
}

/// Shows the length only.
impl std::fmt::Debug for Verified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verified({} bytes)", self.0.len())
    }
}

/// Why a body is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature of version 3. The older ones can be replayed, and are not taken.
    #[error("the webhook has no signature of version 3")]
    Missing,
    /// Not the base64 form of 32 bytes.
    #[error("the signature is malformed")]
    Malformed,
    /// No time, or one that is none.
    #[error("the header X-HubSpot-Request-Timestamp is missing or no number")]
    NoTime,
    /// Older than five minutes, or from a clock that is ahead.
    #[error("the webhook is too old, or its sender's clock is ahead")]
    TooOld,
    /// Made with another secret, for another URL, or over another body.
    #[error(
        "the signature does not match: compare the client secret, and the target URL with the one that is set here"
    )]
    Mismatch,
    /// No secret to check with: nothing can be accepted.
    #[error("no client secret is configured")]
    NoSecret,
}

/// Checks a `POST` to `url` (as it is written in the app's configuration) against every live client secret, in
/// constant time.
///
/// The URL is configured and not made of headers: a gateway has another host, another path and another scheme than
/// HubSpot has signed.
///
/// # Errors
/// The body is not accepted.
pub fn verify<'a>(
    secrets: &[SecretString],
    url: &str,
    signature: Option<&str>,
    timestamp: Option<&str>,
    raw: &'a [u8],
    now: Timestamp,
) -> Result<Verified<'a>, SignatureError> {
    let mut usable = secrets.iter().map(ExposeSecret::expose_secret).filter(|s| !s.is_empty()).peekable();
    if usable.peek().is_none() {
        return Err(SignatureError::NoSecret);
    }
    let text = signature.map(str::trim).filter(|s| !s.is_empty()).ok_or(SignatureError::Missing)?;
    let claimed = STANDARD.decode(text).map_err(|_| SignatureError::Malformed)?;
    if claimed.len() != 32 {
        return Err(SignatureError::Malformed);
    }
    let timestamp = timestamp.map(str::trim).ok_or(SignatureError::NoTime)?;
    let milliseconds: i64 = timestamp.parse().map_err(|_| SignatureError::NoTime)?;
    let sent = Timestamp::from_millisecond(milliseconds).map_err(|_| SignatureError::NoTime)?;
    if now.duration_since(sent).abs() > WINDOW {
        return Err(SignatureError::TooOld);
    }
    let url = unescaped(url);
    let mut matches = false;
    for secret in usable {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| SignatureError::NoSecret)?;
        mac.update(b"POST");
        mac.update(url.as_bytes());
        mac.update(raw);
        mac.update(timestamp.as_bytes());
        // All secrets are tried, so that the time does not tell which one matched.
        matches |= mac.verify_slice(&claimed).is_ok();
    }
    if matches { Ok(Verified(raw)) } else { Err(SignatureError::Mismatch) }
}

/// The signature of a `POST`, as HubSpot makes it: for whoever tries a URL of ours out. None where the secret is blank.
pub fn sign(secret: &SecretString, url: &str, raw: &[u8], milliseconds: i64) -> Option<String> {
    let key = Some(secret.expose_secret().as_bytes()).filter(|key| !key.is_empty())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [&b"POST"[..], unescaped(url).as_bytes(), raw, milliseconds.to_string().as_bytes()] {
        mac.update(part);
    }
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

fn unescaped(url: &str) -> String {
    UNDONE.iter().fold(url.to_owned(), |url, (escape, text)| url.replace(escape, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://www.example.com/webhook_uri";
    const BODY: &[u8] = b"{'example_field':'example_value'}";

    fn check(
        secrets: &[&str],
        url: &str,
        signature: &str,
        time: &str,
        now: i64,
    ) -> Result<(), SignatureError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).to_owned().into()).collect();
        let now = Timestamp::from_millisecond(now).unwrap();
        verify(&secrets, url, Some(signature), Some(time), BODY, now).map(|_| ())
    }

    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const SIGNATURE: &str = "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=";
    const TIME: &str = "1693657560000";

    /// The vectors are those of HubSpot's own client libraries.
    #[test]
    fn the_signature_of_the_official_clients_is_taken_with_either_live_secret() {
        let now = 1_693_657_560_000;
        assert_eq!(check(&[SECRET], URL, SIGNATURE, TIME, now), Ok(()));
        assert_eq!(check(&["new", SECRET], URL, SIGNATURE, TIME, now), Ok(()));
        let other = "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=";
        assert_eq!(check(&[SECRET], URL, other, "1700000300000", 1_700_000_300_000), Ok(()));
    }

    #[test]
    fn what_is_signed_here_is_what_hubspot_s_clients_sign() {
        let signed = sign(&SECRET.to_owned().into(), URL, BODY, 1_693_657_560_000);
        assert_eq!(signed.as_deref(), Some(SIGNATURE));
        assert_eq!(sign(&String::new().into(), URL, BODY, 0), None);
    }

    #[test]
    fn another_secret_url_time_or_body_does_not_match() {
        let now = 1_693_657_560_000;
        assert_eq!(check(&["other"], URL, SIGNATURE, TIME, now), Err(SignatureError::Mismatch));
        assert_eq!(
            check(&[SECRET], "https://www.example.com/", SIGNATURE, TIME, now),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(check(&[SECRET], URL, SIGNATURE, "1693657560001", now), Err(SignatureError::Mismatch));
        assert_eq!(check(&[""], URL, SIGNATURE, TIME, now), Err(SignatureError::NoSecret));
    }

    #[test]
    fn what_is_older_than_five_minutes_or_from_the_future_is_refused() {
        let now = 1_693_657_560_000;
        assert_eq!(check(&[SECRET], URL, SIGNATURE, TIME, now + 300_000), Ok(()));
        assert_eq!(check(&[SECRET], URL, SIGNATURE, TIME, now + 300_001), Err(SignatureError::TooOld));
        assert_eq!(check(&[SECRET], URL, SIGNATURE, TIME, now - 300_001), Err(SignatureError::TooOld));
        assert_eq!(check(&[SECRET], URL, SIGNATURE, "soon", now), Err(SignatureError::NoTime));
        assert_eq!(check(&[SECRET], URL, "AAAA", TIME, now), Err(SignatureError::Malformed));
    }

    #[test]
    fn exactly_the_escapes_that_hubspot_undoes_are_undone() {
        assert_eq!(unescaped("https%3A//a/b%2Fc%20d%26"), "https://a/b/c%20d%26");
    }
}
