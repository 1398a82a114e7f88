//! TLS for outgoing requests: rustls with ring, and the roots of the system.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::error::{Code, Error, Result};

/// The configuration of every client of this process. The certificates of the system are read once, and
/// the provider is named here instead of being installed for the host's whole process.
pub(super) fn config() -> Result<ClientConfig> {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let provider = Arc::new(ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(Code::Internal, "TLS cannot be set up").because(error))
    };
    let config = match builder()?.with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        Err(error) => {
            // Slim containers have no certificates. Plain HTTP must work there; https fails at the
            // handshake, because nothing is trusted.
            tracing::warn!(%error, "no system certificates, so https peers cannot be verified");
            builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    Ok(CONFIG.get_or_init(|| config).clone())
}
