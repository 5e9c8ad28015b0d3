//! `[tls]`: the server's certificate.

use std::path::PathBuf;

use serde::Deserialize;

use super::SettingsError;

/// The settings of TLS, which is used if both files are given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate and its intermediates, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM: PKCS #8, PKCS #1 or SEC1.
    pub key: Option<PathBuf>,
}

impl TlsConfig {
    /// Returns the two files, if TLS is configured.
    #[must_use]
    pub fn files(&self) -> Option<(PathBuf, PathBuf)> {
        self.certificate.clone().zip(self.key.clone())
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        match (&self.certificate, &self.key) {
            (Some(_), None) => Err(SettingsError::unusable("tls.key", "it must be set with certificate")),
            (None, Some(_)) => Err(SettingsError::unusable("tls.certificate", "it must be set with key")),
            _ => Ok(()),
        }
    }
}
