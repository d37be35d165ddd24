//! The signature of a webhook, over the raw bytes of its body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header that carries the signature. It covers neither a time nor an id: a body can be replayed, which is
/// harmless, since it only makes us read records again.
pub const SIGNATURE_HEADER: &str = "Webhook-Signature";

/// A body whose signature is right, or that came with an access key of ours. Only [`verify`] and campaigns make one.
#[derive(Clone, Copy)]
pub struct Verified<'a>(&'a [u8]);

impl<'a> Verified<'a> {
    /// A body that came with a right access key instead of a signature.
    pub(crate) fn by_key(raw: &'a [u8]) -> Self {
        Self(raw)
    }

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

/// The signature that Mautic makes of a body with this secret.
pub fn sign(secret: &SecretString, raw: &[u8]) -> String {
    // A key of any length is a key of HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(raw);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Why a body is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature, or an empty one: Mautic sends that for a webhook without a secret.
    #[error("the webhook is not signed")]
    Missing,
    /// Not the base64 form of 32 bytes.
    #[error("the signature is malformed")]
    Malformed,
    /// Made with another secret, or over another body.
    #[error("the signature does not match")]
    Mismatch,
    /// No secret to check with: nothing can be accepted.
    #[error("no webhook secret is configured")]
    NoSecret,
}

/// Checks the signature of a body against every live secret, in constant time.
///
/// Several secrets are live while one is replaced by another. Empty secrets match nothing.
pub fn verify<'a>(
    secrets: &[SecretString],
    signature: Option<&str>,
    raw: &'a [u8],
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
    let mut matches = false;
    for secret in usable {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| SignatureError::NoSecret)?;
        mac.update(raw);
        // All secrets are tried, so that the time does not tell which one matched.
        matches |= mac.verify_slice(&claimed).is_ok();
    }
    if matches { Ok(Verified(raw)) } else { Err(SignatureError::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HMAC-SHA256 of `{}` with `new`, made by another implementation: `printf '{}' | openssl dgst -sha256 -hmac new`.
    const SIGNED_WITH_NEW: &str = "Vv3kQImLIEbu5vWIFuqBxXgNa9XTTRzkG5nVTtrLxLg=";

    fn secrets(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|&s| SecretString::from(s)).collect()
    }

    #[test]
    fn any_live_secret_is_enough() {
        for live in [&["new"][..], &["old", "new"], &["new", "old"], &["", "new"]] {
            assert!(verify(&secrets(live), Some(SIGNED_WITH_NEW), b"{}").is_ok(), "{live:?}");
        }
        assert_eq!(sign(&"new".into(), b"{}"), SIGNED_WITH_NEW);
        assert_eq!(
            verify(&secrets(&["old"]), Some(SIGNED_WITH_NEW), b"{}").unwrap_err(),
            SignatureError::Mismatch
        );
    }

    #[test]
    fn one_other_byte_breaks_the_signature() {
        let found = verify(&secrets(&["new"]), Some(SIGNED_WITH_NEW), b"{} ");
        assert_eq!(found.unwrap_err(), SignatureError::Mismatch);
    }

    #[test]
    fn what_is_missing_or_malformed_is_told_apart() {
        let live = secrets(&["new"]);
        assert_eq!(verify(&live, None, b"{}").unwrap_err(), SignatureError::Missing);
        assert_eq!(verify(&live, Some("  "), b"{}").unwrap_err(), SignatureError::Missing);
        for malformed in ["%%%", "AAAA", "deadbeef", &"A".repeat(10_000), "é"] {
            assert_eq!(verify(&live, Some(malformed), b"{}").unwrap_err(), SignatureError::Malformed);
        }
        for none in [&[][..], &[""]] {
            let found = verify(&secrets(none), Some(SIGNED_WITH_NEW), b"{}");
            assert_eq!(found.unwrap_err(), SignatureError::NoSecret);
        }
    }
}
