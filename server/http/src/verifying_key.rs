//! Keys that verify tokens.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey};

/// A key with the one algorithm that it is for, so that a token's header does not choose.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    pub(crate) key: DecodingKey,
    pub(crate) algorithm: Algorithm,
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// Parses a public key in PEM: RSA, P-256 or Ed25519.
    ///
    /// # Errors
    /// When it is none of these.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, &'static str> {
        if pem.contains("PRIVATE KEY") {
            return Err(
                "that is the private key; put its public key here, and keep the private one where tokens are made",
            );
        }
        let pem = pem.trim().as_bytes();
        let kinds = [
            (DecodingKey::from_rsa_pem(pem), Algorithm::RS256),
            (DecodingKey::from_ec_pem(pem), Algorithm::ES256),
            (DecodingKey::from_ed_pem(pem), Algorithm::EdDSA),
        ];
        let read = kinds.into_iter().find_map(|(key, algorithm)| Some(Self { key: key.ok()?, algorithm }));
        read.ok_or("it is not a public key in PEM (RSA, P-256 or Ed25519)")
    }

    pub(crate) fn from_secret(secret: &str) -> Self {
        Self { key: DecodingKey::from_secret(secret.as_bytes()), algorithm: Algorithm::HS256 }
    }
}
