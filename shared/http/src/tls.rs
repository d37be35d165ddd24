//! How all clients of a process speak TLS: made once, because a function calls several systems, and reading hundreds of
//! certificates is half of its start.

use std::sync::{Arc, LazyLock};

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::error::ClientError;

static SETTINGS: LazyLock<Result<ClientConfig, String>> = LazyLock::new(make);

/// TLS 1.2 and 1.3, with the certificate authorities of this machine.
///
/// # Errors
/// There are none.
pub(crate) fn settings() -> Result<ClientConfig, ClientError> {
    SETTINGS.as_ref().cloned().map_err(|detail| ClientError { detail: detail.clone() })
}

fn make() -> Result<ClientConfig, String> {
    let mut authorities = RootCertStore::empty();
    // What cannot be read is left out: machines carry odd ones along.
    let (usable, _) = authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        return Err("this machine has no certificate authorities: install ca-certificates".to_owned());
    }
    let versions = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut settings = versions.with_root_certificates(authorities).with_no_client_auth();
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(settings)
}
