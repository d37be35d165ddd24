//! Fingerprints: what the bridge remembers of a value without keeping the value.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Value;

/// A stable 128-bit digest: the first half of SHA-256, in lower-case hexadecimal.
///
/// Stable across releases and machines, since it is compared with what earlier releases stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a value. Values that a system stores alike must be made alike first, by its schema.
    pub fn of(value: &Value) -> Self {
        // The JSON form is stable: it keeps the order of arrays and tells text from numbers.
        let json = serde_json::to_vec(value).unwrap_or_default();
        Self::of_bytes(&json)
    }

    /// The fingerprint of bytes: a definition, a body, a whole projection.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mut text = String::with_capacity(32);
        for byte in &digest[..16] {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
        }
        Self(text)
    }

    /// The hexadecimal text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({}…)", self.0.get(..6).unwrap_or(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_never_change_between_releases() {
        let text = Value::Text("Ana".to_owned());
        assert_eq!(Fingerprint::of(&text), Fingerprint::of_bytes(b"\"Ana\""));
        assert_eq!(Fingerprint::of_bytes(b"").as_str(), "e3b0c44298fc1c149afbf4c8996fb924");
    }

    #[test]
    fn text_and_number_differ() {
        assert_ne!(Fingerprint::of(&Value::Text("1".into())), Fingerprint::of(&Value::Int(1)));
    }
}
