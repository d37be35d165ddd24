//! Sealing: short-lived secrets that stand in the table can be read there only by who can read the credentials.
//!
//! AES-256-GCM with a random nonce. The key is made by HKDF-SHA-256 of the text of a system's secret, so there is no
//! key to keep, to pay for or to give rights to, and a rotated secret has another key. What is sealed for one purpose
//! cannot be opened for another: the purpose is authenticated with it.
//!
//! Whoever reads the table could try to guess the whole text of the secret. It holds keys that machines made
//! (coreBOS's access key, an OAuth client's secret), so there is nothing to guess; a system whose only credential is a
//! password that a person chose has no session that is kept.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use secrecy::{ExposeSecret, SecretString};

/// Tells these keys from any others that are ever made of the same secret.
const INFO: &[u8] = b"corebos-bridge session 1";

/// Seals and opens.
pub(crate) struct Seal(Option<RandomizedNonceKey>);

/// Shows nothing.
impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    /// The seal of whoever knows these credentials.
    pub(crate) fn of(credentials: &SecretString) -> Self {
        let mut key = [0; 32];
        let filled = Salt::new(HKDF_SHA256, &[])
            .extract(credentials.expose_secret().as_bytes())
            .expand(&[INFO], HKDF_SHA256)
            .and_then(|made| made.fill(&mut key));
        Self(filled.and_then(|()| RandomizedNonceKey::new(&AES_256_GCM, &key)).ok())
    }

    /// Nonce, ciphertext and tag. Nothing where the library fails, which it does not.
    pub(crate) fn close(&self, purpose: &str, text: &SecretString) -> Option<Vec<u8>> {
        let mut sealed = text.expose_secret().as_bytes().to_vec();
        let nonce =
            self.0.as_ref()?.seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut sealed).ok()?;
        sealed.splice(0..0, nonce.as_ref().iter().copied());
        Some(sealed)
    }

    /// What was sealed. Nothing where it was sealed with other credentials, for another purpose, or was changed.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Option<SecretString> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = self.0.as_ref()?.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut text).ok()?;
        Some(std::str::from_utf8(opened).ok()?.to_owned().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(credentials: &str) -> Seal {
        Seal::of(&credentials.to_owned().into())
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_credentials_for_the_same_purpose_only() {
        let ours = seal("{\"access_key\":\"k\"}");
        let token: SecretString = "a token".to_owned().into();
        let sealed = ours.close("mautic:main token", &token).unwrap();
        assert_eq!(sealed.len(), NONCE_LEN + "a token".len() + 16);
        assert!(!sealed.windows(5).any(|window| window == b"token"));
        let again = seal("{\"access_key\":\"k\"}").open("mautic:main token", &sealed).unwrap();
        assert_eq!(again.expose_secret(), "a token");
        assert!(ours.open("mautic:shop token", &sealed).is_none());
        assert!(seal("{\"access_key\":\"rotated\"}").open("mautic:main token", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ours.open("mautic:main token", &changed).is_none(), "byte {at}");
        }
        for length in 0..sealed.len() {
            assert!(ours.open("mautic:main token", &sealed[..length]).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn the_same_text_is_never_sealed_alike_twice() {
        let token: SecretString = "a token".to_owned().into();
        let ours = seal("k");
        assert_ne!(ours.close("p", &token), ours.close("p", &token));
    }
}
